"""Boxes of a deployment's overview: its autoscaler in words, its use over time, its pages in the cloud's console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from baristaweb.lib.clock import now
from deployments.domain.apiserver.objects import text
from deployments.domain.cost.asked import asked_of, scheduled_at
from deployments.domain.hints.console import GkeCluster
from deployments.domain.spec.spec import effective_resources
from deployments.domain.status.autoscaler import RESCALED, Rescale, Scaling, scaling
from deployments.domain.status.pods import PodRow
from deployments.domain.status.states import ClusterView
from deployments.models import Cluster, Deployment
from deployments.queries.usage_history import history_of

PODS_LINKED = 5
RESCALES_READ = 5  # the newest two sizes say from where to where; the same size may repeat


@dataclass(frozen=True, kw_only=True)
class Console:
    """Addresses in the Google Cloud console; `pods` are name, page and logs, `more` how many are left out."""

    workload: str
    logs: str
    pods: tuple[tuple[str, str, str], ...]
    more: int


def boxes_of(deployment: Deployment, view: ClusterView, pods: Sequence[PodRow]) -> dict[str, Any]:
    """The context of these boxes."""
    current = deployment.current
    resources = effective_resources(current.to_spec(), current.to_profile()) if current else None
    running = [pod for pod in view.pods if scheduled_at(pod) and not text(pod, "metadata", "deletionTimestamp")]
    if resources and running:
        # What admission made of it is what is reserved.
        asked = asked_of(running[-1], "")
        resources = replace(resources, cpu_request=asked.millicores, memory_request=asked.memory_bytes)
    return {
        "scaling": _scaling(deployment, view),
        "history": history_of(deployment, resources, at=now()),
        "console": _console(deployment, pods),
    }


def _scaling(deployment: Deployment, view: ClusterView) -> Scaling | None:
    if view.hpa is None:
        return None
    events = deployment.events.filter(reason=RESCALED, object_kind="HorizontalPodAutoscaler")
    newest = events.values_list("message", "last_at")[:RESCALES_READ]
    return scaling(view.hpa, [Rescale(said, at) for said, at in newest])


def _console(deployment: Deployment, pods: Sequence[PodRow]) -> Console | None:
    """None unless the cluster says that it is GKE, and where."""
    cluster, namespace = deployment.namespace.cluster, deployment.namespace.name
    if cluster.provider != Cluster.Provider.GKE or not (cluster.project and cluster.location):
        return None
    gke = GkeCluster(project=cluster.project, location=cluster.location, name=cluster.cloud_name or cluster.slug)
    return Console(
        workload=gke.workload(namespace, deployment.name),
        logs=gke.logs(namespace, deployment_id=str(deployment.pk)),
        pods=tuple(
            (pod.name, gke.pod(namespace, pod.name), gke.logs(namespace, pod=pod.name)) for pod in pods[:PODS_LINKED]
        ),
        more=max(0, len(pods) - PODS_LINKED),
    )
