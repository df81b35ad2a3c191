"""Distances between two histograms on the same bins. Each gives its value and a contribution per bin that sums to it.

p and q are shares of reference and current. Sources of the definitions: docs/profile-format.md names them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.numeric import Floats, Ints

FLOOR: Final = 1e-4
LN2: Final = math.log(2.0)


@dataclass(frozen=True, eq=False)
class Measured:
    """A value and what each bin adds to it."""

    value: float
    parts: Floats


def _spread(value: float, terms: Floats, total: float) -> Measured:
    """Distances that are a function of a sum: each bin gets the value in proportion to its term."""
    return Measured(value, terms * (value / total) if total > 0 else np.zeros(len(terms)))


def psi(p: Floats, q: Floats) -> Measured:
    """Sum of (q - p) ln(q / p); p and q must be positive."""
    terms = (q - p) * np.log(q / p)
    return Measured(float(terms.sum()), terms)


def floored(p: Floats) -> Floats:
    """Shares of at least 1e-4, renormalised: Barista's rule for empty bins."""
    raised = np.maximum(p, FLOOR)
    return np.asarray(raised / raised.sum())


def smoothed(counts: Ints | Floats) -> Floats:
    """(count + 1) / (N + B): Phoenix's rule for empty bins."""
    return np.asarray((counts + 1) / (counts.sum() + len(counts)))


def kl(p: Floats, q: Floats) -> Measured:
    """Sum of p ln(p / q) after normalising both; p and q must be positive."""
    p, q = p / p.sum(), q / q.sum()
    terms = p * np.log(p / q)
    return Measured(float(terms.sum()), terms)


def js(p: Floats, q: Floats, *, base2: bool = True) -> Measured:
    """Jensen-Shannon distance, the root of the divergence; base 2 lies between 0 and 1. Shares are normalised first."""
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(p > 0, p * np.log(p / middle), 0.0)
        right = np.where(q > 0, q * np.log(q / middle), 0.0)
    terms = np.maximum((left + right) / 2 / (LN2 if base2 else 1.0), 0.0)
    divergence = float(terms.sum())
    return _spread(math.sqrt(max(divergence, 0.0)), terms, divergence)


def hellinger(p: Floats, q: Floats) -> Measured:
    """sqrt(sum (sqrt p - sqrt q)^2 / 2)."""
    terms = (np.sqrt(p) - np.sqrt(q)) ** 2 / 2
    square = float(terms.sum())
    return _spread(math.sqrt(square), terms, square)


def tvd(p: Floats, q: Floats) -> Measured:
    """Half the sum of |p - q|."""
    terms = np.abs(p - q) / 2
    return Measured(float(terms.sum()), terms)


def linf(p: Floats, q: Floats) -> Measured:
    """Largest |p - q|; that bin holds all of it."""
    gaps = np.abs(p - q)
    parts = np.zeros(len(gaps))
    worst = int(gaps.argmax())
    parts[worst] = gaps[worst]
    return Measured(float(gaps[worst]), parts)


def ks(ref: Ints, cur: Ints, is_bucket: NDArray[np.bool_]) -> tuple[Measured, float]:
    """(D at the edges of ordered cells, how much larger D may be inside a bucket). Counts, not shares."""
    p, q = ref / ref.sum(), cur / cur.sum()
    steps = p - q
    gaps = np.cumsum(steps)
    worst = int(np.abs(gaps).argmax())
    parts = np.zeros(len(steps))
    parts[: worst + 1] = steps[: worst + 1] if gaps[worst] >= 0 else -steps[: worst + 1]
    value = abs(float(parts.sum()))
    # Inside a bucket F may have taken its whole step while G has not begun, or the other way round.
    inside = np.maximum(gaps + q, p - gaps)[is_bucket]
    return Measured(value, parts), max(float(inside.max()) - value, 0.0) if len(inside) else 0.0


def ks_robust(d: float, n: int, m: int, c: float = 1.8) -> float:
    """max(0, D - c sqrt((n + m) / (n m))): what remains after a correction that noise exceeds 3 times in 1,000."""
    return max(0.0, d - c * math.sqrt((n + m) / (n * m)))


