"""Keeping what pods used: one sample each 5 minutes of every measured deployment, for a week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings

from deployments.models import UsageSample
from deployments.observe.store import Store

EVERY: Final = timedelta(minutes=5)
FORGET_EVERY: Final = timedelta(hours=1)


def slot_of(at: datetime) -> datetime:
    """The start of the 5 minutes that `at` is in: a second watch of the same cluster writes the same row."""
    seconds = int(EVERY.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, tz=UTC)


class UsageSampler:
    """Asked after each look at the figures; writes what has no sample in this slot yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._slot: datetime | None = None
        self._done: set[int] = set()
        self._forgot_at: datetime | None = None

    def sample(self, at: datetime) -> int:
        """How many samples were new to us. A deployment without figures gets none: unknown is not 0."""
        slot = slot_of(at)
        if slot != self._slot:
            self._slot, self._done = slot, set()
        rows = list(self._rows(slot))
        if rows:
            UsageSample.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
            self._done |= {row.deployment_id for row in rows}
        if self._forgot_at is None or at - self._forgot_at >= FORGET_EVERY:
            self._forget(at)
        return len(rows)

    def _rows(self, slot: datetime) -> Iterator[UsageSample]:
        if not self._store.usage:
            return
        for owner in self._store.targets.keys() - self._done:
            usage = self._store.view(owner).usage
            if usage:
                yield UsageSample(
                    deployment_id=owner,
                    at=slot,
                    cpu_m=sum(item.cpu_m for item in usage.values()),
                    memory=sum(item.memory_b for item in usage.values()),
                    pods=len(usage),
                )

    def _forget(self, at: datetime) -> None:
        # By deployment, because the index begins with it.
        kept_since = at - timedelta(days=settings.BARISTA.keep_samples_d)
        UsageSample.objects.filter(deployment__in=list(self._store.targets), at__lt=kept_since).delete()
        self._forgot_at = at
