"""The loops over the rows of a batch of categories, given as codes into distinct values; in the form of `kernel`."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.compiling import compiled
from observability.domain.loops.numeric import Ints, Segments, Valid

Marks = NDArray[np.uint32]
Codes = NDArray[np.int32]  # of 32 bits as Arrow has them

WORD_BITS: Final = np.uint32(0x3FFE)  # of a mark, see `spread_codes`


@compiled
def are_inside(codes: Codes, valid: Valid, size: int) -> bool:
    """Whether the codes of all values that are present are at least 0 and below `size`."""
    beyond: Any = 0
    if len(valid):
        for row in range(len(codes)):
            beyond += np.int64(valid[row] & ((codes[row] < 0) | (codes[row] >= size)))
    else:
        for row in range(len(codes)):
            beyond += np.int64((codes[row] < 0) | (codes[row] >= size))
    return bool(beyond == 0)


@compiled
def count_codes(
    codes: Codes, valid: Valid, segment: Segments, translation: Ints, groups: Ints, nulls: Ints, counts: Ints
) -> None:
    """Add 1 to counts[groups[s], translation[code]], or to nulls[s]."""
    grouped, holed, s = len(segment) > 0, len(valid) > 0, 0
    for row in range(len(codes)):
        if grouped:
            s = segment[row]
            if s < 0:
                continue
        if holed and not valid[row]:
            nulls[s] += 1
        else:
            counts[np.uintp(groups[s]), np.uintp(translation[np.uintp(codes[row])])] += 1


@compiled
def spread_codes(
    codes: Codes,
    valid: Valid,
    segment: Segments,
    groups: Ints,
    marks: Marks,
    nulls: Ints,
    empties: Ints,
    vocabulary: Ints,
    buckets: Ints,
    registers: NDArray[np.uint8],
) -> None:
    """Count every row by the hash of its value and by its word, without a count per value.

    marks[code] has all of a value in one number, one look in memory a row: its register (12 bits), the rank it raises
    that to (6), the place of its word plus one (13, 0 for none), and whether it is empty (1).
    """
    grouped, holed, s = len(segment) > 0, len(valid) > 0, 0
    for row in range(len(codes)):
        if grouped:
            s = segment[row]
            if s < 0:
                continue
        if holed and not valid[row]:
            nulls[s] += 1
            continue
        mark, group = marks[codes[row]], groups[s]
        register: Any = mark >> np.uint32(20)
        rank, word = np.uint8((mark >> np.uint32(14)) & np.uint32(63)), np.int64((mark & WORD_BITS) >> np.uint32(1))
        empties[group] += mark & np.uint32(1)
        if word > 0:
            vocabulary[group, word - 1] += 1
        buckets[group, register >> np.uint32(4)] += 1  # the first 8 of the 12 bits
        if rank > registers[group, register]:
            registers[group, register] = rank


@compiled
def spread_counts(
    counts: Ints, marks: Marks, vocabulary: Ints, buckets: Ints, registers: NDArray[np.uint8]
) -> tuple[int, int]:
    """Like `spread_codes`, for one group of which counts[code] is known. Returns (present, empty) values."""
    present, empty = 0, 0
    for code in range(len(marks)):
        count: Any = counts[code]
        if count == 0:
            continue
        mark = marks[code]
        register: Any = mark >> np.uint32(20)
        rank, word = np.uint8((mark >> np.uint32(14)) & np.uint32(63)), np.int64((mark & WORD_BITS) >> np.uint32(1))
        present += count
        empty += count * np.int64(mark & np.uint32(1))
        if word > 0:
            vocabulary[word - 1] += count
        buckets[register >> np.uint32(4)] += count
        if rank > registers[register]:
            registers[register] = rank
    return present, empty
