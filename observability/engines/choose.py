"""From the names of files to a profile: find the sources, take or propose a spec, run the chosen engine."""

from __future__ import annotations

from collections.abc import Sequence

from observability.domain.profile.profile import Profile
from observability.domain.specs.spec import Spec
from observability.engines.base import Engine, Options, Progress
from observability.engines.isolated import profile_each
from observability.engines.local import profile_sources as fold_locally
from observability.engines.spark import profile_sources as fold_on_spark
from observability.store.files import Limits, Source, expand
from observability.store.parquet import ParquetLog


def find_sources(uris: Sequence[str], limits: Limits) -> list[Source]:
    """The named objects, folders replaced by their files; the same object named twice, or linked to, counts once."""
    found: dict[object, Source] = {}
    for uri in uris:
        for source in expand(uri, limits):
            found.setdefault(source.identity, source)
    return list(found.values())


def count_rows(sources: Sequence[Source], limits: Limits) -> int | None:
    """Rows by the footers, or None when a source is text and would have to be read."""
    if any(source.format != "parquet" for source in sources):
        return None
    return sum(ParquetLog(source, limits).rows for source in sources)


def run(
    sources: Sequence[Source],
    spec: Spec,
    options: Options,
    *,
    engine: Engine = Engine.LOCAL,
    progress: Progress | None = None,
    is_isolated: bool = False,
) -> Profile:
    """Fold the sources with the engine; isolated, those that cannot be read are named in the note and left out."""
    if engine is Engine.SPARK:
        return fold_on_spark(sources, spec, options, progress, is_isolated=is_isolated)
    if is_isolated:
        return profile_each(sources, spec, options)
    return fold_locally(sources, spec, options, progress)
