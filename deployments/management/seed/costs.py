"""Sixty days of measured costs for the demo, written by the code that measures real pods, at instants of its own.

What runs now is taken as it was seen; before it, pods of the same size are made up: a rollout each week, more pods on
working days where an autoscaler may add them, and three changes of size. Everything is labelled as the demo's.
"""

from __future__ import annotations

import itertools
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deployments.domain.cost.placed import NodeFacts
from deployments.models import Cluster, Deployment, OpenNode, OpenPod, PodInterval
from deployments.models.ledger import Source
from deployments.observe import ledger, nodes
from deployments.observe.ledger import PodSighting

DAYS = 60
BATCH = 500
CHANGES = ((5, 20), (32, 40), (48, 56))  # on one day of each
SIZES = (0.5, 0.75, 1.0, 1.5, 2.0)  # of what it asks for now, which it is after the last change


def seed(demo: Cluster, *, at: datetime) -> int:
    """How many pods were made up; none when that was done before, or nothing was seen yet."""
    running = list(OpenPod.objects.filter(cluster=demo, source=Source.WATCH))
    if not running or PodInterval.objects.filter(cluster=demo, source=Source.DEMO).exists():
        return 0
    places = {row.node: row.to_facts for row in OpenNode.objects.filter(cluster=demo)}
    _nodes(demo, at)
    by_owner: dict[int, list[OpenPod]] = defaultdict(list)
    for row in running:
        by_owner[row.deployment_id].append(row)
    bounds = dict(
        Deployment.objects.filter(pk__in=list(by_owner), current__isnull=False).values_list("pk", "current__spec")
    )
    found = [
        sighting
        for owner, pods in sorted(by_owner.items())
        for sighting in _history(owner, pods, (bounds.get(owner) or {}).get("replicas") or {}, places)
    ]
    for start in range(0, len(found), BATCH):
        ledger.write(demo.pk, found[start : start + BATCH], last_seen=None, source=Source.DEMO)
    return len(found)


def _history(
    owner: int, pods: Sequence[OpenPod], replicas: dict[str, int], places: dict[str, NodeFacts]
) -> Iterator[PodSighting]:
    """Pods that ran before those of now, each seen once, at its end."""
    dice = random.Random(owner)  # noqa: S311 - a demo, the same for each start
    until = min(row.start for row in pods)
    begins = until.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    spare = max(0, int(replicas.get("max", 0)) - len(pods))
    changes = [begins + timedelta(days=dice.randint(*days), hours=14) for days in CHANGES]
    sizes = [1.0]
    for _ in changes:
        sizes.insert(0, dice.choice([size for size in SIZES if size != sizes[0]]))
    weeks = [begins + timedelta(days=7 * number, hours=10) for number in range(DAYS // 7 + 1)]
    edges = [begins, *weeks, *changes, until]
    spans = sorted({edge for edge in edges if begins <= edge <= until})
    number = 0
    for since, upto in itertools.pairwise(spans):
        for row in pods:
            number += 1
            # A new pod is there for some minutes beside the old one.
            end = min(until, upto + timedelta(seconds=dice.randint(60, 240)))
            yield _ended(row, places, f"demo-{owner}-{number}", since, end, sizes[bisect_right(changes, since)])
    for day in range(DAYS):
        morning = begins + timedelta(days=day, hours=8, minutes=dice.randint(0, 50))
        if morning.weekday() < 5 and morning + timedelta(hours=12) < until:
            for _ in range(min(spare, dice.randint(0, 3))):
                number += 1
                end = morning + timedelta(hours=dice.randint(5, 11), minutes=dice.randint(0, 59))
                size = sizes[bisect_right(changes, morning)]
                yield _ended(pods[0], places, f"demo-{owner}-{number}", morning, end, size)


def _ended(
    row: OpenPod, places: dict[str, NodeFacts], uid: str, since: datetime, end: datetime, factor: float
) -> PodSighting:
    asked = replace(row.asked, millicores=int(row.millicores * factor), memory_bytes=int(row.memory * factor))
    return PodSighting(
        uid=uid,
        pod=uid,
        deployment=row.deployment_id,
        node=row.node,
        place=places.get(row.node) or NodeFacts(size=asked, machine=row.machine, pool=row.pool, is_spot=row.is_spot),
        asked=asked,
        at=end,
        scheduled_at=since.astimezone(UTC),
        ended_at=end,
    )


def _nodes(demo: Cluster, at: datetime) -> None:
    """The nodes of now, as if they had been there all the time; what others ask for changes once."""
    rows = list(OpenNode.objects.filter(cluster=demo, source=Source.WATCH))
    if not rows:
        return
    until = min(row.start for row in rows)
    begins = until.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    for day, share in ((0, 20), (35, 12)):
        seen = {
            f"demo-{row.uid}"[:64]: (
                row.node,
                row.to_facts,
                replace(row.others, millicores=row.millicores // share, memory_bytes=row.memory // share),
                begins,
            )
            for row in rows
        }
        nodes.write(demo.pk, seen, last_seen=None, at=begins + timedelta(days=day, minutes=1), source=Source.DEMO)
    nodes.write(demo.pk, {}, last_seen=until, at=until, source=Source.DEMO)
