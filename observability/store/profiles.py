"""Specs and profiles as files: read whole and within a limit, written by the one writer."""

from __future__ import annotations

import os
import stat

from observability.domain.profile.encoding import FormatError
from observability.domain.profile.profile import Profile
from observability.domain.specs.spec import Spec, SpecError
from observability.store.files import Limits, SourceError, open_source, shown
from observability.store.writing import write

MAX_SPEC = 64 << 20  # 5,000 features with full vocabularies of ordinary words are about 20 MB


def read_small(path: str, limit: int) -> tuple[bytes, tuple[int, int]]:
    """(content, (device, inode)) of a regular file of this machine. Raises SourceError for anything else or larger."""
    if not path or "\0" in path:
        raise SourceError("the name of the file to read is empty")
    try:
        _check_regular(path, os.stat(path), limit)  # before it is opened: opening alone can act on a device
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            _check_regular(path, found, limit)
            data = file.read(limit + 1)
    except OSError as error:
        raise SourceError(f"{shown(path)}: {error.strerror}") from None
    if len(data) > limit:
        raise SourceError(f"{shown(path)}: more than the limit of {limit:,} bytes")
    return data, (found.st_dev, found.st_ino)


def _check_regular(path: str, found: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{shown(path)}: not a regular file (a folder, pipe or device)")
    if found.st_size > limit:
        raise SourceError(f"{shown(path)}: {found.st_size:,} bytes are more than the limit of {limit:,}")


def load_spec(path: str) -> tuple[Spec, tuple[int, int]]:
    """(a spec from its JSON file, device and inode of that file). The message of an error begins with the file."""
    data, inode = read_small(path, MAX_SPEC)
    try:
        return Spec.loads(data), inode
    except SpecError as error:
        raise SpecError(f"{shown(path)}: {error}") from None


def save_spec(spec: Spec, path: str) -> int:
    """Write the spec; returns the size."""
    return write(path, spec.dumps())


def load_profile(uri: str, limits: Limits) -> Profile:
    """A stored profile. The message of an error begins with the file."""
    source = open_source(uri, limits)
    with source.open() as file:
        data = bytes(file.read(source.size))
    try:
        return Profile.loads(data)
    except FormatError as error:
        raise FormatError(f"{source.shown}: {error}") from None


def save_profile(profile: Profile, path: str) -> int:
    """Write the profile; returns the size."""
    return write(path, profile.dumps())
