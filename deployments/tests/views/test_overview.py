"""The overview's boxes: the autoscaler in words, use over time, links to the cloud's console."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import records
from deployments.models import Cluster, ClusterEvent, Deployment, Observation, UsageSample
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body

ClientAs = Callable[[str], Client]


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


def show(client_as: ClientAs, row: Deployment) -> str:
    return body(client_as("viewer").get(reverse("deployment-detail", args=[row.slug])))


def see(row: Deployment, **view: Any) -> None:
    Observation.objects.filter(deployment=row).update(observed_at=now(), view=view)


def test_the_autoscaler_says_why_it_scaled(client_as: ClientAs, deployment: Deployment) -> None:
    see(
        deployment,
        hpa={
            "spec": {
                "minReplicas": 2,
                "maxReplicas": 8,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70}}}],
            },
            "status": {"currentReplicas": 3, "desiredReplicas": 4, "lastScaleTime": "2026-01-05T12:00:00Z"},
        },
    )
    for number, (size, minutes) in enumerate(((3, 60), (4, 5))):
        ClusterEvent.objects.create(
            cluster=deployment.namespace.cluster,
            deployment=deployment,
            uid=f"event-{number}",
            object_kind="HorizontalPodAutoscaler",
            object_name="ranker",
            type="Normal",
            reason="SuccessfulRescale",
            message=f"New size: {size}; reason: cpu resource utilization (percentage of request) above target",
            first_at=now() - timedelta(minutes=minutes),
            last_at=now() - timedelta(minutes=minutes),
        )
    page = show(client_as, deployment)
    assert "Scaled from 3 to 4 pods: CPU was above its target." in page
    assert "not measured, target 70 %" in page
    assert "2 to 8" in page


def test_use_over_time_says_when_there_is_none(client_as: ClientAs, deployment: Deployment) -> None:
    assert "the cluster reports no use of its pods, and none run" in show(client_as, deployment)
    see(deployment, usage={"pod-1": {"cpu_m": 100, "memory_b": 1 << 30, "at": ""}})
    assert "No samples yet: the first comes within 5 minutes." in " ".join(show(client_as, deployment).split())


def test_use_over_time_is_drawn_without_styles(client_as: ClientAs, deployment: Deployment) -> None:
    for minutes in (12, 7, 2):
        UsageSample.objects.create(
            deployment=deployment, at=now() - timedelta(minutes=minutes), cpu_m=250, memory=1 << 29, pods=1
        )
    page = show(client_as, deployment)
    assert 'aria-label="CPU in the last 3 h: highest 250m, newest 250m, reserved: 500m"' in page
    assert "last 3 h, highest of each 5 min" in page
    assert page.count('class="ln" d="M') == 2
    assert "style=" not in page


def test_what_is_reserved_is_what_admission_made_of_it(client_as: ClientAs, deployment: Deployment) -> None:
    UsageSample.objects.create(deployment=deployment, at=now(), cpu_m=250, memory=1 << 29, pods=1)
    pod = {
        "metadata": {"name": "pod-1"},
        "spec": {"containers": [{"name": "model", "resources": {"requests": {"cpu": "1", "memory": "2Gi"}}}]},
        "status": {
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-01T00:00:00Z"}]
        },
    }
    see(deployment, pods=[pod], usage={"pod-1": {"cpu_m": 250, "memory_b": 1 << 29, "at": now().isoformat()}})
    page = show(client_as, deployment)
    assert "newest 250m, reserved: 1 core" in page
    assert "CPU: 250m of 1 core reserved" in page
    assert "Memory: 512 MiB of 2 GiB reserved" in page


def test_console_links_are_for_gke_that_says_where_it_is(client_as: ClientAs, deployment: Deployment) -> None:
    cluster = deployment.namespace.cluster
    assert "console.cloud.google.com" not in show(client_as, deployment)
    cluster.provider = Cluster.Provider.GKE
    records.save(row=cluster, by=factories.BY)
    assert "console.cloud.google.com" not in show(client_as, deployment)
    cluster.project, cluster.location, cluster.cloud_name = "acme-ml", "us-east1", "serving-a"
    records.save(row=cluster, by=factories.BY)
    see(deployment, pods=[{"metadata": {"name": f"ranker-{number}"}} for number in range(7)])
    page = show(client_as, deployment)
    workload = "https://console.cloud.google.com/kubernetes/deployment/us-east1/serving-a/search-dev/ranker/overview"
    assert f'<a href="{workload}?project=acme-ml" rel="noreferrer">' in page
    assert page.count("https://console.cloud.google.com/kubernetes/pod/us-east1/serving-a/search-dev/ranker-") == 5
    assert "2 more pods" in page
    assert page.count("https://console.cloud.google.com/logs/query;") == 6
    assert page.count('rel="noreferrer"') == page.count("https://console.cloud.google.com/")
