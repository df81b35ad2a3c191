"""States to bytes and back. The bytes before compression are canonical: equal states, equal bytes.

docs/profile-format.md describes every field. Integers are little-endian; arrays are stored at the smallest width that
holds their largest value, one byte plane after the other, which both packs well and decodes without a loop.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from observability.domain.loops.hashing import HASH_BUCKETS, REGISTERS
from observability.domain.loops.numeric import Ints
from observability.domain.profile.states import (
    FULL_NUMBERS,
    FULL_TEXTS,
    CategoryState,
    EmbeddingState,
    Histogram,
    NumberTable,
    NumericState,
    Sample,
    State,
    TextTable,
)

STATE_FORMAT: Final = 1
_TAGS: Final = {NumericState: 1, CategoryState: 2, EmbeddingState: 3}
_HEAD: Final = struct.Struct("<BB8s")
_NUMERIC: Final = struct.Struct("<7qHBB8s8s")
_CATEGORY: Final = struct.Struct("<3qHBB")
_EMBEDDING: Final = struct.Struct("<3qH")
_ARRAY: Final = struct.Struct("<BI")
_WIDTHS: Final = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}
_NOTHING: Final = b"\0" * 8


class FormatError(ValueError):
    """Bytes that are no profile, or one of a newer format."""


def put_array(values: NDArray[Any]) -> bytes:
    """Non-negative integers: width, length, byte planes."""
    top = int(values.max()) if len(values) else 0
    width = 1 if top < 1 << 8 else 2 if top < 1 << 16 else 4 if top < 1 << 32 else 8
    raw = values.astype(_WIDTHS[width])
    if width > 1:
        raw = np.ascontiguousarray(raw.view(np.uint8).reshape(-1, width).T)
    return _ARRAY.pack(width, len(values)) + raw.tobytes()


def get_array(data: bytes, at: int) -> tuple[Ints, int]:
    width, length = _ARRAY.unpack_from(data, at)
    if width not in _WIDTHS or at + 5 + width * length > len(data):
        raise FormatError("the profile is cut or damaged: an array runs past its end")
    if not length:
        return np.empty(0, dtype=np.int64), at + 5
    planes = np.frombuffer(data, np.uint8, width * length, at + 5)
    if width > 1:
        planes = np.ascontiguousarray(planes.reshape(width, length).T).reshape(-1).view(_WIDTHS[width])
    return planes.astype(np.int64), at + 5 + width * length


def _put_floats(values: NDArray[np.float64]) -> bytes:
    planes = np.ascontiguousarray(values.astype("<f8").view(np.uint8).reshape(-1, 8).T)
    return struct.pack("<I", len(values)) + planes.tobytes()


def _get_floats(data: bytes, at: int) -> tuple[NDArray[np.float64], int]:
    (length,) = struct.unpack_from("<I", data, at)
    if at + 4 + 8 * length > len(data):
        raise FormatError("the profile is cut or damaged: a table runs past its end")
    planes = np.frombuffer(data, np.uint8, 8 * length, at + 4).reshape(8, length)
    return np.ascontiguousarray(planes.T).reshape(-1).view("<f8").astype(np.float64), at + 4 + 8 * length


def _put_keys(keys: Ints) -> bytes:
    """Ascending keys: the first, then the gaps minus one (nearly all zero)."""
    first = int(keys[0]) if len(keys) else 0
    return struct.pack("<i", first) + put_array(np.diff(keys) - 1)


def _get_keys(data: bytes, at: int, length: int) -> tuple[Ints, int]:
    (first,) = struct.unpack_from("<i", data, at)
    gaps, at = get_array(data, at + 4)
    keys = np.empty(length, dtype=np.int64)
    if length:
        keys[0] = first
        np.add(gaps, 1, out=keys[1:])
        np.add.accumulate(keys, out=keys)
    return keys, at


def _put_extreme(value: float | int | None) -> bytes:
    if value is None:
        return _NOTHING
    # Adding 0.0 turns -0.0 into 0.0: which of the two was the minimum depends on the order of the rows.
    return struct.pack("<q", value) if isinstance(value, int) else struct.pack("<d", value + 0.0)


def _put_numeric(state: NumericState) -> bytes:
    counters = (state.rows, state.nulls, state.nans, state.pos_infs, state.neg_infs, state.zeros, state.negatives)
    is_integer = isinstance(state.minimum, int)
    flags = (state.minimum is not None) | is_integer << 1 | state.table.overflow << 2
    low, high = _put_extreme(state.minimum), _put_extreme(state.maximum)
    parts = [_NUMERIC.pack(*counters, state.limit, state.histogram.level, flags, low, high)]
    parts += [put_array(state.histogram.counts), _put_keys(state.histogram.keys), put_array(state.atoms)]
    if not state.table.overflow:
        parts += [_put_floats(state.table.values), put_array(state.table.counts)]
    return b"".join(parts)


def _get_numeric(data: bytes, at: int, digest: bytes) -> tuple[NumericState, int]:
    *counted, limit, level, flags, low, high = _NUMERIC.unpack_from(data, at)
    rows, nulls, nans, pos_infs, neg_infs, zeros, negatives = counted
    kind = "<q" if flags & 2 else "<d"
    counts, at = get_array(data, at + _NUMERIC.size)
    keys, at = _get_keys(data, at, len(counts))
    atoms, at = get_array(data, at)
    table = FULL_NUMBERS
    if not flags & 4:
        values, at = _get_floats(data, at)
        table_counts, at = get_array(data, at)
        table = NumberTable(values, table_counts)
    minimum = struct.unpack(kind, low)[0] if flags & 1 else None
    maximum = struct.unpack(kind, high)[0] if flags & 1 else None
    histogram = Histogram(keys, counts, level)
    state = NumericState(
        digest,
        rows,
        nulls,
        nans,
        pos_infs,
        neg_infs,
        zeros,
        negatives,
        minimum,
        maximum,
        histogram,
        table,
        atoms,
        limit,
    )
    return state, at


def _put_registers(registers: NDArray[np.uint8]) -> bytes:
    """Four bits hold almost every rank: two nibbles a byte, and the few larger ones listed beside."""
    if not registers.any():
        return b"\0"
    base = int(registers.min())
    relative = registers - base
    large = np.flatnonzero(relative >= 15)
    nibbles = np.minimum(relative, 15).astype(np.uint8)
    packed = (nibbles[0::2] | nibbles[1::2] << 4).astype(np.uint8)
    return bytes([1, base]) + packed.tobytes() + put_array(large) + put_array(relative[large])


def _get_registers(data: bytes, at: int) -> tuple[NDArray[np.uint8], int]:
    registers = np.zeros(REGISTERS, dtype=np.uint8)
    if data[at] == 0:
        return registers, at + 1
    packed = np.frombuffer(data, np.uint8, REGISTERS // 2, at + 2)
    registers[0::2], registers[1::2] = packed & 15, packed >> 4
    large, end = get_array(data, at + 2 + REGISTERS // 2)
    values, end = get_array(data, end)
    registers[large] = values
    return registers + np.uint8(data[at + 1]), end


def _put_category(state: CategoryState) -> bytes:
    flags = int(state.table.overflow)
    head = _CATEGORY.pack(state.rows, state.nulls, state.empties, state.limit, state.sample.level, flags)
    parts = [head, put_array(state.vocabulary), put_array(state.buckets), _put_registers(state.registers)]
    if not state.table.overflow:
        texts = [value.encode() for value in state.table.values]
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        parts += [put_array(state.table.counts), put_array(lengths), b"".join(texts)]
    parts += [put_array(state.sample.counts), state.sample.hashes.astype("<u8").tobytes()]
    return b"".join(parts)


def _get_category(data: bytes, at: int, digest: bytes) -> tuple[CategoryState, int]:
    rows, nulls, empties, limit, level, flags = _CATEGORY.unpack_from(data, at)
    vocabulary, at = get_array(data, at + _CATEGORY.size)
    buckets, at = get_array(data, at)
    if len(buckets) != HASH_BUCKETS:
        raise FormatError("the profile is damaged: a category does not have 256 hash buckets")
    registers, at = _get_registers(data, at)
    table = FULL_TEXTS
    if not flags & 1:
        counts, at = get_array(data, at)
        lengths, at = get_array(data, at)
        ends = at + np.cumsum(lengths)
        texts = tuple(
            data[end - size : end].decode() for end, size in zip(ends.tolist(), lengths.tolist(), strict=True)
        )
        table, at = TextTable(texts, counts), int(ends[-1]) if len(ends) else at
    sampled, at = get_array(data, at)
    hashes = np.frombuffer(data, "<u8", len(sampled), at).astype(np.uint64)
    sample = Sample(hashes, sampled, level)
    state = CategoryState(digest, rows, nulls, empties, table, vocabulary, buckets, registers, sample, limit)
    return state, at + 8 * len(sampled)


def encode(state: State) -> bytes:
    """Canonical bytes of one state."""
    head = _HEAD.pack(STATE_FORMAT, _TAGS[type(state)], state.digest)
    if isinstance(state, NumericState):
        return head + _put_numeric(state)
    if isinstance(state, CategoryState):
        return head + _put_category(state)
    body = _EMBEDDING.pack(state.rows, state.nulls, state.misfits, len(state.parts))
    return head + body + b"".join(_put_numeric(part) for part in state.parts)


def decode(data: bytes) -> State:
    """The state that `encode` wrote. Raises FormatError on anything else."""
    try:
        return _decode(data)
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise FormatError(f"the profile is cut or damaged: {error}") from None
    except ValueError as error:
        raise error if isinstance(error, FormatError) else FormatError(f"the profile is damaged: {error}") from None


def _decode(data: bytes) -> State:
    version, tag, digest = _HEAD.unpack_from(data)
    if version != STATE_FORMAT:
        raise FormatError(f"state format {version} is not known here (this Barista reads format {STATE_FORMAT})")
    state: State
    if tag == _TAGS[NumericState]:
        state, end = _get_numeric(data, _HEAD.size, digest)
    elif tag == _TAGS[CategoryState]:
        state, end = _get_category(data, _HEAD.size, digest)
    elif tag == _TAGS[EmbeddingState]:
        rows, nulls, misfits, size = _EMBEDDING.unpack_from(data, _HEAD.size)
        parts, end = [], _HEAD.size + _EMBEDDING.size
        for _ in range(size):
            part, end = _get_numeric(data, end, digest)
            parts.append(part)
        state = EmbeddingState(digest, rows, nulls, misfits, tuple(parts))
    else:
        raise FormatError(f"unknown kind of state {tag}")
    if end != len(data):
        raise FormatError("the profile is damaged: bytes are left over after its end")
    return state


_ZSTD: Final = pa.Codec("zstd", compression_level=3)
_MAX_STATE: Final = 1 << 28


def pack(data: bytes) -> bytes:
    """zstd with the length before it; the compressed bytes are no identity, the canonical ones are."""
    return struct.pack("<I", len(data)) + bytes(_ZSTD.compress(data))


def unpack(blob: bytes) -> bytes:
    if len(blob) < 4:
        raise FormatError("the profile is cut or damaged: too short")
    (size,) = struct.unpack_from("<I", blob)
    if size > _MAX_STATE:
        raise FormatError("the profile is damaged: it claims more than 256 MiB")
    try:
        return bytes(_ZSTD.decompress(blob[4:], decompressed_size=size))
    except (OSError, pa.ArrowException) as error:
        raise FormatError(f"the profile is cut or damaged: {error}") from None
