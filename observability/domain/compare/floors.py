"""How large a statistic gets when nothing changed: the noise floor of each, from the counts of both sides together.

If reference and current rows come from one distribution then, given the pooled counts, which of the rows are current
is a draw without replacement. So each floor follows from the pooled counts c, the rows n and m, and `alpha`, the share
of such draws that may exceed it; nothing about the distribution is assumed. Many values, unseen tails and unequal sides
are in the pooled counts already. A verdict over several statistics shares FAMILY among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np

from observability.domain.compare.chi2 import quantile
from observability.domain.loops.numeric import Ints

FAMILY: Final = 0.01  # of all comparisons of the same with the same, how many may say drift
LEAST_ROWS: Final = 30  # below this on one side the moments of psi, tvd and w1 say little about their tails
SHARE: Final = 1e-4  # psi takes no share to be smaller
LARGE: Final = 30.0  # expected count on the smaller side from which a bin's term is chi-square
_NORMAL: Final = NormalDist()
_HALF: Final = math.sqrt(2 / math.pi)  # mean of |Z|
_THETAS: Final = np.geomspace(1e-3, 60.0, 60)


@lru_cache(maxsize=4096)
def z(alpha: float) -> float:
    """The normal quantile that is exceeded with this probability."""
    return _NORMAL.inv_cdf(1 - alpha)


def skewed(mean: float, variance: float, third: float, alpha: float) -> float:
    """Upper quantile of a sum from its first three cumulants (Pearson III by Wilson and Hilferty)."""
    if variance <= 0:
        return mean
    lean = min(max(third / math.pow(variance, 1.5), 0.0), 4.0)
    if lean < 1e-3:
        return mean + math.sqrt(variance) * z(alpha)
    bent = 1 + lean * z(alpha) / 6 - lean * lean / 36
    return mean + math.sqrt(variance) * (bent * bent * bent - 1) * 2 / lean


def ks(n: int, m: int, alpha: float) -> float:
    """Kolmogorov's bound; with ties D is smaller."""
    return math.sqrt(-math.log(alpha / 2) / 2 * (1 / n + 1 / m))


def gap(count: int, n: int, m: int, alpha: float) -> float:
    """Of |p - q| of one value with this pooled count: normal, with skewness and half a step for what is discrete."""
    total = n + m
    share, inverse = count / total, 1 / n + 1 / m
    if not 0 < share < 1:
        return inverse / 2
    variance = share * (1 - share) * inverse
    lean = abs((1 - 2 * share) * (1 - 2 * n / total)) / math.sqrt(share * (1 - share) * n * m / total)
    normal = z(alpha / 2)
    return math.sqrt(variance) * (normal + (normal**2 - 1) * lean / 6) + inverse / 2


def linf(pooled: Iterable[int], n: int, m: int, alpha: float, threshold: float) -> float:
    """Of the largest |p - q|: only values with rows enough to reach the threshold share alpha among them."""
    counts = sorted(pooled, reverse=True)
    able = [count for count in counts if count >= threshold * min(n, m)] or counts[:1]
    tests = 1 if len(counts) == 2 else len(able)  # of two values both move by the same
    return max((gap(count, n, m, alpha / tests) for count in set(able)), default=0.0)


def tvd(pooled: Iterable[int], n: int, m: int, alpha: float) -> float:
    """Mean, spread and skewness of half the sum of |p - q|, value by value; grows with the number of values."""
    total, inverse = n + m, 1 / n + 1 / m
    r = n / total
    mean = variance = third = own = cross = 0.0
    bins = 0
    tally = _tally(pooled)
    if sum(tally.values()) == 2:  # both move by the same
        return gap(max(tally), n, m, alpha)
    for count, times in tally.items():
        size, square, cube = _deviation(count, r)
        left = (total - count) / max(total - 1, 1)  # drawn without replacement
        scale = inverse / 2 * math.sqrt(max(left, 0.0))
        mean += times * scale * size
        variance += times * scale**2 * (square - size**2)
        third += times * scale**3 * (cube - 3 * size * square + 2 * size**3)
        share = count / total
        joint = share**1.5 / math.sqrt(max(1 - share, 1e-12))
        cross, own, bins = cross + times * joint, own + times * joint**2, bins + times
    # What one value gains the others lose: |Z_i| and |Z_j| go together by at most 0.3634 of their squared correlation.
    variance += (1 - 2 / math.pi) * inverse / 4 * max(cross**2 - own, 0.0)
    bound = math.sqrt(quantile(1 - alpha, bins - 1) * inverse) / 2 if 1 < bins < 200 else 1.0
    return min(skewed(mean, variance, third, alpha), bound, 1.0)


