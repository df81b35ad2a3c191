"""Embeddings: the norm and 16 fixed projections of each vector, the same bits for any batch and any BLAS.

Components are rounded to multiples of 2**-24 and clamped to +-2**12. Products with +-1 and their sums then stay below
2**53 up to 65,536 components, so a float64 matrix product is exact in every order of summation. Squares would not fit:
the norm is summed component by component, in order.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from observability.domain.fold.columns import ColumnError, raw_values, validity
from observability.domain.fold.numeric import Numbers, NumericAccumulator
from observability.domain.loops.grouping import Grouping
from observability.domain.loops.numeric import Floats, frozen
from observability.domain.loops.vectors import measure_rows
from observability.domain.profile.states import EmbeddingState
from observability.domain.specs.spec import PROJECTIONS, FeatureSpec

MAX_DIMENSION: Final = 65_536
_ROWS: Final = 64  # their components on the grid stay in the cache


@lru_cache(maxsize=64)
def signs(dimension: int) -> Floats:
    """A (dimension, 16) matrix of +-1 from sha256 of the dimension: fixed for ever."""
    bits = b"".join(
        hashlib.sha256(f"barista-projection:{dimension}:{block}".encode()).digest()
        for block in range((dimension * PROJECTIONS + 255) // 256)
    )
    flat = np.unpackbits(np.frombuffer(bits, np.uint8))[: dimension * PROJECTIONS]
    return np.asarray(flat.reshape(dimension, PROJECTIONS) * 2.0 - 1.0, dtype=np.float64)


def measures(vectors: NDArray[np.number[Any]]) -> Floats:
    """(rows, 17): the norm, then the projections divided by sqrt(dimension). NaN where a component is not finite."""
    dimension = vectors.shape[1]
    out, grid = np.empty((len(vectors), 1 + PROJECTIONS)), np.empty((_ROWS, dimension))
    rows_of_signs = np.ascontiguousarray(signs(dimension).T)
    for start in range(0, len(vectors), _ROWS):
        block = frozen(vectors[start : start + _ROWS])
        measure_rows(block, rows_of_signs, grid[: len(block)], out[start : start + _ROWS])
    return out


class EmbeddingAccumulator:
    """Folds fixed-size or variable lists of numbers; vectors of another length than the spec's are misfits."""

    def __init__(self, spec: FeatureSpec) -> None:
        if not 0 < spec.dimension <= MAX_DIMENSION:
            raise ColumnError(f"column {spec.name!r}: an embedding needs a dimension between 1 and {MAX_DIMENSION}")
        self.spec = spec
        self.parts = [NumericAccumulator(spec) for _ in range(1 + PROJECTIONS)]
        self.totals = np.zeros((3, 0), dtype=np.int64)  # rows nulls misfits

    def fold(self, array: pa.Array, grouping: Grouping) -> None:
        if not grouping.segments:
            return
        size = int(grouping.groups[-1]) + 1
        if size > self.totals.shape[1]:
            self.totals = np.pad(self.totals, ((0, 0), (0, size - self.totals.shape[1])))
        vectors, present, fits = _vectors(array, self.spec)
        groups = grouping.groups
        self.totals[0, groups] += grouping.sizes
        for row, chosen in ((1, ~present), (2, present & ~fits)):
            self.totals[row, groups] += np.bincount(grouping.places(grouping.kept(chosen)), minlength=grouping.segments)
        values = np.zeros((len(fits), 1 + PROJECTIONS))
        values[fits] = measures(vectors)
        for place, part in enumerate(self.parts):
            part.fold(Numbers(np.ascontiguousarray(values[:, place]), fits), grouping)

    def state(self, group: int) -> EmbeddingState:
        inside = group < self.totals.shape[1]
        rows, nulls, misfits = self.totals[:, group].tolist() if inside else (0, 0, 0)
        return EmbeddingState(self.spec.digest, rows, nulls, misfits, tuple(part.state(group) for part in self.parts))


def _vectors(array: pa.Array, spec: FeatureSpec) -> tuple[NDArray[np.floating], NDArray[np.bool_], NDArray[np.bool_]]:
    """(vectors that fit, mask of non-null rows, mask of rows that fit)."""
    kind, rows = array.type, len(array)
    if pa.types.is_null(kind):
        nothing = np.zeros(rows, dtype=bool)
        return np.zeros((0, spec.dimension)), nothing, nothing
    is_fixed = pa.types.is_fixed_size_list(kind)
    if not (is_fixed or pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not (
        pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)
    ):
        raise ColumnError(f"column {spec.name!r} holds {kind}, which is not a list of numbers")
    valid = validity(array)
    present = np.ones(rows, dtype=bool) if valid is None else valid.copy()
    if is_fixed:
        sizes = np.full(rows, kind.list_size)
        starts = (np.arange(rows) + array.offset) * kind.list_size
        values = array.values
    else:
        offsets = array.offsets.to_numpy()
        starts, sizes, values = offsets[:-1], np.diff(offsets), array.values
    flat = raw_values(values, np.dtype(kind.value_type.to_pandas_dtype()))
    inner = validity(values)
    if inner is not None:
        flat = np.where(inner, flat.astype(np.float64), np.nan)
    fits = present & (sizes == spec.dimension)
    where = starts[fits]
    if not len(where):
        return np.zeros((0, spec.dimension)), present, fits
    if where[-1] - where[0] == (len(where) - 1) * spec.dimension and (np.diff(where) == spec.dimension).all():
        block = flat[where[0] : where[-1] + spec.dimension].reshape(-1, spec.dimension)
    else:
        block = flat[where[:, None] + np.arange(spec.dimension)]
    return block, present, fits
