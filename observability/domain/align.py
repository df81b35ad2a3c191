"""Two states laid side by side: the same cells, reference and current counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from .kernel import Floats, Ints, edges, keys_of
from .spec import FeatureSpec, Kind
from .states import CategoryState, NumericState

EXACT_CELLS: Final = 20  # up to so many distinct values each is a bin of its own


@dataclass(frozen=True)
class Special:
    """A bin that is no interval: NULL, NaN and the infinities."""

    name: str
    ref: int
    cur: int


@dataclass(frozen=True, eq=False)
class Numbers:
    """Cells in ascending order. `low == high` marks one exact value; otherwise the cell is a bucket.

    Timestamps are shifted by `origin`, so that float64 holds them. `rows` counts finite values only.
    """

    low: Floats
    high: Floats
    ref: Ints
    cur: Ints
    specials: tuple[Special, ...]
    is_exact: bool
    origin: int = 0
    ref_rows: int = field(init=False)
    cur_rows: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ref_rows", int(self.ref.sum()))
        object.__setattr__(self, "cur_rows", int(self.cur.sum()))


@dataclass(frozen=True, eq=False)
class Words:
    """Values and counts. `is_exact` when both value tables were complete; else the last value stands for all others."""

    names: tuple[str, ...]
    ref: Ints
    cur: Ints
    null: Special
    is_exact: bool
    ref_rows: int
    cur_rows: int


def specials_of(ref: NumericState, cur: NumericState) -> tuple[Special, ...]:
    found = (
        Special("NULL", ref.nulls, cur.nulls),
        Special("NaN", ref.nans, cur.nans),
        Special("-Inf", ref.neg_infs, cur.neg_infs),
        Special("+Inf", ref.pos_infs, cur.pos_infs),
    )
    return tuple(one for one in found if one.ref or one.cur)


@dataclass(frozen=True, eq=False)
class Cells:
    """Counts of several states (rows) on common ascending cells (columns)."""

    low: Floats
    high: Floats
    counts: Ints
    is_exact: bool


def align_numbers(ref: NumericState, cur: NumericState, spec: FeatureSpec) -> Numbers:
    """Two states on common cells."""
    cells = common_cells([ref, cur], spec)
    origin = int(spec.centre) if spec.kind is Kind.TIMESTAMP else 0
    counts = cells.counts
    return Numbers(cells.low, cells.high, counts[0], counts[1], specials_of(ref, cur), cells.is_exact, origin)


def common_cells(states: Sequence[NumericState], spec: FeatureSpec) -> Cells:
    """Exact values when all tables are complete, else the buckets at the coarsest of the levels, plus the atoms."""
    if any(state.table.overflow for state in states):
        return _buckets(states, spec)
    values = np.unique(np.concatenate([state.table.values for state in states]))
    counts = np.zeros((len(states), len(values)), dtype=np.int64)
    for row, state in enumerate(states):
        counts[row, np.searchsorted(values, state.table.values)] = state.table.counts
    return Cells(values, values, counts, is_exact=True)


def _buckets(states: Sequence[NumericState], spec: FeatureSpec) -> Cells:
    level = max(state.histogram.level for state in states)
    histograms = [state.histogram.rolled(level) for state in states]
    present = [one.keys for one in histograms if len(one.keys)]
    if not present:
        return Cells(np.empty(0), np.empty(0), np.zeros((len(states), 0), dtype=np.int64), is_exact=True)
    base = min(int(keys[0]) for keys in present)
    width = max(int(keys[-1]) for keys in present) - base + 1
    counts = np.zeros((len(states), width), dtype=np.int64)
    for row, one in enumerate(histograms):
        counts[row, one.keys - base] = one.counts
    is_time = spec.kind is Kind.TIMESTAMP
    atoms = np.array(spec.atoms)
    if len(atoms):
        placed = _keys_of_atoms(atoms, spec, level) - base
        inside = (placed >= 0) & (placed < width)
        for row, state in enumerate(states):
            np.subtract.at(counts[row], placed[inside], state.atoms[inside])
    filled = np.flatnonzero(np.add.reduce(counts, axis=0))
    low, high = edges(
        filled + base,
        centre=0.0 if is_time else float(spec.centre),
        unit_exponent=spec.unit_exponent,
        sub_bits=spec.sub_bits - level,
    )
    low, high = _within(low, high, states, int(spec.centre) if is_time else 0)
    counts = counts[:, filled]
    if len(atoms):
        low, high, counts = _with_atoms(low, high, counts, atoms, np.stack([state.atoms for state in states]))
    return Cells(low, high, counts, is_exact=False)


def _keys_of_atoms(atoms: Floats, spec: FeatureSpec, level: int) -> Ints:
    keys = keys_of(atoms, centre=float(spec.centre), unit_exponent=spec.unit_exponent, sub_bits=spec.sub_bits)
    return keys >> level


def _within(low: Floats, high: Floats, states: Sequence[NumericState], origin: int) -> tuple[Floats, Floats]:
    """Cut the outermost buckets at the exact extremes of all states."""
    least = [side.minimum for side in states if side.minimum is not None]
    most = [side.maximum for side in states if side.maximum is not None]
    if not least:
        return low, high
    return np.maximum(low, float(min(least) - origin)), np.minimum(high, float(max(most) - origin))


def _with_atoms(low: Floats, high: Floats, counts: Ints, atoms: Floats, hits: Ints) -> tuple[Floats, Floats, Ints]:
    """Insert exact values among the buckets; a value inside a bucket goes to the side it is nearer to."""
    seen = hits.any(axis=0)
    low, high = np.concatenate([low, atoms[seen]]), np.concatenate([high, atoms[seen]])
    counts = np.concatenate([counts, hits[:, seen]], axis=1)
    order = np.lexsort((high - low, (low + high) / 2))
    low, high, counts = low[order], high[order], counts[:, order]
    kept = counts.any(axis=0)
    return low[kept], high[kept], counts[:, kept]


def align_words(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> Words:
    """All values when both tables are complete, else the frozen vocabulary and one bin for the rest."""
    null = Special("NULL", ref.nulls, cur.nulls)
    if not ref.table.overflow and not cur.table.overflow:
        names = sorted({*ref.table.values, *cur.table.values}, key=lambda text: text.encode())
        place = {name: index for index, name in enumerate(names)}
        sides = []
        for table in (ref.table, cur.table):
            counts = np.zeros(len(names), dtype=np.int64)
            counts[[place[name] for name in table.values]] = table.counts
            sides.append(counts)
        return Words(tuple(names), sides[0], sides[1], null, True, ref.present, cur.present)
    sides = [np.append(side.vocabulary, side.present - side.vocabulary.sum()) for side in (ref, cur)]
    return Words((*spec.vocabulary, "(other values)"), sides[0], sides[1], null, False, ref.present, cur.present)
