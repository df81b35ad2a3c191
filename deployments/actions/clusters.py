"""Registering clusters."""

from __future__ import annotations

from django.db import transaction

from baristaweb.lib.clock import now
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


def tell(*, slug: str, words: str) -> bool:
    """Store what is being done to a cluster before it answers, or that it is done. False: it is not registered yet.

    Machine-written like the rest of the health row, so nothing is audited.
    """
    cluster = Cluster.objects.filter(slug=slug).first()
    if cluster is None:
        return False
    clean = "".join(character for character in words if character.isprintable())[:200]
    ClusterHealth.objects.get_or_create(cluster=cluster)
    ClusterHealth.objects.filter(cluster=cluster).update(progress=clean, progress_at=now())
    return True
