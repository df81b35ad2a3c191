"""Choosing centre and unit of a histogram from a baseline: the pair with the smallest largest bucket wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from observability.domain.loops.numeric import Floats, keys_of

MANY_BUCKETS: Final = 700
COARSE: Final = 0.05  # a bucket with more of the baseline than this makes every distance on it uncertain


@dataclass(frozen=True)
class Placing:
    """Where the histogram sits and how much of the baseline its fullest bucket of unequal values holds."""

    centre: float
    unit_exponent: int
    buckets: int
    largest: float
    reason: str


def place(values: Floats, *, centres: Sequence[float] | None = None, is_integer: bool = False) -> Placing:
    """Try 0 and the median as centres and a few units; finite values only."""
    if len(values) > 200_000:
        values = values[:: len(values) // 100_000]
    ordered = np.sort(values)
    median = float(ordered[len(ordered) // 2])
    candidates = []
    with np.errstate(over="ignore", invalid="ignore"):  # values near 1.8e308: such candidates fall out as not finite
        for near in centres or dict.fromkeys((0.0, median)):
            for exponent in _exponents(ordered, near, is_integer=is_integer):
                # A multiple of the unit reads better than the median itself and is just as good a centre.
                centre = float(np.ldexp(np.rint(np.ldexp(near, -exponent)), exponent))
                candidates.append(_try(ordered, centre if np.isfinite(centre) else near, exponent))
    fitting = [one for one in candidates if one.buckets <= MANY_BUCKETS] or candidates
    best = min(fitting, key=lambda one: (one.largest, one.buckets))
    # Around zero the signs stay readable; leave it only for a real gain.
    good = [one for one in fitting if one.largest <= 1.25 * best.largest + 0.002]
    chosen = min(good, key=lambda one: (one.centre != 0.0, one.largest > 1.1 * best.largest, one.buckets))
    reason = "centred on 0" if chosen.centre == 0.0 else f"centred on the median {chosen.centre:g}"
    reason += f", unit 2^{chosen.unit_exponent}"
    if chosen.largest > COARSE:
        reason += (
            f"; the fullest bucket holds {chosen.largest:.0%} of different values (modes decades apart?): check it"
        )
    return Placing(chosen.centre, chosen.unit_exponent, chosen.buckets, chosen.largest, reason)


def _exponents(ordered: Floats, centre: float, *, is_integer: bool) -> list[int]:
    """Units between an eighth of the spread and, for modes decades apart, of the small distances from the centre."""
    distance = np.sort(np.abs(ordered - centre))
    quartiles = np.quantile(ordered, [0.25, 0.75])
    scales = [float(quartiles[1] - quartiles[0]) / 1.349]
    scales += [float(np.quantile(distance, share)) for share in (0.05, 0.25, 0.5)]
    scales += [float(np.std(ordered))] if scales[0] == 0 else []
    usable = [scale for scale in scales if np.isfinite(scale) and scale > 0] or [
        max(abs(float(ordered[0])), 1.0) / 1024
    ]
    found = {int(np.clip(np.floor(np.log2(scale)) - finer, -900, 900)) for scale in usable for finer in (2, 3)}
    return sorted({max(exponent, 0) for exponent in found} if is_integer else found)


def _try(ordered: Floats, centre: float, exponent: int) -> Placing:
    keys = keys_of(ordered, centre=centre, unit_exponent=exponent)
    _, starts, counts = np.unique(keys, return_index=True, return_counts=True)
    ends = starts + counts - 1
    mixed = ordered[starts] != ordered[ends]  # a bucket of one repeated value is exact, however full
    largest = float(counts[mixed].max() / len(ordered)) if mixed.any() else 0.0
    return Placing(centre, exponent, len(counts), largest, "")
