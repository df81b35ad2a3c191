"""Features as rows of lists: state, reason, statistic beside its threshold and floor."""

from __future__ import annotations

from dataclasses import dataclass

from observability.domain.charts.scales import share
from observability.domain.charts.sparks import Spark
from observability.domain.compare.definitions import LABELS
from observability.domain.results.health import FeatureState, feature_state
from observability.domain.results.outcome import Result
from observability.models import FeatureNow

# In a column of their own "of what" is plain: the whole names are for sentences.
SHORT = {"null_rate": "no value", "unseen_rate": "new values", "odds_ratio": "odds", "gap": "gap"}
TOLD = ("missing", "unseen", "constant", "out_of_range")  # what the words for a move tell already


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
    moved = one.reason if one.verdict in (Result.MOVED, Result.DRIFT) else ""
    said = [reason for name, reason in one.findings if not moved or name not in TOLD]
    reason = "; ".join([moved, *said] if moved else said or [one.reason])
    name = SHORT.get(one.statistic) or LABELS.get(one.statistic, one.statistic)
    return Row(
        feature=one,
        state=state,
        spark=drawn,
        reason=_sentence(reason) if state is not FeatureState.OK or said else "",
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


def _sentence(text: str) -> str:
    """Names and quoted values keep their first letter."""
    return text[:1].upper() + text[1:]
