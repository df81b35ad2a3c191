"""Blocks of JSON lines as spans of the values of each object, by one look at each byte.

Spans, and rows that are refused, are those of `cells`. The whole line is checked, not only the values that are wanted:
what is no JSON, holds a name twice at any depth, or a name that is not known is refused.
"""

# ruff: noqa: SIM109 - `in` a tuple is a loop when it is compiled
from __future__ import annotations

from typing import Any, Final

import numpy as np

from observability.domain.loops.cells import Tags
from observability.domain.loops.compiling import compiled
from observability.domain.loops.decimals import (
    ESCAPED,
    FALSE,
    FLOAT,
    INTEGER,
    LIST,
    NOTHING,
    NULL,
    PLAIN,
    TRUE,
    Bytes,
    Spots,
)
from observability.domain.loops.numeric import Ints

MAX_DEPTH: Final = 32
MAX_NUMBER: Final = 40
SEARCHED: Final = 256  # names looked through for one that comes out of turn

_IS_TEXT: Final = np.ones(256, dtype=bool)  # bytes that need no look inside a JSON text
_IS_TEXT[[*range(32), 34, 92]] = False


@compiled
def _line_end(text: Bytes, at: int) -> int:
    while text[at] != 10:
        at += 1
    return at


@compiled
def _space(text: Bytes, at: int) -> int:
    """Past blanks; a line feed is the end of the line."""
    while text[at] == 32 or text[at] == 9 or text[at] == 13:
        at += 1
    return at


@compiled
def _hex(text: Bytes, at: Any) -> Any:
    """Four hexadecimal digits, or -1."""
    value: Any = 0
    for place in range(at, at + 4):
        digit = np.int64(text[place]) - 48
        if digit > 9:
            digit = (np.int64(text[place]) | 32) - 87
            if digit < 10:
                return -1
        if not 0 <= digit <= 15:
            return -1
        value = value * 16 + digit
    return value


@compiled
def _text(text: Bytes, at: int) -> tuple[int, int]:
    """(place of the closing quote, tag) of the JSON text whose first byte is at `at`; the tag is -1 if refused."""
    kind = PLAIN
    while True:
        while _IS_TEXT[text[at]]:
            at += 1
        if text[at] == 34:
            return at, kind
        if text[at] != 92:
            return at, -1
        kind, byte = ESCAPED, text[at + 1]
        # " \ / b f n r t
        if (
            byte == 34
            or byte == 92
            or byte == 47
            or byte == 98
            or byte == 102
            or byte == 110
            or byte == 114
            or byte == 116
        ):
            at += 2
            continue
        if byte != 117:
            return at, -1
        code = _hex(text, at + 2)
        if code < 0 or 0xDC00 <= code < 0xE000:
            return at, -1
        at += 6
        if 0xD800 <= code < 0xDC00:
            if text[at] != 92 or text[at + 1] != 117 or not 0xDC00 <= _hex(text, at + 2) < 0xE000:
                return at, -1
            at += 6


@compiled
def _scalar(text: Bytes, at: int) -> tuple[int, int]:
    """(place after it, tag) of a JSON number, true, false or null; the tag is -1 if refused."""
    byte = text[at]
    if byte == 116 and text[at + 1] == 114 and text[at + 2] == 117 and text[at + 3] == 101:
        return at + 4, TRUE
    if byte == 110 and text[at + 1] == 117 and text[at + 2] == 108 and text[at + 3] == 108:
        return at + 4, NULL
    if byte == 102 and text[at + 1] == 97 and text[at + 2] == 108 and text[at + 3] == 115 and text[at + 4] == 101:
        return at + 5, FALSE
    begin, kind = at, INTEGER
    at += byte == 45
    digits = at
    while 48 <= text[at] <= 57:
        at += 1
    if at == digits or (text[digits] == 48 and at > digits + 1):
        return at, -1
    if text[at] == 46:
        at, kind = at + 1, FLOAT
        digits = at
        while 48 <= text[at] <= 57:
            at += 1
        if at == digits:
            return at, -1
    if text[at] | 32 == 101:
        at, kind = at + 1, FLOAT
        at += text[at] == 43 or text[at] == 45
        digits = at
        while 48 <= text[at] <= 57:
            at += 1
        if at == digits or at - digits > 2:
            return at, -1
    if kind == FLOAT:
        return at, (kind if at - begin <= MAX_NUMBER else -1)
    # -0 is written 0, and what does not fit 64 bits is no integer.
    return at, (kind if at - begin <= 19 and not (byte == 45 and text[begin + 1] == 48) else -1)


