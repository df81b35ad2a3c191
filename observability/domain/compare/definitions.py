"""Thresholds and formulas of Barista's own statistics, and the five distances on a score of bins.

The distances are plain Python: on at most 25 bins one loop costs less than the forty NumPy calls it replaces.
`measures` has the same definitions for arrays of any length; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from observability.domain.compare import floors, measures
from observability.domain.compare.result import Bins, Statistic

THRESHOLDS: Final[Mapping[str, float]] = {
    "psi": 0.1,
    "js": 0.15,
    "hellinger": 0.15,
    "ks": 0.1,
    "ks_robust": 0.1,
    "w1": 0.1,
    "linf": 0.1,
    "tvd": 0.1,
    "null_rate": 0.05,
    "unseen_rate": 0.05,
    "odds_ratio": 2.0,
    "hour": 0.1,
    "weekday": 0.1,
    "gap": 0.1,
}
LABELS: Final[Mapping[str, str]] = {
    "psi": "PSI",
    "js": "JS",
    "hellinger": "Hellinger",
    "ks": "KS",
    "ks_robust": "KS, corrected",
    "w1": "W1",
    "w1_raw": "W1, in its unit",
    "linf": "L∞",
    "tvd": "TVD",
    "null_rate": "change of missing values",
    "unseen_rate": "share of new values",
    "odds_ratio": "odds ratio",
    "hour": "hour of day",
    "weekday": "weekday",
    "gap": "distance to the end",
}
FORMULAS: Final[Mapping[str, str]] = {
    "psi": "sum over bins of (q - p) ln(q / p); reference deciles, NULL and exact values as bins; shares of at least "
    "1e-4, renormalised",
    "js": "sqrt(sum over bins of (p log2(p / m) + q log2(q / m)) / 2) with m = (p + q) / 2",
    "hellinger": "sqrt(sum over bins of (sqrt p - sqrt q)^2 / 2)",
    "ks": "largest |F - G| over the bucket edges, finite values only",
    "ks_robust": "max(0, D - 1.8 sqrt((n + m) / (n m)))",
    "w1": "integral of |F - G| on values clamped to the reference's 0.1 % and 99.9 % quantiles, divided by IQR / 1.349",
    "w1_raw": "integral of |F - G| in the unit of the feature",
    "linf": "largest |p - q| over the bins",
    "tvd": "half the sum over bins of |p - q|",
    "null_rate": "|current - reference| share of nulls",
    "unseen_rate": "share of current values that the reference does not know",
    "odds_ratio": "of a feature with two values: (a + 1/2)(d + 1/2) / ((b + 1/2)(c + 1/2)) of its four counts, "
    "inverted when below 1",
    "hour": "half the sum over the hours of the day (UTC) of |p - q|, rows per hour that was covered",
    "weekday": "half the sum over the days of the week (UTC) of |p - q|, rows per day that was covered",
    "gap": "largest |F - G| of the time from a value to the end of its window (or to the latest value)",
}
_FLOOR: Final = measures.FLOOR


def statistic(
    name: str,
    value: float | None,
    *,
    uncertainty: float = 0.0,
    noise: float | None = None,
    bins: Bins | None = None,
    reason: str = "",
    is_bound: bool = False,
) -> Statistic:
    """A statistic with the threshold and formula of its name."""
    threshold = THRESHOLDS.get(name)
    return Statistic(name, value, uncertainty, noise, threshold, FORMULAS[name], reason, bins, is_bound=is_bound)


Few = tuple[float, list[float]]  # a value and what each bin adds to it


def psi(p: Sequence[float], q: Sequence[float]) -> Few:
    """Of shares of at least 1e-4, renormalised."""
    left, right = _floored(p), _floored(q)
    terms = [(b - a) * math.log(b / a) for a, b in zip(left, right, strict=True)]
    return math.fsum(terms), terms


def _floored(shares: Sequence[float]) -> list[float]:
    raised = [share if share > _FLOOR else _FLOOR for share in shares]
    total = math.fsum(raised)
    return [share / total for share in raised]


def js(p: Sequence[float], q: Sequence[float]) -> Few:
    """Base 2, between 0 and 1."""
    log, terms = math.log, []
    for a, b in zip(p, q, strict=True):
        middle = (a + b) / 2
        term = (a * log(a / middle) if a > 0 else 0.0) + (b * log(b / middle) if b > 0 else 0.0)
        terms.append(term / 2 / measures.LN2 if term > 0 else 0.0)
    return _rooted(terms)


def hellinger(p: Sequence[float], q: Sequence[float]) -> Few:
    return _rooted([(math.sqrt(a) - math.sqrt(b)) ** 2 / 2 for a, b in zip(p, q, strict=True)])


def _rooted(terms: list[float]) -> Few:
    """The root of a sum; each bin gets of it in proportion to its term."""
    total = math.fsum(terms)
    if total <= 0:
        return 0.0, [0.0] * len(terms)
    value = math.sqrt(total)
    return value, [term * (value / total) for term in terms]


def linf(gaps: Sequence[float]) -> Few:
    """From |p - q| per bin; the bin with the largest holds all of it."""
    value = max(gaps)
    parts = [0.0] * len(gaps)
    parts[gaps.index(value)] = value
    return value, parts


def tvd(gaps: Sequence[float]) -> Few:
    """From |p - q| per bin."""
    terms = [gap / 2 for gap in gaps]
    return math.fsum(terms), terms


def on_bins(
    ref: Sequence[int],
    cur: Sequence[int],
    n: int,
    m: int,
    *,
    alpha: float = floors.FAMILY,
    psi_floor: float | None = None,
) -> dict[str, tuple[float, list[float], float]]:
    """(value, parts, noise floor) of PSI, JS, Hellinger, L-infinity and TVD; n and m are the rows of the two sides.

    `alpha` is how often noise may exceed each floor; `psi_floor` replaces PSI's where the bins were chosen by the
    counts of the reference.
    """
    ref_total, cur_total = max(sum(ref), 1), max(sum(cur), 1)
    p, q = [count / ref_total for count in ref], [count / cur_total for count in cur]
    gaps = [abs(a - b) for a, b in zip(p, q, strict=True)]
    pooled = [a + b for a, b in zip(ref, cur, strict=True)]
    noise = floors.psi(pooled, n, m, alpha) if psi_floor is None else psi_floor
    return {
        "psi": (*psi(p, q), noise),
        "js": (*js(p, q), math.sqrt(noise / 8 / measures.LN2)),
        "hellinger": (*hellinger(p, q), math.sqrt(noise / 8)),
        "linf": (*linf(gaps), floors.linf(pooled, n, m, alpha, THRESHOLDS["linf"])),
        "tvd": (*tvd(gaps), floors.tvd(pooled, n, m, alpha)),
    }


def edge_doubt(
    ref: Sequence[int], cur: Sequence[int], beside: Sequence[tuple[tuple[int, int], tuple[int, int]]]
) -> float:
    """How far PSI moves when one edge between bins goes a bucket down or up: the deciles lie inside buckets.

    `ref` and `cur` are the counts of all bins; `beside[i]` has the two sides' counts of the buckets before and after
    the edge between bins i and i + 1. Only the two bins beside an edge change. The root of the summed squares.
    """
    n, m, term = sum(ref), sum(cur), _term
    p, q = [count / n for count in ref], [count / m for count in cur]
    terms = [term(a, b) for a, b in zip(p, q, strict=True)]
    total = 0.0
    for place, ((ref_before, cur_before), (ref_after, cur_after)) in enumerate(beside):
        left_p, left_q, right_p, right_q = p[place], q[place], p[place + 1], q[place + 1]
        old = terms[place] + terms[place + 1]
        a, b = ref_before / n, cur_before / m
        down = abs(term(left_p - a, left_q - b) + term(right_p + a, right_q + b) - old)
        a, b = ref_after / n, cur_after / m
        up = abs(term(left_p + a, left_q + b) + term(right_p - a, right_q - b) - old)
        total += down * down if down > up else up * up
    return math.sqrt(total)


def _term(p: float, q: float, floor: float = _FLOOR, log: Callable[[float], float] = math.log) -> float:
    """What a bin adds to PSI."""
    if p < floor:
        p = floor
    if q < floor:
        q = floor
    return (q - p) * log(q / p)
