"""Watching one cluster: a thread per kind and per namespace's events, one that writes, one that feels the pulse."""

from __future__ import annotations

import random
import threading
import time
from typing import Final

import structlog
from django.db import Error as DatabaseProblem
from django.db import connections

from baristaweb.lib.clock import now
from deployments import breaker, rendering
from deployments.domain.cost.placed import node_facts
from deployments.domain.manifests.metadata import LABEL_MANAGED_BY, MANAGED_BY
from deployments.domain.sleep.dialects.installed import installed
from deployments.kube.api import Change, ClusterError, ErrorClass, Gateway, Gone, NotConfigured, ObjectKind, Watch
from deployments.kube.connect import connect
from deployments.models import Cluster, Deployment
from deployments.observe import figures, rows
from deployments.observe.events import EventBuffer, forget_old
from deployments.observe.ledger import Ledger
from deployments.observe.nodes import NodeLedger
from deployments.observe.schedules import schedules
from deployments.observe.store import KINDS, Store, Target
from deployments.observe.usage import UsageSampler

log = structlog.get_logger(__name__)

SELECTOR: Final = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
SILENT_S: Final = 110.0
# Bookmarks come when the apiserver likes, for Events never: short streams tell a quiet kind from a dead connection.
STREAM_S: Final = 90
PULSE_S: Final = 3.0
FLUSH_S: Final = 0.2
WRITE_EVERY_S: Final = 1.0
TARGETS_EVERY_S: Final = 5.0
STRANGERS_S: Final = 4.7  # read the rows this much earlier when an unknown deployment's object came
USAGE_EVERY_S: Final = 15.0
USAGE_WRITTEN_S: Final = 60.0
HEARD_EVERY_S: Final = 12.0
CAPACITY_EVERY_S: Final = 60.0
AGAIN_EVERY_S: Final = 20.0
LEDGER_EVERY_S: Final = 2.0
LOST_AFTER: Final = 2


