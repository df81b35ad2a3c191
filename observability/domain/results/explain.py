"""One number laid open: its bins, both counts, what each bin adds, the formula, the threshold and where it is from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from observability.domain.compare.definitions import THRESHOLDS
from observability.domain.compare.result import Bins, Comparison, Statistic
from observability.domain.results.rules import Rules

MOST: Final = 20  # rows of a table; cells beyond are added up with their neighbours
FLOORS: Final = {
    "psi": "what noise alone exceeds in a hundredth of such comparisons, at these rows and bins (a scaled chi-square)",
    "ks": "the Kolmogorov-Smirnov distance that two samples of so many rows of the same data exceed in a hundredth",
    "w1": "what two samples of so many rows of the same data exceed in a hundredth, by the spread of the two sides",
}
FLOOR: Final = "what two samples of so many rows of the same data exceed in a hundredth of comparisons"


@dataclass(frozen=True)
class ExplainedBin:
    """`contribution` of all bins sum to the value; `width` is percent of the largest. `move` is in shares."""

    label: str
    ref: float
    cur: float
    ref_share: float
    cur_share: float
    contribution: float
    width: float

    @property
    def move(self) -> float:
        return self.cur_share - self.ref_share


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """`source` says whose threshold it is; `grouped` how many cells were added up for the table, 0: none."""

    feature: str
    statistic: str
    value: float | None
    uncertainty: float
    floor: float | None
    threshold: float | None
    source: str
    formula: str
    floor_says: str
    reason: str
    is_bound: bool
    rows: tuple[int, int]
    bins: Sequence[ExplainedBin]
    total: float
    grouped: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "statistic": self.statistic,
            "value": self.value,
            "uncertainty": self.uncertainty,
            "noise_floor": self.floor,
            "threshold": self.threshold,
            "threshold_from": self.source,
            "formula": self.formula,
            "rows": list(self.rows),
            "bins": [
                {
                    "bin": one.label,
                    "baseline": one.ref,
                    "current": one.cur,
                    "baseline_share": one.ref_share,
                    "current_share": one.cur_share,
                    "contribution": one.contribution,
                }
                for one in self.bins
            ],
        }


def explain(made: Comparison, statistic: str, rules: Rules | None = None) -> Explanation | None:
    """None when the comparison has no statistic of that name."""
    one = made.statistics.get(statistic)
    if one is None:
        return None
    threshold, source = (
        one.threshold,
        "the default of this statistic" if one.threshold is not None else "none: it is shown, not judged",
    )
    if rules is not None and statistic in rules.thresholds:
        threshold, source = rules.thresholds[statistic], "the rules of this deployment"
    bins, grouped = _bins(one)
    return Explanation(
        feature=made.name,
        statistic=statistic,
        value=one.value,
        uncertainty=one.uncertainty,
        floor=one.noise_floor,
        threshold=threshold,
        source=source if statistic in THRESHOLDS else "none: it is shown, not judged",
        formula=one.formula,
        floor_says=FLOORS.get(statistic, FLOOR) if one.noise_floor is not None else "",
        reason=one.reason,
        is_bound=one.is_bound,
        rows=made.rows,
        bins=bins,
        total=math.fsum(row.contribution for row in bins),
        grouped=grouped,
    )


def _bins(one: Statistic) -> tuple[list[ExplainedBin], int]:
    if one.bins is None or not len(one.bins.ref):
        return [], 0
    bins = one.bins
    ref, cur, parts = np.asarray(bins.ref, float), np.asarray(bins.cur, float), bins.parts
    n, m = float(ref.sum()) or 1.0, float(cur.sum()) or 1.0
    groups = _groups(bins, len(ref))
    added = [(float(ref[a:b].sum()), float(cur[a:b].sum()), float(parts[a:b].sum())) for a, b in groups]
    largest = max((abs(part) for _, _, part in added), default=0.0) or 1.0
    found = [
        ExplainedBin(_label(bins, a, b), left, right, left / n, right / m, part, round(abs(part) / largest * 100, 1))
        for (a, b), (left, right, part) in zip(groups, added, strict=True)
    ]
    return found, len(ref) if len(groups) < len(ref) else 0


def _groups(bins: Bins, count: int) -> list[tuple[int, int]]:
    """Runs of cells; each special alone. Cells of one run hold about the same share of the reference."""
    if count <= MOST:
        return [(place, place + 1) for place in range(count)]
    both = np.asarray(bins.ref, float) + np.asarray(bins.cur, float)
    below = np.cumsum(both) / max(float(both.sum()), 1.0)
    wanted = np.minimum((below * (MOST - 1e-9)).astype(int), MOST - 1)
    starts = [0, *(np.flatnonzero(np.diff(wanted)) + 1).tolist(), count]
    return list(pairwise(starts))


def _label(bins: Bins, first: int, last: int) -> str:
    named = bins.names[first] if first < len(bins.names) else ""
    if last - first > 1 and named:
        return f"{named} and {last - first - 1} more"
    if named:
        return named
    if bins.low is None or bins.high is None or not math.isfinite(float(bins.low[first])):
        return f"bin {first + 1}"
    low, high = float(bins.low[first]) + bins.origin, float(bins.high[last - 1]) + bins.origin
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
