"""Counts between arbitrary edges out of cells, and how much the position inside a bucket could change a statistic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .align import Numbers
from .kernel import Floats, Ints


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
    """Root of the summed squares of what one edge at a time can change, moved to either end of its bucket, and what the
    spread of each side inside that bucket can.

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
        inside = [ends[1.0][side][place] - ends[-1.0][side][place] for side in (0, 1)]
        if not any(inside):
            continue
        joint = max(_moved(measure, (ref, cur), value, place, _at(ends[lean], place)) for lean in (-1.0, 1.0))
        alone = 0.0
        for side in (0, 1):  # evenly spread is a guess for each side by itself, good to about the root of its count
            target = [ref[place], cur[place]]
            target[side] += math.sqrt(inside[side])
            alone += _moved(measure, (ref, cur), value, place, target) ** 2
        total += joint * joint + alone
    return math.sqrt(total)


def _at(sides: list[Floats], place: int) -> list[float]:
    return [float(sides[0][place]), float(sides[1][place])]


def _moved(
    measure: Callable[[Floats, Floats], float], sides: tuple[Floats, Floats], value: float, place: int, to: list[float]
) -> float:
    ref, cur = sides[0].copy(), sides[1].copy()
    ref[place], cur[place] = to
    return abs(measure(np.diff(ref), np.diff(cur)) - value)
