"""Specs and profiles as files: read whole, written beside the target and renamed."""

from __future__ import annotations

import os
from pathlib import Path

from observability.domain.profile.profile import Profile
from observability.domain.specs.spec import Spec
from observability.store.files import Limits, SourceError, open_source


def load_spec(path: str) -> Spec:
    """A spec from its JSON file."""
    try:
        return Spec.loads(Path(path).read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None


def check_target(path: str) -> None:
    """Raises SourceError before any work is done when nothing can be written there."""
    folder = Path(path).absolute().parent
    if Path(path).is_dir():
        raise SourceError(f"{path}: is a folder; name the file to write")
    if not folder.is_dir():
        raise SourceError(f"{path}: there is no folder {folder}; make it first")
    if not os.access(folder, os.W_OK):
        raise SourceError(f"{path}: the folder {folder} cannot be written to")


def load_profile(uri: str, limits: Limits) -> Profile:
    """A stored profile."""
    with open_source(uri, limits).open() as file:
        return Profile.loads(bytes(file.read()))


def save_profile(profile: Profile, path: str) -> int:
    """Write beside the target, then rename: a reader sees the old file or the new one. Returns the size."""
    data = profile.dumps()
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(data)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return len(data)
