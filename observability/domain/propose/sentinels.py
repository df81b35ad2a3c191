"""Values that stand for "unknown" among amounts: -1, 999 and their like, told by what lies beside them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

USUAL: Final = frozenset({-1.0, -9.0} | {sign * (10.0**power - 1) for power in range(2, 11) for sign in (1, -1)})
MAX: Final = 8
MIN_SHARE: Final = 0.001
MIN_COUNT: Final = 5
FAR: Final = 1.5  # spreads between a sentinel and the next value


def sentinels(distinct: NDArray[Any], counts: NDArray[Any]) -> list[float]:
    """Sentinels among ascending distinct values: a usual one, repeated, at an end of the others and away from them.

    -1 is one as soon as it is the only negative value and the others reach further than small codes do.
    """
    found: list[float] = []
    least = max(MIN_COUNT, MIN_SHARE * counts.sum())
    candidates = [place for place, value in enumerate(distinct.tolist()) if value in USUAL and counts[place] >= least]
    others = np.setdiff1d(np.arange(len(distinct)), candidates)
    if len(others) < 5:
        return []
    low, high = float(distinct[others[0]]), float(distinct[others[-1]])
    middle = np.repeat(distinct[others], np.minimum(counts[others], 100))
    spread = float(np.subtract(*np.quantile(middle, [0.95, 0.05])))
    for place in candidates:
        value = float(distinct[place])
        is_only_negative = value == -1 and low >= 0 and high - low > 10
        is_far = value - high > FAR * spread or low - value > FAR * spread
        if is_only_negative or is_far:
            found.append(value)
    return found[:MAX]
