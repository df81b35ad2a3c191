"""The log-linear bucket index: one definition for every engine.

For a centre c, a unit u = 2**k and S = 2**s sub-buckets per octave, with a = (x - c) / u and m = |a| + 1:

    b   = (bits of m >> (52 - s)) - (1023 << s)        the top s mantissa bits and the exponent of m
    key = ~b where x < c, else b

No logarithm is taken, so the key is the same on every machine. Keys are monotone in x; every edge recovers exactly
(`lower_magnitude`); halving S is an arithmetic shift of the key, because `~b >> 1 == ~(b >> 1)`.
Near the centre a bucket is u / S wide; far from it a bucket is 1 / S of the distance.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK: Final = 16_384  # values per block: three scratch arrays of it stay in the cache of one core
MAX_SUB_BITS: Final = 6
FINITE_OCTAVES: Final = 1024  # m of a finite value is below 2**1024


def last_finite(sub_bits: int) -> int:
    """Largest key of a finite value; `~last_finite` is the smallest."""
    return (FINITE_OCTAVES << sub_bits) - 1


class Scratch:
    """Reusable buffers of one thread."""

    __slots__ = ("a", "i", "m")

    def __init__(self) -> None:
        self.a = np.empty(BLOCK)
        self.m = np.empty(BLOCK)
        self.i = np.empty(BLOCK, dtype=np.int64)


def keys_into(x: Floats, *, centre: float, unit_exponent: int, sub_bits: int, out: Ints, scratch: Scratch) -> None:
    """Write the key of each value of `x` to `out`.

    NaN and infinities get keys beyond `last_finite` (of either sign); the caller replaces or clamps them.
    """
    shift, bias = 52 - sub_bits, 1023 << sub_bits
    # Adding -c (and 0.0 for c = 0) instead of subtracting turns -0.0 into +0.0, whose sign bit is clear.
    offset, scale = (-centre if centre else 0.0), 2.0**-unit_exponent
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), BLOCK):
            block = x[start : start + BLOCK]
            n = len(block)
            a, m, i = scratch.a[:n], scratch.m[:n], scratch.i[:n]
            np.add(block, offset, out=a)
            if unit_exponent:
                np.multiply(a, scale, out=a)
            np.absolute(a, out=m)
            np.add(m, 1.0, out=m)
            keys = out[start : start + n]
            np.right_shift(m.view(np.int64), shift, out=keys)
            np.subtract(keys, bias, out=keys)
            np.right_shift(a.view(np.int64), 63, out=i)  # 0, or -1 where the sign bit is set; b ^ -1 == ~b
            np.bitwise_xor(keys, i, out=keys)


def keys_of(x: Floats, *, centre: float = 0.0, unit_exponent: int = 0, sub_bits: int = MAX_SUB_BITS) -> Ints:
    """Keys of finite values; values whose (x - c) / u overflows are clamped to the last finite key."""
    out = np.empty(len(x), dtype=np.int64)
    keys_into(x, centre=centre, unit_exponent=unit_exponent, sub_bits=sub_bits, out=out, scratch=Scratch())
    last = last_finite(sub_bits)
    return np.clip(out, ~last, last, out=out)


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
