"""The one writer of all files that a command leaves behind: a new or regular file, whole or not at all.

Content is written beside the target and renamed over it, file and folder are synced, and what an ended writer left
beside its target is removed by the next one. Nothing else is ever opened for writing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from observability.store.files import SourceError, shown

PARTIAL: Final = ".barista-"  # followed by random letters and ".part": short, whatever the target is called


def check_targets(targets: Iterable[tuple[str, str | None]], inputs: Iterable[tuple[int, int] | None]) -> None:
    """Raises SourceError before any work when one of (option, path) cannot be written or is read in the same run.

    `inputs` are (device, inode) of the files that are read. A path of None stands for an option that was not given.
    """
    taken = {inode: "it is read in this run" for inode in inputs if inode is not None}
    names: dict[str, str] = {}
    for option, path in targets:
        if path is None:
            continue
        target, found = _target(path, option)
        if found is not None and (found.st_dev, found.st_ino) in taken:
            raise SourceError(f"{option} {shown(path)}: {taken[found.st_dev, found.st_ino]}; name another file")
        if str(target) in names:
            raise SourceError(f"{option} {shown(path)}: {names[str(target)]} names the same file")
        names[str(target)] = option
        if found is not None:
            taken[found.st_dev, found.st_ino] = f"{option} names the same file"
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise SourceError(f"{option} {shown(path)}: the folder {shown(str(target.parent))} cannot be written to")
        _sweep(target.parent)


def write(path: str, data: bytes) -> int:
    """Replace or make the file; returns its size. Raises SourceError, and then the old content is still there."""
    target, old = _target(path, "")
    try:
        with _partial(target.parent) as (descriptor, partial):
            _fill(descriptor, data)
            if old is not None:
                os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
                with contextlib.suppress(OSError):  # only root may give files away
                    os.fchown(descriptor, old.st_uid, old.st_gid)
            os.fsync(descriptor)
            _target(path, "")  # still no device, pipe or folder
            os.replace(partial, target)
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SourceError(f"{shown(path)}: cannot be written: {error.strerror}") from None
    return len(data)


def _target(path: str, option: str) -> tuple[Path, os.stat_result | None]:
    """(where to write, what is there now): the file behind a link, which keeps being one."""
    named = f"{option} {shown(path)}".strip()
    if not path or "\0" in path:
        raise SourceError(f"{option or 'a file'} needs the name of a file")
    if "://" in path:
        raise SourceError(f"{named}: only files of this machine are written; copy it from here")
    try:
        target = Path(os.path.realpath(path))
        try:
            found = os.stat(path)
        except FileNotFoundError:
            found = None
        if found is None and (path.endswith("/") or not target.parent.is_dir()):
            raise SourceError(f"{named}: there is no folder {shown(str(target.parent))}; make it first")
    except OSError as error:
        raise SourceError(f"{named}: {error.strerror}") from None
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise SourceError(f"{named}: is a folder; name the file to write")
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{named}: is a device, pipe or socket; only a new or regular file is written")
    if found is not None and not os.access(target, os.W_OK):
        raise SourceError(f"{named}: is write-protected")
    return target, found


def _fill(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


@contextlib.contextmanager
def _partial(folder: Path) -> Iterator[tuple[int, Path]]:
    """A new file in the folder, locked while it is written and gone afterwards unless it was renamed."""
    partial = folder / f"{PARTIAL}{secrets.token_hex(8)}.part"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        with contextlib.suppress(OSError):  # file systems without locks: then nothing is swept either
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor, partial
    finally:
        partial.unlink(missing_ok=True)
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove what a killed writer left in the folder; the lock of a living one holds its file."""
    for partial in folder.glob(f"{PARTIAL}*.part"):
        with contextlib.suppress(OSError):
            descriptor = os.open(partial, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    partial.unlink()
            finally:
                os.close(descriptor)
