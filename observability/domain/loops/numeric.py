"""The log-linear bucket index, one definition for every engine, and the loops over the rows of one batch.

For a centre c, a unit u = 2**k and S = 2**s sub-buckets per octave, with a = (x - c) / u and m = |a| + 1:

    b   = (bits of m >> (52 - s)) - (1023 << s)        the top s mantissa bits and the exponent of m
    key = ~b where x < c, else b

No logarithm is taken, so the key is the same on every machine. Keys are monotone in x; every edge recovers exactly
(`lower_magnitude`); halving S is an arithmetic shift of the key, because `~b >> 1 == ~(b >> 1)`.
Near the centre a bucket is u / S wide; far from it a bucket is 1 / S of the distance.

The loops are compiled by Numba: they read a column as it lies, copy nothing, sort nothing and hold no lock of Python.
Each takes `valid` (a bool per row; empty when all values are present) and `segment` (int32 per row: the place of its
group in this batch, -1 when left out; empty when all rows are one group). They do not check bounds: callers do.
Compiled code calls only compiled code of its own file, because Numba's cache looks at no other.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Segments = NDArray[np.int32]
Valid = NDArray[np.bool_]
Placed = tuple[float, float, int]  # what the loops add and multiply, and s
Looked = tuple[int, int, int]

MAX_SUB_BITS: Final = 6
FINITE_OCTAVES: Final = 1024  # m of a finite value is below 2**1024
COUNTERS: Final = 6  # nulls nans +inf -inf zeros, and negatives whose key is that of zero
NO_KEYS: Final = (1 << 62, -(1 << 62))
BLOCK: Final = 1024  # keys of it stay in the fastest cache
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: the upper bits of a product are well mixed


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """A read-only view: buffers of Arrow are read-only too, and a loop is compiled once for each kind of array."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def last_finite(sub_bits: int) -> int:
    """Largest key of a finite value; `~last_finite` is the smallest."""
    return (FINITE_OCTAVES << sub_bits) - 1


@compiled
def _key(x: Any, offset: float, scale: float, sub_bits: int) -> Any:
    """The key of a finite x; (x - c) / u that overflows is clamped to the last finite key."""
    a = (x + offset) * scale
    b: Any = (np.float64(abs(a) + 1.0).view(np.int64) >> (52 - sub_bits)) - (1023 << sub_bits)
    b = min(b, (1024 << sub_bits) - 1)
    return b ^ (np.float64(a).view(np.int64) >> 63)  # all ones where the sign bit is set, and b ^ -1 == ~b


@compiled
def _keys(x: Floats, placing: Placed, out: Ints) -> None:
    offset, scale, sub_bits = placing
    for row in range(len(x)):
        out[row] = _key(x[row], offset, scale, sub_bits)


def placed(centre: float, unit_exponent: int, sub_bits: int) -> Placed:
    """A placing as the loops take it. Adding -c (0.0 for c = 0) turns -0.0 into 0.0, whose sign bit is clear."""
    return (-centre if centre else 0.0), 2.0**-unit_exponent, sub_bits


def keys_of(x: Floats, *, centre: float = 0.0, unit_exponent: int = 0, sub_bits: int = MAX_SUB_BITS) -> Ints:
    """Keys of finite values; values whose (x - c) / u overflows are clamped to the last finite key."""
    return keys_at(x, placed(centre, unit_exponent, sub_bits))


def keys_at(x: Floats, placing: Placed) -> Ints:
    """The same, with the placing as the loops take it."""
    out = np.empty(len(x), dtype=np.int64)
    _keys(frozen(np.asarray(x, dtype=np.float64)), placing, out)
    return out


@compiled
def _look(
    x: Floats,
    valid: Valid,
    source: Floats,
    placing: Placed,
    zero: int,
    inside: int,
    bounds: tuple[float, float],
    keys: Ints,
) -> Looked:
    """Write the keys of a block, `inside` for nulls. Simple loops, which become vector instructions.

    Returns the smallest and the largest key, and how many values are special: outside of the bounds, zero, or negative
    with the key of zero.
    """
    offset, scale, sub_bits = placing
    low, high = bounds
    special: Any = 0
    for row in range(len(x)):
        keys[row] = _key(source[row], offset, scale, sub_bits)
    if len(valid):
        for row in range(len(x)):
            keys[row] = keys[row] if valid[row] else inside
        for row in range(len(x)):
            special += np.int64(
                valid[row] & ((x[row] < low) | (x[row] > high) | ((keys[row] == zero) & (x[row] <= 0.0)))
            )
    else:
        for row in range(len(x)):
            special += np.int64((x[row] < low) | (x[row] > high) | ((keys[row] == zero) & (x[row] <= 0.0)))
    least, most = inside, inside
    for row in range(len(x)):
        key = keys[row]
        least, most = (key if key < least else least), (key if key > most else most)
    return least, most, special


