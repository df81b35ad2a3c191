"""Decimal texts as float64, correctly rounded, and ISO 8601 instants as integers: loops over spans of a buffer.

Digits are gathered as an integer w and a power of ten q. Where both are exact in float64 one multiplication is exactly
rounded; else the method of Eisel and Lemire (https://arxiv.org/abs/2101.11408) multiplies w by 128 bits of the power of
five. What these cannot decide (more than 19 digits, results that are subnormal or infinite) is left to the caller.

A span is `first`, `size` and `tag` of a value; see `cells`.
"""

# ruff: noqa: SIM109 - `in` a tuple is a loop when it is compiled
from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.compiling import compiled
from observability.domain.loops.numeric import Floats, Ints

Bytes = NDArray[np.uint8]
Spots = NDArray[np.int32]
Flags = NDArray[np.bool_]

NOTHING, PLAIN, ESCAPED, INTEGER, FLOAT, TRUE, FALSE, LIST, NULL = range(9)  # the tags, see `cells`
_LEAST_POWER: Final = -342
_DIGITS: Final = 19  # any integer of so many digits fits 64 bits
_EXACT: Final = np.array([10.0**power for power in range(23)])
_LOW_HALF: Final = np.uint64(0xFFFFFFFF)


def _power_of_five(power: int) -> int:
    """The 128 leading bits of 5**power, rounded up where the power is negative."""
    if power >= 0:
        value: int = 5**power
        return value << 128 - value.bit_length() if value.bit_length() <= 128 else value >> value.bit_length() - 128
    divisor: int = 5**-power
    bits = (divisor - 1).bit_length()
    found: int = (1 << (bits + 127 if power >= -27 else 2 * bits + 128)) // divisor + 1
    return found >> max(found.bit_length() - 128, 0)


_FIVES: Final = [_power_of_five(power) for power in range(_LEAST_POWER, 309)]
_UPPER: Final = np.array([five >> 64 for five in _FIVES], dtype=np.uint64)
_LOWER: Final = np.array([five & 2**64 - 1 for five in _FIVES], dtype=np.uint64)


@compiled
def _times(a: Any, b: Any) -> tuple[Any, Any]:
    """Upper and lower half of a product of 64-bit numbers."""
    half = np.uint64(32)
    a_low, a_high, b_low, b_high = a & _LOW_HALF, a >> half, b & _LOW_HALF, b >> half
    low, middle, other, high = a_low * b_low, a_low * b_high, a_high * b_low, a_high * b_high
    carry = ((low >> half) + (middle & _LOW_HALF) + (other & _LOW_HALF)) >> half
    return high + (middle >> half) + (other >> half) + carry, a * b


@compiled
def _rounded(w: Any, q: int) -> tuple[float, bool]:
    """(w * 10**q, whether that is decided), for w > 0 as a 64-bit unsigned number."""
    if w <= np.uint64(1 << 53) and -22 <= q <= 22:
        return (np.float64(w) * _EXACT[q] if q >= 0 else np.float64(w) / _EXACT[-q]), True
    if q < _LEAST_POWER or q > 308:
        return 0.0, False
    one, shift = np.uint64(1), np.uint64(0)
    for step in (32, 16, 8, 4, 2, 1):
        if not w >> np.uint64(64 - step):
            w <<= np.uint64(step)
            shift += np.uint64(step)
    high, low = _times(w, _UPPER[q - _LEAST_POWER])
    if high & np.uint64(0x1FF) == np.uint64(0x1FF):
        more, _ = _times(w, _LOWER[q - _LEAST_POWER])
        low += more
        if more > low:
            high += one
    if low == np.uint64(0xFFFFFFFFFFFFFFFF):
        return 0.0, False
    top = high >> np.uint64(63)
    mantissa = high >> (top + np.uint64(9))
    exponent = ((217706 * q) >> 16) + 63 + np.int64(top) - np.int64(shift) + 1023
    if exponent <= 0:
        return 0.0, False
    if low <= one and -4 <= q <= 23 and mantissa & np.uint64(3) == one and mantissa << (top + np.uint64(9)) == high:
        mantissa ^= one  # exactly between two numbers: to the even one
    mantissa = (mantissa + (mantissa & one)) >> one
    if mantissa >= np.uint64(1 << 53):
        mantissa, exponent = np.uint64(1 << 52), exponent + 1
    if exponent >= 0x7FF:
        return 0.0, False
    bits = (mantissa & np.uint64((1 << 52) - 1)) | (np.uint64(exponent) << np.uint64(52))
    return np.uint64(bits).view(np.float64), True


