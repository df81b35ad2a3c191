"""One answer for a deployment's data: all right or not, since when, and the sentence that a page begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from baristaweb.lib.looks import Look, Shown, Tone
from observability.domain.results.outcome import Result

BREAKING: Final = frozenset(
    {"missing", "type_errors", "unread", "constant", "missing_column", "retyped_column", "renamed_column", "duplicates"}
)


class DataState(Shown):
    """What a list shows of a deployment's data."""

    OK = "ok"
    MOVED = "moved"
    DRIFT = "drift"
    BROKEN = "broken"
    FEW = "few"
    GATHERING = "gathering"
    ASLEEP = "asleep"
    NO_DATA = "no-data"
    NOT_CONNECTED = "unconnected"

    @property
    def look(self) -> Look:
        return _LOOKS[self]


_LOOKS: Final[dict[DataState, Look]] = {
    DataState.BROKEN: Look("Broken", Tone.BAD, "alert-octagon", severity=80),
    DataState.NO_DATA: Look("No data", Tone.STALL, "hourglass", severity=70),
    DataState.DRIFT: Look("Drift", Tone.WARN, "chart-histogram", severity=60),
    DataState.MOVED: Look("Moved", Tone.WARN, "chart-histogram", severity=50),
    DataState.FEW: Look("Not enough data", Tone.QUIET, "hourglass", severity=20),
    DataState.GATHERING: Look("Gathering a baseline", Tone.QUIET, "hourglass", severity=15),
    DataState.OK: Look("Ok", Tone.OK, "circle-check", severity=10),
    DataState.ASLEEP: Look("Asleep", Tone.SLEEP, "moon", severity=5),
    DataState.NOT_CONNECTED: Look("Not connected", Tone.QUIET, "plug-connected-x", severity=0),
}


class FeatureState(Shown):
    """What a list shows of one feature: the verdict, or that its values are broken."""

    OK = "ok"
    MOVED = "moved"
    DRIFT = "drift"
    BROKEN = "broken"
    FEW = "not enough data"
    UNKNOWN = "cannot be evaluated"

    @property
    def look(self) -> Look:
        return _FEATURES[self]


_FEATURES: Final[dict[FeatureState, Look]] = {
    FeatureState.BROKEN: Look("Broken", Tone.BAD, "alert-octagon", severity=40),
    FeatureState.DRIFT: Look("Drift", Tone.WARN, "chart-histogram", severity=30),
    FeatureState.MOVED: Look("Moved", Tone.WARN, "chart-histogram", severity=20),
    FeatureState.UNKNOWN: Look("Cannot be evaluated", Tone.STALL, "help-circle", severity=8),
    FeatureState.FEW: Look("Not enough data", Tone.QUIET, "hourglass", severity=5),
    FeatureState.OK: Look("Ok", Tone.OK, "circle-check", severity=0),
}
_OF: Final = {
    Result.DRIFT: FeatureState.DRIFT,
    Result.MOVED: FeatureState.MOVED,
    Result.CANNOT_BE_EVALUATED: FeatureState.UNKNOWN,
    Result.NOT_ENOUGH_DATA: FeatureState.FEW,
    Result.EXPECTED_NO_DATA: FeatureState.FEW,
}


def feature_state(verdict: Result, findings: Sequence[str]) -> FeatureState:
    """`findings` are names of what was found about the feature in its newest window."""
    if BREAKING.intersection(findings):
        return FeatureState.BROKEN
    return _OF.get(verdict, FeatureState.OK)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of a deployment's newest windows. Names are those of the worst features, worst first."""

    features: int
    broken: Sequence[str] = ()
    drift: Sequence[str] = ()
    moved: Sequence[str] = ()
    judged: int = 0
    is_gathering: bool = False
    is_asleep: bool = False
    silent_h: float | None = None
    few_reason: str = ""


def health(seen: Seen) -> tuple[DataState, str]:
    """(state, sentence). The sentence has no time: pages add since when, and what changed then."""
    if seen.is_asleep and seen.silent_h is not None:
        return DataState.ASLEEP, "It is asleep: no data are expected."
    if seen.silent_h is not None:
        return DataState.NO_DATA, f"No rows for {_hours(seen.silent_h)}, and it is not asleep."
    if seen.broken:
        rest = len(seen.drift) + len(seen.moved)
        return DataState.BROKEN, f"{_named(seen.broken)} {_is(seen.broken)} broken{_and_moved(rest)}."
    if seen.drift:
        return DataState.DRIFT, f"{_named(seen.drift)} drifted{_and_moved(len(seen.moved))}."
    if seen.moved:
        return DataState.MOVED, f"{_named(seen.moved)} moved in the newest window."
    if seen.is_gathering:
        return DataState.GATHERING, "The first windows are the baseline: there is nothing to compare with yet."
    if not seen.judged:
        return DataState.FEW, _sentence(seen.few_reason) or "No window has enough rows to be judged."
    return DataState.OK, f"All right: {seen.judged:,} of {seen.features:,} features are as in the baseline."


def _named(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0][:80]
    if len(names) == 2:
        return f"{names[0][:60]} and {names[1][:60]}"
    return f"{names[0][:60]} and {len(names) - 1} more features"


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _and_moved(count: int) -> str:
    return f", and {count} more moved" if count else ""


def _hours(hours: float) -> str:
    return f"{hours:,.0f} hours" if hours < 72 else f"{hours / 24:,.0f} days"