@compiled
def _count(keys: Ints, valid: Valid, segment: Segments, groups: Ints, base: int, counts: Ints, counters: Ints) -> None:
    """Count the keys of a block that are all inside. Unsigned places spare the look for negative ones."""
    holed = len(valid) > 0
    if len(segment) == 0:
        line = counts[groups[0]]
        for row in range(len(keys)):
            if holed and not valid[row]:
                counters[0, 0] += 1
            else:
                line[np.uintp(keys[row] - base)] += 1
        return
    for row in range(len(keys)):
        s = segment[row]
        if s < 0:
            continue
        if holed and not valid[row]:
            counters[s, 0] += 1
        else:
            counts[np.uintp(groups[s]), np.uintp(keys[row] - base)] += 1


@compiled
def _notice(
    x: Floats,
    valid: Valid,
    segment: Segments,
    keys: Ints,
    zero: int,
    bounds: tuple[float, float],
    counters: Ints,
    low: Floats,
    high: Floats,
) -> None:
    """The special values of a block of which all are finite: zeros, negatives with the key of zero, new extremes."""
    holed, grouped, s = len(valid) > 0, len(segment) > 0, 0
    for row in range(len(x)):
        value: Any = x[row]
        # Without `or`: half of the values may be below zero, and a processor cannot guess which.
        if not (value < bounds[0]) | (value > bounds[1]) | ((keys[row] == zero) & (value <= 0.0)):
            continue
        if grouped:
            s = segment[row]
        if s < 0 or (holed and not valid[row]):
            continue
        low[s], high[s] = min(low[s], value), max(high[s], value)
        if keys[row] == zero:
            counters[s, 4] += value == 0.0
            counters[s, 5] += value < 0.0


@compiled
def fold_rows(
    x: Floats,
    valid: Valid,
    segment: Segments,
    source: Floats,
    placing: Placed,
    zero: int,
    groups: Ints,
    base: int,
    counts: Ints,
    atoms: Floats,
    counters: Ints,
    hits: Ints,
    low: Floats,
    high: Floats,
) -> tuple[int, int]:
    """Everything that one look at each value tells. Returns the smallest and the largest key that was not counted.

    Adds to counters[s, COUNTERS], to hits[s, atom] and to counts[groups[s], key - base] where that is inside; lowers
    low[s] and raises high[s]. `source` is x, or the differences that the keys are taken of; `zero` is the key of x = 0.
    """
    grouped, holed, s, width = len(segment) > 0, len(valid) > 0, 0, counts.shape[1]
    least, most, last = NO_KEYS[0], NO_KEYS[1], (1024 << placing[2]) - 1
    keys, inside = np.empty(BLOCK, dtype=np.int64), base + width // 2
    for start in range(0, len(x), BLOCK):
        stop = min(start + BLOCK, len(x))
        block, bounds = slice(start, stop), (low.max(), high.min())
        lowest, highest, special = _look(x[block], valid[block], source[block], placing, zero, inside, bounds, keys)
        # All finite and keys inside: beside being counted, only the special values of this block have to be looked at.
        if max(base - 1, ~last) < lowest and highest < min(base + width, last) and len(atoms) == 0:
            if special:
                _notice(x[block], valid[block], segment[block], keys, zero, bounds, counters, low, high)
            _count(keys[: stop - start], valid[block], segment[block], groups, base, counts, counters)
            continue
        for row in range(start, stop):
            if grouped:
                s = segment[row]
                if s < 0:
                    continue
            if holed and not valid[row]:
                counters[s, 0] += 1
                continue
            value, key = x[row], keys[row - start]
            if not np.isfinite(value):
                counters[s, 1 if np.isnan(value) else (2 if value > 0.0 else 3)] += 1
                continue
            if value < low[s]:
                low[s] = value
            if value > high[s]:
                high[s] = value
            if key == zero:
                counters[s, 4] += value == 0.0
                counters[s, 5] += value < 0.0
            for place in range(len(atoms)):
                hits[s, place] += value == atoms[place]
            if 0 <= key - base < width:
                counts[groups[s], key - base] += 1
            else:
                least, most = min(least, key), max(most, key)
    return least, most


@compiled
def are_integers(x: Floats, valid: Valid, low: float, high: float) -> bool:
    """Whether all values that are present are whole numbers of low .. high."""
    for start in range(0, len(x), BLOCK):
        stop = min(start + BLOCK, len(x))
        misfits: Any = 0
        if len(valid):
            for row in range(start, stop):
                misfits += np.int64(valid[row] & ((x[row] != np.floor(x[row])) | (x[row] < low) | (x[row] > high)))
        else:
            for row in range(start, stop):
                misfits += np.int64((x[row] != np.floor(x[row])) | (x[row] < low) | (x[row] > high))
        if misfits:
            return False
    return True


