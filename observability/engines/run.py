"""From the names of files to a profile: find the sources, take or propose a spec, run the chosen engine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from observability.domain.profile import Profile
from observability.domain.spec import Spec
from observability.store.files import Limits, Source, SourceError, expand, open_source
from observability.store.parquet import ParquetLog

from .base import Engine, Options, Progress
from .local import profile_sources as fold_locally
from .spark import profile_sources as fold_on_spark


def find_sources(uris: Sequence[str], limits: Limits) -> list[Source]:
    """The named objects, folders replaced by their files; the same object named twice counts once."""
    found: dict[str, Source] = {}
    for uri in uris:
        for source in expand(uri, limits):
            found.setdefault(source.path, source)
    return list(found.values())


def count_rows(sources: Sequence[Source], limits: Limits) -> int | None:
    """Rows by the footers, or None when a source is text and would have to be read."""
    if any(source.format != "parquet" for source in sources):
        return None
    return sum(ParquetLog(source, limits).rows for source in sources)


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


def run(
    sources: Sequence[Source],
    spec: Spec,
    options: Options,
    *,
    engine: Engine = Engine.LOCAL,
    progress: Progress | None = None,
) -> Profile:
    """Fold the sources with the engine."""
    if engine is Engine.SPARK:
        return fold_on_spark(sources, spec, options, progress)
    return fold_locally(sources, spec, options, progress)


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
