"""From the names of files to a profile: find the sources, take or propose a spec, run the chosen engine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from observability.domain.profile import Profile
from observability.domain.propose import propose
from observability.domain.spec import FeatureSpec, Spec
from observability.store.files import Limits, Source, SourceError, expand, open_source
from observability.store.logs import sample_log
from observability.store.parquet import ParquetLog

from .base import Engine, Options, Progress
from .local import profile_sources as fold_locally
from .spark import profile_sources as fold_on_spark

SAMPLE_ROWS: Final = 50_000
SAMPLE_CELLS: Final = 20_000_000
SAMPLE_COLUMNS: Final = 100


def find_sources(uris: Sequence[str], limits: Limits) -> list[Source]:
    """The named objects, folders replaced by their files; the same object named twice counts once."""
    found: dict[str, Source] = {}
    for uri in uris:
        for source in expand(uri, limits):
            found.setdefault(source.path, source)
    return list(found.values())


def propose_spec(source: Source, limits: Limits) -> Spec:
    """A spec from the first rows of one source; wide Parquet is sampled a few columns at a time."""
    if source.format != "parquet":
        return propose(sample_log(source, limits, SAMPLE_ROWS))
    log = ParquetLog(source, limits)
    names = log.usable()
    rows = min(SAMPLE_ROWS, max(SAMPLE_CELLS // max(len(names), 1), 5_000))
    found: list[FeatureSpec] = []
    for place in range(0, len(names), SAMPLE_COLUMNS):
        found += propose(log.sample(rows, names[place : place + SAMPLE_COLUMNS])).features
    return Spec(tuple(found))


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
