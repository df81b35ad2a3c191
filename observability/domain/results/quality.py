"""Findings about one window's data, feature by feature: what is missing, impossible or doubled.

Each is an effect beyond a limit and beyond what chance does at these counts, against all rows of the reference.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from observability.domain.compare.result import Statistic
from observability.domain.loops.hashing import REGISTERS, estimate_distinct
from observability.domain.profile.states import CategoryState, EmbeddingState, NumericState, State
from observability.domain.results.log import Finding
from observability.domain.results.verdicts import FeatureResult, is_over
from observability.domain.specs.spec import FeatureSpec, Kind

MISSING: Final = 0.05  # growth of the share of rows without a value
UNREAD: Final = 0.01  # share of rows whose value is of another type
OUTSIDE: Final = 0.01  # share of values outside of the reference's range
DOUBLED: Final = 0.01  # growth of the share of rows whose id was there before, where ids are counted exactly
SURE: Final = 3  # repeated ids of a sample that say something where the reference's sample has none
GROWN: Final = 1.5  # times as many distinct values
SHRUNK: Final = 0.5
SIGMAS: Final = 4.0
NEVER: Final = 1e-6


def findings(ref: State, cur: State, spec: FeatureSpec, judged: FeatureResult | None) -> list[Finding]:
    """Of one feature in a window; `judged` has the unseen values, which the comparison counts."""
    found = [_missing(ref, cur, spec)]
    if isinstance(ref, NumericState) and isinstance(cur, NumericState):
        if spec.kind is not Kind.TIMESTAMP:
            found += [_outside(ref, cur, spec), _constant_number(ref, cur, spec)]
    elif isinstance(ref, CategoryState) and isinstance(cur, CategoryState):
        if spec.kind is Kind.ID:
            found.append(_doubled(ref, cur, spec))
        else:
            found += [_constant_word(ref, cur, spec), _cardinality(ref, cur, spec), _unseen(spec, judged)]
    return [one for one in found if one is not None]


def unread(read: int, offered: int, spec: FeatureSpec) -> list[Finding]:
    """Values that are of another type; more than half of them are a column of another type."""
    lost = offered - read
    if lost < 10 or lost < UNREAD * offered:
        return []
    said = f"{lost:,} of {offered:,} values cannot be read as {spec.kind.label}"
    name = "type_errors" if lost * 2 <= offered else "retyped_column"
    return [Finding(name, spec.name, said, lost / offered, 0.0)]


def lacking(read: int, rows: int, spec: FeatureSpec) -> list[Finding]:
    """Rows without a value that could be read, where it is not known which files have the column."""
    lost = rows - read
    if lost < 10 or lost < UNREAD * rows:
        return []
    said = f"{lost:,} of {rows:,} rows have no such column, or a value that cannot be read as {spec.kind.label}"
    return [Finding("unread", spec.name, said, lost / rows, 0.0)]


def absent(state: State) -> int:
    """Rows without a usable value: nulls, NaN, empty texts of categories, vectors of a wrong length."""
    if isinstance(state, NumericState):
        return state.nulls + state.nans
    if isinstance(state, EmbeddingState):
        return state.nulls + state.misfits
    return state.nulls + state.empties


def _missing(ref: State, cur: State, spec: FeatureSpec) -> Finding | None:
    if not ref.rows or not cur.rows:
        return None
    before, now = absent(ref) / ref.rows, absent(cur) / cur.rows
    if now - before < MISSING or now - before < SIGMAS * _deviation(before, now, ref.rows, cur.rows):
        return None
    return Finding("missing", spec.name, f"{now:.1%} have no value, and {before:.1%} in the reference", now, before)


def _deviation(p: float, q: float, n: int, m: int) -> float:
    share = (p * n + q * m) / (n + m)
    return math.sqrt(share * (1 - share) * (1 / n + 1 / m))


def _outside(ref: NumericState, cur: NumericState, spec: FeatureSpec) -> Finding | None:
    """Values in buckets beyond the reference's outermost; a few are, the more the fewer rows the reference has."""
    if not ref.finite or not cur.finite or ref.minimum is None or ref.maximum is None:
        return None
    if not ref.table.overflow and not cur.table.overflow:
        values, counts = cur.table.values, cur.table.counts
        beyond = int(counts[(values < ref.table.values[0]) | (values > ref.table.values[-1])].sum())
    else:
        level = max(ref.histogram.level, cur.histogram.level)
        a, b = ref.histogram.rolled(level), cur.histogram.rolled(level)
        beyond = int(b.counts[(b.keys < a.keys[0]) | (b.keys > a.keys[-1])].sum())
    share, usual = beyond / cur.finite, 2 / ref.finite
    if share < OUTSIDE or share < 10 * usual or beyond < 10:
        return None
    said = f"{share:.1%} lie outside of the reference's {ref.minimum:.6g} to {ref.maximum:.6g}"
    return Finding("out_of_range", spec.name, said, share, 0.0)


