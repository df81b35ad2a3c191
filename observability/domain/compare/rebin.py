"""Counts between arbitrary edges out of cells, and how much the position inside a bucket could change a statistic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from observability.domain.compare.align import Numbers
from observability.domain.loops.numeric import Floats, Ints

DRAWS: Final = 64
BEYOND: Final = 1.5  # what is real may lie beyond the farthest of the draws


def mass_below(pair: Numbers, counts: Ints | Floats, at: Floats, *, lean: float = 0.0) -> Floats:
    """Mass strictly below each position, spread evenly inside buckets.

    `lean` -1 puts all mass of the bucket that holds the position above it, +1 all below.
    """
    points = pair.low == pair.high
    values, weights = pair.low[points], counts[points]
    total = np.concatenate([[0.0], np.cumsum(weights)])
    below = total[np.searchsorted(values, at, side="left")]
    low, high, mass = pair.low[~points], pair.high[~points], counts[~points]
    if not len(low):
        return np.asarray(below)
    cumulative = np.concatenate([[0.0], np.cumsum(mass)])
    cell = np.clip(np.searchsorted(low, at, side="right") - 1, 0, len(low) - 1)
    inside = np.clip((at - low[cell]) / (high[cell] - low[cell]), 0.0, 1.0)
    within = (inside > 0) & (inside < 1)
    if lean:
        inside = np.where(within, 1.0 if lean > 0 else 0.0, inside)
    return np.asarray(below + cumulative[cell] + np.where(at > low[cell], inside * mass[cell], 0.0))


@dataclass(frozen=True, eq=False)
class Edged:
    """Both sides between edges, `histogram` style: the last edge is inclusive. `below`/`above` lie outside."""

    edges: Floats
    ref: Floats
    cur: Floats


def between(pair: Numbers, edges: Floats) -> Edged:
    """Counts of both sides as numpy.histogram would give, up to the position inside buckets."""
    closed = edges.copy()
    closed[-1] = np.nextafter(edges[-1], np.inf)  # the last bin includes its upper edge
    sides = [np.diff(mass_below(pair, counts, closed)) for counts in (pair.ref, pair.cur)]
    return Edged(edges, np.maximum(sides[0], 0.0), np.maximum(sides[1], 0.0))


def doubt(pair: Numbers, edges: Floats, measure: Callable[[Floats, Floats], float]) -> float:
    """Root of the summed squares of what one edge at a time can change, moved to either end of its bucket, and what it
    can that whole values lie somewhere in their bucket and not evenly.

    `measure` takes counts of reference and current per bin. Zero when no edge cuts a bucket.
    """
    closed = edges.copy()
    closed[-1] = np.nextafter(edges[-1], np.inf)
    ref, cur = (mass_below(pair, counts, closed) for counts in (pair.ref, pair.cur))
    value = measure(np.diff(ref), np.diff(cur))
    ends = {
        lean: [mass_below(pair, counts, closed, lean=lean) for counts in (pair.ref, pair.cur)] for lean in (-1.0, 1.0)
    }
    total = 0.0
    for place in range(1, len(edges) - 1):
        if any(ends[1.0][side][place] - ends[-1.0][side][place] for side in (0, 1)):
            total += max(_moved(measure, (ref, cur), value, place, _at(ends[lean], place)) for lean in (-1.0, 1.0)) ** 2
    return math.sqrt(total + (BEYOND * _scatter(pair, closed, measure, value)) ** 2)


def _scatter(pair: Numbers, edges: Floats, measure: Callable[[Floats, Floats], float], value: float) -> float:
    """The largest change when the values of each cut bucket fall at random places in it, each side by itself.

    A single far value in a bucket of many bins lies in one of them; spread over all it would hide a difference.
    """
    first, last = np.searchsorted(edges, pair.low, side="right"), np.searchsorted(edges, pair.high, side="left")
    cut = np.flatnonzero(last > first)
    if not len(cut):
        return 0.0
    drawn = []
    rng = np.random.default_rng(0)  # the same draws each time: a comparison repeats to the last digit
    for counts in (pair.ref, pair.cur):
        left = counts.copy()
        left[cut] = 0
        side = np.tile(np.diff(mass_below(pair, left, edges)), (DRAWS, 1))
        for cell in cut[counts[cut] > 0]:
            at = np.clip((edges - pair.low[cell]) / (pair.high[cell] - pair.low[cell]), 0.0, 1.0)
            shares = np.append(np.diff(at), max(1.0 - at[-1] + at[0], 0.0))  # the last: outside of all bins
            side += rng.multinomial(counts[cell], shares, size=DRAWS)[:, :-1]
        drawn.append(side)
    return max(abs(measure(ref, cur) - value) for ref, cur in zip(*drawn, strict=True))


def _at(sides: list[Floats], place: int) -> list[float]:
    return [float(sides[0][place]), float(sides[1][place])]


def _moved(
    measure: Callable[[Floats, Floats], float], sides: tuple[Floats, Floats], value: float, place: int, to: list[float]
) -> float:
    ref, cur = sides[0].copy(), sides[1].copy()
    ref[place], cur[place] = to
    return abs(measure(np.diff(ref), np.diff(cur)) - value)