def _tally(pooled: Iterable[int]) -> dict[int, int]:
    """How many values have each pooled count."""
    found: dict[int, int] = {}
    for count in pooled:
        if count > 0:
            found[count] = found.get(count, 0) + 1
    return found


@lru_cache(maxsize=16_384)
def _deviation(count: int, r: float) -> tuple[float, float, float]:
    """E|D|, E D^2 and at most E|D|^3 of D = X - c r, X binomial (c, r). E|D| is exact while counts are small."""
    square = count * r * (1 - r)
    fourth = square * (1 + 3 * (count - 2) * r * (1 - r))
    cube = math.sqrt(max(fourth, 0.0) * square)
    if square > LARGE:
        return _HALF * math.sqrt(square), square, cube
    at = math.floor(count * r) + 1  # de Moivre
    ways = math.lgamma(count + 1) - math.lgamma(at + 1) - math.lgamma(count - at + 1) if at <= count else -math.inf
    size = 2 * at * math.exp(ways + at * math.log(r) + (count - at + 1) * math.log(1 - r)) if at <= count else 0.0
    return size, square, cube


def psi(pooled: Iterable[int], n: int, m: int, alpha: float) -> float:
    """Chi-square (Yurdakul 2018) while all bins are full; bins with few rows by their exact moments."""
    counts = [count for count in pooled if count > 0]
    inverse, total = 1 / n + 1 / m, n + m
    smaller = min(n, m) / total
    if not counts or min(counts) * smaller >= LARGE:
        return quantile(1 - alpha, max(len(counts) - 1, 1)) * inverse
    mean = variance = third = 0.0
    for count in counts:
        free = 1 - count / total
        if count * smaller >= LARGE:
            one = (free * inverse, 2 * free * inverse**2, 8 * free * inverse**3)
        else:
            one = _few(count, max(n, m), min(n, m))
        mean, variance, third = mean + one[0], variance + one[1], third + one[2]
    return skewed(mean, variance, third, alpha)


@lru_cache(maxsize=16_384)
def _few(count: int, larger: int, smaller: int) -> tuple[float, float, float]:
    """First three cumulants of a bin's term of PSI, by all splits of its pooled count."""
    share = smaller / (larger + smaller)
    expected = count * share
    first = second = cubed = 0.0
    for hits in range(min(count, math.ceil(expected + 10 * math.sqrt(expected) + 10)) + 1):
        ways = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
        weight = math.exp(ways + hits * math.log(share) + (count - hits) * math.log(1 - share))
        value = term((count - hits) / larger, hits / smaller)
        first, second, cubed = first + weight * value, second + weight * value**2, cubed + weight * value**3
    return first, max(second - first**2, 0.0), cubed - 3 * first * second + 2 * first**3


def term(p: float, q: float) -> float:
    """What a bin adds to PSI."""
    p, q = max(p, SHARE), max(q, SHARE)
    return (q - p) * math.log(q / p)


def psi_of_chosen(
    top: Sequence[int], rest: float, unseen: float, moved: float, values: int, n: int, m: int, alpha: float
) -> float:
    """PSI on bins of the values that were most frequent in the reference itself.

    `top` are pooled counts of those bins, `rest` is the reference's share of its other values. Having been chosen for a
    high count among so many `values`, the top ones fall back: their squared deviations are at most the largest of
    `values` squared normals, and up to `moved` of the mass goes to the rest; up to `unseen` of all mass leaves it for
    values that are new.
    """
    total, inverse = n + m, 1 / n + 1 / m
    smaller = min(n, m) / total
    floor, full = 0.0, 0
    for place, count in enumerate(top):
        if count * smaller >= LARGE / 2:
            floor += (z((place + 0.5) / (2 * max(values, len(top)))) ** 2 - 1) * inverse
            full += 1
        else:
            mean, variance, _ = _few(count, max(n, m), min(n, m))
            floor += max(term(count / n, 0.0), mean + 4 * math.sqrt(variance))
    floor += quantile(1 - alpha, full + 3) * inverse  # and the rest, the new ones and NULL
    turned = max(term(rest, min(rest + moved, 1.0)), term(rest, max(rest - unseen, 0.0)))
    return floor + turned + (term(0.0, unseen) if unseen else 0.0)


