"""Measuring pods: what the watch saw of them becomes rows of time, each second of a pod once.

A pod that runs has a row in OpenPod; what changes it (other requests, midnight, its end) is decided under that row's
lock and adds PodInterval rows in the same transaction. So a second watch, a restart or a repeated sighting finds the
row moved on, or gone, and adds nothing. ClusterHealth.measured_at says up to when all of that was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.db.models.fields.json import KeyTextTransform

from deployments.actions import due as due_days
from deployments.domain.apiserver.objects import text
from deployments.domain.cost import measuring
from deployments.domain.cost.asked import asked_of, ended_at, scheduled_at
from deployments.domain.cost.ledger import Asked
from deployments.domain.cost.measuring import Open, Piece
from deployments.domain.cost.placed import NodeFacts
from deployments.kube.api import Object
from deployments.models import ClusterHealth, Deployment, OpenPod, PodInterval
from deployments.models.ledger import Source
from deployments.observe.store import Gone, Store

BATCH: Final = 500
# A node is listed every minute; its pods may be seen before it, and lose nothing by waiting: their start is known.
NODE_WAIT: Final = timedelta(minutes=2)
# A row that another watch has just made is not missing because we have not heard of its pod yet.
YOUNG: Final = timedelta(minutes=1)
TOLD_EVERY: Final = timedelta(seconds=10)
Facts = tuple[object, ...]
NOWHERE: Final = NodeFacts(size=Asked(0, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSighting:
    """A pod that has a node, as it was seen at `at`; with `ended_at` it runs no more.

    `is_gone`: that it ended is known from its deletion alone, and with `is_lost` only from its absence.
    """

    uid: str
    pod: str
    deployment: int
    node: str
    place: NodeFacts
    asked: Asked
    at: datetime
    scheduled_at: datetime
    ended_at: datetime | None = None
    is_gone: bool = False
    is_lost: bool = False

    @property
    def facts(self) -> Facts:
        return (self.node, self.place.machine, self.place.pool, self.place.is_spot, self.asked)


def sighting(
    uid: str, deployment: int, pod: Object, place: NodeFacts, *, at: datetime, gone: Gone | None = None
) -> PodSighting | None:
    """None for a pod that has no node yet: it asks for nothing of anybody."""
    since = scheduled_at(pod)
    node = text(pod, "spec", "nodeName")
    if since is None or not node:
        return None
    end = ended_at(pod, seen_at=at)
    is_gone = gone is not None and end is None
    if gone is not None and end is None:
        end = gone.at
    return PodSighting(
        uid=uid[:64],
        pod=text(pod, "metadata", "name")[:253],
        deployment=deployment,
        node=node[:253],
        place=place,
        asked=asked_of(pod, place.gpu),
        at=at,
        scheduled_at=since,
        ended_at=end,
        is_gone=is_gone,
        is_lost=is_gone and gone is not None and not gone.is_seen,
    )


class Ledger:
    """Of one cluster. `flush` is called every few seconds by the thread that writes, `place` when nodes were listed."""

    def __init__(self, store: Store, cluster_id: int) -> None:
        self._store = store
        self._cluster_id = cluster_id
        self._places: dict[str, NodeFacts] = {}
        self._waiting: dict[str, tuple[int, Object]] = {}
        self._looked_on: date | None = None
        self._looked_with: dict[str, NodeFacts] | None = None
        self._is_swept = False
        self._told_at: datetime | None = None

    def place(self, nodes: dict[str, NodeFacts]) -> None:
        if nodes != self._places:
            self._places = nodes

    def flush(self, *, at: datetime, is_heard: bool) -> int:
        """Write what is new; how many pods that were. `is_heard`: nothing that ended can have been missed."""
        if self._told_at is None:
            told = ClusterHealth.objects.filter(cluster_id=self._cluster_id).values_list("measured_at", flat=True)
            self._told_at = told.first()
        day, places = at.astimezone(UTC).date(), self._places
        # At midnight all pods are looked at, for their day ends, and when nodes are others than before.
        is_all = self._looked_on != day or self._looked_with is not places
        gone, heard = self._store.take_gone(), self._store.take_pods()
        pods = self._store.pods() if is_all else self._waiting | heard
        try:
            news, waiting = self._news(pods, places, at)
            news += [item for item in map(self._last_words, gone) if item is not None]
            for start in range(0, len(news), BATCH):
                write(self._cluster_id, news[start : start + BATCH], last_seen=self._told_at)
            if not self._is_swept:
                sweep(self._cluster_id, set(self._store.pods()), last_seen=self._told_at, at=at)
                self._is_swept = True
        except Exception:
            self._store.put_back(gone)
            self._looked_on = None
            raise
        self._looked_on, self._looked_with, self._waiting = day, places, waiting
        for item in gone:
            self._waiting.pop(item.uid, None)
        if is_heard and (self._told_at is None or at - self._told_at >= TOLD_EVERY):
            ClusterHealth.objects.filter(cluster_id=self._cluster_id).update(measured_at=at)
            self._told_at = at
        return len(news)

    def _news(
        self, pods: dict[str, tuple[int, Object]], places: dict[str, NodeFacts], at: datetime
    ) -> tuple[list[PodSighting], dict[str, tuple[int, Object]]]:
        """Sightings, and the pods that wait for the facts of their node."""
        found, waiting = [], {}
        for uid, (deployment, pod) in pods.items():
            place, since = places.get(text(pod, "spec", "nodeName")), scheduled_at(pod)
            if place is None and since is not None and timedelta() <= at - since < NODE_WAIT:
                waiting[uid] = (deployment, pod)
                continue
            item = sighting(uid, deployment, pod, place or NOWHERE, at=at)
            if item is not None:
                found.append(item)
        return found, waiting

    def _last_words(self, gone: Gone) -> PodSighting | None:
        place = self._places.get(text(gone.pod, "spec", "nodeName")) or NOWHERE
        return sighting(gone.uid, gone.deployment, gone.pod, place, at=gone.at, gone=gone)


@transaction.atomic
def write(
    cluster_id: int, sightings: Sequence[PodSighting], *, last_seen: datetime | None, source: str = Source.WATCH
) -> None:
    """What these sightings close and open. `last_seen`: up to when the cluster was watched, for what was lost."""
    items = {item.uid: item for item in sightings}  # of one pod the last counts: it was seen later
    locked = OpenPod.objects.filter(cluster_id=cluster_id, uid__in=list(items)).order_by("uid").select_for_update()
    rows = {row.uid: row for row in locked}
    charged = dict(
        PodInterval.objects.filter(cluster_id=cluster_id, uid__in=[uid for uid in items if uid not in rows])
        .values_list("uid")
        .annotate(Max("end"))
    )
    owners = _owners({item.deployment for item in items.values()})
    closed: list[PodInterval] = []
    opened: list[OpenPod] = []
    over: list[int] = []
    due: set[tuple[int, Any]] = set()
    for item in items.values():
        row, owner = rows.get(item.uid), owners.get(item.deployment)
        if owner is None or (row is None and item.is_gone and item.uid in charged):
            # Another watch heard of its deletion before us, and wrote it.
            continue
        before = row.as_open if row else None
        open_ = before or measuring.begin(
            item.facts, at=item.at, since=item.scheduled_at, charged_to=charged.get(item.uid)
        )
        pieces, after = _step(open_, item, last_seen)
        # What was open keeps the team and class of the day it was opened on.
        template = row or _row(cluster_id, item, item.facts, open_, owner, source)
        closed += [_interval(template, piece) for piece in pieces]
        due |= {(item.deployment, piece.start.astimezone(UTC).date()) for piece in pieces}
        if row is not None and after != before:
            over.append(row.pk)
        if after is not None and after != before:
            opened.append(_row(cluster_id, item, after.facts, after, owner, source))
            due.add((item.deployment, after.start.astimezone(UTC).date()))
    if over:
        OpenPod.objects.filter(pk__in=over).delete()
    OpenPod.objects.bulk_create(opened, ignore_conflicts=True)
    PodInterval.objects.bulk_create(closed, ignore_conflicts=True)
    due_days.mark(cluster_id, due)


def _step(
    open_: Open[Facts], item: PodSighting, last_seen: datetime | None
) -> tuple[list[Piece[Facts]], Open[Facts] | None]:
    if item.is_lost:
        return measuring.lost(open_, last_seen=last_seen or open_.start, missing_at=item.at), None
    if item.ended_at is not None:
        return measuring.ended(open_, at=item.ended_at), None
    return measuring.seen(open_, item.facts, at=item.at)


@transaction.atomic
def sweep(cluster_id: int, present: set[str], *, last_seen: datetime | None, at: datetime) -> None:
    """Close what is open in our rows and not in the cluster: it ended while nobody watched."""
    found = OpenPod.objects.filter(cluster_id=cluster_id, start__lt=at - YOUNG).exclude(uid__in=list(present))
    closed, due = [], set()
    for row in found.order_by("uid").select_for_update():
        pieces = measuring.lost(row.as_open, last_seen=last_seen or row.start, missing_at=at)
        closed += [_interval(row, piece) for piece in pieces]
        due |= {(row.deployment_id, piece.start.astimezone(UTC).date()) for piece in pieces}
        row.delete()
    PodInterval.objects.bulk_create(closed, ignore_conflicts=True)
    due_days.mark(cluster_id, due)


@dataclass(frozen=True, slots=True)
class _Owner:
    team: int
    price_class: str


def _owners(keys: Iterable[int]) -> dict[int, _Owner]:
    found = Deployment.objects.filter(pk__in=list(keys)).values_list(
        "pk", "namespace__team_id", KeyTextTransform("price_class", "current__profile")
    )
    return {pk: _Owner(team, (price_class or "")[:63]) for pk, team, price_class in found}


def _row(cluster_id: int, item: PodSighting, facts: Facts, open_: Open[Facts], owner: _Owner, source: str) -> OpenPod:
    return OpenPod(
        cluster_id=cluster_id,
        uid=item.uid,
        pod=item.pod,
        deployment_id=item.deployment,
        team_id=owner.team,
        node=item.node,
        machine=item.place.machine,
        pool=item.place.pool,
        is_spot=item.place.is_spot,
        price_class=owner.price_class,
        millicores=item.asked.millicores,
        memory=item.asked.memory_bytes,
        gpus=[list(pair) for pair in item.asked.gpus],
        start=open_.start,
        is_start_exact=open_.is_start_exact,
        source=source,
    )


_KEPT: Final = (
    "cluster_id",
    "uid",
    "pod",
    "deployment_id",
    "team_id",
    "node",
    "machine",
    "pool",
    "is_spot",
    "price_class",
    "millicores",
    "memory",
    "gpus",
    "source",
)


def _interval(row: OpenPod, piece: Piece[Facts]) -> PodInterval:
    return PodInterval(
        **{name: getattr(row, name) for name in _KEPT},
        day=piece.start.astimezone(UTC).date(),
        start=piece.start,
        end=piece.end,
        is_start_exact=piece.is_start_exact,
        is_end_exact=piece.is_end_exact,
        end_by=piece.end_by,
    )
