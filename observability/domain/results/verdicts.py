"""The verdict of a feature over windows: moved in the first that is beyond threshold and noise, drift by the k-th."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from observability.domain.compare.compare import compare
from observability.domain.compare.instants import Windows
from observability.domain.compare.result import Comparison, Statistic, Verdict
from observability.domain.compare.verdict import IDS, NUMBERS, TIMES, WORDS, listed, named
from observability.domain.profile.states import State
from observability.domain.results.movement import movement
from observability.domain.results.outcome import Result
from observability.domain.results.rules import Rules
from observability.domain.specs.spec import FeatureSpec, Kind

# A floor is what noise exceeds once in a hundred comparisons. A page shows thousands of them: to have moved, an effect
# must be this much larger, which noise is less than once in some thousands.
MARGIN: Final = 1.25
_BOTH_WAYS: Final = ("psi", "w1")  # what buckets hide may have made them larger, too
_DECIDING: Final[Mapping[Kind, Sequence[str]]] = {Kind.TIMESTAMP: TIMES, Kind.ID: IDS}


_ORDER: Final = (Result.DRIFT, Result.MOVED, Result.STABLE, Result.NO_DRIFT_SEEN, Result.NOT_ENOUGH_DATA)
_PLAIN: Final = {
    Verdict.STABLE: Result.STABLE,
    Verdict.DRIFT: Result.STABLE,  # over by the floors of one comparison, within the margin of many
    Verdict.NO_DRIFT_SEEN: Result.NO_DRIFT_SEEN,
    Verdict.NOT_ENOUGH_DATA: Result.NOT_ENOUGH_DATA,
    Verdict.UNKNOWN: Result.CANNOT_BE_EVALUATED,
}


@dataclass(frozen=True, eq=False)
class FeatureResult:
    """The leading statistic of a feature: of those that decide the one that is furthest over its threshold."""

    name: str
    verdict: Result
    reason: str
    statistic: str | None = None
    value: float | None = None
    uncertainty: float = 0.0
    floor: float | None = None
    threshold: float | None = None
    comparison: Comparison | None = None

    @property
    def sort_key(self) -> tuple[bool, float, str]:
        """value / threshold falling, then the name; without a value last."""
        if self.value is None or not self.threshold:
            return True, 0.0, self.name
        return False, -self.value / self.threshold, self.name

    def to_json(self) -> dict[str, str | float | None]:
        return {
            "name": self.name,
            "statistic": self.statistic,
            "value": self.value,
            "floor": self.floor,
            "threshold": self.threshold,
            "verdict": self.verdict.value,
            "reason": self.reason,
        }


def worst(results: Sequence[Result]) -> Result:
    """Of all features of a window; one that can be judged says more than those that cannot."""
    for result in _ORDER:
        if result in results:
            return result
    return results[0] if results else Result.NOT_ENOUGH_DATA


@dataclass(eq=False)
class History:
    """Which of the last windows moved, per feature of one version. A window that was not judged is none of them."""

    rules: Rules
    _seen: dict[str, deque[bool]] = field(default_factory=dict)

    def remember(self, name: str, *, is_over: bool) -> None:
        """A window that an earlier run judged, oldest first."""
        self._seen.setdefault(name, deque(maxlen=self.rules.n)).append(is_over)

    def judge(self, found: FeatureResult, *, is_over: bool) -> FeatureResult:
        seen = self._seen.setdefault(found.name, deque(maxlen=self.rules.n))
        if found.verdict in (Result.NOT_ENOUGH_DATA, Result.CANNOT_BE_EVALUATED) and not is_over:
            return found
        seen.append(is_over)
        if not is_over:
            return found
        times = sum(seen)
        if times >= self.rules.k:
            said = f"{found.reason}; in {times} of the last {self.rules.n} windows"
            return replace(found, verdict=Result.DRIFT, reason=said)
        return replace(found, verdict=Result.MOVED)


def judge(
    ref: State, cur: State, spec: FeatureSpec, rules: Rules, history: History, windows: Windows | None = None
) -> FeatureResult:
    """One feature of one window against its reference."""
    made = compare(ref, cur, spec, windows)
    asked = [
        replace(one, threshold=rules.threshold(name, one.threshold))
        for name, one in made.statistics.items()
        if name in _deciding(spec) or name in rules.thresholds
    ]
    judged = [one for one in asked if one.value is not None and one.threshold is not None]
    over = [one for one in judged if is_over(one)]
    # A statistic that noise alone drives far over its threshold leads only where there is no other.
    leading = max(over or [one for one in judged if one.is_judged] or judged, key=_ratio, default=None)
    verdict = _PLAIN[made.verdict]
    if over:
        reason = _reason(ref, cur, spec, made, sorted(over, key=_ratio, reverse=True))
    elif made.verdict is Verdict.DRIFT:
        reason = "what is over its threshold is not beyond noise by a quarter, or a rule raised the threshold"
    else:
        reason = made.reason
    found = FeatureResult(spec.name, verdict, reason, comparison=made)
    if leading is not None:
        found = replace(
            found,
            statistic=leading.name,
            value=leading.value,
            uncertainty=leading.uncertainty,
            floor=leading.noise_floor,
            threshold=leading.threshold,
        )
    return history.judge(found, is_over=bool(over))


def _deciding(spec: FeatureSpec) -> Sequence[str]:
    return _DECIDING.get(spec.kind, WORDS if spec.kind.is_categorical else NUMBERS)


def is_over(one: Statistic) -> bool:
    """At or above the threshold, and beyond noise by the margin."""
    if one.value is None or one.threshold is None or one.few_rows:
        return False
    if one.name == "odds_ratio":  # of which 1 is no change
        noise = max(one.noise_floor or 1.0, 1.0) ** MARGIN
    else:
        noise = (one.noise_floor or 0.0) * MARGIN
    doubt = one.uncertainty if one.name in _BOTH_WAYS else 0.0
    return one.value >= one.threshold and one.value - doubt > noise * (1 + 1e-9)


def _ratio(one: Statistic) -> float:
    return (one.value or 0.0) / (one.threshold or 1.0)


def _reason(ref: State, cur: State, spec: FeatureSpec, made: Comparison, over: Sequence[Statistic]) -> str:
    """What moved in words, then the statistic that says so; of the others only that they say it, too."""
    words = movement(ref, cur, spec, made, [one.name for one in over])
    others = [named(one) for one in over[1:]]
    too = f"; so {'is' if len(others) == 1 else 'are'} {listed(others)}" if others else ""
    return f"{words}; {_said(over[0])}{too}" if words else f"{_said(over[0])}{too}"


def _said(one: Statistic) -> str:
    least = "at least " if one.is_bound else ""
    doubt = f" ± {one.uncertainty:.3g}" if one.uncertainty >= 5e-4 else ""
    limit = f"over its threshold of {one.threshold:g} (noise {one.noise_floor or 0.0:.3f})"
    return f"{named(one)} is {least}{one.value:.3f}{doubt}, {limit}"
