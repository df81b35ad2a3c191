"""The folder in which gunicorn's processes keep their counts for each other.

Who uses one holds a lock on a file in it. So a folder that a killed site left behind is known by its lock being free,
and a site that takes over from another (SIGUSR2) keeps the folder of both until the last of them ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "barista-metrics-"
LOCK = "in-use.lock"
JUST_MADE_S = 60.0  # between being made and being locked


@dataclass
class Folder:
    """Ours, with our share of its lock; nothing of either where somebody else chose the folder."""

    path: Path | None = None
    lock: TextIO | None = None

    def close(self) -> None:
        """Remove it, unless another site still counts in it."""
        if self.path is None or self.lock is None:
            return
        if _only_holder(self.lock):
            shutil.rmtree(self.path, ignore_errors=True)
        self.lock.close()
        self.lock = None


def open_folder(environ: MutableMapping[str, str]) -> Folder:
    """The folder named by the environment, else one made now, and named there for the processes that follow."""
    remove_left_over(Path(tempfile.gettempdir()))
    given = environ.get(VARIABLE)
    if given and not Path(given, LOCK).exists():
        return Folder()
    path = Path(given or tempfile.mkdtemp(prefix=PREFIX))
    environ[VARIABLE] = str(path)
    lock = (path / LOCK).open("a")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return Folder(path, lock)


def remove_left_over(parent: Path) -> None:
    """Folders of sites that are gone, ours only."""
    for path in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            facts = path.lstat()
            if facts.st_uid != os.geteuid() or path.is_symlink() or not path.is_dir():
                continue
            if time.time() - facts.st_ctime > JUST_MADE_S and _is_free(path):
                shutil.rmtree(path, ignore_errors=True)


def _is_free(path: Path) -> bool:
    if not (path / LOCK).exists():
        # Of a version without locks: its files are named after the processes that write them.
        return not any(Path("/proc", file.stem.rpartition("_")[2]).exists() for file in path.glob("*.db"))
    with (path / LOCK).open() as lock:
        return _only_holder(lock)


def _only_holder(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
