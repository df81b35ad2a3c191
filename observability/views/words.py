"""Features as rows of lists: state, reason, statistic beside its threshold and floor."""

from __future__ import annotations

from dataclasses import dataclass

from observability.domain.charts.scales import share
from observability.domain.charts.sparks import Spark
from observability.domain.results.health import FeatureState, feature_state
from observability.domain.results.outcome import Result
from observability.models import FeatureNow

NAMES = {
    "psi": "PSI",
    "ks": "KS",
    "w1": "W1",
    "linf": "L∞",
    "tvd": "TVD",
    "js": "JS",
    "hellinger": "Hellinger",
    "null_rate": "no value",
    "unseen_rate": "unseen",
    "odds_ratio": "odds",
    "hour": "hour of day",
    "weekday": "weekday",
    "gap": "gap",
}


@dataclass(frozen=True)
class Row:
    """One feature. `null_width` is percent of twice the limit of 5 %."""

    feature: FeatureNow
    state: FeatureState
    spark: Spark | None
    reason: str
    statistic: str
    beside: str
    null_rate: str
    null_width: float

    @property
    def is_bad(self) -> bool:
        return self.state.severity >= FeatureState.MOVED.severity


def state_of(one: FeatureNow) -> FeatureState:
    return feature_state(Result(one.verdict), [item[0] for item in one.findings])


def row_of(one: FeatureNow, drawn: Spark | None) -> Row:
    state = state_of(one)
    said = [reason for _, reason in one.findings]
    reason = "; ".join(said) if said else one.reason
    name = NAMES.get(one.statistic, one.statistic)
    return Row(
        feature=one,
        state=state,
        spark=drawn,
        reason=reason if state is not FeatureState.OK or said else "",
        statistic=f"{name} {shown(one.value)}" if one.value is not None else "",
        beside=f"threshold {one.threshold:g}, noise {shown(one.floor)}" if one.threshold is not None else "",
        null_rate=share(one.null_rate) if one.null_rate is not None else "",
        null_width=round(min((one.null_rate or 0.0) / 0.1, 1.0) * 56, 1),
    )


def shown(value: float | None) -> str:
    """Two decimals, three below 0.01."""
    if value is None:
        return "unknown"
    return f"{value:.3f}" if abs(value) < 0.01 else f"{value:.2f}" if abs(value) < 100 else f"{value:.3g}"
