"""A feature spec from the first rows of a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from observability.domain.propose.propose import propose
from observability.domain.specs.spec import FeatureSpec, Spec
from observability.store.files import Limits, Source, SourceError
from observability.store.logs import sample_log
from observability.store.parquet import ParquetLog

SAMPLE_ROWS: Final = 50_000
SAMPLE_CELLS: Final = 20_000_000
SAMPLE_COLUMNS: Final = 100
NOTHING: Final = "no column that can be profiled"


def propose_spec(sources: Sequence[Source], limits: Limits) -> Spec:
    """A spec from the first source that has rows; an empty one only proposes when all are."""
    first: Spec | None = None
    for source in sources:
        rows, spec = _propose(source, limits)
        if rows and len(spec):
            return spec
        first = first if first is not None and len(first) else spec
    if first is None or not len(first):
        raise SourceError(f"{sources[0].shown}: {NOTHING}" if sources else "no source to read")
    return first


def left_out(source: Source, limits: Limits) -> dict[str, str]:
    """Columns of a Parquet file that no spec was proposed for, and why."""
    return ParquetLog(source, limits).left_out() if source.format == "parquet" else {}


def _propose(source: Source, limits: Limits) -> tuple[int, Spec]:
    """(rows of the sample, spec); wide Parquet is sampled a few columns at a time."""
    if source.format != "parquet":
        sample = sample_log(source, limits, SAMPLE_ROWS)
        return sample.num_rows, propose(sample)
    log = ParquetLog(source, limits)
    names = log.usable()
    rows = min(SAMPLE_ROWS, max(SAMPLE_CELLS // max(len(names), 1), 5_000))
    found: list[FeatureSpec] = []
    for place in range(0, len(names), SAMPLE_COLUMNS):
        found += propose(log.sample(rows, names[place : place + SAMPLE_COLUMNS])).features
    return log.rows, Spec(tuple(found))
