"""Folding small arrays in tests: whole, split, shuffled, grouped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from observability.domain.fold.feature import FeatureAccumulator
from observability.domain.loops.grouping import by_group, single
from observability.domain.profile.encoding import encode
from observability.domain.profile.states import State, merge
from observability.domain.specs.spec import FeatureSpec


def fold(spec: FeatureSpec, *arrays: pa.Array) -> State:
    """One state of all arrays through one accumulator."""
    accumulator = FeatureAccumulator(spec)
    for array in arrays:
        accumulator.fold(array, single(len(array)))
    return accumulator.state(0)


def fold_groups(spec: FeatureSpec, array: pa.Array, ids: Sequence[int] | np.ndarray, batch: int = 0) -> list[State]:
    """One state per group 0..max(ids), folded in batches."""
    accumulator, ids = FeatureAccumulator(spec), np.asarray(ids)
    for start in range(0, max(len(array), 1), batch or max(len(array), 1)):
        stop = start + (batch or len(array))
        accumulator.fold(array[start:stop], by_group(ids[start:stop]))
    return [accumulator.state(group) for group in range(int(ids.max()) + 1)]


def merged_bytes(spec: FeatureSpec, arrays: Sequence[pa.Array]) -> bytes:
    """Canonical bytes of the merge of one state per array."""
    return encode(merge([fold(spec, array) for array in arrays]))