def w1(integral: float, deviation: float, lean: float, n: int, m: int, alpha: float) -> float:
    """Of the integral of |F - G|, from the pooled integral of sqrt(F (1 - F)), standard deviation and absolute third
    moment in units of its cube.

    The signed part is the difference of the means; what remains varies little beside that.
    """
    inverse = 1 / n + 1 / m
    normal = z(alpha / 2)
    normal += (normal * normal - 1) * lean * (1 / n**2 + 1 / m**2) / math.pow(inverse, 1.5) / 6
    return (normal * deviation + _HALF * max(integral - deviation, 0.0)) * math.sqrt(inverse)


def unseen(pooled: Ints, n: int, m: int, alpha: float) -> float:
    """Of the share of current rows with a value that the reference lacks.

    A value of c rows is new with probability (m / (n + m))^c although nothing changed: Good and Turing's unseen mass,
    from both sides' counts. The bound is Chernoff's, which holds for the fewest rows, or that of the moments if lower.
    """
    counts, times = np.unique(pooled[pooled > 0], return_counts=True)
    if not len(counts):
        return 0.0
    share = m / (n + m)
    chance = counts * math.log(share)
    with np.errstate(divide="ignore"):
        stays = np.log1p(-np.exp(chance))
    grown = np.logaddexp(stays, chance + _THETAS[:, None] * counts) @ times
    bound = float(((grown - math.log(alpha)) / _THETAS).min())
    # Many new rows are expected: their spread, given that the current rows are m in all.
    missed = np.exp(chance)
    mean = float(times @ (counts * missed))
    if mean >= LARGE and n:
        shared = float(times @ (counts**2 * missed)) * (1 - share)
        free = float(times @ (counts**2 * missed * (1 - missed)))
        tied = max(free - shared**2 / ((n + m) * share * (1 - share)), 0.0)
        third = float(times @ (counts**3 * missed * (1 - missed))) * math.pow(tied / free, 1.5)
        bound = min(bound, skewed(mean, tied, third, alpha) + 0.5)
    return min(bound / m, 1.0)


def chosen(ref: Ints, n: int, alpha: float) -> float:
    """How much of the mass of values that were chosen for their count in the reference others take over.

    Good and Turing again: values seen more than x times hold, in new rows, the mass that those seen more than x + 1
    times had. `ref` are the counts of the chosen values, the least of them being x.
    """
    if not len(ref) or not n:
        return 0.0
    least = int(ref.min())
    mass = spread = 0.0
    for count in (least, least + 1):
        times = int(np.count_nonzero(ref == count))
        mass, spread = mass + count * times, spread + count**2 * times
    return (mass + z(alpha) * math.sqrt(spread)) / n


def growth(share: float, moved: float, n: int, m: int, alpha: float) -> float:
    """Of the growth of a share of which up to `moved` comes from choosing the others."""
    return moved + z(alpha) * math.sqrt(max(share * (1 - share), 0.0) * (1 / n + 1 / m))


def odds(ref: int, cur: int, n: int, m: int, alpha: float) -> float:
    """The odds ratio of the first split of ref + cur hits, in the direction seen, that is rarer than alpha / 2."""
    total = ref + cur
    if cur * n < ref * m:  # fewer than expected: look at the other side's hits
        ref, cur, n, m = cur, ref, m, n
    share, tail = m / (n + m), 0.0
    logs = math.log(share), math.log(1 - share)
    hits = total
    for hits in range(total, -1, -1):
        ways = math.lgamma(total + 1) - math.lgamma(hits + 1) - math.lgamma(total - hits + 1)
        tail += math.exp(ways + hits * logs[0] + (total - hits) * logs[1])
        if tail > alpha / 2:
            break
    return odds_ratio(total - hits, hits, n, m)


def odds_ratio(ref: int, cur: int, n: int, m: int) -> float:
    """Of hits among n and m rows, half a row added to each count; inverted when below 1."""
    ref, cur = min(ref, n), min(cur, m)
    found = (cur + 0.5) * (n - ref + 0.5) / ((ref + 0.5) * (m - cur + 0.5))
    return max(found, 1 / found)
