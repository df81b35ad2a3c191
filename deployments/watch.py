"""The watch process: one ClusterWatcher per active cluster, followed as rows come, change and go."""

from __future__ import annotations

import threading
from typing import Final

import structlog
from django.db import Error as DatabaseProblem
from django.db import connections

from deployments.kube.connect import Key, key_of
from deployments.models import Cluster
from deployments.observe import ClusterWatcher

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 2.0


class WatchProcess:
    """`run` returns after `stopping` is set and every thread has ended."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self._watchers: dict[tuple[int, Key], ClusterWatcher] = {}

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._follow()
            except DatabaseProblem as error:
                log.warning("database_away", problem=str(error)[:200])
                connections.close_all()
            self.stopping.wait(LOOK_EVERY_S)
        for watcher in self._watchers.values():
            watcher.stop()
        connections.close_all()

    def _follow(self) -> None:
        wanted = {(cluster.pk, key_of(cluster)): cluster for cluster in Cluster.objects.filter(is_active=True)}
        for key in list(self._watchers):
            if key not in wanted or not self._watchers[key].is_alive:
                self._watchers.pop(key).stop()
        for key, cluster in wanted.items():
            if key not in self._watchers:
                log.info("watching", cluster=cluster.slug)
                watcher = ClusterWatcher(cluster)
                watcher.start()
                self._watchers[key] = watcher
