"""Folding batches of numbers into mutable counts, and freezing them as states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .grouping import Grouping, Order
from .kernel import Floats, Ints, Scratch, keys_into, keys_of, last_finite
from .spec import FeatureSpec, Kind
from .states import FULL_NUMBERS, NO_FLOATS, NO_INTS, Histogram, NumberTable, NumericState, merge_number_tables

DENSE_CELLS: Final = 1 << 19  # 4 MiB of counts per column, then sparse: never +-65,536 buckets for thousands of columns
_KEY_SPAN: Final = 1 << 18
_EXACT_INTEGER: Final = 2.0**53


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """One column of a batch as the kernel wants it, in the order of the rows.

    `x` holds the values as float64; where `valid` is false its content is arbitrary. `difference` is x - c already
    subtracted in 64-bit integers, and `exact` are the integers themselves; both only where float64 cannot hold them.
    """

    x: Floats
    valid: NDArray[np.bool_] | None = None
    difference: Floats | None = None
    exact: NDArray[np.integer] | None = None


class HistogramCounts:
    """Counts per (group, key): dense while it is small, sparse afterwards."""

    def __init__(self) -> None:
        self.base = 0
        self.dense: Ints = np.zeros((0, 0), dtype=np.int64)
        self.sparse: dict[int, tuple[Ints, Ints]] | None = None

    def add(self, groups: Ints, low: int, counts: Ints) -> None:
        """Add counts[s, k] for group groups[s] and key low + k."""
        if self.sparse is None and self._fits(int(groups[-1]) + 1, low, low + counts.shape[1]):
            at = low - self.base
            if len(groups) == int(groups[-1]) - int(groups[0]) + 1:  # a slice adds in place, a list of rows copies
                self.dense[groups[0] : groups[-1] + 1, at : at + counts.shape[1]] += counts
            else:
                self.dense[groups, at : at + counts.shape[1]] += counts
            return
        for group, row in zip(groups.tolist(), counts, strict=True):
            keys = np.flatnonzero(row)
            self.add_sparse(group, keys + low, row[keys])

    def add_sparse(self, group: int, keys: Ints, counts: Ints) -> None:
        """Add counts of distinct ascending keys."""
        if self.sparse is None:
            self.sparse = {g: self._row(g) for g in range(len(self.dense))}
            self.dense = np.zeros((0, 0), dtype=np.int64)
        if group in self.sparse:
            old_keys, old_counts = self.sparse[group]
            merged, inverse = np.unique(np.concatenate([old_keys, keys]), return_inverse=True)
            totals = np.zeros(len(merged), dtype=np.int64)
            np.add.at(totals, inverse, np.concatenate([old_counts, counts]))
            keys, counts = merged, totals
        self.sparse[group] = (keys, counts)

    def histogram(self, group: int) -> Histogram:
        if self.sparse is not None:
            keys, counts = self.sparse.get(group, (NO_INTS, NO_INTS))
        else:
            keys, counts = self._row(group)
        return Histogram.of(keys, counts)

    def _row(self, group: int) -> tuple[Ints, Ints]:
        if group >= len(self.dense):
            return NO_INTS, NO_INTS
        keys = np.flatnonzero(self.dense[group])
        return keys + self.base, self.dense[group][keys]

    def _fits(self, groups: int, low: int, high: int) -> bool:
        old_groups, width = self.dense.shape
        if groups <= old_groups and self.base <= low and high <= self.base + width:
            return True
        new_low = min(low - 32, self.base) if width else low - 32
        new_high = max(high + 32, self.base + width) if width else high + 32
        groups = max(groups, old_groups)
        if groups * (new_high - new_low) > DENSE_CELLS:
            return False
        grown = np.zeros((groups, new_high - new_low), dtype=np.int64)
        if width:
            at = self.base - new_low
            grown[:old_groups, at : at + width] = self.dense
        self.dense, self.base = grown, new_low
        return True


class NumericAccumulator:
    """Folds one numeric column over batches, for all groups at once. One thread at a time."""

    def __init__(self, spec: FeatureSpec, *, digest: bytes | None = None) -> None:
        self.spec = spec
        self.digest = digest or spec.digest
        self.counts = HistogramCounts()
        self.size = 0
        self.totals: Ints = np.zeros((7, 0), dtype=np.int64)  # rows nulls nans +inf -inf zeros negatives
        self.atoms: Ints = np.zeros((0, len(spec.atoms)), dtype=np.int64)
        self.minimum: list[float | int | None] = []
        self.maximum: list[float | int | None] = []
        self.tables: list[NumberTable] = []

    def fold(self, numbers: Numbers, grouping: Grouping, scratch: Scratch) -> None:
        """Add one batch."""
        if not grouping.rows:
            return
        groups = grouping.groups
        self._grow(int(groups[-1]) + 1)
        self.totals[0, groups] += grouping.sizes
        x, holes = self._gathered(numbers, grouping)
        hole_counts = grouping.per_segment(holes) if len(holes) else np.zeros(len(groups), dtype=np.int64)
        filled = grouping.sizes - hole_counts
        if not filled.any():
            return
        if len(holes):
            x[holes] = np.nan  # left out by fmin and fmax
        low, high = np.fmin.reduceat(x, grouping.starts), np.fmax.reduceat(x, grouping.starts)
        self._extremes(numbers, grouping, holes, low, high, filled)
        fill = float(np.nanmin(low))
        if len(holes):
            x[holes] = fill  # holes are counted in the bucket of the smallest value, then taken off again
        self._signs(x, grouping, fill, hole_counts, low, high)
        self._atoms(x, grouping, fill, hole_counts)
        difference = self._difference(numbers, grouping, holes, x)
        self._histogram(x, difference, grouping, hole_counts, scratch, (low, high))
        self._tables(x, grouping, fill, hole_counts, is_integer=numbers.difference is not None, bounds=(low, high))

    def _gathered(self, numbers: Numbers, grouping: Grouping) -> tuple[Floats, Order]:
        """Values by group, and the positions without a finite value, now counted; ours to change if there are any."""
        x = numbers.x if grouping.order is None else np.take(numbers.x, grouping.order)
        null_at = np.zeros(0, dtype=np.intp)
        if numbers.valid is not None:
            null_at = np.flatnonzero(~numbers.valid)
            if grouping.position is not None:
                null_at = grouping.position[null_at]
                null_at = null_at[null_at >= 0]
        if len(null_at):
            x = x.copy() if grouping.order is None else x
            x[null_at] = 0.0  # a null slot may hold anything, a NaN too
            self.totals[1, grouping.groups] += grouping.per_segment(null_at)
        if np.isfinite(x).all():
            return x, null_at
        wild = np.flatnonzero(~np.isfinite(x))
        for row, chosen in ((2, np.isnan(x[wild])), (3, x[wild] == np.inf), (4, x[wild] == -np.inf)):
            self.totals[row, grouping.groups] += grouping.per_segment(wild[chosen])
        x = x.copy() if grouping.order is None and not len(null_at) else x
        return x, np.concatenate([null_at, wild])

    def _difference(self, numbers: Numbers, grouping: Grouping, holes: Order, x: Floats) -> Floats | None:
        if numbers.difference is None:
            return None
        difference = numbers.difference if grouping.order is None else np.take(numbers.difference, grouping.order)
        if len(holes):
            difference = difference.copy()
            # The key of a hole must be the key of the smallest value, which is the smallest real difference.
            real = np.ones(len(x), dtype=bool)
            real[holes] = False
            difference[holes] = difference[real].min()
        return difference

    def _histogram(
        self,
        x: Floats,
        difference: Floats | None,
        grouping: Grouping,
        holes: Ints,
        scratch: Scratch,
        bounds: tuple[Floats, Floats],
    ) -> None:
        spec = self.spec
        centre = float(spec.centre) if difference is None else 0.0
        source = x if difference is None else difference
        placing: dict[str, Any] = {"centre": centre, "unit_exponent": spec.unit_exponent, "sub_bits": spec.sub_bits}
        if difference is None:
            ends = np.array([np.nanmin(bounds[0]), np.nanmax(bounds[1])])
        else:
            ends = np.array([difference.min(), difference.max()])
        low, high = keys_of(ends, **placing).tolist()
        keys = np.empty(len(source), dtype=np.int64)
        keys_into(source, out=keys, scratch=scratch, **placing)
        last = last_finite(spec.sub_bits)
        if low == ~last or high == last:
            np.clip(keys, ~last, last, out=keys)
        width = high - low + 1
        if grouping.segments * width > 4 * len(keys) + (1 << 16):
            self._sparse_histogram(keys, grouping, low, holes)
            return
        if grouping.segment is None:
            np.subtract(keys, low, out=keys)
        else:
            np.add(keys, np.repeat(np.arange(grouping.segments) * width - low, grouping.sizes), out=keys)
        counts = np.bincount(keys, minlength=grouping.segments * width).reshape(grouping.segments, width)
        counts[:, 0] -= holes
        self.counts.add(grouping.groups, low, counts)

    def _sparse_histogram(self, keys: Ints, grouping: Grouping, low: int, holes: Ints) -> None:
        for place, span in enumerate(grouping.slices()):
            found, counts = np.unique(keys[span], return_counts=True)
            if holes[place]:
                counts[0] -= holes[place]  # `low` is then the first key found
            self.counts.add_sparse(int(grouping.groups[place]), found, counts.astype(np.int64))

    def _extremes(
        self, numbers: Numbers, grouping: Grouping, holes: Order, low: Floats, high: Floats, filled: Ints
    ) -> None:
        lows: list[Any] = low.tolist()
        highs: list[Any] = high.tolist()
        if self.spec.kind is Kind.TIMESTAMP and numbers.exact is not None:
            exact = numbers.exact if grouping.order is None else np.take(numbers.exact, grouping.order)
            span = np.iinfo(exact.dtype)
            up, down = exact.copy(), exact.copy()
            up[holes], down[holes] = span.max, span.min
            lows = np.minimum.reduceat(up, grouping.starts).tolist()
            highs = np.maximum.reduceat(down, grouping.starts).tolist()
        for group, count, least, most in zip(grouping.groups.tolist(), filled.tolist(), lows, highs, strict=True):
            if count:
                old_least, old_most = self.minimum[group], self.maximum[group]
                self.minimum[group] = least if old_least is None else min(old_least, least)
                self.maximum[group] = most if old_most is None else max(old_most, most)

    def _signs(self, x: Floats, grouping: Grouping, fill: float, holes: Ints, low: Floats, high: Floats) -> None:
        least, most = float(np.nanmin(low)), float(np.nanmax(high))
        if least <= 0.0 <= most:
            zero = x == 0.0
            if zero.any():
                self.totals[5, grouping.groups] += grouping.sums(zero) - (holes if fill == 0.0 else 0)
        if least < 0.0:
            self.totals[6, grouping.groups] += grouping.sums(x < 0.0) - holes  # fill is the least value: negative

    def _atoms(self, x: Floats, grouping: Grouping, fill: float, holes: Ints) -> None:
        for place, atom in enumerate(self.spec.atoms):
            hits = grouping.sums(x == atom)
            self.atoms[grouping.groups, place] += hits - holes if fill == atom else hits

    def _tables(
        self,
        x: Floats,
        grouping: Grouping,
        fill: float,
        holes: Ints,
        *,
        is_integer: bool,
        bounds: tuple[Floats, Floats],
    ) -> None:
        limit, groups = self.spec.table_limit, grouping.groups.tolist()
        if is_integer:  # floats merge neighbours beyond 2**53: such a table would lie, so it overflows
            for place, group in enumerate(groups):
                if bounds[0][place] < -_EXACT_INTEGER or bounds[1][place] > _EXACT_INTEGER:
                    self.tables[group] = FULL_NUMBERS
        pending = [place for place, group in enumerate(groups) if not self.tables[group].overflow]
        if not pending:
            return
        spans = grouping.slices()
        for place in list(pending):
            # A short prefix with too many values settles continuous columns for the price of one small sort.
            if len(np.unique(x[spans[place]][: 2 * limit + 64])) > limit + 1:
                self.tables[groups[place]] = FULL_NUMBERS
                pending.remove(place)
        if not pending:
            return
        if fill == 0.0 or (x == 0.0).any():
            x = x + 0.0  # -0.0 and 0.0 are one value
        for place, (values, counts) in _distinct(x, grouping, pending).items():
            if holes[place]:
                counts[np.searchsorted(values, fill)] -= holes[place]
            kept = counts > 0
            part = NumberTable(values[kept], counts[kept])
            self.tables[groups[place]] = merge_number_tables(self.tables[groups[place]], part, limit)

    def _grow(self, size: int) -> None:
        if size <= self.size:
            return
        self.totals = np.pad(self.totals, ((0, 0), (0, size - self.size)))
        self.atoms = np.pad(self.atoms, ((0, size - self.size), (0, 0)))
        fresh = FULL_NUMBERS if self.spec.table_limit == 0 else NumberTable(NO_FLOATS, NO_INTS)
        self.tables += [fresh] * (size - self.size)
        self.minimum += [None] * (size - self.size)
        self.maximum += [None] * (size - self.size)
        self.size = size

    def state(self, group: int) -> NumericState:
        """The frozen state of one group, also of one that never had a row."""
        self._grow(group + 1)
        rows, nulls, nans, pos_infs, neg_infs, zeros, negatives = self.totals[:, group].tolist()
        return NumericState(
            digest=self.digest,
            rows=rows,
            nulls=nulls,
            nans=nans,
            pos_infs=pos_infs,
            neg_infs=neg_infs,
            zeros=zeros,
            negatives=negatives,
            minimum=self.minimum[group],
            maximum=self.maximum[group],
            histogram=self.counts.histogram(group),
            table=self.tables[group],
            atoms=self.atoms[group].copy(),
            limit=self.spec.table_limit,
        )


def _distinct(x: Floats, grouping: Grouping, pending: list[int]) -> dict[int, tuple[Floats, Ints]]:
    """Ascending distinct values and counts of the pending segments: by hashing, then one bincount for all of them."""
    encoded = pa.array(x).dictionary_encode()
    values = encoded.dictionary.to_numpy()
    codes = encoded.indices.to_numpy().astype(np.int64)
    by_value = np.argsort(values)
    found: dict[int, tuple[Floats, Ints]] = {}
    if grouping.segments * len(values) <= 4 * len(x) + (1 << 16):
        if grouping.segment is not None:
            codes += grouping.segment * len(values)
        table = np.bincount(codes, minlength=grouping.segments * len(values)).reshape(grouping.segments, len(values))
        for place in pending:
            counts = table[place][by_value]
            found[place] = (values[by_value][counts > 0], counts[counts > 0].astype(np.int64))
        return found
    spans = grouping.slices()
    for place in pending:
        distinct, counts = np.unique(x[spans[place]], return_counts=True)
        found[place] = (distinct, counts.astype(np.int64))
    return found
