"""Folding batches of categories into mutable counts, and freezing them as states."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .columns import Texts
from .grouping import Grouping
from .hashing import HASH_BUCKETS, REGISTERS, bucket_of, digest64, register_of
from .kernel import Ints
from .spec import FeatureSpec, Kind
from .states import (
    FULL_TEXTS,
    SAMPLE_BITS,
    CategoryState,
    Sample,
    TextTable,
    empty_sample,
    merge_samples,
    text_table,
)

DENSE_VALUES: Final = 4096  # up to here counts are kept per (group, value) and spread once at the end
KNOWN_VALUES: Final = 1 << 18  # hashes of this many distinct values are remembered; more only costs time, never truth
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
        self.dense: Ints | None = np.zeros((0, 0), dtype=np.int64)
        self.known: pa.Array = pa.array([], pa.binary())
        self.hashes: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self.register, self.rank = register_of(self.hashes)
        self.word: NDArray[np.integer] = np.empty(0, dtype=np.int64)

    def fold(self, column: Texts, grouping: Grouping) -> None:
        """Add one batch."""
        if not grouping.rows:
            return
        groups = grouping.groups
        self._grow(int(groups[-1]) + 1)
        codes = column.codes if grouping.order is None else np.take(column.codes, grouping.order)
        self.rows[0, groups] += grouping.sizes
        missing = np.flatnonzero(codes < 0)
        segment = grouping.segment
        if len(missing):
            self.rows[1, groups] += grouping.per_segment(missing)
            present = codes >= 0
            codes = codes[present]
            segment = None if segment is None else segment[present]
        if not len(codes):
            return
        translation = self._translate(column.dictionary)
        width = len(self.known)
        codes = translation[codes]
        if segment is not None:
            codes += segment * width
        cells = grouping.segments * width
        if cells <= 4 * len(codes) + (1 << 16):
            table = np.bincount(codes, minlength=cells)
            if self.dense is not None:
                self._add_dense(groups, table.reshape(grouping.segments, width))
                return
            found = np.flatnonzero(table)
            counts = table[found]
        else:
            found, counts = np.unique(codes, return_counts=True)
        self._spread(groups[found // width], found % width, counts.astype(np.int64))

    def _translate(self, dictionary: pa.Array) -> Ints:
        """Code in `known` of each dictionary entry; new values are hashed once and remembered."""
        first = None
        if len(self.known):
            known = pc.index_in(dictionary, value_set=self.known)
            new = dictionary.filter(known.is_null()).unique().drop_null() if known.null_count else None
            if new is None or not len(new):
                return _codes(known)
            first = _codes(known)
        else:
            new = dictionary.unique().drop_null()
        if len(self.known) + len(new) > KNOWN_VALUES:
            self._settle()
            self._forget()
            first, new = None, dictionary.unique().drop_null()
        hashes, size = digest64(new.to_pylist()), len(self.known)
        self.known = pa.concat_arrays([self.known, new])
        self.hashes = np.concatenate([self.hashes, hashes])
        register, rank = register_of(hashes)
        self.register, self.rank = np.concatenate([self.register, register]), np.concatenate([self.rank, rank])
        words = pa.array([word.encode() for word in self.spec.vocabulary], pa.binary())
        place = pc.index_in(self.known, value_set=words) if len(words) else None
        self.word = np.full(len(self.known), -1) if place is None else _codes(place)
        if len(self.known) > DENSE_VALUES:
            self._settle()
        added = _codes(pc.index_in(dictionary, value_set=new))
        added[added >= 0] += size
        return added if first is None else np.where(first >= 0, first, added)

    def _forget(self) -> None:
        self.known = pa.array([], pa.binary())
        self.hashes = np.empty(0, dtype=np.uint64)
        self.register, self.rank = register_of(self.hashes)
        self.word = np.empty(0, dtype=np.int64)

    def _add_dense(self, groups: Ints, table: Ints) -> None:
        if self.dense is None:
            raise AssertionError("dense counts were spread already")
        if self.dense.shape[0] < self.size or self.dense.shape[1] < table.shape[1]:
            width = max(self.dense.shape[1], table.shape[1] + table.shape[1] // 4)
            grown = np.zeros((self.size, width), dtype=np.int64)
            grown[: self.dense.shape[0], : self.dense.shape[1]] = self.dense
            self.dense = grown
        self.dense[groups, : table.shape[1]] += table

    def _settle(self) -> None:
        """Spread the dense counts over buckets, registers and tables; from here on every batch is spread."""
        if self.dense is None:
            return
        groups, codes = np.nonzero(self.dense)
        counts = self.dense[groups, codes]
        self.dense = None
        self._spread(groups, codes, counts)

    def _spread(self, groups: Ints, codes: Ints, counts: Ints) -> None:
        """Add counts of distinct (group, code) pairs, ordered by group. Weights stay below 2**53: exact."""
        if not len(codes):
            return
        hashes = self.hashes[codes]
        cells = groups * HASH_BUCKETS + bucket_of(hashes)
        spread = np.bincount(cells, weights=counts, minlength=self.size * HASH_BUCKETS)
        self.buckets += spread.astype(np.int64).reshape(self.size, HASH_BUCKETS)
        flat = self.registers.reshape(-1)
        np.maximum.at(flat, groups * REGISTERS + self.register[codes], self.rank[codes])
        words = self.word[codes]
        named = words >= 0
        np.add.at(self.vocabulary, (groups[named], words[named]), counts[named])
        if self.spec.kind is Kind.ID:
            self._add_samples(groups, hashes, counts)
        self._add_tables(groups, codes, counts)

    def _add_samples(self, groups: Ints, hashes: NDArray[np.uint64], counts: Ints) -> None:
        chosen = np.flatnonzero((hashes >> np.uint64(64 - SAMPLE_BITS)) == 0)
        for group in np.unique(groups[chosen]).tolist():
            mine = chosen[groups[chosen] == group]
            ascending = mine[np.argsort(hashes[mine])]
            part = Sample.of(hashes[ascending], counts[ascending])
            self.samples[group] = merge_samples(self.samples[group], part)

    def _add_tables(self, groups: Ints, codes: Ints, counts: Ints) -> None:
        empty = pc.index(self.known, pa.scalar(b"", pa.binary())).as_py()
        if empty >= 0:
            hit = codes == empty
            np.add.at(self.rows[2], groups[hit], counts[hit])
        present, starts = np.unique(groups, return_index=True)
        ends = np.append(starts[1:], len(groups))
        for group, start, end in zip(present.tolist(), starts.tolist(), ends.tolist(), strict=True):
            table = self.tables[group]
            if table is None:
                continue
            if end - start > self.spec.table_limit:
                self.tables[group] = None
                continue
            names = self.known.take(pa.array(codes[start:end])).to_pylist()
            for name, count in zip(names, counts[start:end].tolist(), strict=True):
                table[name] = table.get(name, 0) + count
            if len(table) > self.spec.table_limit:
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
        more = size - self.size
        if more <= 0:
            return
        self.rows = np.pad(self.rows, ((0, 0), (0, more)))
        self.vocabulary = np.pad(self.vocabulary, ((0, more), (0, 0)))
        self.buckets = np.pad(self.buckets, ((0, more), (0, 0)))
        self.registers = np.pad(self.registers, ((0, more), (0, 0)))
        self.tables += [{} if self.spec.table_limit else None for _ in range(more)]
        self.samples += [empty_sample()] * more
        self.size = size

    def state(self, group: int) -> CategoryState:
        """The frozen state of one group, also of one that never had a row."""
        self._settle()
        self._grow(group + 1)
        rows, nulls, empties = self.rows[:, group].tolist()
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


def _codes(places: pa.Array) -> Ints:
    return np.asarray(places.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def label(value: bytes) -> str:
    """The value as text: invalid UTF-8 escaped; beyond 256 bytes a prefix with its md5, so that it stays distinct."""
    text = value.decode("utf-8", "backslashreplace")
    if len(value) <= LABEL_BYTES:
        return text
    return f"{text[:80]}… ({len(value)} bytes, md5 {hashlib.md5(value, usedforsecurity=False).hexdigest()})"
