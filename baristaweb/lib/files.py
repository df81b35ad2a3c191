"""Reading a file that somebody else named: a regular one below a folder of ours, and never more than fits."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class FileProblem(Exception):
    """Why the file is not read; the message names nothing of its content."""


def outside(path: str | Path, root: Path) -> str:
    """Why a file of this path is not read, told by the path and its links alone; empty when it lies below `root`."""
    given = Path(path)
    if not given.is_absolute():
        return f"Give the absolute path of a file below {root}."
    folder = Path(os.path.realpath(root))
    written = Path(os.path.normpath(given))
    if not any(written.is_relative_to(place) for place in (root, folder)):
        return f"It must be a file below {root}."
    if not Path(os.path.realpath(given)).is_relative_to(folder):
        return f"It leads out of {root}."
    return ""


def read_below(path: str | Path, root: Path, *, limit: int) -> bytes:
    """The content of a regular file below `root`, at most `limit` bytes of it. Raises FileProblem.

    Never waits for a writer or a device: a pipe is opened without blocking and refused before anything is read.
    """
    if problem := outside(path, root):
        raise FileProblem(problem)
    try:
        opened = os.open(os.path.realpath(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise FileProblem(f"It is not there yet or cannot be read: {error.strerror}.") from error
    with os.fdopen(opened, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FileProblem("It is no regular file.")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise FileProblem(f"It is larger than {limit // 1024} KiB.")
    return content
