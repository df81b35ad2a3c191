"""Registering clusters."""

from __future__ import annotations

from django.db import transaction

from deployments import dispatch
from deployments.actions import records
from deployments.audit import Actor
from deployments.models import Cluster, ClusterHealth


def check(*, row: Cluster) -> None:
    """Ask a worker whether the cluster answers. Nobody's intent changes, so nothing is audited."""
    dispatch.check_cluster_soon(row.pk)


@transaction.atomic
def save(*, row: Cluster, by: Actor, note: str = "") -> Cluster:
    """Insert or update a cluster, and ask a worker to connect to it."""
    records.save(row=row, by=by, note=note)
    ClusterHealth.objects.get_or_create(cluster=row)
    dispatch.check_cluster_soon(row.pk)
    return row