@compiled
def _is_same(text: Bytes, a: int, b: int, length: int) -> bool:
    for step in range(length):  # noqa: SIM110 - generators cannot be compiled
        if text[a + step] != text[b + step]:
            return False
    return True


@compiled
def _container(text: Bytes, at: int, opened: Ints, names: Spots) -> int:
    """The place after the object or list at `at`, or -1: of depth up to MAX_DEPTH, no name twice in one object."""
    depth, used, wants_value, is_after = 0, 0, True, False
    while True:
        at = _space(text, at)
        byte = text[at]
        if is_after:
            is_object = opened[depth - 1] >= 0
            if byte == 44:
                is_after, wants_value = False, not is_object
            elif byte == (125 if is_object else 93):
                used, depth = (opened[depth - 1] if is_object else used), depth - 1
                if depth == 0:
                    return at + 1
            else:
                return -1
            at += 1
        elif wants_value and (byte == 123 or byte == 91):
            if depth == len(opened):
                return -1
            opened[depth] = used if byte == 123 else -1
            depth, wants_value = depth + 1, byte == 91
            at = _space(text, at + 1)
            is_after = text[at] == (125 if byte == 123 else 93)
        elif wants_value:
            if byte == 34:
                end, kind = _text(text, at + 1)
                at = end + 1
            else:
                at, kind = _scalar(text, at)
            if kind < 0:
                return -1
            is_after = True
        else:
            if byte != 34:
                return -1
            end, kind = _text(text, at + 1)
            if kind != PLAIN or used == len(names):
                return -1
            for other in range(opened[depth - 1], used):
                if names[other, 1] == end - at - 1 and _is_same(text, names[other, 0], at + 1, end - at - 1):
                    return -1
            names[used, 0], names[used, 1] = at + 1, end - at - 1
            used, at = used + 1, _space(text, end + 1)
            if text[at] != 58:
                return -1
            at, wants_value = at + 1, True


@compiled
def _place(text: Bytes, at: int, known: Bytes, ends: Ints, turn: int) -> tuple[int, int]:
    """(number of the name at `at`, place after its quote): usually the one whose turn it is; -1 if refused."""
    count = len(ends) - 1
    if turn < count:
        length = ends[turn + 1] - ends[turn]
        if at + length < len(text) and text[at + length] == 34:
            step = 0
            while step < length and text[at + step] == known[ends[turn] + step]:
                step += 1
            if step == length:
                return turn, at + length + 1
    end, kind = _text(text, at)
    if kind != PLAIN:
        return -1, at
    for step in range(min(count, SEARCHED)):
        number = turn + step if turn + step < count else turn + step - count
        if ends[number + 1] - ends[number] == end - at:
            place = 0
            while place < end - at and text[at + place] == known[ends[number] + place]:
                place += 1
            if place == end - at:
                return number, end + 1
    return -2, at


@compiled
def _object(
    text: Bytes,
    at: int,
    row: int,
    known: Bytes,
    ends: Ints,
    wanted: Ints,
    longest: int,
    first: Spots,
    size: Spots,
    tag: Tags,
    met: Spots,
    opened: Ints,
    names: Spots,
) -> int:
    """The place after the object at `at`, whose values become row `row`; -1 if refused, -2 for an unknown name."""
    turn, at = 0, _space(text, at + 1)
    if text[at] == 125:
        return at + 1
    while True:
        if text[at] != 34:
            return -1
        number, at = _place(text, at + 1, known, ends, turn)
        if number < 0:
            return number
        if met[number] == row:
            return -1
        met[number], turn = row, number + 1
        at = _space(text, at)
        if text[at] != 58:
            return -1
        begin = at = _space(text, at + 1)
        column, byte = wanted[number], text[at]
        if byte == 34:
            begin = at + 1
            end, kind = _text(text, begin)
            at = end + 1
            if end - begin > longest:
                return -1
        elif byte == 123 or byte == 91:
            at = _container(text, at, opened, names)
            if at < 0 or (column >= 0 and byte == 123):
                return -1
            end, kind = at, LIST
        else:
            at, kind = _scalar(text, at)
            end = at
        if kind < 0:
            return -1
        if column >= 0:
            first[column, row], size[column, row], tag[column, row] = begin, end - begin, kind
        at = _space(text, at)
        if text[at] == 125:
            return at + 1
        if text[at] != 44:
            return -1
        at = _space(text, at + 1)


