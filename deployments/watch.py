"""The watch process: one ClusterWatcher for each active cluster that it leads, followed as rows come, change and go.

Any number of these processes may run. One leads a cluster, by a lease in its health row that it renews at every look;
the others stand by and take over when it is not renewed.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from datetime import timedelta
from typing import Final

import structlog
from django.db import Error as DatabaseProblem
from django.db import connections
from django.db.models import Q
from django.db.models.functions import Now

from deployments.kube.connect import Key, key_of
from deployments.models import Cluster, ClusterHealth
from deployments.observe import ClusterWatcher

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 2.0
STOP_S: Final = 3.0
# Longer than a look and the longest stop together, so that a leader that lives renews in time; a dead one is replaced
# after this and one look.
LEASE: Final = timedelta(seconds=7.5)


class WatchProcess:
    """`run` returns after `stopping` is set and every thread has ended."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self.holder = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._watchers: dict[tuple[int, Key], ClusterWatcher] = {}

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._follow()
            except DatabaseProblem as error:
                # What is watched goes on being watched: whoever else could lead has no database either.
                log.warning("database_away", problem=str(error)[:200])
                connections.close_all()
            self.stopping.wait(LOOK_EVERY_S)
        for watcher in self._watchers.values():
            watcher.stop()
        self._release()
        connections.close_all()

    def _follow(self) -> None:
        wanted = {(cluster.pk, key_of(cluster)): cluster for cluster in led_by(self.holder)}
        for key in list(self._watchers):
            if key not in wanted or not self._watchers[key].is_alive:
                self._watchers.pop(key).stop(STOP_S)
        for key, cluster in wanted.items():
            if key not in self._watchers:
                log.info("watching", cluster=cluster.slug, holder=self.holder)
                watcher = ClusterWatcher(cluster)
                watcher.start()
                self._watchers[key] = watcher

    def _release(self) -> None:
        try:
            release(self.holder)
        except DatabaseProblem as error:
            log.warning("database_away", problem=str(error)[:200])


def led_by(holder: str) -> list[Cluster]:
    """Active clusters that `holder` leads: its own, renewed, and those that nobody renewed. By the database's clock."""
    is_free = Q(watch_until=None) | Q(watch_until__lt=Now())
    # On this table alone: of two who write at once, the second then looks at the row as the first left it.
    rows = ClusterHealth.objects.filter(Q(watch_holder=holder) | is_free)
    rows.update(watch_holder=holder, watch_until=Now() + LEASE)
    active = list(Cluster.objects.filter(is_active=True).select_related("health"))
    fresh = [ClusterHealth(cluster=cluster) for cluster in active if not hasattr(cluster, "health")]
    if fresh:
        # Led from the next look on, by whoever looks first.
        ClusterHealth.objects.bulk_create(fresh, ignore_conflicts=True)
    return [cluster for cluster in active if hasattr(cluster, "health") and cluster.health.watch_holder == holder]


def release(holder: str) -> None:
    """Let another lead at its next look."""
    ClusterHealth.objects.filter(watch_holder=holder).update(watch_holder="", watch_until=None)
