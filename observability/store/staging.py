"""Temporary files without a name: whatever ends the process, nothing is left in the folder of temporary files."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PREFIX: Final = "barista-stage-"
OLD_SECONDS: Final = 86_400
_DESCRIPTORS: Final = Path("/proc/self/fd")


@contextlib.contextmanager
def nameless_file() -> Iterator[str]:
    """A path that this process can open any number of times; the file ends with its last reader or mapping.

    Without /proc the file has a name until the block ends.
    """
    handle, name = tempfile.mkstemp(prefix=PREFIX)
    try:
        if _DESCRIPTORS.is_dir():
            os.unlink(name)
            yield str(_DESCRIPTORS / str(handle))
        else:
            yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        os.close(handle)


def sweep(now: float | None = None) -> None:
    """Remove files with a name that ended runs left behind (where there is no /proc, or by earlier versions)."""
    oldest = (time.time() if now is None else now) - OLD_SECONDS
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            found = left.lstat()
            if left.is_file() and found.st_uid == os.getuid() and (found.st_mtime < oldest or not _is_open(left)):
                left.unlink()


def _is_open(path: Path) -> bool:
    """Whether a process of this machine may have the file open; True where that cannot be told."""
    if not _DESCRIPTORS.is_dir():
        return True
    name = str(path.resolve())
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) == name:
                return True
    return False