@compiled
def _decimal(text: Bytes, at: Any, end: Any) -> tuple[float, bool]:
    """The number that text[at:end] is: sign, digits with a point, exponent; or nan, inf by name. False: unsure."""
    negative = False
    if at < end and (text[at] == 45 or text[at] == 43):  # - +
        negative, at = text[at] == 45, at + 1
    w: Any = np.uint64(0)
    count: Any = 0
    begin, q, point = at, 0, False
    while at < end:
        digit: Any = text[at] - np.uint8(48)
        if digit <= 9:
            w = w * np.uint64(10) + np.uint64(digit)
            count += w > np.uint64(0)
            q -= point
        elif text[at] == 46 and not point:  # .
            point = True
        else:
            break
        at += 1
    if at - begin - point == 0 or count > _DIGITS:
        return _named(text, begin, end, negative)
    if at < end:
        if text[at] | 32 != 101:  # e
            return 0.0, False
        at += 1
        below = False
        if at < end and (text[at] == 45 or text[at] == 43):
            below, at = text[at] == 45, at + 1
        power: Any = 0
        first = at
        while at < end and np.uint8(text[at] - np.uint8(48)) <= 9:
            power, at = power * 10 + np.int64(text[at]) - 48, at + 1
        if at < end or first == at or at - first > 4:
            return 0.0, False
        q += -power if below else power
    value, is_sure = _rounded(w, q) if w else (0.0, True)
    return (-value if negative else value), is_sure


@compiled
def _named(text: Bytes, at: Any, end: Any, negative: bool) -> tuple[float, bool]:
    if end - at != 3:
        return 0.0, False
    a, b, c = text[at] | 32, text[at + 1] | 32, text[at + 2] | 32
    if a == 105 and b == 110 and c == 102:  # inf
        return (-np.inf if negative else np.inf), True
    is_signed = text[at - 1] == 45 or text[at - 1] == 43 if at else False
    return np.nan, a == 110 and b == 97 and c == 110 and not is_signed  # nan


@compiled
def read_numbers(
    text: Bytes,
    first: Spots,
    size: Spots,
    tag: NDArray[np.uint8],
    is_cell: bool,
    out: Floats,
    valid: Flags,
    unsure: Flags,
) -> int:
    """Numbers of spans, texts only where they are cells of CSV; those that are unsure are marked. Returns how many."""
    left = 0
    for row in range(len(first)):
        kind = tag[row]
        valid[row], out[row] = not (kind == NOTHING or kind == NULL), 0.0
        if not valid[row]:
            continue
        is_sure = False
        if kind == INTEGER or kind == FLOAT or (is_cell and kind == PLAIN):
            out[row], is_sure = _decimal(text, first[row], first[row] + size[row])
            if kind == INTEGER and out[row] == 0.0:
                out[row] = 0.0
        if not is_sure:
            unsure[row] = True
            left += 1
    return left


@compiled
def read_vectors(
    text: Bytes, first: Spots, size: Spots, tag: NDArray[np.uint8], flat: Floats, ends: Ints, unsure: Flags
) -> int:
    """Lists of JSON numbers, one after the other in `flat`; lists of anything else are marked. Returns how many."""
    left: int = 0
    used: Any = 0
    for row in range(len(first)):
        ends[row + 1] = used
        kind = tag[row]
        if kind == NOTHING or kind == NULL:
            continue
        at, end, is_sure, begin = np.int64(first[row]) + 1, np.int64(first[row]) + size[row] - 1, kind == LIST, used
        while is_sure and at < end:
            while at < end and (text[at] == 32 or text[at] == 44 or text[at] == 9 or text[at] == 13):  # space , \t \r
                at += 1
            stop = at
            while stop < end and not (text[stop] == 32 or text[stop] == 44 or text[stop] == 9 or text[stop] == 13):
                stop += 1
            if stop > at:
                flat[used], is_sure = _decimal(text, at, stop)
                used += 1
            at = stop
        if not is_sure:
            unsure[row] = True
            left, used = left + 1, begin
        ends[row + 1] = used
    return left


@compiled
def _two(text: Bytes, at: Any) -> Any:
    """Two digits, or a number below zero that stays below zero when a few of them are added."""
    a, b = np.int64(text[at]) - 48, np.int64(text[at + 1]) - 48
    return a * 10 + b if 0 <= a <= 9 and 0 <= b <= 9 else -100_000


