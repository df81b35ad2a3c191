"""The distinct values that one column has shown so far, numbered in the order met; and what hashes tell of values."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from observability.domain.loops.category import WORD_BITS, Marks
from observability.domain.loops.compiling import compiled
from observability.domain.loops.hashing import REGISTERS, register_of
from observability.domain.loops.md5 import prefixes
from observability.domain.loops.numeric import Ints, frozen

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

_PRIME: Final = np.uint64(0x100000001B3)  # of FNV-1a; the start is secret, so that nobody can choose collisions
_START: Final = secrets.randbits(64)


@compiled
def _mark(text: Bytes, first: int, length: int, start: int) -> Any:
    mark = np.uint64(start)
    for place in range(length):
        mark = (mark ^ np.uint64(text[np.uintp(first + place)])) * _PRIME
    return mark ^ (mark >> np.uint64(32))


@compiled
def _is_same(a: Bytes, first: int, b: Bytes, begin: int, length: int) -> bool:
    for place in range(length):  # noqa: SIM110 - generators cannot be compiled
        if a[np.uintp(first + place)] != b[np.uintp(begin + place)]:
            return False
    return True


@compiled
def _number(
    ends: NDArray[np.int32],
    text: Bytes,
    valid: NDArray[np.bool_],
    start: int,
    size: int,
    known_ends: Ints,
    known_text: Bytes,
    marks: Words,
    slots: NDArray[np.int32],
    codes: Ints,
) -> int:
    """Write the code of each value, -1 for nulls; new values are appended. Returns how many are known then."""
    mask = np.uint64(len(slots) - 1)
    for row in range(len(codes)):
        codes[row] = -1
        if len(valid) and not valid[row]:
            continue
        first: Any = np.int64(ends[row])
        length: Any = np.int64(ends[row + 1]) - first
        mark = _mark(text, first, length, start)
        slot = mark & mask
        while True:
            code: Any = np.int64(slots[slot])
            if code < 0:
                break
            if marks[code] == mark:
                begin = known_ends[code]
                if known_ends[code + 1] - begin == length and _is_same(text, first, known_text, begin, length):
                    break
            slot = (slot + np.uint64(1)) & mask
        if code < 0:
            code, begin = size, known_ends[size]
            for place in range(length):
                known_text[begin + place] = text[first + place]
            known_ends[size + 1] = begin + length
            marks[size], slots[slot] = mark, size
            size += 1
        codes[row] = code
    return size


@compiled
def _place(marks: Words, size: int, slots: NDArray[np.int32]) -> None:
    """Fill empty slots, a power of two of them, with the codes below `size`."""
    mask = np.uint64(len(slots) - 1)
    for code in range(size):
        slot = marks[code] & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = code


class KnownValues:
    """Codes 0 .. len - 1 of values as bytes."""

    def __init__(self) -> None:
        self._size = 0
        self._ends: Ints = np.zeros(1, dtype=np.int64)
        self._text: Bytes = np.zeros(0, dtype=np.uint8)
        self._marks: Words = np.zeros(0, dtype=np.uint64)
        self._slots: NDArray[np.int32] = np.full(2, -1, dtype=np.int32)

    def __len__(self) -> int:
        return self._size

    def codes(self, dictionary: pa.Array) -> Ints:
        """The code of each entry, -1 for a null; values met for the first time are added."""
        ends, text, valid = _buffers(dictionary)
        self._reserve(len(self) + len(dictionary), int(self._ends[len(self)]) + int(ends[-1]) - int(ends[0]))
        codes = np.empty(len(dictionary), dtype=np.int64)
        counted = (self._ends, self._text, self._marks, self._slots)
        self._size = _number(ends, text, valid, _START, len(self), *counted, codes)
        return codes

    def values(self) -> pa.Array:
        """The values in the order of their codes, as large_binary."""
        ends = self._ends[: len(self) + 1]
        return pa.Array.from_buffers(pa.large_binary(), len(self), [None, pa.py_buffer(ends), pa.py_buffer(self._text)])

    def _reserve(self, values: int, size: int) -> None:
        """Room for so many values of so many bytes; what grows at least doubles."""
        if values > len(self._marks):
            room = 2 * values
            self._ends = np.append(self._ends, np.zeros(room + 1 - len(self._ends), dtype=np.int64))
            self._marks = np.append(self._marks, np.zeros(room - len(self._marks), dtype=np.uint64))
            self._slots = np.full(1 << (2 * room).bit_length(), -1, dtype=np.int32)
            _place(self._marks, len(self), self._slots)
        if size > len(self._text):
            self._text = np.append(self._text, np.zeros(2 * size - len(self._text), dtype=np.uint8))


@compiled
def _mark_all(
    hashes: Words, ends: NDArray[Any], found: Words, places: Ints, has_word: NDArray[np.bool_], marks: Marks
) -> None:
    """One number a value, as `spread_codes` takes it."""
    for row in range(len(hashes)):
        digest = hashes[row]
        register, rest, rank = digest >> np.uint64(52), digest << np.uint64(12), 1
        while rank < 53 and not rest >> np.uint64(63):
            rest, rank = rest << np.uint64(1), rank + 1
        mark = np.uint32(register << np.uint64(20)) | np.uint32(rank << 14) | np.uint32(ends[row] == ends[row + 1])
        if has_word[np.uintp(register)]:
            low, high = 0, len(found)
            while low < high:
                middle = (low + high) >> 1
                if found[middle] < digest:
                    low = middle + 1
                else:
                    high = middle
            if low < len(found) and found[low] == digest:
                mark |= np.uint32((places[low] + 1) << 1)
        marks[row] = mark


class Vocabulary:
    """The words of a spec, found among many values by their hashes."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = pa.array([word.encode() for word in words], pa.large_binary())
        hashes = _hashes(self._words)
        self._places: Ints = np.argsort(hashes).astype(np.int64)
        self._hashes = hashes[self._places]
        self._has_word = np.zeros(REGISTERS, dtype=bool)
        self._has_word[register_of(hashes)[0]] = True

    def marks(self, values: pa.Array, hashes: Words) -> Marks:
        """One number a value, as `spread_codes` takes it."""
        marks = np.empty(len(values), dtype=np.uint32)
        _mark_all(hashes, _buffers(values)[0], self._hashes, self._places, self._has_word, marks)
        alike = np.flatnonzero(marks & WORD_BITS)
        if len(alike):  # hashes may collide; words and values do not
            found = pc.index_in(values.take(pa.array(alike)).cast(pa.large_binary()), value_set=self._words)
            words = found.fill_null(-1).to_numpy() + 1
            marks[alike] = (marks[alike] & ~WORD_BITS) | (words.astype(np.uint32) << np.uint32(1))
        return marks


