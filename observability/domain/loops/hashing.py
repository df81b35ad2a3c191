"""What the md5 of a distinct value is used for: bucket counts and distinct-count registers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

HASH_BUCKETS: Final = 256
REGISTER_BITS: Final = 12
REGISTERS: Final = 1 << REGISTER_BITS


def bucket_of(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """One of 256 buckets: the first byte (two hex digits) of md5."""
    return (hashes >> np.uint64(56)).astype(np.int64)


def register_of(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """(register, rank): 12 leading bits choose the register, the rank is the position of the first 1 bit after them."""
    index = (hashes >> np.uint64(64 - REGISTER_BITS)).astype(np.int64)
    rest = (hashes << np.uint64(REGISTER_BITS)) >> np.uint64(REGISTER_BITS)  # 52 bits, exact in float64
    _, exponent = np.frexp(rest.astype(np.float64))
    return index, (64 - REGISTER_BITS - exponent + 1).astype(np.uint8)


def estimate_distinct(registers: NDArray[np.uint8]) -> float:
    """HyperLogLog estimate (1.04 / sqrt(4096) = 1.6 % standard error), linear counting while it is small."""
    alpha = 0.7213 / (1 + 1.079 / REGISTERS)
    raw = alpha * REGISTERS**2 / float(np.sum(np.ldexp(1.0, -registers.astype(np.int32))))
    empty = int(np.count_nonzero(registers == 0))
    if raw <= 2.5 * REGISTERS and empty:
        return float(REGISTERS * np.log(REGISTERS / empty))
    return raw
