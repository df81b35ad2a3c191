"""Whether the workers work, told by what they take up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from celery import Task

from baristaweb.lib.clock import now
from baristaweb.lib.queue import SENT_AT
from deployments.models import QueueState


class QueueBook:
    """Implements lib.relay.Book on rows."""

    def worked_at(self, name: str) -> datetime | None:
        return QueueState.objects.filter(pk=name).values_list("worked_at", flat=True).first()

    def note(self, name: str, *, stalled_since: datetime | None, waiting: int, rejected: int) -> None:
        QueueState.objects.update_or_create(
            name=name, defaults={"stalled_since": stalled_since, "waiting": waiting, "rejected": rejected}
        )


class Nudged(Task):  # type: ignore[misc]  # Celery is untyped
    """A door whose opening is noted: that a worker works is told by nothing else."""

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        name = (self.request.delivery_info or {}).get("routing_key") or ""
        QueueState.objects.filter(name=name).update(worked_at=now())

    @property
    def sent_at(self) -> datetime | None:
        """When the nudge was sent; None when it does not say."""
        said = (self.request.headers or {}).get(SENT_AT) or getattr(self.request, SENT_AT, None)
        return datetime.fromtimestamp(said, tz=UTC) if isinstance(said, int | float) and 0 < said < 1e11 else None