def _constant_number(ref: NumericState, cur: NumericState, spec: FeatureSpec) -> Finding | None:
    if not cur.finite or cur.minimum != cur.maximum or ref.minimum == ref.maximum or not ref.finite:
        return None
    share = 1 / ref.finite
    if not ref.table.overflow:
        share = float(ref.table.counts[ref.table.values == cur.minimum].sum()) / ref.finite
    elif cur.minimum in spec.atoms:
        share = float(ref.atoms[spec.atoms.index(float(cur.minimum or 0))]) / ref.finite
    return _constant(spec, f"{cur.minimum:.6g}", share, cur.finite)


def _constant_word(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> Finding | None:
    if cur.table.overflow or len(cur.table.values) != 1 or (not ref.table.overflow and len(ref.table.values) < 2):
        return None
    value = cur.table.values[0]
    share = 1 / max(ref.present, 1)
    if not ref.table.overflow:
        share = dict(zip(ref.table.values, ref.table.counts.tolist(), strict=True)).get(value, 0) / max(ref.present, 1)
    elif value in spec.vocabulary:
        share = float(ref.vocabulary[spec.vocabulary.index(value)]) / max(ref.present, 1)
    return _constant(spec, repr(value[:40]), share, cur.present)


def _constant(spec: FeatureSpec, value: str, share: float, rows: int) -> Finding | None:
    """One value only, which chance would give less than once in a million windows."""
    if min(share, 1.0) ** rows > NEVER:
        return None
    return Finding("constant", spec.name, f"all {rows:,} values are {value}", 1.0, share)


def _cardinality(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> Finding | None:
    """Many more distinct values than the reference has, or far fewer than so many rows of it would have."""
    if not ref.present or not cur.present:
        return None
    before, now = distinct(ref), distinct(cur)
    if now > GROWN * before + 10 and cur.present <= ref.present:
        said = f"{now:,} distinct values, and {before:,} in the reference"
        return Finding("cardinality", spec.name, said, now, before)
    if ref.table.overflow or cur.table.overflow or now == 1:
        return None
    absent_by_chance = np.power(1 - ref.table.counts / ref.present, cur.present)
    usual = float(np.sum(1 - absent_by_chance))
    spread = math.sqrt(float(np.sum(absent_by_chance * (1 - absent_by_chance))))  # rare values come and go
    if now >= SHRUNK * usual or usual - now < max(2, SIGMAS * spread):
        return None
    return Finding("cardinality", spec.name, f"{now:,} distinct values; about {usual:,.0f} are usual", now, usual)


def distinct(state: CategoryState) -> int:
    """Exact where the table is, else the estimate."""
    return round(estimate_distinct(state.registers)) if state.table.overflow else len(state.table.values)


def _unseen(spec: FeatureSpec, judged: FeatureResult | None) -> Finding | None:
    comparison = judged.comparison if judged else None
    one: Statistic | None = comparison.statistics.get("unseen_rate") if comparison else None
    if one is None or one.value is None or not is_over(one):
        return None
    return Finding("unseen", spec.name, f"{one.value:.1%} are values that the reference does not know", one.value, 0.0)


def duplicates(state: CategoryState) -> tuple[float, float] | None:
    """(share of rows whose id was there before, how much of it may be doubt); None where nothing can be said."""
    if not state.present:
        return None
    if not state.table.overflow:
        return 1 - len(state.table.values) / state.present, DOUBLED
    sampled = int(state.sample.counts.sum())
    if sampled >= 200:
        rate = state.sample.duplicate_rate or 0.0
        return rate, DOUBLED + SIGMAS * math.sqrt(max(rate * (1 - rate), 1e-4) / sampled)
    rate = 1 - estimate_distinct(state.registers) / state.present
    return max(rate, 0.0), SIGMAS * _register_error(state.present)


def _register_error(rows: int) -> float:
    """Of the distinct count: of linear counting while few registers are filled, else 1.6 %."""
    filled = rows / REGISTERS
    return 0.016 if filled > 2 else max(math.sqrt(REGISTERS * (math.exp(filled) - filled - 1)) / rows, 0.001)


def _is_sure(ref: CategoryState, cur: CategoryState) -> bool:
    """Ids that are never repeated in the reference's sample, and are in the window's."""
    known = int(ref.sample.counts.sum())
    repeated = int(cur.sample.counts.sum()) - len(cur.sample.hashes)
    return known >= 20 and len(ref.sample.hashes) == known and repeated >= SURE


def _doubled(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> Finding | None:
    """Ids that repeat more than in the reference; ids of users repeat, and the more the longer one looks."""
    now, before = duplicates(cur), duplicates(ref)
    if now is None:
        return None
    # Chance meets an id again the more often the more rows there are: at most in proportion.
    grown = max(1.0, cur.present / max(ref.present, 1))
    usual = min((before[0] if before else 0.0) * grown, 1.0)
    is_sure = _is_sure(ref, cur) and grown == 1.0 and now[0] > DOUBLED
    if not is_sure and now[0] - usual < max(now[1], before[1] if before else 0.0):
        return None
    said = (
        f"{now[0]:.1%} of the rows repeat an id of this window, and {before[0] if before else 0.0:.1%} in the reference"
    )
    return Finding("duplicates", spec.name, said, now[0], usual)
