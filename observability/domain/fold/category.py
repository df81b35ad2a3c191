"""Folding batches of categories into mutable counts, and freezing them as states."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from observability.domain.fold.columns import Texts
from observability.domain.fold.distinct import Digests, KnownValues, Vocabulary
from observability.domain.fold.numeric import grown
from observability.domain.loops.category import Codes, count_codes, spread_codes, spread_counts
from observability.domain.loops.grouping import Grouping
from observability.domain.loops.hashing import HASH_BUCKETS, REGISTERS, bucket_of, register_of
from observability.domain.loops.numeric import Ints
from observability.domain.profile.states import (
    FULL_TEXTS,
    NO_INTS,
    SAMPLE_BITS,
    CategoryState,
    Sample,
    TextTable,
    empty_sample,
    merge_samples,
    text_table,
)
from observability.domain.specs.spec import FeatureSpec, Kind

Cells = tuple[Ints, Ints, Ints]  # group, code in a dictionary, count
DENSE_VALUES: Final = 4096  # up to here counts are kept per (group, value) and spread once at the end
LABEL_BYTES: Final = 256


class CategoryAccumulator:
    """Folds one categorical column over batches, for all groups at once. One thread at a time."""

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self.size = 0
        self._labels: dict[bytes, str] = {}
        self._has_odd = False
        self.rows = np.zeros((3, 0), dtype=np.int64)  # rows nulls empties
        self.vocabulary = np.zeros((0, len(spec.vocabulary)), dtype=np.int64)
        self.buckets = np.zeros((0, HASH_BUCKETS), dtype=np.int64)
        self.registers = np.zeros((0, REGISTERS), dtype=np.uint8)
        self.tables: list[dict[bytes, int] | None] = []  # None: overflowed
        self.samples: list[Sample] = []
        self.words = Vocabulary(spec.vocabulary)
        self.dense: Ints | None = np.zeros((0, 0), dtype=np.int64)  # None once there were too many values
        self.known = KnownValues()  # what the columns of `dense` count
        self._ordered: _Ordered | None = None
        self.hardly_repeats = False  # then finding the distinct values of a batch costs more than it saves

    def fold(self, column: Texts, grouping: Grouping) -> None:
        """Add one batch."""
        if not grouping.segments:
            return
        groups = grouping.groups
        self._grow(int(groups[-1]) + 1)
        self.rows[0, groups] += grouping.sizes
        nulls = np.zeros(grouping.segments, dtype=np.int64)
        codes, valid, translation = column.codes, column.valid, self._translate(column.dictionary)
        if translation is not None:
            count_codes(codes, valid, grouping.segment, translation, groups, nulls, self._room())
        elif not self.spec.table_limit or all(self.tables[group] is None for group in groups.tolist()):
            self._spread_rows(column, Digests.of(column.dictionary, self.words), grouping, nulls)
            self.hardly_repeats = 4 * len(column.dictionary) > len(codes)
        else:
            cells = self._cells(codes, valid if len(valid) else np.ones(len(codes), dtype=bool), grouping)
            self._spread(*cells, Digests.of(column.dictionary, self.words))
            nulls = grouping.sizes - np.bincount(cells[0], weights=cells[2], minlength=self.size)[groups].astype(
                np.int64
            )
        self.rows[1, groups] += nulls

    def _cells(self, codes: Codes, chosen: NDArray[np.bool_], grouping: Grouping) -> Cells:
        """How many of the chosen rows each (group, code) has, ordered by group."""
        rows = grouping.kept(chosen)
        some = codes[rows]
        width = int(some.max(initial=0)) + 1
        cells, counts = np.unique(grouping.places(rows) * width + some, return_counts=True)
        return grouping.groups[cells // width], cells % width, counts.astype(np.int64)

    def _translate(self, dictionary: pa.Array) -> Ints | None:
        """Place in `dense` of each dictionary entry; None where values are not counted one by one any more."""
        if self.dense is None:
            return None
        if len(dictionary) <= DENSE_VALUES:
            codes = self.known.codes(dictionary)
            if len(self.known) <= DENSE_VALUES:
                return codes
        self._settle()
        return None

    def _room(self) -> Ints:
        """The dense counts, with a cell for every group and known value."""
        if self.dense is None:
            raise AssertionError("dense counts were spread already")
        groups, width = self.dense.shape
        if groups < self.size or width < len(self.known):
            grown = np.zeros((self.size, max(width, len(self.known) + len(self.known) // 4)), dtype=np.int64)
            grown[:groups, :width] = self.dense
            self.dense = grown
        return self.dense

    def _spread_rows(self, column: Texts, digests: Digests, grouping: Grouping, nulls: Ints) -> None:
        """Add a batch whose groups have no table any more: row by row, as no count per value is needed."""
        codes, valid = column.codes, column.valid
        counted = (self.rows[2], self.vocabulary, self.buckets, self.registers)
        spread_codes(codes, valid, grouping.segment, grouping.groups, digests.marks, nulls, *counted)
        if self.spec.kind is Kind.ID:
            is_sampled = digests.hashes < np.uint64(1 << 64 - SAMPLE_BITS)
            chosen = is_sampled if column.is_each else is_sampled[column.holed] if len(is_sampled) else codes != codes
            chosen = chosen & valid if len(valid) else chosen
            groups, places, counts = self._cells(codes, chosen, grouping)
            self._add_samples(groups, digests.hashes[places], counts)

    def _settle(self) -> None:
        """Spread the dense counts over buckets, registers and tables; from here on every batch is spread."""
        if self.dense is None:
            return
        groups, codes = np.nonzero(self.dense)
        counts, values = self.dense[groups, codes], self.known.values()
        self.dense, self.known, self._ordered = None, KnownValues(), None
        self._grow(self.size)
        self._spread(groups, codes, counts, Digests.of(values, self.words))

    def _spread(self, groups: Ints, codes: Ints, counts: Ints, digests: Digests) -> None:
        """Add counts of distinct (group, code) pairs, ordered by group. Weights stay below 2**53: exact."""
        if not len(codes):
            return
        hashes = digests.hashes[codes]
        cells = groups * HASH_BUCKETS + bucket_of(hashes)
        spread = np.bincount(cells, weights=counts, minlength=self.size * HASH_BUCKETS)
        self.buckets += spread.astype(np.int64).reshape(self.size, HASH_BUCKETS)
        flat = self.registers.reshape(-1)
        np.maximum.at(flat, groups * REGISTERS + register_of(hashes)[0], digests.ranks[codes])
        words = digests.words[codes]
        named = words >= 0
        np.add.at(self.vocabulary, (groups[named], words[named]), counts[named])
        if self.spec.kind is Kind.ID:
            self._add_samples(groups, hashes, counts)
        hit = digests.is_empty[codes]
        np.add.at(self.rows[2], groups[hit], counts[hit])
        self._add_tables(groups, codes, counts, digests)

    def _add_samples(self, groups: Ints, hashes: NDArray[np.uint64], counts: Ints) -> None:
        chosen = np.flatnonzero((hashes >> np.uint64(64 - SAMPLE_BITS)) == 0)
        for group in np.unique(groups[chosen]).tolist():
            mine = chosen[groups[chosen] == group]
            ascending = mine[np.argsort(hashes[mine])]
            part = Sample.of(hashes[ascending], counts[ascending])
            self.samples[group] = merge_samples(self.samples[group], part)

    def _add_tables(self, groups: Ints, codes: Ints, counts: Ints, digests: Digests) -> None:
        limit = self.spec.table_limit
        present, starts = np.unique(groups, return_index=True)
        found: list[tuple[int, dict[bytes, int], slice]] = []
        for group, start, end in zip(
            present.tolist(), starts.tolist(), [*starts[1:].tolist(), len(groups)], strict=True
        ):
            table = self.tables[group]
            # A dictionary may hold a value twice: codes can be too many where values are not.
            if end - start > limit and len(np.unique(digests.hashes[codes[start:end]])) > limit:
                self.tables[group] = None
            elif table is not None:
                found.append((group, table, slice(start, end)))
        used, place = np.unique(np.concatenate([codes[:0], *(codes[mine] for *_, mine in found)]), return_inverse=True)
        values = digests.values.take(pa.array(used)).to_pylist()
        names = iter(place.tolist())
        for group, table, mine in found:
            for count, name in zip(counts[mine].tolist(), names, strict=False):  # only as many names as counts
                value = values[name]
                table[value] = table.get(value, 0) + count
            if len(table) > limit:
                self.tables[group] = None

    def _table(self, counted: dict[bytes, int]) -> TextTable:
        for value in counted.keys() - self._labels.keys():
            self._labels[value] = label(value)
            self._has_odd = self._has_odd or self._labels[value].encode() != value
        if not self._has_odd:  # bytes already sort as their labels do
            ordered = sorted(counted)
            counts = np.array([counted[value] for value in ordered], dtype=np.int64)
            return TextTable(tuple(self._labels[value] for value in ordered), counts)
        totals: dict[str, int] = {}
        for value, count in counted.items():
            name = self._labels[value]
            totals[name] = totals.get(name, 0) + count
        return text_table(totals, self.spec.table_limit)

    def _grow(self, size: int) -> None:
        if size > self.size:
            self.rows = np.ascontiguousarray(grown(self.rows.T, size).T)
            self.size = size
        if self.dense is None and len(self.tables) < size:
            more = size - len(self.tables)
            self.vocabulary, self.buckets = grown(self.vocabulary, size), grown(self.buckets, size)
            self.registers = grown(self.registers, size)
            self.tables += [{} if self.spec.table_limit else None for _ in range(more)]
            self.samples += [empty_sample()] * more

    def state(self, group: int) -> CategoryState:
        """The frozen state of one group, also of one that never had a row."""
        self._grow(group + 1)
        rows, nulls, empties = self.rows[:, group].tolist()
        if self.dense is not None:
            return self._of_counts(group, rows, nulls)
        counted = self.tables[group]
        table = FULL_TEXTS
        if counted is not None:
            table = self._table(counted)
        return CategoryState(
            digest=self.spec.digest,
            rows=rows,
            nulls=nulls,
            empties=empties,
            table=table,
            vocabulary=self.vocabulary[group].copy(),
            buckets=self.buckets[group].copy(),
            registers=self.registers[group].copy(),
            sample=self.samples[group],
            limit=self.spec.table_limit,
        )

    def _of_counts(self, group: int, rows: int, nulls: int) -> CategoryState:
        """The state of a group by the counts of its values."""
        if self._ordered is None or len(self._ordered.marks) != len(self.known):
            self._ordered = _Ordered(self.known.values(), self.words)
        ordered, counts = self._ordered, self._room()[group]
        vocabulary = np.zeros(len(self.spec.vocabulary), dtype=np.int64)
        buckets, registers = np.zeros(HASH_BUCKETS, dtype=np.int64), np.zeros(REGISTERS, dtype=np.uint8)
        _, empties = spread_counts(counts, ordered.marks, vocabulary, buckets, registers)
        sampled = counts[ordered.sampled] if self.spec.kind is Kind.ID else NO_INTS
        is_met = sampled > 0
        return CategoryState(
            digest=self.spec.digest,
            rows=rows,
            nulls=nulls,
            empties=empties,
            table=self._table_of_counts(counts, ordered),
            vocabulary=vocabulary,
            buckets=buckets,
            registers=registers,
            sample=Sample.of(ordered.hashes[is_met], sampled[is_met]) if is_met.any() else empty_sample(),
            limit=self.spec.table_limit,
        )

    def _table_of_counts(self, counts: Ints, ordered: _Ordered) -> TextTable:
        limit = self.spec.table_limit
        counts = counts[ordered.order]
        met = np.flatnonzero(counts)
        if len(met) > limit or not limit:
            return FULL_TEXTS
        if ordered.labels is None:
            return self._table({ordered.values[place]: int(counts[place]) for place in met.tolist()})
        return TextTable(tuple(ordered.labels[place] for place in met.tolist()), counts[met])


class _Ordered:
    """What the states of all groups need of the values that a column has shown, made once for all of them."""

    def __init__(self, values: pa.Array, words: Vocabulary) -> None:
        digests = Digests.of(values, words)
        found = values.to_pylist()
        self.marks = digests.marks
        self.order: Ints = np.array(sorted(range(len(found)), key=found.__getitem__), dtype=np.int64)
        self.values: list[bytes] = [found[code] for code in self.order.tolist()]
        labels = [label(value) for value in self.values]
        # Bytes sort as their labels do, unless a label is another text than the value.
        self.labels = (
            labels if all(one.encode() == value for one, value in zip(labels, self.values, strict=True)) else None
        )
        sampled = np.flatnonzero(digests.hashes < np.uint64(1 << 64 - SAMPLE_BITS))
        self.sampled = sampled[np.argsort(digests.hashes[sampled])]
        self.hashes = digests.hashes[self.sampled]


def label(value: bytes) -> str:
    """The value as text: invalid UTF-8 escaped; beyond 256 bytes a prefix with its md5, so that it stays distinct."""
    text = value.decode("utf-8", "backslashreplace")
    if len(value) <= LABEL_BYTES:
        return text
    return f"{text[:80]}… ({len(value)} bytes, md5 {hashlib.md5(value, usedforsecurity=False).hexdigest()})"
