"""What the database says of this app's work when it is asked. No stored gauges: those would be kept, and told, of each
process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import Count, F, Min, Q
from prometheus_client.core import GaugeMetricFamily

from baristaweb.lib.clock import now
from deployments.models import AuditEvent, ClusterHealth, DeploymentState, QueueState


def of_deployments() -> Iterator[GaugeMetricFamily]:
    """How far behind the workers are, deployments by phase, the audit's head, and the clusters."""
    # What somebody paused waits on purpose: it must wake nobody.
    pending = ~Q(observed_generation=F("deployment__generation")) & Q(deployment__paused_at=None)
    facts = DeploymentState.objects.aggregate(
        pending=Count("pk", filter=pending), oldest=Min("waiting_since", filter=pending)
    )
    waits = "Deployments whose saved change no cluster has accepted yet"
    yield GaugeMetricFamily("barista_pending_deployments", waits, facts["pending"])
    age = (now() - facts["oldest"]).total_seconds() if facts["oldest"] else 0
    yield GaugeMetricFamily("barista_oldest_pending_seconds", "Age of the oldest change not yet accepted", age)
    head = AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    yield GaugeMetricFamily("barista_audit_head", "Sequence number of the newest audit event", head)
    phases = GaugeMetricFamily("barista_deployments", "Deployments by phase", labels=["phase"])
    for row in DeploymentState.objects.values("phase").annotate(number=Count("pk")):
        phases.add_metric([row["phase"]], row["number"])
    yield phases
    reachable = GaugeMetricFamily("barista_cluster_reachable", "1 when the cluster answers", labels=["cluster"])
    silence = GaugeMetricFamily(
        "barista_watch_silence_seconds", "Since the watch last heard from the cluster", labels=["cluster"]
    )
    for health in ClusterHealth.objects.select_related("cluster"):
        reachable.add_metric([health.cluster.slug], health.state == ClusterHealth.State.OK)
        if health.watched_at:
            silence.add_metric([health.cluster.slug], (now() - health.watched_at).total_seconds())
    yield reachable
    yield silence


def of_queues() -> Iterator[GaugeMetricFamily]:
    """Whether the workers of each queue work, and what they threw away."""
    stalled = GaugeMetricFamily(
        "barista_workers_stalled", "1 when tasks wait that no worker takes up", labels=["queue"]
    )
    rejected = GaugeMetricFamily("barista_messages_rejected", "Messages that were none", labels=["queue"])
    for row in QueueState.objects.all():
        stalled.add_metric([row.name], row.stalled_since is not None)
        rejected.add_metric([row.name], row.rejected)
    yield stalled
    yield rejected


GAUGES: Final = (of_deployments, of_queues)
