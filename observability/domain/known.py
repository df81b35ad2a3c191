"""The distinct values that one column has shown so far, numbered in the order met and hashed once."""

from __future__ import annotations

import secrets
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .hashing import register_of
from .kernel import Ints, compiled, frozen
from .md5 import prefixes

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
    """Codes 0 .. len - 1 of values as bytes; `hashes` are their md5, `ranks` what they raise their register to."""

    def __init__(self) -> None:
        self.hashes: Words = np.zeros(0, dtype=np.uint64)
        self.ranks: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        self.empty = -1  # the code of the empty value, once met
        self._ends: Ints = np.zeros(1, dtype=np.int64)
        self._text: Bytes = np.zeros(0, dtype=np.uint8)
        self._marks: Words = np.zeros(0, dtype=np.uint64)
        self._slots: NDArray[np.int32] = np.full(2, -1, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.hashes)

    def codes(self, dictionary: pa.Array) -> Ints:
        """The code of each entry, -1 for a null; values met for the first time are added."""
        ends, text, valid = _buffers(dictionary)
        before = len(self)
        self._reserve(before + len(dictionary), int(self._ends[before]) + int(ends[-1]) - int(ends[0]))
        codes = np.empty(len(dictionary), dtype=np.int64)
        size = _number(ends, text, valid, _START, before, self._ends, self._text, self._marks, self._slots, codes)
        if size > before:
            hashes = prefixes(self._ends[before : size + 1], self._text)
            self.hashes, self.ranks = np.append(self.hashes, hashes), np.append(self.ranks, register_of(hashes)[1])
            for place in np.flatnonzero(np.diff(self._ends[before : size + 1]) == 0).tolist():
                self.empty = before + place
        return codes

    def values(self, first: int = 0) -> pa.Array:
        """The values from that code on, as large_binary."""
        ends = self._ends[first : len(self) + 1]
        return pa.Array.from_buffers(
            pa.large_binary(), len(ends) - 1, [None, pa.py_buffer(ends), pa.py_buffer(self._text)]
        )

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


def _buffers(values: pa.Array) -> tuple[NDArray[np.int32], Bytes, NDArray[np.bool_]]:
    """Ends, bytes and presence (empty: all present) of a binary array. Raises IndexError when they do not fit."""
    _, ends, text = values.buffers()
    present = values.is_valid().to_numpy(zero_copy_only=False) if values.null_count else np.zeros(0, dtype=bool)
    if not len(values):
        return frozen(np.zeros(1, dtype=np.int32)), frozen(np.zeros(0, dtype=np.uint8)), frozen(present)
    raw = np.zeros(0, dtype=np.uint8) if text is None else np.frombuffer(text, np.uint8)
    found = np.frombuffer(ends, np.int32, len(values) + 1, values.offset * 4)
    if int(found[0]) < 0 or int(found[-1]) > len(raw) or (np.diff(found) < 0).any():
        raise IndexError("values beyond the bytes of their dictionary")
    return frozen(found), frozen(raw), frozen(present)