@compiled
def _microseconds(text: Bytes, at: Any, size: Any) -> tuple[Any, bool]:
    """YYYY-MM-DD, then T or a space and HH:MM:SS, a fraction of 1 to 6 digits and Z or +HH:MM where they are given."""
    if size < 10 or size == 11 or text[at + 4] != 45 or text[at + 7] != 45:
        return 0, False
    year, month, day = _two(text, at) * 100 + _two(text, at + 2), _two(text, at + 5), _two(text, at + 8)
    if year < 1 or month < 1 or month > 12 or day < 1:
        return 0, False
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 30 + (month + (month >> 3)) % 2 if month != 2 else 28 + is_leap
    if day > longest:
        return 0, False
    shifted = year - (month <= 2)
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400
    days += (153 * ((month + 9) % 12) + 2) // 5 + day - 719_469
    if size == 10:
        return days * 86_400_000_000, True
    if size < 19 or (text[at + 10] != 84 and text[at + 10] != 32) or text[at + 13] != 58 or text[at + 16] != 58:
        return 0, False
    hour, minute, second = _two(text, at + 11), _two(text, at + 14), _two(text, at + 17)
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return 0, False
    total = ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000
    place, end, scale = at + 19, at + size, 100_000
    if place < end and text[place] == 46:
        place += 1
        while place < end and scale and 48 <= text[place] <= 57:
            total, scale, place = total + (np.int64(text[place]) - 48) * scale, scale // 10, place + 1
        if scale == 100_000:
            return 0, False
    if place == end or (place + 1 == end and text[place] == 90):
        return total, True
    if place + 6 != end or (text[place] != 43 and text[place] != 45) or text[place + 3] != 58:
        return 0, False
    hours, minutes = _two(text, place + 1), _two(text, place + 4)
    away = (hours * 60 + minutes) * 60_000_000
    return (total - away if text[place] == 43 else total + away), 0 <= hours < 24 and 0 <= minutes < 60


@compiled
def _digits(text: Bytes, at: Any, size: Any) -> tuple[Any, bool]:
    """A whole number below 9 * 10**18."""
    negative = size > 1 and text[at] == 45
    value: Any = 0
    if size - negative > 19 or size == 0 or (size - negative == 19 and text[at + negative] == 57):
        return 0, False
    for place in range(at + negative, at + size):
        digit = np.int64(text[place]) - 48
        if not 0 <= digit <= 9:
            return 0, False
        value = value * 10 + digit
    return (-value if negative else value), True


@compiled
def read_instants(
    text: Bytes,
    first: Spots,
    size: Spots,
    tag: NDArray[np.uint8],
    scale: int,
    years: tuple[int, int],
    out: Ints,
    valid: Flags,
    unsure: Flags,
) -> int:
    """Integers of 1 / scale seconds, of ISO texts and of whole numbers; unsure ones are marked. Returns how many.

    Numbers are of that unit, as float64 has them if they are texts; or, where `years` is a range of seconds, they are
    s, ms, us or ns, whichever puts them there.
    """
    left = 0
    for row in range(len(first)):
        kind, at, length = tag[row], np.int64(first[row]), np.int64(size[row])
        valid[row], out[row] = not (kind == NOTHING or kind == NULL), 0
        if not valid[row]:
            continue
        value: Any = 0
        is_sure, is_number = False, kind == INTEGER
        if kind == PLAIN and length >= 10 and text[at + 4] == 45:
            value, is_sure = _microseconds(text, at, length)
            if scale <= 1_000_000:
                value //= 1_000_000 // scale
            else:
                is_sure = is_sure and abs(value) < 9_000_000_000_000_000
                value *= scale // 1_000_000
        elif kind == PLAIN or kind == INTEGER:
            value, is_sure = _digits(text, at, length)
            is_number = True
        if is_sure and is_number:
            if years[0] < years[1]:
                amount, is_sure = value, False
                for unit in (1, 1_000, 1_000_000, 1_000_000_000):
                    if not is_sure and years[0] <= amount // unit < years[1]:
                        value = amount // unit * 1_000_000 + (amount % unit) * 1_000_000 // unit
                        is_sure = True
            elif kind == PLAIN:
                value = np.int64(np.float64(value))
        out[row] = value
        if not is_sure:
            unsure[row] = True
            left += 1
    return left
