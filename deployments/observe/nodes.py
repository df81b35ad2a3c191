"""Measuring nodes: their shape and labels, and what pods that are not ours ask for on them, as rows of time.

Nodes are listed every minute and all pods of the cluster every five, so that the end of a node is known to a minute and
is flagged. A node's start is exact when it was made since the last list.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction

from deployments.actions import due
from deployments.domain.apiserver.objects import instant, text
from deployments.domain.cost import measuring
from deployments.domain.cost.asked import FINISHED, asked_of
from deployments.domain.cost.ledger import Asked
from deployments.domain.cost.measuring import Open, Piece
from deployments.domain.cost.placed import NodeFacts, node_facts
from deployments.kube.api import Object
from deployments.models import NodeInterval, OpenNode
from deployments.models.ledger import Source

COUNT_EVERY: Final = timedelta(minutes=5)
NEW: Final = timedelta(minutes=5)  # a node made longer ago was there before us; its earlier time is not ours to tell
NOTHING: Final = Asked(0, 0)


class NodeLedger:
    """Of one cluster; used by the thread that feels its pulse."""

    def __init__(self, cluster_id: int) -> None:
        self._cluster_id = cluster_id
        self._pods: dict[str, list[Object]] = {}
        self._counted_at: datetime | None = None
        self._listed_at: datetime | None = None

    def asks_for_pods(self, at: datetime) -> bool:
        return self._counted_at is None or at - self._counted_at >= COUNT_EVERY

    def count(self, pods: Iterable[Object], *, ours: Collection[str], at: datetime) -> None:
        """Take all pods of the cluster; of those that are not ours only what they ask for is kept."""
        by_node: dict[str, list[Object]] = {}
        for pod in pods:
            node = text(pod, "spec", "nodeName")
            if node and text(pod, "metadata", "uid") not in ours and text(pod, "status", "phase") not in FINISHED:
                by_node.setdefault(node, []).append(_requests_only(pod))
        self._pods, self._counted_at = by_node, at

    def write(self, nodes: Iterable[Object], *, at: datetime) -> None:
        items = {text(node, "metadata", "uid"): node for node in nodes}
        seen = {}
        for uid, node in items.items():
            facts = node_facts(node)
            others = total(asked_of(pod, facts.gpu) for pod in self._pods.get(text(node, "metadata", "name"), ()))
            made = instant(node, "metadata", "creationTimestamp")
            is_new = made is not None and at - made < NEW
            seen[uid[:64]] = (text(node, "metadata", "name")[:253], facts, others, made if is_new else None)
        write(self._cluster_id, seen, last_seen=self._listed_at, at=at)
        self._listed_at = at


def total(asked: Iterable[Asked]) -> Asked:
    millicores = memory = 0
    gpus: dict[str, int] = {}
    for item in asked:
        millicores, memory = millicores + item.millicores, memory + item.memory_bytes
        for label, count in item.gpus:
            gpus[label] = gpus.get(label, 0) + count
    return Asked(millicores, memory, tuple(sorted(gpus.items())))


Seen = tuple[str, NodeFacts, Asked, datetime | None]


@transaction.atomic
def write(
    cluster_id: int, seen: Mapping[str, Seen], *, last_seen: datetime | None, at: datetime, source: str = Source.WATCH
) -> None:
    """What a list of all nodes closes and opens: by uid the node's name, facts, others' requests and exact start."""
    locked = OpenNode.objects.filter(cluster_id=cluster_id, source=source).order_by("uid").select_for_update()
    rows = {row.uid: row for row in locked}
    closed: list[NodeInterval] = []
    opened: list[OpenNode] = []
    over: list[int] = []
    for uid, (name, facts, others, made) in seen.items():
        row = rows.get(uid)
        known = (facts, others)
        before = row.as_open if row else None
        open_ = before or measuring.begin(known, at=at, since=made)
        pieces, after = measuring.seen(open_, known, at=at)
        if row is not None:
            closed += [_interval(row, piece) for piece in pieces]
        if after == before:
            continue
        over += [row.pk] if row else []
        opened.append(_row(cluster_id, uid, name, facts, others, after, source))
    for uid in rows.keys() - seen.keys():
        row = rows[uid]
        pieces = measuring.lost(row.as_open, last_seen=last_seen or row.start, missing_at=at)
        closed += [_interval(row, piece) for piece in pieces]
        over.append(row.pk)
    if over:
        OpenNode.objects.filter(pk__in=over).delete()
    OpenNode.objects.bulk_create(opened, ignore_conflicts=True)
    NodeInterval.objects.bulk_create(closed, ignore_conflicts=True)
    due.mark(cluster_id, {(None, row.day) for row in closed})


def _requests_only(pod: Object) -> Object:
    """Without what we have no business to hold in memory, as the environment of other people's containers."""
    spec = pod.get("spec") or {}
    kept = ("name", "resources", "restartPolicy")
    small: dict[str, Any] = {
        key: [{name: item[name] for name in kept if name in item} for item in spec.get(key) or []]
        for key in ("containers", "initContainers")
    }
    return {"spec": small | {key: spec[key] for key in ("overhead", "resources") if key in spec}}


def _row(
    cluster_id: int, uid: str, name: str, facts: NodeFacts, others: Asked, open_: Open[Any], source: str
) -> OpenNode:
    return OpenNode(
        cluster_id=cluster_id,
        uid=uid,
        node=name,
        machine=facts.machine,
        pool=facts.pool,
        gpu=facts.gpu,
        is_spot=facts.is_spot,
        labels=[list(pair) for pair in facts.labels],
        millicores=facts.size.millicores,
        memory=facts.size.memory_bytes,
        gpus=[list(pair) for pair in facts.size.gpus],
        others_millicores=others.millicores,
        others_memory=others.memory_bytes,
        others_gpus=[list(pair) for pair in others.gpus],
        start=open_.start,
        is_start_exact=open_.is_start_exact,
        source=source,
    )


_KEPT: Final = (
    "cluster_id",
    "uid",
    "node",
    "machine",
    "pool",
    "gpu",
    "is_spot",
    "labels",
    "millicores",
    "memory",
    "gpus",
    "others_millicores",
    "others_memory",
    "others_gpus",
    "source",
)


def _interval(row: OpenNode, piece: Piece[Any]) -> NodeInterval:
    return NodeInterval(
        **{name: getattr(row, name) for name in _KEPT},
        day=piece.start.astimezone(UTC).date(),
        start=piece.start,
        end=piece.end,
        is_start_exact=piece.is_start_exact,
        is_end_exact=piece.is_end_exact,
        end_by=piece.end_by,
    )
