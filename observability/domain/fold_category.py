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
from .hashing import HASH_BUCKETS, REGISTERS, bucket_of, register_of
from .kernel import Ints, count_codes, spread_codes
from .known import KnownValues
from .spec import FeatureSpec, Kind
from .states import (
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
        self.known = KnownValues()
        self.word: Ints = NO_INTS  # place in the vocabulary of each known value, or -1

    def fold(self, column: Texts, grouping: Grouping) -> None:
        """Add one batch."""
        if not grouping.segments:
            return
        groups = grouping.groups
        self._grow(int(groups[-1]) + 1)
        self.rows[0, groups] += grouping.sizes
        nulls = np.zeros(grouping.segments, dtype=np.int64)
        translation, codes = self._translate(column.dictionary), column.codes
        if self.dense is not None:
            count_codes(codes, grouping.segment, translation, groups, nulls, self._room())
        elif all(self.tables[group] is None for group in groups.tolist()):
            self._spread_rows(codes, translation, grouping, nulls)
        else:
            rows = grouping.kept(codes >= 0)
            width = len(self.known)
            cells, counts = np.unique(grouping.places(rows) * width + translation[codes[rows]], return_counts=True)
            self._spread(groups[cells // width], cells % width, counts.astype(np.int64))
            nulls = grouping.sizes - np.bincount(grouping.places(rows), minlength=grouping.segments)
        self.rows[1, groups] += nulls

    def _translate(self, dictionary: pa.Array) -> Ints:
        """Code in `known` of each dictionary entry; new values are hashed once and remembered."""
        if len(self.known) > KNOWN_VALUES:
            self._settle()
            self.known, self.word = KnownValues(), NO_INTS
        before = len(self.known)
        codes = self.known.codes(dictionary)
        if len(self.known) > before:
            words = pa.array([word.encode() for word in self.spec.vocabulary], pa.large_binary())
            found = pc.index_in(self.known.values(before), value_set=words).fill_null(-1)
            self.word = np.append(self.word, found.to_numpy().astype(np.int64))
            if len(self.known) > DENSE_VALUES:
                self._settle()
        return codes

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

    def _spread_rows(self, codes: Ints, translation: Ints, grouping: Grouping, nulls: Ints) -> None:
        """Add a batch whose groups have no table any more: row by row, as no count per value is needed."""
        counted = (self.rows[2], self.vocabulary, self.buckets, self.registers)
        spread_codes(
            codes,
            grouping.segment,
            translation,
            grouping.groups,
            self.known.hashes,
            self.known.ranks,
            self.word,
            self.known.empty,
            nulls,
            *counted,
        )
        if self.spec.kind is Kind.ID:
            is_sampled = (self.known.hashes >> np.uint64(64 - SAMPLE_BITS)) == 0
            rows = grouping.kept((codes >= 0) & is_sampled[translation][codes])
            width = len(self.known)
            cells, counts = np.unique(grouping.places(rows) * width + translation[codes[rows]], return_counts=True)
            groups = grouping.groups[cells // width]
            self._add_samples(groups, self.known.hashes[cells % width], counts.astype(np.int64))

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
        hashes = self.known.hashes[codes]
        cells = groups * HASH_BUCKETS + bucket_of(hashes)
        spread = np.bincount(cells, weights=counts, minlength=self.size * HASH_BUCKETS)
        self.buckets += spread.astype(np.int64).reshape(self.size, HASH_BUCKETS)
        flat = self.registers.reshape(-1)
        np.maximum.at(flat, groups * REGISTERS + register_of(hashes)[0], self.known.ranks[codes])
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
        if self.known.empty >= 0:
            hit = codes == self.known.empty
            np.add.at(self.rows[2], groups[hit], counts[hit])
        values = self.known.values()
        present, starts = np.unique(groups, return_index=True)
        ends = np.append(starts[1:], len(groups))
        for group, start, end in zip(present.tolist(), starts.tolist(), ends.tolist(), strict=True):
            table = self.tables[group]
            if table is None:
                continue
            if end - start > self.spec.table_limit:
                self.tables[group] = None
                continue
            chosen = values.take(pa.array(codes[start:end])).to_pylist()
            for name, count in zip(chosen, counts[start:end].tolist(), strict=True):
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


def label(value: bytes) -> str:
    """The value as text: invalid UTF-8 escaped; beyond 256 bytes a prefix with its md5, so that it stays distinct."""
    text = value.decode("utf-8", "backslashreplace")
    if len(value) <= LABEL_BYTES:
        return text
    return f"{text[:80]}… ({len(value)} bytes, md5 {hashlib.md5(value, usedforsecurity=False).hexdigest()})"
