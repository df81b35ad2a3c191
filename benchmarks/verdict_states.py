"""States of samples, from rows or from how often each value was drawn; both give the same bytes."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.verdict_data import Discrete
from observability.domain.fold.feature import FeatureAccumulator
from observability.domain.loops.grouping import single
from observability.domain.loops.hashing import HASH_BUCKETS, REGISTERS, bucket_of, register_of
from observability.domain.profile.encoding import encode
from observability.domain.profile.states import (
    FULL_TEXTS,
    CategoryState,
    State,
    TextTable,
    empty_sample,
)
from observability.domain.propose.propose import propose_feature
from observability.domain.specs.spec import MAX_VOCABULARY, FeatureSpec, Kind

PROPOSED = 100_000  # a spec is proposed from so many rows
Sides = tuple[State, State, FeatureSpec]


def fold(spec: FeatureSpec, values: pa.Array) -> State:
    accumulator = FeatureAccumulator(spec)
    accumulator.fold(values, single(len(values)))
    return accumulator.state(0)


def from_rows(ref: pa.Array, cur: pa.Array) -> Sides:
    """Both sides folded, by a spec that is proposed from the reference."""
    spec = propose_feature("value", ref[:PROPOSED])
    return fold(spec, ref), fold(spec, cur), spec


def from_counts(source: Discrete, rng: np.random.Generator, size: tuple[int, int], *, is_checked: bool) -> Sides:
    """Both sides of a discrete source. Texts skip their rows: `is_checked` folds them too and compares the bytes."""
    ref, cur = (source.counts(rng, rows) for rows in size)
    if not source.is_text:
        head = ref if size[0] <= PROPOSED else source.counts(rng, PROPOSED)
        spec = propose_feature("value", _rows(source, head))
        return fold(spec, _rows(source, ref)), fold(spec, _rows(source, cur)), spec
    chosen = np.argsort(-ref, kind="stable")[: min(MAX_VOCABULARY, int(np.count_nonzero(ref)))]
    vocabulary = tuple(source.values[chosen].tolist())  # the most frequent of the reference itself: the hardest choice
    spec = FeatureSpec(name="value", kind=Kind.CATEGORY, vocabulary=vocabulary)
    states = tuple(_state(spec, source, counts, chosen) for counts in (ref, cur))
    if is_checked:
        for counts, state in zip((ref, cur), states, strict=True):
            if encode(fold(spec, _rows(source, counts))) != encode(state):
                raise RuntimeError(f"{source.name}: the state from counts is not that from rows")
    return states[0], states[1], spec


def _rows(source: Discrete, counts: np.ndarray) -> pa.Array:
    return pa.array(np.repeat(source.values, counts))


@lru_cache(maxsize=64)
def _hashed(source: Discrete) -> tuple[Any, Any, Any]:
    """(bucket, register, rank) of each value."""
    digests = b"".join(hashlib.md5(value.encode(), usedforsecurity=False).digest()[:8] for value in source.values)
    hashes = np.frombuffer(digests, dtype=">u8").astype(np.uint64)
    return bucket_of(hashes), *register_of(hashes)


def _state(spec: FeatureSpec, source: Discrete, counts: np.ndarray, chosen: np.ndarray) -> CategoryState:
    bucket, register, rank = _hashed(source)
    seen = np.flatnonzero(counts)
    buckets, registers = np.zeros(HASH_BUCKETS, dtype=np.int64), np.zeros(REGISTERS, dtype=np.uint8)
    np.add.at(buckets, bucket[seen], counts[seen])
    np.maximum.at(registers, register[seen], rank[seen])
    table = FULL_TEXTS
    if len(seen) <= spec.table_limit:
        table = TextTable(tuple(source.values[seen].tolist()), counts[seen].astype(np.int64))
    return CategoryState(
        digest=spec.digest,
        rows=int(counts.sum()),
        nulls=0,
        empties=0,
        table=table,
        vocabulary=counts[chosen].astype(np.int64),
        buckets=buckets,
        registers=registers,
        sample=empty_sample(),
        limit=spec.table_limit,
    )
