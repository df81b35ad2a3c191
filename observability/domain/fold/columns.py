"""Arrow columns as the folds want them: numbers, codes of texts, lengths, vectors. Refuses what it cannot fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from observability.domain.fold.numeric import Numbers
from observability.domain.loops.category import Codes, are_inside
from observability.domain.loops.numeric import Ints, frozen, integer_difference
from observability.domain.specs.spec import TIME_UNITS, FeatureSpec, Kind

EXACT_INTEGER: Final = 2**53
_FLAGS: Final = {b"0": b"false", b"1": b"true"}


class ColumnError(ValueError):
    """A column whose type cannot be folded as its spec says; names the column and what would fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Codes into values (bytes); those of nulls, where `valid` is false, are anything. `valid` is empty without nulls.

    The dictionary may repeat a value. `is_each`: it has one a row.
    """

    codes: Codes
    valid: NDArray[np.bool_]
    dictionary: pa.Array
    is_each: bool = False

    @property
    def holed(self) -> Ints:
        """The codes with -1 where null."""
        wide = self.codes.astype(np.int64)
        return np.where(self.valid, wide, -1) if len(self.valid) else wide


def validity(array: pa.Array) -> NDArray[np.bool_] | None:
    """True where a value is present, or None when all are."""
    if array.null_count == 0:
        return None
    if pa.types.is_null(array.type):
        return np.zeros(len(array), dtype=bool)
    bitmap = array.buffers()[0]
    bits = np.frombuffer(bitmap, np.uint8)
    start, end = array.offset // 8, (array.offset + len(array) + 7) // 8
    unpacked = np.unpackbits(bits[start:end], bitorder="little").view(bool)
    skip = array.offset % 8
    return unpacked[skip : skip + len(array)]


def raw_values(array: pa.Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The value buffer without a copy; slots of nulls hold anything."""
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(len(array), dtype=dtype)
    return np.frombuffer(buffer, dtype, len(array), array.offset * dtype.itemsize)


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array out of chunks, extension types replaced by their storage."""
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # dictionaries of several chunks
            array = array.unify_dictionaries().combine_chunks()
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def numbers(array: pa.Array, spec: FeatureSpec) -> Numbers:
    """A numeric or timestamp column."""
    kind = array.type
    if pa.types.is_null(kind):
        return Numbers(np.zeros(len(array)), np.zeros(len(array), dtype=bool))
    if pa.types.is_dictionary(kind):
        return numbers(plain(array.dictionary_decode()), spec)
    if spec.kind is Kind.TIMESTAMP:
        return _instants(array, spec)
    if pa.types.is_boolean(kind):
        flags = array.fill_null(False).cast(pa.uint8()).to_numpy(zero_copy_only=False)
        return Numbers(flags.astype(np.float64), validity(array))
    if pa.types.is_floating(kind):
        values = raw_values(array, np.dtype(kind.to_pandas_dtype()))
        return Numbers(values.astype(np.float64, copy=False), validity(array))
    if pa.types.is_integer(kind):
        return _integers(raw_values(array, np.dtype(kind.to_pandas_dtype())), validity(array), spec)
    if pa.types.is_decimal(kind):  # the nearest float64: decimals beyond 15 digits lose the rest
        return Numbers(raw_values(_as_float(array, spec), np.dtype(np.float64)), validity(array))
    raise ColumnError(f"column {spec.name!r} holds {kind}, which is not a number; declare it as another kind")


def _as_float(array: pa.Array, spec: FeatureSpec) -> pa.Array:
    try:
        return pc.cast(array, pa.float64(), safe=False)
    except pa.ArrowNotImplementedError:
        raise ColumnError(f"not supported: column {spec.name!r} of type {array.type}") from None


def _integers(values: NDArray[Any], valid: NDArray[np.bool_] | None, spec: FeatureSpec) -> Numbers:
    """float64 while that is exact, else the difference from an integer centre, subtracted in 64 bits."""
    wide = values.astype(np.float64)
    if values.dtype.itemsize < 8 or not len(values):
        return Numbers(wide, valid)
    present = values if valid is None else np.where(valid, values, 0)
    if int(present.min()) >= -EXACT_INTEGER and int(present.max()) <= EXACT_INTEGER:
        return Numbers(wide, valid)
    if float(spec.centre) != int(spec.centre):  # no integer to subtract: the rounding of float64 is all there is
        return Numbers(wide, valid, wide - spec.centre, values)
    return Numbers(wide, valid, integer_difference(values, int(spec.centre)), values)


def _instants(array: pa.Array, spec: FeatureSpec) -> Numbers:
    """Timestamps, dates or epoch integers as integers of the spec's unit; finer units are floored."""
    valid = validity(array)
    if pa.types.is_timestamp(array.type):
        unit, values = array.type.unit, raw_values(array, np.dtype(np.int64))
    elif pa.types.is_date32(array.type):
        unit, values = "s", raw_values(array, np.dtype(np.int32)).astype(np.int64) * 86_400
    elif pa.types.is_date64(array.type):
        unit, values = "ms", raw_values(array, np.dtype(np.int64))
    elif pa.types.is_integer(array.type) and array.type != pa.uint64():
        unit, values = spec.time_unit, raw_values(array, np.dtype(array.type.to_pandas_dtype())).astype(np.int64)
    elif pa.types.is_floating(array.type):
        whole = raw_values(array, np.dtype(array.type.to_pandas_dtype())).astype(np.float64)
        usable = np.isfinite(whole) & (np.abs(whole) < 2.0**63)
        unit, values = spec.time_unit, np.floor(np.where(usable, whole, 0)).astype(np.int64)
        valid = usable if valid is None else valid & usable
    else:
        raise ColumnError(f"column {spec.name!r} holds {array.type}, which is not a timestamp")
    have, want = TIME_UNITS[unit], TIME_UNITS[spec.time_unit]
    if have > want:
        values = values // (have // want)
    elif have < want:
        limit = (2**63 - 1) // (want // have)
        values = np.clip(values, -limit, limit) * (want // have)  # year 9999 in nanoseconds stays the latest instant
    values = np.ascontiguousarray(values)
    return Numbers(values.astype(np.float64), valid, integer_difference(values, int(spec.centre)), values)


def texts(array: pa.Array, spec: FeatureSpec) -> Texts:
    """A category, code, boolean or id column as codes into distinct values, each as bytes."""
    kind = array.type
    if pa.types.is_null(kind):
        return Texts(np.zeros(len(array), np.int32), np.zeros(len(array), dtype=bool), pa.array([], pa.binary()))
    if pa.types.is_boolean(kind):
        codes = array.fill_null(False).cast(pa.uint8()).to_numpy(zero_copy_only=False)
        return _coded(codes, validity(array), pa.array([b"false", b"true"]))
    if pa.types.is_nested(kind):
        raise ColumnError(f"not supported: column {spec.name!r} of type {kind} as {spec.kind.label}")
    encoded = array if pa.types.is_dictionary(kind) else array.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = plain(encoded)
    dictionary = _as_bytes(encoded.dictionary, spec)
    if spec.kind is Kind.BOOLEAN:  # a flag stays the same flag when a source writes 0/1 instead of booleans
        dictionary = pa.array([_FLAGS.get(value, value) for value in dictionary.to_pylist()], pa.binary())
    codes = raw_values(encoded.indices, np.dtype(encoded.indices.type.to_pandas_dtype()))
    result = _coded(codes, validity(encoded.indices), dictionary)
    if not are_inside(result.codes, result.valid, len(dictionary)):
        raise ColumnError(f"column {spec.name!r} is damaged: codes beyond its dictionary")
    if dictionary.null_count:  # NaN, or a null inside the dictionary
        gone = np.append(~dictionary.is_valid().to_numpy(zero_copy_only=False), True)
        return Texts(result.codes, ~gone[result.holed], dictionary)
    return result


def each_text(array: pa.Array, spec: FeatureSpec) -> Texts:
    """Like `texts`, for a column of which few values repeat: every row is an entry of the dictionary."""
    return Texts(np.arange(len(array), dtype=np.int32), _holes(validity(array)), _as_bytes(array, spec), is_each=True)


def is_text(kind: pa.DataType) -> bool:
    """Texts or bytes that are no dictionary."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
    )


def _coded(codes: NDArray[Any], valid: NDArray[np.bool_] | None, dictionary: pa.Array) -> Texts:
    if codes.dtype.itemsize > 4 or codes.dtype == np.uint32:  # what does not fit is beyond any dictionary
        codes = np.minimum(codes, 2**31 - 1)
        codes = np.maximum(codes, -1) if codes.dtype.kind == "i" else codes
    return Texts(frozen(codes.astype(np.int32, copy=False)), _holes(valid), dictionary)


def _holes(valid: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return frozen(np.zeros(0, dtype=bool) if valid is None else valid)


def _as_bytes(values: pa.Array, spec: FeatureSpec) -> pa.Array:
    kind = values.type
    if pa.types.is_binary(kind) or pa.types.is_string(kind):
        return values.view(pa.binary())
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return values.cast(pa.binary())
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return values.cast(pa.binary())
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_temporal(kind):
        return values.cast(pa.string()).view(pa.binary())
    if pa.types.is_floating(kind):
        return pa.array([_float_text(value) for value in values.cast(pa.float64()).to_pylist()], pa.binary())
    if pa.types.is_boolean(kind):
        return pa.array([b"true" if value else b"false" for value in values.to_pylist()], pa.binary())
    raise ColumnError(f"not supported: column {spec.name!r} of type {kind} as {spec.kind.label}")


def _float_text(value: float | None) -> bytes | None:
    """3.0 reads "3", so that a code keeps its name when nulls turned the column into floats; NaN counts as null."""
    if value is None or value != value:
        return None
    return (str(int(value)) if value.is_integer() else repr(value)).encode()


def lengths(array: pa.Array, spec: FeatureSpec) -> Numbers:
    """Number of characters of each text."""
    kind = array.type
    if pa.types.is_null(kind):
        return Numbers(np.zeros(len(array)), np.zeros(len(array), dtype=bool))
    if pa.types.is_dictionary(kind):
        distinct = lengths(plain(array.dictionary), spec)
        codes = texts(array, spec).holed
        return Numbers(distinct.x[codes] if len(distinct.x) else np.zeros(len(codes)), codes >= 0)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise ColumnError(f"column {spec.name!r} holds {kind}, which is not text")
    counted = pc.utf8_length(array)
    values = raw_values(counted, np.dtype(counted.type.to_pandas_dtype()))
    return Numbers(values.astype(np.float64), validity(array))
