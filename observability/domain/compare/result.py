"""What a comparison says: statistics with their uncertainty, noise floor and threshold, and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from baristaweb.lib.looks import Look, Shown, Tone
from observability.domain.loops.numeric import Floats, Ints

CLEAR: Final = 2.5  # a statistic speaks for stable while noise stays below so many thresholds


class Verdict(Shown):
    """Decided by the size of an effect beyond its noise, never by a p-value.

    NO_DRIFT_SEEN is what lower bounds allow instead of stable: the true value may be larger than what was measured.
    """

    STABLE = "stable"
    NO_DRIFT_SEEN = "no drift seen"
    DRIFT = "drift"
    NOT_ENOUGH_DATA = "not enough data"
    UNKNOWN = "unknown"

    @property
    def look(self) -> Look:
        return _VERDICTS[self]


_VERDICTS: Final[dict[Verdict, Look]] = {
    Verdict.DRIFT: Look("Drift", Tone.BAD, "alert-triangle", severity=40),
    Verdict.UNKNOWN: Look("Unknown", Tone.STALL, "help", severity=30),
    Verdict.NOT_ENOUGH_DATA: Look("Not enough data", Tone.QUIET, "hourglass", severity=20),
    Verdict.NO_DRIFT_SEEN: Look("No drift seen", Tone.QUIET, "circle-check", severity=10),
    Verdict.STABLE: Look("Stable", Tone.OK, "circle-check"),
}


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins behind one statistic; arrays or lists of one length. `low`/`high` are absent for words.

    `contributions` may be a function: a table of thousands of features asks for none of them.
    """

    names: tuple[str, ...]
    ref: Ints | Floats | Sequence[int]
    cur: Ints | Floats | Sequence[int]
    contributions: Floats | Sequence[float] | Callable[[], Floats]
    low: Floats | Sequence[float] | None = None
    high: Floats | Sequence[float] | None = None
    origin: int = 0

    @property
    def parts(self) -> Floats:
        """What each bin adds to the value."""
        return np.asarray(self.contributions() if callable(self.contributions) else self.contributions)


@dataclass(frozen=True, eq=False)
class Statistic:
    """One number. `uncertainty` is what bucketing can add or hide; `value` None comes with the reason.

    `noise_floor` is what noise alone reaches in a verdict's share of comparisons (floors.FAMILY); `is_bound` says that
    the true value is at least this one.
    """

    name: str
    value: float | None
    uncertainty: float = 0.0
    noise_floor: float | None = None
    threshold: float | None = None
    formula: str = ""
    reason: str = ""
    bins: Bins | None = None
    is_bound: bool = False
    few_rows: str = ""

    @property
    def is_judged(self) -> bool:
        """Whether a change of a few thresholds would show above the noise."""
        if self.value is None or self.threshold is None or self.few_rows:
            return False
        return (self.noise_floor or 0.0) <= CLEAR * self.threshold

    @property
    def is_over(self) -> bool:
        """At or above its threshold, and beyond what noise gives."""
        if self.value is None or self.threshold is None or self.few_rows:
            return False
        return self.value >= self.threshold and self.value > (self.noise_floor or 0.0) * (1 + 1e-9)

    def to_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "uncertainty": self.uncertainty,
            "noise_floor": self.noise_floor,
            "threshold": self.threshold,
            "judged": self.is_judged,
            "lower_bound": self.is_bound,
        } | ({"reason": self.reason} if self.reason else {})


def cannot(name: str, reason: str) -> Statistic:
    """A statistic that is not defined here, and why."""
    return Statistic(name, None, reason=reason)


@dataclass(frozen=True, eq=False)
class Comparison:
    """All statistics of one feature."""

    name: str
    kind: str
    rows: tuple[int, int]
    statistics: Mapping[str, Statistic]
    verdict: Verdict
    reason: str
    quality: Mapping[str, float | int | None] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "rows": list(self.rows),
            "statistics": {name: statistic.to_json() for name, statistic in self.statistics.items()},
            "quality": dict(self.quality),
            "verdict": self.verdict.value,
            "reason": self.reason,
        }

    def explain(self, statistic: str) -> dict[str, Any]:
        """The bins, counts, shares and contributions behind one number; contributions sum to it."""
        found = self.statistics.get(statistic)
        if found is None:
            raise KeyError(f"{self.name} has no statistic {statistic!r}; it has {', '.join(self.statistics)}")
        answer: dict[str, Any] = {"feature": self.name, "statistic": statistic, "formula": found.formula}
        answer |= found.to_json()
        if found.bins is None:
            return answer | {"bins": []}
        return answer | {"bins": _rows(found.bins)}


def _rows(bins: Bins) -> list[dict[str, Any]]:
    n, m = float(np.sum(bins.ref)) or 1.0, float(np.sum(bins.cur)) or 1.0
    rows, parts = [], bins.parts
    for place in range(len(bins.ref)):
        row: dict[str, Any] = {"bin": bins.names[place] if place < len(bins.names) else ""}
        if bins.low is not None and bins.high is not None and np.isfinite(bins.low[place]):
            row["low"], row["high"] = float(bins.low[place]) + bins.origin, float(bins.high[place]) + bins.origin
            row["bin"] = row["bin"] or _interval(row["low"], row["high"])
        row["ref"], row["cur"] = _plain(bins.ref[place]), _plain(bins.cur[place])
        row["ref_share"], row["cur_share"] = float(bins.ref[place]) / n, float(bins.cur[place]) / m
        row["contribution"] = float(parts[place])
        rows.append(row)
    return rows


def _plain(count: Any) -> int | float:
    return int(count) if float(count).is_integer() else float(count)


def _interval(low: float, high: float) -> str:
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"
