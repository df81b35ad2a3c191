"""Walking local folders: each folder once, in order of name, and nothing that cannot be listed passed over."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

MAX_DEPTH = 64


def walk(folder: str, complain: Callable[[str], Exception]) -> Iterator[str]:
    """Paths of all entries that are no folders, below `folder`; hidden names ("." or "_") are left out.

    Links are followed, but a folder that was visited under another name, or that holds a link to itself, is not
    entered again: it is known by its device and inode. Raises complain(reason) for a folder that cannot be listed.
    """
    visited: set[tuple[int, int]] = set()
    pending = [(folder, 0)]
    while pending:
        here, depth = pending.pop()
        try:
            found = os.stat(here)
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            raise complain(f"{here}: cannot be listed: {error.strerror}") from None
        if (found.st_dev, found.st_ino) in visited:
            continue
        visited.add((found.st_dev, found.st_ino))
        if depth > MAX_DEPTH:
            raise complain(f"{here}: more than {MAX_DEPTH} folders deep; name a folder further down")
        below = []
        for entry in entries:
            if entry.name.startswith((".", "_")):
                continue
            if _is_folder(entry):
                below.append((entry.path, depth + 1))
            else:
                yield entry.path
        pending += reversed(below)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: opening it will say so
        return False