class Feed(threading.Thread):
    """List, then watch from the list's version, for one kind (and namespace); again after any trouble."""

    def __init__(self, watcher: ClusterWatcher, kind: ObjectKind, namespace: str | None = None) -> None:
        super().__init__(name=f"watch-{watcher.cluster.slug}-{kind}-{namespace or 'all'}", daemon=True)
        self.watcher = watcher
        self.kind = kind
        self.namespace = namespace
        self.heard_at = 0.0
        self.stopping = threading.Event()
        self._stream: Watch | None = None
        self._labels = SELECTOR if kind is not ObjectKind.EVENT else ""

    @property
    def is_alive_and_heard(self) -> bool:
        return time.monotonic() - self.heard_at < SILENT_S

    def run(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            if not self.watcher.is_up.wait(1.0):
                continue
            try:
                self._list_and_watch(connect(self.watcher.cluster))
                failures = 0
            except Gone:
                self.stopping.wait(random.uniform(0, 0.5))  # noqa: S311 - jitter
            except ClusterError as error:
                failures += 1
                if error.error_class is ErrorClass.PERMANENT or failures in (1, 10):
                    log.warning("watch_failed", feed=self.name, problem=str(error)[:300])
                self.stopping.wait(random.uniform(0.2, min(10.0, 0.5 * 2 ** min(failures, 6))))  # noqa: S311 - jitter
            except Exception:
                # One strange object must not end the watching of a kind; the next list starts afresh.
                log.exception("watch_broke", feed=self.name)
                self.stopping.wait(5.0)

    def wake(self) -> None:
        """Have the thread look at its events again, whatever it waits for."""
        stream = self._stream
        if stream is not None:
            stream.wake()

    def _list_and_watch(self, gateway: Gateway) -> None:
        listing = gateway.list_objects(self.kind, namespace=self.namespace, labels=self._labels)
        self.heard_at = time.monotonic()
        self.watcher.listed(self.kind, listing.items)
        version = listing.resource_version
        while not self.stopping.is_set() and self.watcher.is_up.is_set():
            stream = gateway.watch(
                self.kind,
                resource_version=version,
                namespace=self.namespace,
                labels=self._labels,
                lasts_s=STREAM_S,
            )
            self._stream = stream
            self.heard_at = time.monotonic()
            if self.stopping.is_set() or not self.watcher.is_up.is_set():
                # Whoever wanted to wake us found no stream yet.
                stream.wake()
            with stream:
                for change in stream:
                    self.heard_at = time.monotonic()
                    version = str(change.object["metadata"]["resourceVersion"])
                    if change.type != "BOOKMARK":
                        self.watcher.changed(self.kind, change)


class ClusterWatcher:
    """Keeps the rows of one cluster's deployments as fresh as the cluster talks. `start`, then `stop`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.is_up = threading.Event()
        self.store = Store(mark=rendering.install_id())
        self.events = EventBuffer(self.store, cluster.pk)
        self.sampler = UsageSampler(self.store)
        self.ledger = Ledger(self.store, cluster.pk)
        self.nodes = NodeLedger(cluster.pk)
        self._stopping = threading.Event()
        self._feeds = [Feed(self, kind) for kind in KINDS]
        self._event_feeds: dict[str, Feed] = {}
        self._not_before: dict[int, float] = {}
        self._written = rows.Written()
        self._usage_due = self._heard_due = 0.0
        self._threads = [
            threading.Thread(target=self._pulse_loop, name=f"pulse-{cluster.slug}", daemon=True),
            threading.Thread(target=self._write_loop, name=f"write-{cluster.slug}", daemon=True),
        ]

    def start(self) -> None:
        self._read_targets()
        for thread in (*self._feeds, *self._threads):
            thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End all threads; what was heard and not written yet is heard again at the next start."""
        self._stopping.set()
        feeds = [*self._feeds, *self._event_feeds.values()]
        for feed in feeds:
            feed.stopping.set()
            feed.wake()
        ends = time.monotonic() + seconds
        for thread in (*feeds, *self._threads):
            thread.join(max(0.0, ends - time.monotonic()))

    @property
    def is_alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def listed(self, kind: ObjectKind, items: list[dict[str, object]]) -> None:
        if kind is ObjectKind.EVENT:
            for item in items:
                self.events.add(item)
        else:
            self.store.replace(kind, items)

    def changed(self, kind: ObjectKind, change: Change) -> None:
        if kind is ObjectKind.EVENT:
            if change.type != "DELETED":
                self.events.add(change.object)
        elif change.type == "DELETED":
            self.store.delete(kind, change.object)
        else:
            self.store.put(kind, change.object)

    def _pulse_loop(self) -> None:
        misses = 0
        usage_due = capacity_due = forget_due = 0.0
        while not self._stopping.is_set():
            wait_s = PULSE_S
            try:
                try:
                    gateway = self._feel()
                    misses = 0
                    clock = time.monotonic()
                    if clock >= usage_due:
                        usage_due = clock + self._usage(gateway)
                    if clock >= capacity_due:
                        self._capacity(gateway)
                        capacity_due = clock + CAPACITY_EVERY_S
                    if clock >= forget_due:
                        forget_old(self.cluster.pk)
                        forget_due = clock + 3600
                except ClusterError as error:
                    misses += 1
                    wait_s = 1.0
                    self._missed(error, misses)
            except DatabaseProblem as error:
                _database_away(error)
                wait_s = 1.0
            self._stopping.wait(wait_s)
        connections.close_all()

    def _feel(self) -> Gateway:
        """Raises unless the cluster answers; streams that went silent without an end are thereby found."""
        gateway = breaker.open_gateway(self.cluster)
        gateway.within(4).ready()
        breaker.succeeded(self.cluster)
        self.is_up.set()
        clock = time.monotonic()
        if clock >= self._heard_due and self._is_heard:
            rows.heard(self.cluster.pk, watched_at=now())
            self._heard_due = clock + HEARD_EVERY_S
        return gateway

    @property
    def _is_heard(self) -> bool:
        """Whether every stream is alive: then nothing can have happened that we were not told."""
        feeds = [*self._feeds, *self._event_feeds.values()]
        return self.is_up.is_set() and self.store.is_synced and all(feed.is_alive_and_heard for feed in feeds)

    def _missed(self, error: ClusterError, misses: int) -> None:
        if not isinstance(error, NotConfigured):
            breaker.failed(self.cluster, error)
        if misses >= LOST_AFTER and self.is_up.is_set():
            # What the streams would say cannot be trusted any more: end them, list again when it is back.
            self.is_up.clear()
            for feed in [*self._feeds, *self._event_feeds.values()]:
                feed.wake()

    def _usage(self, gateway: Gateway) -> float:
        """Ask for figures; how long to wait before asking again."""
        clock = time.monotonic()
        is_due = clock >= self._usage_due
        if is_due:
            self._usage_due = clock + USAGE_WRITTEN_S
        try:
            found = figures.usage_by_pod(gateway.list_objects(ObjectKind.POD_METRICS, labels=SELECTOR).items)
            self.store.put_usage(found, is_told=is_due)
        except ClusterError:
            # No metrics server, or not yet: the page then says that usage is unknown.
            self.store.put_usage({})
            return USAGE_EVERY_S * 2
        self.sampler.sample(now())
        return USAGE_EVERY_S

    def _capacity(self, gateway: Gateway) -> None:
        facts: dict[str, object] = {"version": gateway.version()[:40]}
        try:
            nodes = gateway.list_objects(ObjectKind.NODE).items
            facts["capacity"] = figures.capacity_by_pool(nodes)
            self.ledger.place({str(node["metadata"]["name"]): node_facts(node) for node in nodes})
            at = now()
            if self.nodes.asks_for_pods(at):
                pods = gateway.list_objects(ObjectKind.POD).items
                facts["downscalers"] = [one.to_json() for one in installed(pods)]
                self.nodes.count(pods, ours=self.store.pods().keys(), at=at)
                places = {target.namespace for target in self.store.targets.values()}
                facts["schedules"] = schedules(gateway, places, at=at)
            self.nodes.write(nodes, at=at)
        except ClusterError as error:
            log.info("capacity_unknown", cluster=self.cluster.slug, problem=str(error)[:200])
        rows.heard(self.cluster.pk, **facts)

    def _write_loop(self) -> None:
        targets_due = again_due = ledger_due = 0.0
        while not self._stopping.is_set():
            try:
                clock = time.monotonic()
                if clock >= targets_due or (self.store.has_strangers.is_set() and clock >= targets_due - STRANGERS_S):
                    self._read_targets()
                    targets_due = clock + TARGETS_EVERY_S
                if self.store.is_synced:
                    if clock >= again_due:
                        self.store.touch(self._turning_with_time())
                        again_due = clock + AGAIN_EVERY_S
                    self.flush()
                    if clock >= ledger_due:
                        ledger_due = clock + LEDGER_EVERY_S
                        self.ledger.flush(at=now(), is_heard=self._is_heard)
            except DatabaseProblem as error:
                _database_away(error)
                self._stopping.wait(1.0)
            except Exception:
                log.exception("observing_broke", cluster=self.cluster.slug)
                self._stopping.wait(1.0)
            self._stopping.wait(FLUSH_S)
        connections.close_all()

    def flush(self) -> None:
        """Write what changed, each deployment at most once a second."""
        changed = self.store.take_changed(self._not_before)
        if changed:
            soon = time.monotonic() + WRITE_EVERY_S
            seen = [rows.Seen(owner, self.store.view(owner), at) for owner, at in changed.items()]
            try:
                rows.write(seen, self._written)
            except DatabaseProblem:
                self.store.touch(changed)
                raise
            self._not_before |= dict.fromkeys(changed, soon)
        suspects = self.store.take_suspects()
        if suspects:
            rows.recheck(suspects)
        self.events.flush()

    def _turning_with_time(self) -> list[int]:
        """What is not in the cluster turns from "just applied" to "missing", a pod that ends to one that is held."""
        live = [target.id for target in self.store.targets.values() if not target.is_retired]
        return [owner for owner in live if self.store.turns_with_time(owner)]

    def _read_targets(self) -> None:
        """Which deployments and namespaces are ours; new ones make their kinds be listed again."""
        found = Deployment.objects.filter(namespace__cluster=self.cluster, current__isnull=False).values_list(
            "pk", "namespace__name", "name", "retired_at"
        )
        targets = {pk: Target(pk, namespace, name, retired is not None) for pk, namespace, name, retired in found}
        self.store.set_targets(targets)
        for namespace in {target.namespace for target in targets.values()} - self._event_feeds.keys():
            feed = Feed(self, ObjectKind.EVENT, namespace)
            self._event_feeds[namespace] = feed
            feed.start()


def _database_away(error: Exception) -> None:
    log.warning("database_away", problem=str(error)[:200])
    connections.close_all()
