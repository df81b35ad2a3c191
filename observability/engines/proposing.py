"""A feature spec from the first rows of a log, and the columns that it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from observability.domain.propose.propose import decided, is_undecided, propose
from observability.domain.specs.parse import MAX_WORDS, Parse
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.store.files import Limits, Source, SourceError
from observability.store.logs import sample_of
from observability.store.parquet import ParquetLog
from observability.store.starts import is_empty

SAMPLE_ROWS: Final = 50_000
SAMPLE_CELLS: Final = 20_000_000
SAMPLE_COLUMNS: Final = 100
MAX_SAMPLED: Final = 64  # sources that are asked for the kind of a column in which the first had no value
FEW_ROWS: Final = 1_000
NUMBERS: Final = (Kind.NUMERIC, Kind.CODE, Kind.ID, Kind.BOOLEAN)
NOTHING: Final = "no column that can be profiled"


@dataclass(frozen=True)
class Proposal:
    """A spec to confirm, why columns were left out of it, and how many rows it was proposed from."""

    spec: Spec
    left_out: dict[str, str] = field(default_factory=dict)
    rows: int = 0


ProposeOne = Callable[[Source], Proposal | None]


def propose_spec(sources: Sequence[Source], limits: Limits) -> Spec:
    """The spec of `propose_from` alone."""
    return propose_from(sources, limits).spec


def propose_from(sources: Sequence[Source], limits: Limits) -> Proposal:
    """A spec from the first source that has rows; columns that only other sources have are named as left out."""
    found = gather(sources, lambda source: propose_one(source, limits))
    known = set(found.spec.by_name) | set(found.left_out)
    only: dict[str, str] = {}
    for source in islice(sources, 1, MAX_SAMPLED):
        for name in column_names(source, limits):
            if name and name not in known:
                only.setdefault(name, f"not in the first file, but in {source.shown}")
    return Proposal(found.spec, found.left_out | only, found.rows)


def column_names(source: Source, limits: Limits) -> list[str]:
    """Columns of a source; of JSON lines those that its first rows have. None of one that the fold will refuse."""
    try:
        if source.format == "parquet":
            return list(ParquetLog(source, limits).schema.names)
        return [] if is_empty(source, limits) else list(sample_of(source, limits, FEW_ROWS).table.column_names)
    except SourceError:
        return []


def gather(sources: Sequence[Source], one_of: ProposeOne) -> Proposal:
    """The proposal of the first source that has rows, with the kinds it could not tell from the sources after it.

    An empty source only proposes when all are empty. `one_of` gives None for a source to go on without.
    """
    base: Proposal | None = None
    empty: Proposal | None = None
    for source in islice(sources, MAX_SAMPLED):
        found = one_of(source)
        if found is None:
            continue
        if not (found.rows and len(found.spec)):
            empty = empty if empty is not None and len(empty.spec) else found
            continue
        base = found if base is None else _decided(base, found.spec)
        if not any(is_undecided(feature) for feature in base.spec):
            break
    chosen = base or empty
    if chosen is None or not len(chosen.spec):
        left_out = chosen.left_out if chosen else {}
        why = "; ".join(f"{name[:40]!r} is left out: {reason}" for name, reason in left_out.items())
        is_blank = chosen is not None and not left_out and sources[0].format != "parquet"
        why = why[:300] or ("the file is empty" if is_blank else "")
        start = f"{sources[0].shown}: {NOTHING}" if sources else "no source to read"
        raise SourceError(f"{start}; {why}" if why else start)
    return chosen


def _decided(base: Proposal, other: Spec) -> Proposal:
    features = [
        decided(feature, other.by_name.get(feature.name, feature)) if is_undecided(feature) else feature
        for feature in base.spec
    ]
    return Proposal(Spec(tuple(features)), base.left_out, base.rows)


def dressed_for(spec: Spec, sources: Sequence[Source], limits: Limits) -> tuple[Spec, dict[str, str]]:
    """(the spec with the reading rules that these sources propose for columns of the same kind, what was taken up).

    A rule belongs to the dress of a file and moves no value to another key: the digests stay the same.
    """
    proposed = gather(sources, lambda source: propose_one(source, limits)).spec.by_name
    features: list[FeatureSpec] = []
    hints: dict[str, str] = {}
    for feature in spec:
        found = proposed.get(feature.name)
        is_number = found is not None and found.parse is not None and bool(found.parse.decimal)
        is_same = found is not None and (found.kind is feature.kind or (is_number and feature.kind in NUMBERS))
        if found is not None and is_same and found.parse != feature.parse:
            feature = replace(feature, parse=_rule(feature.parse, found.parse))
            if found.parse is not None:
                hints[feature.name] = found.reason
        features.append(feature)
    return Spec(tuple(features), spec.version), hints


def _rule(declared: Parse | None, found: Parse | None) -> Parse | None:
    """The dress that was found; the marks that were declared go on to read as missing."""
    if declared is None:
        return found
    plain = found or (Parse(decimal=".") if declared.decimal else Parse())
    missing = tuple(dict.fromkeys([*plain.missing, *declared.missing]))[:MAX_WORDS]
    return replace(plain, missing=missing, dates=plain.dates or declared.dates)


def propose_one(source: Source, limits: Limits) -> Proposal:
    """What one source proposes; wide Parquet is sampled a few columns at a time. Raises SourceError."""
    if source.format != "parquet":
        return _propose_text(source, limits)
    log = ParquetLog(source, limits)
    names = log.usable()
    rows = min(SAMPLE_ROWS, max(SAMPLE_CELLS // max(len(names), 1), 5_000))
    found: list[FeatureSpec] = []
    for place in range(0, len(names), SAMPLE_COLUMNS):
        found += propose(log.sample(rows, names[place : place + SAMPLE_COLUMNS])).features
    if log.rows > rows:  # the values of such a column may begin further down
        later = {one.name: log.present(one.name, rows) for one in found if is_undecided(one)}
        decided = propose({name: array for name, array in later.items() if len(array)}).by_name
        found = [decided.get(one.name, one) for one in found]
    return Proposal(Spec(tuple(found)), log.left_out(), log.rows)


def _propose_text(source: Source, limits: Limits) -> Proposal:
    if is_empty(source, limits):
        return Proposal(Spec(()))
    sample = sample_of(source, limits, SAMPLE_ROWS)
    if sample.bad and not sample.rows:
        raise SourceError(
            f"{source.shown}: none of its first {sample.bad:,} rows can be read; the first: {sample.reason}"
        )
    return Proposal(propose(sample.table), sample.left_out, sample.rows)
