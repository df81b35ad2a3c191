"""Kubernetes Events of objects that we own, kept after the cluster forgets them."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import timedelta
from threading import Lock
from typing import Any, Final

from django.conf import settings

from baristaweb.lib.clock import now
from deployments.domain.apiserver.objects import instant, number, obj, text
from deployments.domain.status.pods import event_time
from deployments.kube.api import Object
from deployments.kube.redact import redact
from deployments.models import ClusterEvent
from deployments.observe.store import Store

# An event may arrive before the object it is about.
WAITS_S: Final = 30.0
MOST_WAITING: Final = 20_000
BATCH: Final = 500


class EventBuffer:
    """Threads add events as they come; the writer stores those whose object is known to be ours."""

    def __init__(self, store: Store, cluster_id: int) -> None:
        self._store = store
        self._cluster_id = cluster_id
        self._waiting: OrderedDict[str, tuple[float, Object]] = OrderedDict()
        self._lock = Lock()

    def add(self, event: Object) -> None:
        self._store.put_event(event)
        with self._lock:
            uid = str(event["metadata"]["uid"])
            self._waiting[uid] = (time.monotonic(), event)
            while len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)

    def flush(self) -> int:
        """Store a batch; how many were stored."""
        rows: list[ClusterEvent] = []
        with self._lock:
            for uid, (since, event) in list(self._waiting.items()):
                owner = self._store.owner_of(text(event, "involvedObject", "uid"))
                if owner is not None and len(rows) < BATCH:
                    rows.append(self._row(owner, uid, event))
                    del self._waiting[uid]
                elif owner is None and time.monotonic() - since > WAITS_S:
                    del self._waiting[uid]
        if rows:
            fields = ["type", "reason", "message", "count", "first_at", "last_at"]
            ClusterEvent.objects.bulk_create(
                rows, update_conflicts=True, unique_fields=["cluster", "uid"], update_fields=fields
            )
        return len(rows)

    def _row(self, owner: int, uid: str, event: Object) -> ClusterEvent:
        involved = obj(event, "involvedObject")
        last = event_time(event) or now()
        return ClusterEvent(
            cluster_id=self._cluster_id,
            deployment_id=owner,
            uid=uid[:64],
            object_kind=text(involved, "kind")[:40],
            object_name=text(involved, "name")[:253],
            type=text(event, "type")[:20],
            reason=text(event, "reason")[:128],
            message=redact(text(event, "message")),
            count=max(1, number(event, "count", default=1), number(event, "series", "count")) % 2_000_000_000,
            first_at=instant(event, "firstTimestamp") or last,
            last_at=last,
        )


def forget_old(cluster_id: int) -> Any:
    """Delete events that are kept no longer."""
    kept_since = now() - timedelta(days=settings.BARISTA.keep_events_d)
    return ClusterEvent.objects.filter(cluster_id=cluster_id, last_at__lt=kept_since).delete()