@compiled
def split_objects(
    text: Bytes,
    known: Bytes,
    ends: Ints,
    wanted: Ints,
    limits: tuple[int, int],
    first: Spots,
    size: Spots,
    tag: Tags,
    rows: Spots,
    refused: Spots,
) -> tuple[int, int, int, int]:
    """JSON lines, like `split_cells`; the last number returned counts the rows refused for a name that is not known.

    The names known[ends[k] : ends[k + 1]] are expected in this order; wanted[k] is the column of such a name, or -1.
    """
    at, line, taken, left, strange = 0, 0, 0, 0, 0
    met = np.full(len(wanted), -1, dtype=np.int32)
    opened, names = np.zeros(MAX_DEPTH, dtype=np.int64), np.zeros((64, 2), dtype=np.int32)
    while at < len(text):
        start = at
        at = _space(text, at)
        if text[at] == 10:
            at, line = at + 1, line + 1
            continue
        tag[:, taken] = NOTHING
        found = -1
        if text[at] == 123:
            found = _object(text, at, taken, known, ends, wanted, limits[0], first, size, tag, met, opened, names)
        if found >= 0:
            found = _space(text, found)
        end = found if found >= 0 and text[found] == 10 else _line_end(text, at)
        if found >= 0 and end == found and end - start <= limits[1]:
            rows[taken] = line
            taken += 1
        else:
            strange += found == -2
            met[:] = -1
            refused[left, 0], refused[left, 1], refused[left, 2], refused[left, 3] = line, start, end, taken
            left += 1
        at, line = end + 1, line + 1
    return taken, left, line, strange


@compiled
def gather_texts(text: Bytes, first: Spots, size: Spots, tag: Tags, out: Bytes, ends: Spots) -> None:
    """JSON texts one after the other, escapes undone; numbers, true and false as they are written."""
    used: Any = 0
    for row in range(len(first)):
        ends[row] = used
        kind, at = tag[row], np.int64(first[row])
        end = at + size[row]
        if kind == NOTHING or kind == NULL:
            continue
        if kind != ESCAPED:
            for place in range(at, end):
                out[used], used = text[place], used + 1
            continue
        while at < end:
            if text[at] != 92:
                out[used], used, at = text[at], used + 1, at + 1
            elif text[at + 1] == 117:
                code, at = _hex(text, at + 2), at + 6
                if 0xD800 <= code < 0xDC00:
                    code, at = 0x10000 + ((code - 0xD800) << 10) + _hex(text, at + 2) - 0xDC00, at + 6
                used = _put(out, used, code)
            else:
                byte = text[at + 1]
                for short, long in ((98, 8), (102, 12), (110, 10), (114, 13), (116, 9)):
                    if byte == short:
                        byte = np.uint8(long)
                        break
                out[used], used, at = byte, used + 1, at + 2
    ends[len(first)] = used


@compiled
def _put(out: Bytes, used: int, code: int) -> int:
    """A code point as UTF-8."""
    if code < 0x80:
        out[used] = code
        return used + 1
    if code < 0x800:
        out[used], out[used + 1] = 0xC0 | code >> 6, 0x80 | code & 63
        return used + 2
    if code < 0x10000:
        out[used], out[used + 1], out[used + 2] = 0xE0 | code >> 12, 0x80 | code >> 6 & 63, 0x80 | code & 63
        return used + 3
    out[used], out[used + 1] = 0xF0 | code >> 18, 0x80 | code >> 12 & 63
    out[used + 2], out[used + 3] = 0x80 | code >> 6 & 63, 0x80 | code & 63
    return used + 4
