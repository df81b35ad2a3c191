"""The chi-square quantile, for noise floors. No SciPy in the product for one function."""

from __future__ import annotations

import math
from functools import lru_cache


def cdf(x: float, df: int) -> float:
    """P(X <= x): the regularised lower incomplete gamma function of (df / 2, x / 2)."""
    if x <= 0:
        return 0.0
    a, half = df / 2, x / 2
    front = math.exp(a * math.log(half) - half - math.lgamma(a))
    if half < a + 1:  # series
        term = total = 1 / a
        step = a
        while abs(term) > abs(total) * 1e-16:
            step += 1
            term *= half / step
            total += term
        return total * front
    b, c = half + 1 - a, 1e300  # continued fraction (Lentz)
    d = 1 / b
    fraction = d
    for i in range(1, 10_000):
        an = -i * (i - a)
        b += 2
        d = 1 / (an * d + b or 1e-300)
        c = b + an / c or 1e-300
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return 1 - front * fraction


@lru_cache(maxsize=2048)
def quantile(share: float, df: int) -> float:
    """x with cdf(x, df) == share, by bisection; df 0 gives 0."""
    if df <= 0:
        return 0.0
    low, high = 0.0, df + 20 * math.sqrt(df) + 40
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if cdf(middle, df) < share else (low, middle)
        if high - low < 1e-12 * high:
            break
    return (low + high) / 2
