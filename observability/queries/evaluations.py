"""Which sources have windows to be judged, and which deployments may have stopped sending any."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from observability.models import DataHealth, LogSource, SourceVerdict, StoredWindow

EVERY: Final = timedelta(minutes=5)  # how often a deployment without new windows is looked at


def due(at: datetime) -> QuerySet[LogSource]:
    """Sources whose closed windows, or whose rules, changed since they were judged, and that nobody judges now.

    Of windows those that are judged: hours that became days were judged as hours.
    """
    closed = StoredWindow.objects.filter(
        source=OuterRef("pk"), spec=OuterRef("spec"), length=OuterRef("spec__window"), rows__gt=0,
        state=StoredWindow.State.CLOSED,
    )  # fmt: skip
    newer = closed.filter(replaced_at__gt=OuterRef("verdict__seen_at"))
    is_free = Q(verdict=None) | Q(verdict__claimed_until=None) | Q(verdict__claimed_until__lte=at)
    is_new = Q(verdict=None) | Q(verdict__seen_at=None)
    return LogSource.objects.filter(is_free, is_new & Exists(closed) | Exists(newer), removed_at=None)


def silent(at: datetime) -> QuerySet[DataHealth]:
    """Those whose newest window is an hour old and that were not looked at lately."""
    return DataHealth.objects.filter(changed_at__lt=at - EVERY, newest_at__lt=at - timedelta(hours=1))


def look_again(at: datetime) -> None:
    """Have them evaluated again, which costs little without new windows."""
    deployments = list(silent(at).values_list("pk", flat=True)[:200])
    SourceVerdict.objects.filter(source__deployment__in=deployments, source__removed_at=None).update(seen_at=None)
