"""One row a deployment that lists show: written after each evaluation, and when data stop or come back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from baristaweb.lib.clock import now
from deployments.models import SleepRecord
from observability.domain.results.health import DataState, FeatureState, Seen, health
from observability.domain.results.outcome import Result
from observability.models import DataHealth, FeatureNow, JudgedWindow, LogSource

DAYS: Final = 14
SILENT: Final = 3  # windows that may be missing at the end before data are said to have stopped
_WORST: Final = (Result.DRIFT.value, Result.MOVED.value)


def refresh(source: LogSource) -> DataHealth:
    """Of the source's deployment, by the newest verdicts and the clock."""
    at = now()
    newest = JudgedWindow.objects.filter(source=source, is_gap=False).order_by("-end").first()
    rows = list(
        FeatureNow.objects.filter(source=source)
        .order_by("-severity", "-ratio", "name")
        .values_list("name", "severity", "verdict", "moved_since", "reason")
    )
    by = {
        state: [name for name, severity, *_ in rows if severity == state.severity]
        for state in (FeatureState.BROKEN, FeatureState.DRIFT, FeatureState.MOVED)
    }
    judged = sum(verdict in (Result.STABLE, Result.NO_DRIFT_SEEN, *_WORST) for _, _, verdict, *_ in rows)
    seen = Seen(
        features=len(rows),
        broken=by[FeatureState.BROKEN],
        drift=by[FeatureState.DRIFT],
        moved=by[FeatureState.MOVED],
        judged=judged,
        is_gathering=newest is not None and newest.reference_id is None,
        is_asleep=SleepRecord.objects.filter(deployment=source.deployment_id, closed_at=None).exists(),
        silent_h=_silent_h(source, newest, at),
        few_reason=next((reason for *_, reason in rows if reason), ""),
    )
    state, sentence = health(seen)
    worst = max((severity for _, severity, *_ in rows), default=0)
    over = [moved for _, severity, _, moved, _ in rows if severity == worst >= FeatureState.MOVED.severity and moved]
    since = min(over, default=None)
    if state in (DataState.NO_DATA, DataState.ASLEEP) and newest is not None:
        since = newest.end
    values = {
        "state": state.value,
        "severity": state.severity,
        "sentence": sentence[:300],
        "since": since,
        "newest_at": newest.end if newest else None,
        "moved": len(seen.drift) + len(seen.moved),
        "broken": len(seen.broken),
        "features": len(rows),
        "days": _days(source, at),
        "changed_at": at,
    }
    return DataHealth.objects.update_or_create(deployment_id=source.deployment_id, defaults=values)[0]


def _silent_h(source: LogSource, newest: JudgedWindow | None, at: datetime) -> float | None:
    """Hours without a window beyond what lateness explains; None: the newest is new enough."""
    if newest is None:
        return None
    length = newest.end - newest.start
    allowed = SILENT * length + timedelta(seconds=source.lateness_s)
    return (at - newest.end).total_seconds() / 3_600 if at - newest.end > allowed else None


def _days(source: LogSource, at: datetime) -> list[list[str]]:
    """[day, state] of the last 14 days, the worst of each; days without a window are none."""
    first = (at - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    found: dict[str, list[tuple[str, bool]]] = {}
    judged = JudgedWindow.objects.filter(source=source, end__gt=first).values_list("start", "verdict", "is_gap")
    for start, verdict, is_gap in judged.iterator():
        found.setdefault(f"{max(start, first):%Y-%m-%d}", []).append((verdict, is_gap))
    days = [f"{first + timedelta(days=place):%Y-%m-%d}" for place in range(DAYS)]
    return [[day, _worst(found.get(day, []))] for day in days]


def _worst(windows: Iterable[tuple[str, bool]]) -> str:
    verdicts = {verdict for verdict, _ in windows}
    if Result.DRIFT.value in verdicts:
        return "drift"
    if Result.MOVED.value in verdicts:
        return "moved"
    if verdicts & {Result.STABLE.value, Result.NO_DRIFT_SEEN.value}:
        return "ok"
    if Result.EXPECTED_NO_DATA.value in verdicts:
        return "asleep"
    return "few" if verdicts else "none"