@compiled
def extremes(values: NDArray[Any], valid: Valid, segment: Segments, low: NDArray[Any], high: NDArray[Any]) -> None:
    """Lower low[s] and raise high[s] to the values that are present: of integers, or of floats without NaN."""
    grouped, holed, s = len(segment) > 0, len(valid) > 0, 0
    for row in range(len(values)):
        if grouped:
            s = segment[row]
            if s < 0:
                continue
        if not holed or valid[row]:
            low[s] = min(low[s], values[row])
            high[s] = max(high[s], values[row])


@compiled
def count_keys(
    x: Floats,
    valid: Valid,
    segment: Segments,
    source: Floats,
    placing: Placed,
    groups: Ints,
    base: int,
    counts: Ints,
    done: tuple[int, int],
) -> None:
    """Add 1 to counts[groups[s], key - base] for every finite value whose key is not in done[0] .. done[1] - 1."""
    offset, scale, sub_bits = placing
    grouped, holed, s = len(segment) > 0, len(valid) > 0, 0
    for row in range(len(x)):
        if grouped:
            s = segment[row]
            if s < 0:
                continue
        if (holed and not valid[row]) or not np.isfinite(x[row]):
            continue
        key = _key(source[row], offset, scale, sub_bits)
        if not done[0] <= key < done[1]:
            counts[groups[s], key - base] += 1


@compiled
def count_values(
    x: Floats,
    valid: Valid,
    segment: Segments,
    limit: int,
    used: Ints,
    first: Ints,
    bits: Ints,
    values: Floats,
    counts: Ints,
) -> None:
    """Count the distinct finite values of each segment in a hash table of its own.

    The table of segment s is values[first[s] :][: 1 << bits[s]] and its counts, free where the count is 0. used[s] is
    how many values it holds: beyond `limit` the segment is given up; the caller sets it there for those not wanted.
    """
    grouped, holed, s, pending = len(segment) > 0, len(valid) > 0, 0, 0
    for place in range(len(used)):
        pending += used[place] <= limit
    for row in range(len(x)):
        if pending == 0:
            return
        if grouped:
            s = segment[row]
            if s < 0:
                continue
        if used[s] > limit or (holed and not valid[row]) or not np.isfinite(x[row]):
            continue
        value = x[row] + 0.0  # -0.0 and 0.0 are one value
        mixed = np.float64(value).view(np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * _SPREAD  # round numbers differ in the upper half only
        slot = np.int64(mixed >> np.uint64(64 - bits[s]))
        at = first[s] + slot
        while counts[at] and values[at] != value:
            slot = (slot + 1) & ((1 << bits[s]) - 1)
            at = first[s] + slot
        if not counts[at]:
            used[s] += 1
            if used[s] > limit:
                pending -= 1
                continue
            values[at] = value
        counts[at] += 1


def lower_magnitude(b: Ints, sub_bits: int) -> Floats:
    """|a| at the inner edge of magnitude bucket b >= 0: ldexp(1 + (b mod S)/S, b div S) - 1, exact."""
    sub = 1 << sub_bits
    with np.errstate(over="ignore"):
        return np.ldexp(1.0 + (b % sub) / sub, (b // sub).astype(np.int32)) - 1.0


def edges(keys: Ints, *, centre: float, unit_exponent: int, sub_bits: int) -> tuple[Floats, Floats]:
    """(low, high) of each bucket in the units of x. Buckets above the centre hold [low, high), below it (low, high]."""
    keys = np.asarray(keys, dtype=np.int64)
    below = keys < 0
    b = np.where(below, ~keys, keys)
    with np.errstate(over="ignore"):
        inner = np.ldexp(lower_magnitude(b, sub_bits), unit_exponent)
        outer = np.ldexp(lower_magnitude(b + 1, sub_bits), unit_exponent)
        low = np.where(below, centre - outer, centre + inner)
        high = np.where(below, centre - inner, centre + outer)
    return low, high


def integer_difference(x: NDArray[np.integer], centre: int) -> Floats:
    """float64 of x - c, subtracted exactly in 64 bits: ids and nanoseconds beyond 2**53 keep their order.

    uint64 below a negative centre has no 64-bit difference; extended precision is used for that whole column.
    """
    if x.dtype == np.uint64 and centre < 0:
        return np.asarray(x.astype(np.longdouble) - np.longdouble(centre), dtype=np.float64)
    is_unsigned = x.dtype == np.uint64
    wide = x if is_unsigned else x.astype(np.int64, copy=False)
    c = np.uint64(centre) if is_unsigned else np.int64(centre)
    below = wide < c
    with np.errstate(over="ignore"):
        forward = wide.view(np.uint64) - np.asarray(c).view(np.uint64)  # wraps; right wherever x >= c
        magnitude = np.where(below, np.uint64(0) - forward, forward).astype(np.float64)
    return np.where(below, -magnitude, magnitude)
