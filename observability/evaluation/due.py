"""Which sources are to be evaluated, and by whom just now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from baristaweb.lib.clock import now
from observability.evaluation import health, judge
from observability.models import DataHealth, LogSource, SourceVerdict, StoredWindow

CLAIM: Final = 20
LEASE: Final = timedelta(minutes=10)  # a first evaluation of a long backfill renews it by being claimed once


def rows(at: datetime) -> QuerySet[LogSource]:
    """Sources with closed windows that changed since they were judged, or whose rules did."""
    closed = StoredWindow.objects.filter(source=OuterRef("pk"), spec=OuterRef("spec"), state=StoredWindow.State.CLOSED)
    newer = closed.filter(replaced_at__gt=OuterRef("verdict__seen_at"))
    is_free = Q(verdict=None) | Q(verdict__claimed_until=None) | Q(verdict__claimed_until__lte=at)
    is_waiting = (Q(verdict=None) | Q(verdict__seen_at=None)) & Exists(closed) | Exists(newer)
    return LogSource.objects.filter(is_free, is_waiting, removed_at=None)


def waiting() -> QuerySet[LogSource]:
    return rows(now())


def claim(limit: int = CLAIM) -> Sequence[int]:
    """Sources that nobody evaluates, each claimed: what a worker that dies had is due again after the lease."""
    at = now()
    found = list(rows(at).order_by("pk").values_list("pk", flat=True)[:limit])
    SourceVerdict.objects.bulk_create([SourceVerdict(source_id=pk) for pk in found], ignore_conflicts=True)
    free = Q(claimed_until=None) | Q(claimed_until__lte=at)
    with transaction.atomic():
        mine = SourceVerdict.objects.select_for_update(skip_locked=True).filter(free, pk__in=found)
        keys = list(mine.values_list("pk", flat=True))
        SourceVerdict.objects.filter(pk__in=keys).update(claimed_until=at + LEASE)
    return keys


def do(source_id: Any) -> None:
    """Evaluate one source; what goes wrong is kept with it, and it is tried again later."""
    try:
        judge.evaluate(int(source_id))
    except Exception as error:  # one source must not stop the others; its page says why
        judge.note_failure(int(source_id), error, LEASE / 10)


def refresh_health() -> None:
    """Deployments whose data stopped, came back, or fell asleep since they were looked at."""
    at = now()
    old = DataHealth.objects.filter(changed_at__lt=at - timedelta(seconds=60)).order_by("changed_at")
    keys = list(old.values_list("pk", flat=True)[:100])
    for source in LogSource.objects.filter(deployment__in=keys, removed_at=None, kind=LogSource.Kind.PREDICTIONS):
        health.refresh(source)
    DataHealth.objects.filter(pk__in=keys, changed_at__lt=at).update(changed_at=F("changed_at") + timedelta(seconds=1))
