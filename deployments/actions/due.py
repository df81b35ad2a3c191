"""Which days have to be priced, or priced again. Not intent, so not audited: what caused it has a row of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from django.utils import timezone

from deployments.models import CostDay, CostDue, NodeDay, OpenPod

BATCH = 1000


def mark(cluster_id: int, days: Iterable[tuple[int | None, date]]) -> None:
    """Days of deployments, None for the nodes of the cluster. In order: two watches must not wait in a circle."""
    at = timezone.now()
    rows = [CostDue(cluster_id=cluster_id, deployment_id=owner, day=day, since=at) for owner, day in set(days)]
    rows.sort(key=lambda row: (row.deployment_id or 0, row.day))
    CostDue.objects.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["cluster", "deployment", "day"],
        update_fields=["since"],
    )


def mark_since(cluster_id: int, since: datetime) -> None:
    """Everything from the day of `since` on: its prices are others now."""
    day = since.astimezone(UTC).date()
    priced = CostDay.objects.filter(deployment__namespace__cluster=cluster_id)
    days: set[tuple[int | None, date]] = set()
    days.update(priced.filter(day__gte=day, adjusts=None).values_list("deployment_id", "day").distinct())
    days.update(
        (owner, found)
        for owner, found in priced.filter(adjusts__gte=day).values_list("deployment_id", "adjusts")
        if found
    )
    nodes = NodeDay.objects.filter(cluster=cluster_id, day__gte=day).values_list("day", flat=True).distinct()
    mark(cluster_id, days | {(None, found) for found in nodes})


def mark_running(at: datetime, *, nodes: bool) -> None:
    """Today, for all that runs."""
    day = at.astimezone(UTC).date()
    running = OpenPod.objects.values_list("cluster_id", "deployment_id").distinct()
    by_cluster: dict[int, set[tuple[int | None, date]]] = {}
    for cluster_id, deployment_id in running:
        by_cluster.setdefault(cluster_id, set()).add((deployment_id, day))
    for cluster_id, days in by_cluster.items():
        mark(cluster_id, days | ({(None, day)} if nodes else set()))
