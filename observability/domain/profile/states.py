"""The additive states: integers only, so that `merge` is exactly associative and commutative.

A state answers for one (feature, model version, window, segment). Every rule that limits its size is decided by the
union of the data, never by the order it arrived in: a table overflows when the union has too many values, a histogram
rolls up to the smallest level at which the union fits, a sample of ids keeps the widest hash range that fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.numeric import Ints

MAX_BUCKETS: Final = 2048
MAX_SAMPLE: Final = 4096
SAMPLE_BITS: Final = 8  # ids whose hash begins with eight zero bits are kept: 1 in 256
Registers = NDArray[np.uint8]
Hashes = NDArray[np.uint64]


class MergeError(ValueError):
    """Two states of different specs; profiles of different spec versions never merge."""


def same_spec(a: bytes, b: bytes) -> None:
    if a != b:
        raise MergeError(
            f"spec {a.hex()} and spec {b.hex()} differ: profile one of the two sources again with the other's spec"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of occupied buckets, keys ascending. `level` halvings of S were needed to stay under the cap."""

    keys: Ints
    counts: Ints
    level: int = 0

    @classmethod
    def of(cls, keys: Ints, counts: Ints, level: int = 0) -> Histogram:
        """From distinct ascending keys; empty buckets are dropped and the cap is applied."""
        occupied = counts > 0
        if not occupied.all():
            keys, counts = keys[occupied], counts[occupied]
        histogram = cls(keys, counts, level)
        while len(histogram.keys) > MAX_BUCKETS:
            histogram = histogram.rolled(histogram.level + 1)
        return histogram

    def rolled(self, level: int) -> Histogram:
        """The same counts at a coarser level: an arithmetic shift of the keys."""
        if level <= self.level:
            return self
        shifted = self.keys >> (level - self.level)
        keys, starts = np.unique(shifted, return_index=True)
        counts = np.add.reduceat(self.counts, starts) if len(starts) else self.counts
        return Histogram(keys, counts, level)

    @property
    def total(self) -> int:
        return int(self.counts.sum())


def merge_histograms(parts: Sequence[Histogram]) -> Histogram:
    level = max(part.level for part in parts)
    rolled = [part.rolled(level) for part in parts if len(part.keys)]
    if not rolled:
        return Histogram(np.empty(0, np.int64), np.empty(0, np.int64), level)
    low = min(int(part.keys[0]) for part in rolled)
    width = max(int(part.keys[-1]) for part in rolled) - low + 1
    dense = np.zeros(width, dtype=np.int64)
    for part in rolled:
        dense[part.keys - low] += part.counts
    keys = np.flatnonzero(dense)
    return Histogram.of(keys + low, dense[keys], level)


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """Exact counts of distinct numbers, ascending; empty for good once `overflow`."""

    values: NDArray[np.float64]
    counts: Ints
    overflow: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """Exact counts of distinct texts in UTF-8 order; empty for good once `overflow`."""

    values: tuple[str, ...]
    counts: Ints
    overflow: bool = False


NO_INTS: Final = np.empty(0, dtype=np.int64)
NO_FLOATS: Final = np.empty(0, dtype=np.float64)
FULL_NUMBERS: Final = NumberTable(NO_FLOATS, NO_INTS, overflow=True)
FULL_TEXTS: Final = TextTable((), NO_INTS, overflow=True)


def merge_number_tables(parts: Sequence[NumberTable], limit: int) -> NumberTable:
    if any(part.overflow for part in parts):
        return FULL_NUMBERS
    values, inverse = np.unique(np.concatenate([part.values for part in parts]), return_inverse=True)
    if len(values) > limit:
        return FULL_NUMBERS
    counts = np.zeros(len(values), dtype=np.int64)
    np.add.at(counts, inverse, np.concatenate([part.counts for part in parts]))
    return NumberTable(values, counts)


def merge_text_tables(parts: Sequence[TextTable], limit: int) -> TextTable:
    """Of all at once: sorting after each of hundreds of windows took longer than reading them."""
    if any(part.overflow for part in parts):
        return FULL_TEXTS
    totals: dict[str, int] = {}
    for part in parts:
        for value, count in zip(part.values, part.counts.tolist(), strict=True):
            totals[value] = totals.get(value, 0) + count
        if len(totals) > limit:
            return FULL_TEXTS
    return text_table(totals, limit)