class Walk:
    """F - G along ordered cells, mass spread evenly in each: computed once for KS and for every choice of positions.

    `counts` and `below` (cumulated) have a row for the reference and one for the current side.
    """

    __slots__ = ("_both", "_deviations", "_difference", "_inside", "_pooled", "_shares", "_size", "d")

    def __init__(self, counts: Ints, below: Ints) -> None:
        totals = below[:, -1:]
        self._shares = shares = counts / totals
        f, g = below / totals
        self._difference = difference = f - g
        self._size = size = np.abs(difference)
        self.d = float(size.max())
        # The mean of |d| in a cell where d runs linearly from before to after ...
        halves = size * 0.5
        self._inside = inside = halves.copy()
        inside[1:] += halves[:-1]
        # ... through zero if their signs differ.
        crossing = (difference[1:] * difference[:-1] < 0).nonzero()[0]
        if len(crossing):
            a, b = size[crossing], size[crossing + 1]
            inside[crossing + 1] = (a * a + b * b) / (2 * (a + b))
        self._both = shares[0] + shares[1]
        # Standard deviations of the pooled F (times root n): in the middle of each cell, and after it.
        rows = totals.sum()
        self._pooled = pooled = counts.sum(axis=0) / rows
        after = below.sum(axis=0) / rows
        levels = np.array((after - pooled * 0.5, after))
        self._deviations = np.sqrt(np.maximum(levels * (1.0 - levels), 0.0))

    def hidden(self, is_bucket: NDArray[np.bool_] | None) -> float:
        """How much larger D may be inside a bucket (None: all cells are buckets).

        There F may have taken its whole step while G has not begun, or the other way round.
        """
        above, below = self._difference + self._shares[1], self._shares[0] - self._difference
        if is_bucket is not None:
            above, below = above[is_bucket], below[is_bucket]
        return max(float(above.max()) - self.d, float(below.max()) - self.d, 0.0) if len(above) else 0.0

    def integrals(self, low: Floats, high: Floats) -> tuple[float, float, float]:
        """(W1, most that positions inside cells can change it, integral of the standard deviation of the pooled F)."""
        width, gaps = high - low, np.maximum(low[1:] - high[:-1], 0.0)
        middle, after = self._deviations
        w1 = float(self._inside.dot(width)) + float(self._size[:-1].dot(gaps))
        return w1, float(self._both.dot(width)) / 2, float(middle.dot(width)) + float(after[:-1].dot(gaps))

    def spread(self, low: Floats, high: Floats) -> tuple[float, float]:
        """(standard deviation, absolute third moment in units of its cube) of both sides' values together."""
        middle, width = (low + high) / 2, high - low
        away = np.abs(middle - self._pooled.dot(middle))
        unit = float(away.max()) + float(width.max())
        if not 0 < unit < math.inf:
            return 0.0, 0.0
        away, width = away / unit, width / unit
        square = float(self._pooled.dot(away * away + width * width / 12))
        cube = float(self._pooled.dot(away * away * away))
        return unit * math.sqrt(square), cube / square**1.5 if square > 0 else 0.0

    def w1_parts(self, low: Floats, high: Floats) -> Floats:
        """What each cell, with the gap to its left, adds to W1."""
        parts: Floats = self._inside * (high - low)
        parts[1:] += self._size[:-1] * np.maximum(low[1:] - high[:-1], 0.0)
        return parts


def w1(low: Floats, high: Floats, ref: Ints, cur: Ints) -> Measured:
    """Integral of |F - G|, mass spread evenly in each cell. Parts belong to cells (the gap to the left included)."""
    counts = np.array((ref, cur))
    parts = Walk(counts, counts.cumsum(axis=1)).w1_parts(low, high)
    return Measured(float(parts.sum()), parts)


def quantiles(low: Floats, high: Floats, counts: Ints, shares: Floats) -> Floats:
    """Quantiles with mass spread evenly within a cell."""
    cumulative = np.cumsum(counts)
    target = shares * cumulative[-1]
    cell = np.minimum(np.searchsorted(cumulative, target, side="left"), len(counts) - 1)
    before = cumulative[cell] - counts[cell]
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(counts[cell] > 0, (target - before) / counts[cell], 0.0)
    return np.asarray(low[cell] + np.clip(inside, 0, 1) * (high[cell] - low[cell]))


def few_quantiles(low: Floats, high: Floats, counts: Ints, below: Ints, shares: Sequence[float]) -> list[float]:
    """`quantiles` for a handful of shares, `below` being the cumulated counts."""
    targets = [share * below.item(-1) for share in shares]
    found = []
    for target, cell in zip(targets, below.searchsorted(targets).tolist(), strict=True):
        cell = min(cell, len(counts) - 1)
        count, lowest = counts.item(cell), low.item(cell)
        inside = (target - (below.item(cell) - count)) / count if count > 0 else 0.0
        found.append(lowest + min(max(inside, 0.0), 1.0) * (high.item(cell) - lowest))
    return found


def moments(low: Floats, high: Floats, counts: Ints) -> tuple[float, float, float]:
    """(mean, population standard deviation, most the mean can be off) from cells."""
    shares = counts / counts.sum()
    middle, width = (low + high) / 2, high - low
    mean = float((shares * middle).sum())
    variance = float((shares * ((middle - mean) ** 2 + width**2 / 12)).sum())
    return mean, math.sqrt(variance), float((shares * width).sum() / 2)
