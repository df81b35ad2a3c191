"""A log cut into windows, file by file, so that a file with other columns than its spec ends nothing.

Two passes: one over the key columns alone, which counts every row that has a time; one over the features. A column
that is missing or of another type is left out of its file and named; rows that do not fit a column are left out of that
column only, and show as the difference between the two counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Final

import numpy as np
import pyarrow as pa

from observability.domain.compare.compare import compare
from observability.domain.compare.result import Verdict
from observability.domain.fold.borders import QUARTER
from observability.domain.fold.columns import ColumnError, plain
from observability.domain.fold.windows import NO_TIME, Registry, Window, epoch_seconds, group_ids
from observability.domain.profile.profile import Cell, Profile
from observability.domain.profile.states import CategoryState, NumericState, State, merge
from observability.domain.results.log import Finding, States, WindowedLog
from observability.domain.specs.spec import FeatureSpec, Spec
from observability.engines.base import Options
from observability.engines.local import profile_sources
from observability.engines.proposing import column_names
from observability.store.files import Source, SourceError
from observability.store.logs import BadRows, open_log
from observability.store.parquet import ParquetLog

ROUNDS: Final = 8  # times that a file is folded again without the columns whose values do not fit
MOST_TRIED: Final = 24  # pairs of a missing and a new column that are tried as one renamed
MAIN: Final = 0.8  # a file is of one window when so many of its rows are
LATE_SHARE: Final = 0.02
FEW: Final = 30  # rows below which two files may be the same by chance
ALIKE: Final = 0.6  # names that share so much may be one column renamed


@dataclass(eq=False)
class Gathered:
    """The log, and what was seen on the way: types and names of columns, rows that have no time."""

    log: WindowedLog
    types: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    bad: BadRows = field(default_factory=BadRows)
    spill: list[float] = field(default_factory=list)  # per file, the share of rows older than its main window
    seen: dict[int, str] = field(default_factory=dict)  # what was counted of a file: the file


@dataclass(eq=False)
class _File:
    """One source: findings about its columns, states by cell."""

    source: Source
    names: list[str]
    rows: dict[Cell, int]
    states: dict[Cell, dict[str, State]] = field(default_factory=dict)
    found: set[Finding] = field(default_factory=set)
    folded: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        return sum(self.rows.values())

    def take(self, made: Profile) -> None:
        self.folded |= set(made.spec.by_name)
        for cell, states in made.states.items():
            self.states.setdefault(cell, {}).update(states)

    def signature(self) -> int:
        """Equal for files with the same rows, in whatever order."""
        cells = sorted(self.states, key=lambda cell: cell.sort_key)
        found = ((cell, tuple(map(_print, self.states[cell].values()))) for cell in cells)
        return hash((tuple(sorted(self.folded)), tuple(found)))


def _print(state: State) -> tuple[object, ...]:
    """What tells two states apart, without encoding them."""
    if isinstance(state, NumericState):
        return (state.rows, state.nulls, state.minimum, state.maximum, state.histogram.counts.tobytes())
    if isinstance(state, CategoryState):
        return (state.rows, state.nulls, state.buckets.tobytes(), state.registers.tobytes())
    return (state.rows, state.nulls, *map(_print, state.parts))


def gather(
    sources: Sequence[Source],
    spec: Spec,
    options: Options,
    baseline: States | None = None,
    known: Gathered | None = None,
) -> Gathered:
    """All sources. `baseline` tells a renamed column by its values; `known` are the columns of the reference.

    Raises SourceError, ColumnError or GroupError for what no file can do without: its time and version columns.
    """
    keys = options.keys
    gathered = Gathered(WindowedLog(keys.window is Window.DAY, keys.zone))
    if known is not None:
        gathered.types, gathered.names = dict(known.types), set(known.names)
    registry = Registry(options.limits.groups)
    for source in sources:
        names = column_names(source, options.limits)
        if keys.columns:
            rows = _count(source, options, gathered, registry)
        else:
            rows = _count_all(source, [one for one in spec if one.name in set(names)], options)
        file = _File(source, names, rows)
        if file.total:
            _fold(file, spec, options, baseline or {}, gathered)
            _add(file, gathered)
    return gathered


def _count(source: Source, options: Options, gathered: Gathered, registry: Registry) -> dict[Cell, int]:
    """Rows per cell by the key columns alone; fills the quarters and the last instant on the way."""
    keys, log = options.keys, gathered.log
    opened = open_log(source, Spec(()), options.limits, gathered.bad, keys)
    opened.require(keys.columns)
    counts: dict[int, int] = {}
    for batch in opened.batches():
        for first, columns in opened.read(batch, keys.columns):
            ids, unusable = group_ids(keys, columns, registry)
            if len(unusable):
                gathered.bad.add_many(
                    source, (unusable + first + 1).tolist(), f"column {keys.time!r}: {_no_time(keys.unit)}"
                )
            for number, count in enumerate(np.bincount(ids[ids >= 0]).tolist()):
                if count:
                    counts[number] = counts.get(number, 0) + count
            seconds, usable = epoch_seconds(plain(columns[0]), keys.time, keys.unit)
            if usable.any():
                quarters, sizes = np.unique(seconds[usable] // QUARTER, return_counts=True)
                for quarter, size in zip(quarters.tolist(), sizes.tolist(), strict=True):
                    log.quarters[quarter] = log.quarters.get(quarter, 0) + size
                log.last = max(log.last, int(seconds[usable].max()))
    cells = {number: cell for cell, number in registry.cells().items()}
    return {cells[number]: count for number, count in counts.items()}


def _no_time(unit: str) -> str:
    return f"{NO_TIME}; the unit was given as {unit}" if unit else NO_TIME


def _count_all(source: Source, features: Sequence[FeatureSpec], options: Options) -> dict[Cell, int]:
    """All rows in one cell, for a reference that knows no time; of a text log by one column."""
    opened = open_log(source, Spec(tuple(features[:1])), options.limits, BadRows())
    return {Cell(): sum(batch.rows for batch in opened.batches())} if features else {}


def _fold(file: _File, spec: Spec, options: Options, baseline: States, gathered: Gathered) -> None:
    present = set(file.names)
    missing = [one for one in spec if one.name not in present]
    features = [one for one in spec if one.name in present]
    if file.source.format == "jsonl":  # its first rows need not have every key
        rare, missing = missing, []
        for one in rare:
            if not _fold_alone(file, one, options):
                missing.append(one)
    file.found |= _types(file, options, gathered)
    _fold_together(file, features, options)
    keyed = set(options.keys.columns) | set(spec.by_name)
    fresh = [name for name in file.names if name not in keyed and name not in gathered.names] if gathered.names else []
    renamed = _renamed(file, missing, fresh, options, baseline)
    for one in missing:
        if one.name not in renamed:
            file.found.add(Finding("missing_column", one.name, f"{file.source.shown} has no column {one.name!r}"))
    for name, new in renamed.items():
        file.found.add(Finding("renamed_column", name, f"{name!r} is missing and {new!r} has its values"))
    for name in fresh:
        if name not in renamed.values():
            file.found.add(Finding("new_column", name, f"{file.source.shown} has a column {name!r} that is not known"))
    gathered.names = gathered.names or present


def _fold_together(file: _File, features: list[FeatureSpec], options: Options) -> None:
    """All columns that fit at once; those that do not, each alone, so that they cost the others no row."""
    alone: list[FeatureSpec] = []
    made: Profile | None = None
    for turn in range(ROUNDS + len(features)):
        if not features:
            break
        try:
            made = profile_sources([file.source], Spec(tuple(features)), options)
        except (SourceError, ColumnError) as error:
            guilty = _named(features, [str(error)])
            if not guilty:
                raise
            made = None
        else:
            reasons = [one["reason"] for one in made.note.get("bad_examples", ())]
            guilty = _named(features, reasons) if turn < ROUNDS else []
            if not guilty:
                break
        alone += guilty
        features = [one for one in features if one not in guilty]
        made = None
    if made is not None:
        file.take(made)
    for one in alone:
        if not _fold_alone(file, one, options):
            said = f"values of {one.name!r} in {file.source.shown} cannot be read as {one.kind.label}"
            file.found = {other for other in file.found if (other.name, other.feature) != ("retyped_column", one.name)}
            file.found.add(Finding("retyped_column", one.name, said))


def _fold_alone(file: _File, feature: FeatureSpec, options: Options) -> bool:
    """Whether at least half of the rows have a value that can be read; only then its states are kept."""
    try:
        made = profile_sources([file.source], Spec((feature,)), options)
    except (SourceError, ColumnError) as error:
        if not _named([feature], [str(error)]):
            raise
        return False
    if made.rows * 2 < file.total:
        return False
    file.take(made)
    return True


def _named(features: Sequence[FeatureSpec], said: Sequence[str]) -> list[FeatureSpec]:
    """Which of the columns the sentences speak of."""
    return [one for one in features if any(f"column {one.name[:cut]!r}" in text for text in said for cut in (60, 600))]


def _types(file: _File, options: Options, gathered: Gathered) -> set[Finding]:
    """Columns of Parquet whose type is of another class than in the files before."""
    if file.source.format != "parquet":
        return set()
    found: set[Finding] = set()
    schema = ParquetLog(file.source, options.limits).schema
    for column in schema:
        kind = _class(column.type)
        before = gathered.types.setdefault(column.name, kind) if kind else ""
        if before and before != kind:
            said = f"{column.name!r} holds {kind} in {file.source.shown}, and held {before}"
            found.add(Finding("retyped_column", column.name, said))
    return found


def _class(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _class(kind.value_type)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "numbers"
    if pa.types.is_boolean(kind):
        return "flags"
    if pa.types.is_temporal(kind):
        return "times"
    if pa.types.is_null(kind):
        return ""
    return "lists or objects" if pa.types.is_nested(kind) else "texts"


def _renamed(
    file: _File, missing: Sequence[FeatureSpec], fresh: Sequence[str], options: Options, baseline: States
) -> dict[str, str]:
    """Missing columns whose values a new column has: no drift between the two; the most similar name first."""
    pairs = [(_alike(one.name, name), one, name) for one in missing for name in fresh]
    found: dict[str, str] = {}
    for alike, one, name in sorted(pairs, key=lambda pair: -pair[0])[:MOST_TRIED]:
        if one.name in found or name in found.values() or one.name not in baseline:
            continue
        try:
            made = profile_sources([file.source], Spec((replace(one, name=name),)), options)
        except (SourceError, ColumnError):
            continue
        state = made.feature(name)
        if state is None or made.rows * 2 < file.total:
            continue
        verdict = compare(baseline[one.name], replace(state, digest=baseline[one.name].digest), one).verdict
        is_same = verdict in (Verdict.STABLE, Verdict.NO_DRIFT_SEEN)
        if is_same or (alike >= ALIKE and verdict is not Verdict.DRIFT):
            found[one.name] = name
    return found


def _alike(a: str, b: str) -> float:
    return SequenceMatcher(None, a.casefold(), b.casefold()).ratio()


def _add(file: _File, gathered: Gathered) -> None:
    log = gathered.log
    if file.total >= FEW:
        first = gathered.seen.setdefault(file.signature(), file.source.shown)
        if first != file.source.shown:
            file.found.add(Finding("duplicates", "", f"{file.source.shown} has the same rows as {first}"))
    _say_late(file, gathered)
    for cell, count in file.rows.items():
        offered = log.offered.setdefault(cell, {})
        for name in file.folded:
            offered[name] = offered.get(name, 0) + count
        log.rows[cell] = log.rows.get(cell, 0) + count
        if cell.window is not None and file.found:
            log.columns.setdefault(cell.window, set()).update(file.found)
    for cell, states in file.states.items():
        into = log.states.setdefault(cell, {})
        for name, state in states.items():
            into[name] = merge([into[name], state]) if name in into else state


def _say_late(file: _File, gathered: Gathered) -> None:
    """Rows that came in a file of a later window, where the files before had far fewer such rows."""
    windows: dict[int, int] = {}
    for cell, count in file.rows.items():
        if cell.window is not None:
            windows[cell.window] = windows.get(cell.window, 0) + count
    main = max(windows, key=lambda start: windows[start], default=0)
    if windows.get(main, 0) < MAIN * file.total:
        return
    older = {start: count for start, count in windows.items() if start < main}
    share = sum(older.values()) / file.total
    if gathered.spill and share > max(LATE_SHARE, 3 * max(gathered.spill)):
        for start, count in older.items():
            if count >= FEW:
                said = f"{count:,} rows came in {file.source.shown}, a file of a later window"
                gathered.log.columns.setdefault(start, set()).add(Finding("late", "", said, float(count), 0.0))
    gathered.spill.append(share)