def text_table(totals: dict[str, int], limit: int) -> TextTable:
    if len(totals) > limit:
        return FULL_TEXTS
    values = tuple(sorted(totals, key=lambda text: text.encode()))
    return TextTable(values, np.array([totals[value] for value in values], dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class NumericState:
    """Numbers, timestamps, text lengths: counters, extremes of the finite values, histogram, value table, atoms.

    `minimum` and `maximum` are None without finite values, integers for timestamps. `limit` is the spec's table_limit.
    """

    digest: bytes
    rows: int
    nulls: int
    nans: int
    pos_infs: int
    neg_infs: int
    zeros: int
    negatives: int
    minimum: float | int | None
    maximum: float | int | None
    histogram: Histogram
    table: NumberTable
    atoms: Ints
    limit: int

    @property
    def finite(self) -> int:
        return self.rows - self.nulls - self.nans - self.pos_infs - self.neg_infs


def merge_numeric(parts: Sequence[NumericState]) -> NumericState:
    first = parts[0]
    for part in parts[1:]:
        same_spec(first.digest, part.digest)
    low = [part.minimum for part in parts if part.minimum is not None]
    high = [part.maximum for part in parts if part.maximum is not None]
    return NumericState(
        digest=first.digest,
        rows=sum(part.rows for part in parts),
        nulls=sum(part.nulls for part in parts),
        nans=sum(part.nans for part in parts),
        pos_infs=sum(part.pos_infs for part in parts),
        neg_infs=sum(part.neg_infs for part in parts),
        zeros=sum(part.zeros for part in parts),
        negatives=sum(part.negatives for part in parts),
        minimum=min(low) if low else None,
        maximum=max(high) if high else None,
        histogram=merge_histograms([part.histogram for part in parts]),
        table=merge_number_tables([part.table for part in parts], first.limit),
        atoms=np.sum([part.atoms for part in parts], axis=0, dtype=np.int64) if len(first.atoms) else first.atoms,
        limit=first.limit,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Ids whose hash begins with SAMPLE_BITS + level zero bits, each with its exact count."""

    hashes: Hashes
    counts: Ints
    level: int = 0

    @classmethod
    def of(cls, hashes: Hashes, counts: Ints, level: int = 0) -> Sample:
        while len(hashes) > MAX_SAMPLE:
            level += 1
            keep = (hashes >> np.uint64(64 - SAMPLE_BITS - level)) == 0
            hashes, counts = hashes[keep], counts[keep]
        return cls(hashes, counts, level)

    def kept(self, level: int) -> Sample:
        keep = (self.hashes >> np.uint64(64 - SAMPLE_BITS - level)) == 0
        return Sample(self.hashes[keep], self.counts[keep], level)

    @property
    def duplicate_rate(self) -> float | None:
        """Share of sampled rows whose id was seen before: exact on the sample. None when nothing was sampled."""
        rows = int(self.counts.sum())
        return None if not rows else 1 - len(self.hashes) / rows


def merge_samples(a: Sample, b: Sample) -> Sample:
    level = max(a.level, b.level)
    a, b = a.kept(level), b.kept(level)
    hashes, inverse = np.unique(np.concatenate([a.hashes, b.hashes]), return_inverse=True)
    counts = np.zeros(len(hashes), dtype=np.int64)
    np.add.at(counts, inverse, np.concatenate([a.counts, b.counts]))
    return Sample.of(hashes, counts, level)


@dataclass(frozen=True, slots=True, eq=False)
class CategoryState:
    """Categories, codes, booleans and ids: counters, value table, frozen vocabulary, hash buckets, distinct registers.

    `vocabulary` counts the spec's values in its order; `buckets` counts every non-null value by the first byte of its
    md5, so drift on it never over-states; `registers` is a HyperLogLog of 4,096 registers.
    """

    digest: bytes
    rows: int
    nulls: int
    empties: int
    table: TextTable
    vocabulary: Ints
    buckets: Ints
    registers: Registers
    sample: Sample
    limit: int

    @property
    def present(self) -> int:
        return self.rows - self.nulls


def merge_category(parts: Sequence[CategoryState]) -> CategoryState:
    first = parts[0]
    for part in parts[1:]:
        same_spec(first.digest, part.digest)
    return CategoryState(
        digest=first.digest,
        rows=sum(part.rows for part in parts),
        nulls=sum(part.nulls for part in parts),
        empties=sum(part.empties for part in parts),
        table=merge_text_tables([part.table for part in parts], first.limit),
        vocabulary=np.sum([part.vocabulary for part in parts], axis=0, dtype=np.int64),
        buckets=np.sum([part.buckets for part in parts], axis=0, dtype=np.int64),
        registers=reduce(np.maximum, [part.registers for part in parts]),
        sample=reduce(merge_samples, [part.sample for part in parts]),
        limit=first.limit,
    )


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingState:
    """Vectors: rows, nulls, vectors of a wrong length, then the states of the norm and of 16 fixed projections."""

    digest: bytes
    rows: int
    nulls: int
    misfits: int
    parts: tuple[NumericState, ...]


def merge_embedding(states: Sequence[EmbeddingState]) -> EmbeddingState:
    first = states[0]
    for state in states[1:]:
        same_spec(first.digest, state.digest)
    return EmbeddingState(
        digest=first.digest,
        rows=sum(state.rows for state in states),
        nulls=sum(state.nulls for state in states),
        misfits=sum(state.misfits for state in states),
        parts=tuple(merge_numeric(column) for column in zip(*(state.parts for state in states), strict=True)),
    )


State = NumericState | CategoryState | EmbeddingState


def merge(states: Sequence[State]) -> State:
    """The state of the union. All states must come from one feature spec."""
    numeric = [state for state in states if isinstance(state, NumericState)]
    if len(numeric) == len(states):
        return merge_numeric(numeric)
    category = [state for state in states if isinstance(state, CategoryState)]
    if len(category) == len(states):
        return merge_category(category)
    embedding = [state for state in states if isinstance(state, EmbeddingState)]
    if len(embedding) == len(states):
        return merge_embedding(embedding)
    raise MergeError("states of different kinds cannot be merged")


def empty_sample() -> Sample:
    return Sample(np.empty(0, dtype=np.uint64), NO_INTS)
