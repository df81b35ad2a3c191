"""Blocks of lines of CSV as spans of their cells, by one look at each byte.

A block is bytes that end in a line feed. Of every row that is taken, the loop writes for each wanted column where in
the block its value is (`first`, `size`) and what it is (`tag`, one of those in `decimals`). A row that is not beyond
doubt is put on the list of refused ones instead: the reader of single lines decides about it. So the loop may refuse
what it likes, but what it takes must be what that reader would take. That the bytes are UTF-8 is checked elsewhere.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.compiling import compiled
from observability.domain.loops.decimals import ESCAPED, NOTHING, PLAIN, Bytes, Spots
from observability.domain.loops.numeric import Ints

Tags = NDArray[np.uint8]

_IS_CELL: Final = np.ones(256, dtype=bool)  # bytes that need no look inside a cell without quotes
_IS_CELL[[0, 10, 13, 34, 9, 44, 59, 124]] = False  # NUL, line ends, the quote, delimiters


@compiled
def _line_end(text: Bytes, at: int) -> int:
    while text[at] != 10:
        at += 1
    return at


@compiled
def _cell(text: Bytes, at: int, delimiter: int) -> tuple[int, int, int, int]:
    """(begin, end, tag, place after it: of a delimiter or line feed) of the cell at `at`; the tag is -1 if refused."""
    if text[at] != 34:
        begin = at
        while True:
            while _IS_CELL[text[at]]:
                at += 1
            if text[at] == delimiter or text[at] == 10:
                return begin, at, (PLAIN if at > begin else NOTHING), at
            if text[at] == 13 and text[at + 1] == 10:
                return begin, at, (PLAIN if at > begin else NOTHING), at + 1
            if text[at] == 0 or text[at] == 13 or text[at] == 34:
                return begin, at, -1, at
            at += 1
    begin = at = at + 1
    tag = PLAIN
    while True:
        byte = text[at]
        if byte == 34:
            if text[at + 1] != 34:
                break
            tag, at = ESCAPED, at + 1
        elif byte == 10 or byte == 13 or byte == 0:
            return begin, at, -1, at
        at += 1
    after = at + 1
    if text[after] == 13 and text[after + 1] == 10:
        after += 1
    if text[after] != delimiter and text[after] != 10:
        return begin, at, -1, at
    return begin, at, (tag if at > begin else NOTHING), after


@compiled
def split_cells(
    text: Bytes,
    delimiter: int,
    wanted: Ints,
    header: Bytes,
    limits: tuple[int, int],
    first: Spots,
    size: Spots,
    tag: Tags,
    rows: Spots,
    refused: Spots,
) -> tuple[int, int, int]:
    """CSV. Returns how many rows were taken, how many were refused, and how many lines there are.

    wanted[place] is the column of a cell, or -1; `header` is the first name. `rows` gets the number of the line of each
    row that was taken; refused[k] gets its line, where it begins and ends, and how many rows were taken before it.
    """
    at, line, taken, left, longest = 0, 0, 0, 0, limits[0]
    while at < len(text):
        start, place, is_good, is_header = at, 0, True, False
        if text[at] == 10 or (text[at] == 13 and text[at + 1] == 10):
            at, line = _line_end(text, at) + 1, line + 1
            continue
        while True:
            begin, end, kind, at = _cell(text, at, delimiter)
            if kind < 0 or place == len(wanted) or end - begin > longest:
                is_good = False
                break
            if place == 0 and end - begin == len(header):
                is_header = True
                for step in range(len(header)):
                    is_header = is_header and text[begin + step] == header[step]
            column = wanted[place]
            if column >= 0:
                first[column, taken], size[column, taken], tag[column, taken] = begin, end - begin, kind
            place += 1
            if text[at] == 10:
                break
            at += 1
        at = _line_end(text, at)
        if is_good and not is_header and place == len(wanted) and at - start <= limits[1]:
            rows[taken] = line
            taken += 1
        else:
            refused[left, 0], refused[left, 1], refused[left, 2], refused[left, 3] = line, start, at, taken
            left += 1
        at, line = at + 1, line + 1
    return taken, left, line


@compiled
def gather_cells(text: Bytes, first: Spots, size: Spots, tag: Tags, out: Bytes, ends: Spots) -> None:
    """Cells one after the other, a doubled quote inside of quotes as one."""
    used: Any = 0
    for row in range(len(first)):
        ends[row] = used
        if tag[row] != NOTHING:
            begin = np.int64(first[row])
            is_second = False
            for place in range(begin, begin + size[row]):
                is_second = tag[row] == ESCAPED and text[place] == 34 and not is_second
                if not is_second:
                    out[used], used = text[place], used + 1
    ends[len(first)] = used
