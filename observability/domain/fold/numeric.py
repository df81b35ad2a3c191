"""Folding batches of numbers into mutable counts, and freezing them as states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.grouping import Grouping
from observability.domain.loops.numeric import (
    COUNTERS,
    NO_KEYS,
    Floats,
    Ints,
    Placed,
    Segments,
    Valid,
    are_integers,
    count_keys,
    count_values,
    edges,
    extremes,
    fold_rows,
    frozen,
    keys_at,
    keys_of,
    placed,
)
from observability.domain.loops.ordering import added_up
from observability.domain.profile.states import FULL_NUMBERS, NO_FLOATS, NO_INTS, Histogram, NumberTable, NumericState
from observability.domain.specs.spec import FeatureSpec, Kind

DENSE_CELLS: Final = 1 << 19  # 4 MiB of counts per column, then sparse: never +-65,536 buckets for thousands of columns
FEW_GROUPS: Final = 64
USUAL_KEYS: Final = 1_024  # on each side of the centre: most columns need no more, and none is looked at twice
SMALL_TABLE: Final = 200
_MIDDLE: Final = 1 << 31  # keys are of 18 bits and signed
_EXACT_INTEGER: Final = 2.0**53
_ALL: Final[Valid] = np.zeros(0, dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """One column of a batch as the kernel wants it, in the order of the rows.

    `x` holds the values as float64; where `valid` is false its content is arbitrary. `difference` is x - c already
    subtracted in 64-bit integers, and `exact` are the integers themselves; both only where float64 cannot hold them.
    """

    x: Floats
    valid: Valid | None = None
    difference: Floats | None = None
    exact: NDArray[np.integer] | None = None


class Column(NamedTuple):
    """What every loop of the kernel takes first: values, presence (empty: all) and segment (empty: one) of each row."""

    x: Floats
    valid: Valid
    segment: Segments


def _integers_of_their_own(spec: FeatureSpec) -> tuple[float, float]:
    """The first and last whole number around the centre that share a bucket with no other; none where first > last.

    |x - c| < 2 S - u is where buckets are at most 1 wide. Only while everything in between is exact.
    """
    reach = float(2 << spec.sub_bits) - 2.0**spec.unit_exponent
    if reach <= 0 or spec.unit_exponent < -40 or abs(spec.centre) > 2**31 or not float(spec.centre).is_integer():
        return 1.0, 0.0
    return spec.centre - np.ceil(reach) + 1, spec.centre + np.ceil(reach) - 1


def grown(values: NDArray[Any], size: int, fill: float = 0) -> NDArray[Any]:
    """The values with more lines at their end."""
    found = np.full((size, *values.shape[1:]), fill, dtype=values.dtype)
    found[: len(values)] = values
    return found


def narrow(counts: Ints) -> NDArray[Any]:
    """The same counts in half the memory where they fit."""
    return counts.astype(np.uint32) if int(counts.max(initial=0)) < 1 << 32 else counts


class HistogramCounts:
    """Counts per (group, key): dense while it is small, sparse afterwards."""

    def __init__(self) -> None:
        self.base = 0
        self.dense: Ints = np.zeros((0, 0), dtype=np.int64)
        self.is_sparse = False
        self.parts: list[tuple[Ints, NDArray[Any]]] = [
            (NO_INTS, NO_INTS)
        ]  # places and counts; the first alone is in order
        self.pending = 0
        self._starts: Ints | None = None

    def add_sparse(self, groups: Ints, keys: Ints, counts: Ints) -> None:
        """Add counts of (group, key). A place is both in one number, so that sorting is by group, then by key."""
        if not self.is_sparse:
            self.is_sparse = True
            old_groups, old_keys = np.nonzero(self.dense)
            old = self.dense[old_groups, old_keys]
            self.dense = np.zeros((0, 0), dtype=np.int64)
            self.add_sparse(old_groups, old_keys + self.base, old)
        self.parts.append(((groups << 32) + keys + _MIDDLE, narrow(counts)))
        self.pending += len(keys)
        self._starts = None
        if self.pending > max(2 * len(self.parts[0][0]), 1 << 20):
            self._merge()

    def _merge(self) -> None:
        places, counts = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        order = np.argsort(places)
        places, counts = places[order], counts[order]
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        totals = narrow(np.add.reduceat(counts, starts, dtype=np.int64)) if len(starts) else counts
        self.parts, self.pending = [(places[starts], totals)], 0

    def row(self, group: int) -> tuple[Ints, Ints]:
        """Occupied keys, ascending, and their counts."""
        if not self.is_sparse:
            return self._row(group)
        if self._starts is None:
            self._merge()
            found = self.parts[0][0]
            last = int(found[-1] >> 32) + 1 if len(found) else 0
            self._starts = np.searchsorted(found, np.arange(last + 1, dtype=np.int64) << 32)
        if group + 1 >= len(self._starts):
            return NO_INTS, NO_INTS
        mine = slice(int(self._starts[group]), int(self._starts[group + 1]))
        places, counts = self.parts[0]
        return (places[mine] & 0xFFFFFFFF) - _MIDDLE, counts[mine].astype(np.int64)

    def _row(self, group: int) -> tuple[Ints, Ints]:
        if group >= len(self.dense):
            return NO_INTS, NO_INTS
        keys = np.flatnonzero(self.dense[group])
        return keys + self.base, self.dense[group][keys]

    def covered(self, group: int) -> tuple[int, Ints]:
        """First key and dense counts, or no width where groups up to this one have no rows there yet."""
        return (self.base, self.dense) if group < len(self.dense) else (0, self.dense[:, :0])

    def reserve(self, groups: int, low: int, high: int) -> bool:
        """Make room in `dense` for keys low .. high - 1 of that many groups; False where counts have to be sparse."""
        if self.is_sparse:
            return False
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
        centre = np.array([-float(spec.centre)])
        self.zero = int(keys_of(centre, unit_exponent=spec.unit_exponent, sub_bits=spec.sub_bits)[0])  # the key of 0
        self.rows: Ints = np.zeros(0, dtype=np.int64)
        self.totals: Ints = np.zeros((0, COUNTERS), dtype=np.int64)
        self.atoms: Ints = np.zeros((0, len(spec.atoms)), dtype=np.int64)
        self.low, self.high = np.zeros(0), np.zeros(0)  # of the finite values
        self.first: Ints = NO_INTS  # of timestamps, exact where float64 is not
        self.last: Ints = NO_INTS
        self.integers = _integers_of_their_own(spec)
        self.is_own = bool(spec.table_limit) and self.integers[0] <= self.integers[1]  # the buckets are the table
        self.is_full = np.zeros(0, dtype=bool)  # groups with too many distinct values for a table
        self.parts: list[tuple[NDArray[Any], Floats, NDArray[Any]]] = [
            (NO_INTS, NO_FLOATS, NO_INTS)
        ]  # group, value, count
        self.pending = 0  # values of all parts but the first, which alone is merged and in order
        self._starts: Ints | None = None  # of each group in the first part

    def fold(self, numbers: Numbers, grouping: Grouping) -> None:
        """Add one batch."""
        if not grouping.segments:
            return
        groups, count = grouping.groups, grouping.segments
        self._grow(int(groups[-1]) + 1)
        column = Column(frozen(numbers.x), frozen(_ALL if numbers.valid is None else numbers.valid), grouping.segment)
        source = column.x if numbers.difference is None else frozen(numbers.difference)
        centre = float(self.spec.centre) if numbers.difference is None else 0.0
        placing = placed(centre, self.spec.unit_exponent, self.spec.sub_bits)
        if self.is_own and (numbers.difference is not None or not are_integers(column.x, column.valid, *self.integers)):
            self._spill()
        counters, hits = np.zeros((count, COUNTERS), dtype=np.int64), np.zeros((count, len(self.spec.atoms)), np.int64)
        low, high = self.low[groups], self.high[groups]
        if not self.counts.dense.size and self.size <= FEW_GROUPS:
            self.counts.reserve(self.size, -USUAL_KEYS, USUAL_KEYS)
        base, dense = self.counts.covered(int(groups[-1]))
        atoms = np.array(self.spec.atoms, dtype=np.float64)
        keys = fold_rows(*column, source, placing, self.zero, groups, base, dense, atoms, counters, hits, low, high)
        self.rows[groups] += grouping.sizes
        self.totals[groups] += counters
        self.atoms[groups] += hits
        self.low[groups], self.high[groups] = low, high
        if keys != NO_KEYS:
            self._count_others(column, source, placing, grouping, keys, (base, base + dense.shape[1]))
        if self.spec.kind is Kind.TIMESTAMP and numbers.exact is not None:
            first, last = self.first[groups], self.last[groups]
            extremes(frozen(numbers.exact), column.valid, column.segment, first, last)
            self.first[groups], self.last[groups] = first, last
        if numbers.difference is not None:  # floats merge neighbours beyond 2**53: such a table would lie
            least, most = np.zeros(count), np.zeros(count)
            extremes(column.x, column.valid, column.segment, least, most)
            self.is_full[groups[(least < -_EXACT_INTEGER) | (most > _EXACT_INTEGER)]] = True
        if not self.is_own:
            self._tables(column, grouping)

    def _count_others(
        self,
        column: Column,
        source: Floats,
        placing: Placed,
        grouping: Grouping,
        keys: tuple[int, int],
        done: tuple[int, int],
    ) -> None:
        """Count the keys that lie outside of what the dense counts had room for."""
        low, high = keys
        groups = grouping.groups
        if self.counts.reserve(int(groups[-1]) + 1, low, high + 1):
            count_keys(*column, source, placing, groups, self.counts.base, self.counts.dense, done)
            return
        rows = grouping.kept(np.isfinite(column.x) & column.valid if len(column.valid) else np.isfinite(column.x))
        found = keys_at(source[rows], placing)
        is_left = (found < done[0]) | (found >= done[1])
        span = high - low + 1
        cells, counts = np.unique(grouping.places(rows[is_left]) * span + (found[is_left] - low), return_counts=True)
        self.counts.add_sparse(groups[cells // span], cells % span + low, counts.astype(np.int64))

    def _tables(self, column: Column, grouping: Grouping) -> None:
        limit, groups = self.spec.table_limit, grouping.groups
        # Most columns have few values or far too many: a small table tells which, and stays in the fastest cache.
        for size in (min(SMALL_TABLE, limit), limit):
            is_done = self.is_full[groups]
            if is_done.all():
                return
            room = np.where(is_done, 0, np.minimum(grouping.sizes, size + 1))
            bits = np.maximum(np.frexp(2.0 * room)[1].astype(np.int64), 1)  # more than twice the room
            slots = np.int64(1) << bits
            first = np.cumsum(slots) - slots
            used = np.where(is_done, size + 1, 0)
            values, counts = np.empty(int(slots.sum())), np.zeros(int(slots.sum()), dtype=np.int64)
            count_values(*column, size, used, first, bits, values, counts)
            if size == limit or (used[~is_done] <= size).all():
                break
        self.is_full[groups[used > limit]] = True
        taken = np.flatnonzero(counts)
        owners = groups[np.searchsorted(first, taken, side="right") - 1]
        self.parts.append((owners.astype(np.int32), values[taken], narrow(counts[taken])))
        self.pending += len(taken)
        if self.pending > 4 * max(len(self.parts[0][0]), limit):
            self._settle()

    def _settle(self) -> None:
        """Merge the tables of the batches; not after each one, because every merge sorts."""
        groups, values, counts = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        kept = ~self.is_full[groups]
        groups, values, totals = added_up(groups[kept], values[kept], counts[kept], self.size)
        self.is_full |= np.bincount(groups, minlength=self.size) > self.spec.table_limit
        self.parts, self.pending, self._starts = [(groups, values, narrow(totals))], 0, None

    def _spill(self) -> None:
        """The buckets so far as a part of the tables; from here on values are counted one by one."""
        self.is_own = False
        for group in range(self.size):
            values, counts = self._whole(group)
            self.parts.append((np.full(len(values), group), values, counts))
            self.pending += len(values)

    def _whole(self, group: int) -> tuple[Floats, Ints]:
        """The whole numbers that the buckets of a group stand for, one each, and their counts."""
        keys, counts = self.counts.row(group)
        spec = self.spec
        low, high = edges(keys, centre=float(spec.centre), unit_exponent=spec.unit_exponent, sub_bits=spec.sub_bits)
        return np.where(keys < 0, np.floor(high), np.ceil(low)) + 0.0, counts

    def _table(self, group: int) -> NumberTable:
        if self.is_own:
            values, counts = self._whole(group)
            return NumberTable(values, counts) if len(values) <= self.spec.table_limit else FULL_NUMBERS
        if len(self.parts) > 1:
            self._settle()
        if self.is_full[group]:
            return FULL_NUMBERS
        groups, values, counts = self.parts[0]
        if self._starts is None or len(self._starts) != self.size + 1:
            self._starts = np.searchsorted(groups, np.arange(self.size + 1))
        mine = slice(int(self._starts[group]), int(self._starts[group + 1]))
        return NumberTable(values[mine].copy(), counts[mine].astype(np.int64))

    def _grow(self, size: int) -> None:
        if size <= self.size:
            return
        span = np.iinfo(np.int64)
        self.rows = grown(self.rows, size)
        self.totals = grown(self.totals, size)
        self.atoms = grown(self.atoms, size)
        self.is_full = grown(self.is_full, size, self.spec.table_limit == 0)
        self.low, self.high = grown(self.low, size, np.inf), grown(self.high, size, -np.inf)
        self.first, self.last = grown(self.first, size, span.max), grown(self.last, size, span.min)
        self.size = size

    def state(self, group: int) -> NumericState:
        """The frozen state of one group, also of one that never had a row."""
        self._grow(group + 1)
        nulls, nans, pos_infs, neg_infs, zeros, negatives = self.totals[group].tolist()
        keys, counts = self.counts.row(group)
        low, high = (self.first, self.last) if self.spec.kind is Kind.TIMESTAMP else (self.low, self.high)
        is_empty = not len(keys)
        return NumericState(
            digest=self.digest,
            rows=int(self.rows[group]),
            nulls=nulls,
            nans=nans,
            pos_infs=pos_infs,
            neg_infs=neg_infs,
            zeros=zeros,
            negatives=negatives + int(counts[keys < self.zero].sum()),
            minimum=None if is_empty else low[group].item(),
            maximum=None if is_empty else high[group].item(),
            histogram=Histogram.of(keys, counts),
            table=self._table(group),
            atoms=self.atoms[group].copy(),
            limit=self.spec.table_limit,
        )