@dataclass(frozen=True, slots=True, eq=False)
class Digests:
    """What hashes tell of values; it means nothing for nulls."""

    values: pa.Array
    hashes: Words  # the first 8 bytes of md5
    marks: Marks

    @classmethod
    def of(cls, values: pa.Array, vocabulary: Vocabulary) -> Digests:
        """Of a binary or large_binary array."""
        hashes = _hashes(values)
        return cls(values, hashes, vocabulary.marks(values, hashes))

    @property
    def ranks(self) -> NDArray[np.uint8]:
        """What each value raises its register to."""
        return ((self.marks >> np.uint32(14)) & np.uint32(63)).astype(np.uint8)

    @property
    def words(self) -> Ints:
        """The place of each value in the vocabulary, or -1."""
        return ((self.marks & WORD_BITS) >> np.uint32(1)).astype(np.int64) - 1

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        return (self.marks & np.uint32(1)).astype(bool)


def _hashes(values: pa.Array) -> Words:
    ends, text, _ = _buffers(values)
    return prefixes(ends.astype(np.int64), text)


def _buffers(values: pa.Array) -> tuple[NDArray[Any], Bytes, NDArray[np.bool_]]:
    """Ends, bytes and presence (empty: all present) of a binary array. Raises IndexError when they do not fit."""
    _, ends, text = values.buffers()
    width = np.dtype(np.int64 if pa.types.is_large_binary(values.type) else np.int32)
    present = values.is_valid().to_numpy(zero_copy_only=False) if values.null_count else np.zeros(0, dtype=bool)
    if not len(values):
        return frozen(np.zeros(1, dtype=width)), frozen(np.zeros(0, dtype=np.uint8)), frozen(present)
    raw = np.zeros(0, dtype=np.uint8) if text is None else np.frombuffer(text, np.uint8)
    found = np.frombuffer(ends, width, len(values) + 1, values.offset * width.itemsize)
    if int(found[0]) < 0 or int(found[-1]) > len(raw) or (np.diff(found) < 0).any():
        raise IndexError("values beyond the bytes of their dictionary")
    return frozen(found), frozen(raw), frozen(present)
