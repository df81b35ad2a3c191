"""What waits for an import worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from deployments.models.requests import Answer
from observability.models import SampleRequest, SourceObject, SourceState

UNANSWERED_S: Final = 2.0
KEPT_H: Final = 24


def due_objects(at: datetime) -> QuerySet[SourceObject]:
    """Objects that somebody should count, or take out, and that nobody has."""
    is_free = Q(claimed_until=None) | Q(claimed_until__lt=at)
    return SourceObject.objects.filter(
        is_free,
        due_at__lte=at,
        source__paused_at=None,
        source__removed_at=None,
        source__root__is_active=True,
        source__spec__isnull=False,
    )


def questions(at: datetime) -> QuerySet[SampleRequest]:
    """Questions of the source form that no worker has answered for a moment: a person waits for those."""
    since, oldest = at - timedelta(seconds=UNANSWERED_S), at - timedelta(hours=KEPT_H)
    return SampleRequest.objects.filter(answer=Answer.WAITING, created_at__lt=since, created_at__gt=oldest)


def due_sources(at: datetime) -> QuerySet[SourceState]:
    """Sources that are due to be listed, or that have objects nobody counts."""
    objects = due_objects(at).values("source_id")
    return SourceState.objects.filter(Q(next_poll_at__lte=at) | Q(source__in=objects))
