"""Two states laid side by side: the same cells, reference and current counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.numeric import MAX_SUB_BITS, Floats, Ints, keys_of, last_finite, lower_magnitude
from observability.domain.profile.states import CategoryState, NumericState
from observability.domain.specs.spec import FeatureSpec, Kind

LAST_KEY: Final = last_finite(MAX_SUB_BITS)
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
    counts: Ints  # a row of the reference, a row of the current side
    below: Ints  # the same cumulated, each cell included
    ref_rows: int
    cur_rows: int
    specials: tuple[Special, ...]
    is_exact: bool
    origin: int = 0

    @property
    def ref(self) -> Ints:
        found: Ints = self.counts[0]
        return found

    @property
    def cur(self) -> Ints:
        found: Ints = self.counts[1]
        return found

    def buckets(self) -> NDArray[np.bool_] | None:
        """Which cells are buckets; None when all are."""
        if self.is_exact:
            return np.zeros(len(self.low), dtype=bool)
        found = self.low < self.high
        return None if found.all() else found


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
        ("NULL", ref.nulls, cur.nulls),
        ("NaN", ref.nans, cur.nans),
        ("-Inf", ref.neg_infs, cur.neg_infs),
        ("+Inf", ref.pos_infs, cur.pos_infs),
    )
    return tuple(Special(name, left, right) for name, left, right in found if left or right)


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
    below = cells.counts.cumsum(axis=1)
    n, m = below[:, -1].tolist() if len(cells.low) else (0, 0)
    return Numbers(cells.low, cells.high, cells.counts, below, n, m, specials_of(ref, cur), cells.is_exact, origin)


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
    sides = [(one.keys, one.counts) for one in histograms]
    present = [keys for keys, _ in sides if len(keys)]
    if not present:
        return Cells(np.empty(0), np.empty(0), np.zeros((len(states), 0), dtype=np.int64), is_exact=True)
    base = min(keys.item(0) for keys in present)
    width = max(keys.item(-1) for keys in present) - base + 1
    counts = np.zeros((len(states), width), dtype=np.int64)
    for row, (keys, filled) in zip(counts, sides, strict=True):
        row[keys - base] = filled
    is_time = spec.kind is Kind.TIMESTAMP
    atoms = np.array(spec.atoms)
    if len(atoms):
        placed = _keys_of_atoms(atoms, spec, level) - base
        inside = (placed >= 0) & (placed < width)
        for row, state in zip(counts, states, strict=True):
            np.subtract.at(row, placed[inside], state.atoms[inside])
    occupied = np.add.reduce(counts, axis=0).nonzero()[0]
    low, high = _edges(occupied + base, spec, level, 0.0 if is_time else float(spec.centre))
    _cut(low, high, states, int(spec.centre) if is_time else 0)
    counts = counts.take(occupied, axis=1)
    if len(atoms):
        low, high, counts = _with_atoms(low, high, counts, atoms, np.stack([state.atoms for state in states]))
    return Cells(low, high, counts, is_exact=False)


@cache
def _ladder() -> Floats:
    """Lower edges of all keys of the finest histogram in units of u, from key -65,536 on: the same for every spec."""
    magnitudes = lower_magnitude(np.arange(LAST_KEY + 2), MAX_SUB_BITS)
    return np.concatenate([-magnitudes[:0:-1], magnitudes])


def _edges(keys: Ints, spec: FeatureSpec, level: int, centre: float) -> tuple[Floats, Floats]:
    """(low, high) of buckets, as `kernel.edges` gives them: a coarser key is a finer one shifted."""
    ladder, shift = _ladder(), MAX_SUB_BITS - (spec.sub_bits - level)
    rungs, unit = (keys << shift) + (LAST_KEY + 1), 2.0**spec.unit_exponent
    with np.errstate(over="ignore"):
        return ladder[rungs] * unit + centre, ladder[rungs + (1 << shift)] * unit + centre


def _keys_of_atoms(atoms: Floats, spec: FeatureSpec, level: int) -> Ints:
    keys = keys_of(atoms, centre=float(spec.centre), unit_exponent=spec.unit_exponent, sub_bits=spec.sub_bits)
    return keys >> level


def _cut(low: Floats, high: Floats, states: Sequence[NumericState], origin: int) -> None:
    """Cut the outermost buckets at the exact extremes of all states."""
    least = [side.minimum for side in states if side.minimum is not None]
    most = [side.maximum for side in states if side.maximum is not None]
    if least and len(low):
        low[0], high[-1] = max(low.item(0), float(min(least) - origin)), min(high.item(-1), float(max(most) - origin))


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
