"""Clusters: reachable or not, since when, and what waits."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from baristaweb.lib import queue
from baristaweb.lib.clock import now
from deployments import dispatch
from deployments.models import Cluster, ClusterHealth, DeploymentState
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import part, see, soup_of

ClientAs = Callable[[str], Client]
HX = {"HX-Request": "true", "HX-Target": "clusters"}


def words(client: Client) -> str:
    main = soup_of(client.get(reverse("clusters"))).select_one("main")
    assert main is not None
    return " ".join(main.get_text(" ").split())


@pytest.mark.parametrize(
    ("state", "error", "expected"),
    [
        ("ok", "", "Everything that was saved is applied."),
        ("away", "i/o timeout", "Models keep serving as they are"),
        ("refused", "401", "has to renew Barista's credentials"),
        ("starting", "building kube-apiserver, 2 of 8", "building kube-apiserver, 2 of 8"),
        ("unknown", "", "No worker has reached it yet."),
    ],
)
def test_each_state_has_a_sentence(client_as: ClientAs, places: Places, state: str, error: str, expected: str) -> None:
    ClusterHealth.objects.update(state=state, last_error=error, watched_at=now())
    assert expected in words(client_as("viewer"))


def test_a_silent_watch_is_told(client_as: ClientAs, places: Places) -> None:
    ClusterHealth.objects.update(state="ok", watched_at=now())
    with time_machine.travel(now().timestamp() + 300):
        assert "the watch is silent" in words(client_as("viewer"))


def test_only_clusters_of_ones_teams(client_as: ClientAs, places: Places) -> None:
    factories.make_cluster("secret-cluster")
    assert "secret-cluster" not in words(client_as("viewer"))
    assert "No cluster yet" in words(client_as("stranger"))
    assert "secret-cluster" in words(client_as("auditor"))


def test_what_waits_for_whom(client_as: ClientAs, people: People, places: Places) -> None:
    ClusterHealth.objects.update(state="ok", watched_at=now())
    rows = [factories.make_deployment(author=people.editor, namespace=places.dev) for _ in range(3)]
    see(rows[0])
    DeploymentState.objects.filter(deployment=rows[1]).update(phase="conflict")
    text = words(client_as("viewer"))
    assert "Changes waiting 1 " in text
    assert "Waiting for a person 1" in text
    assert "Changes are on their way." in text
    with time_machine.travel(now().timestamp() + 90):
        ClusterHealth.objects.update(watched_at=now())
        assert "1 cluster needs attention" in words(client_as("viewer"))


def test_room_by_hardware_profile(client_as: ClientAs, places: Places) -> None:
    factories.make_profile()
    page = soup_of(client_as("viewer").get(reverse("clusters")))
    assert "Hardware profile" not in page.text, "nothing is known of the nodes"
    pool = {"pool": "cpu", "nodes": 3, "machine": "", "cpu_m": 12_000, "memory_b": 48 << 30, "gpus": 0}
    ClusterHealth.objects.update(state="ok", capacity=[pool])
    assert "Hardware profile" not in words(client_as("viewer")), "an older worker's description says too little"
    known = {"labels": {}, "taints": [], "least": {"cpu_m": 4000, "memory_b": 16 << 30, "gpus": 0}}
    ClusterHealth.objects.update(capacity=[pool | known])
    assert "500m, 1 GiB cpu 3 24" in words(client_as("viewer"))


def test_a_worker_checks_the_connection(
    client_as: ClientAs, places: Places, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(queue, "nudge", lambda task, *args: asked.append((task, *args)))
    cluster = places.dev.cluster
    form = soup_of(client_as("viewer").get(reverse("clusters"))).select_one(f"form:has(#check-{cluster.slug})")
    assert form is not None
    with django_capture_on_commit_callbacks(execute=True):
        client_as("viewer").post(str(form["action"]))
    assert asked == [(dispatch.CHECK_CLUSTER, cluster.pk)]
    Cluster.objects.update(is_active=False)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client_as("viewer").post(str(form["action"]), follow=True)
    assert "is switched off" in answer.content.decode()
    assert len(asked) == 1


def test_page_patched_equals_page_fresh_and_polls_less_then(
    client_as: ClientAs, people: People, places: Places
) -> None:
    ClusterHealth.objects.update(state="ok", watched_at=now())
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("viewer")
    with time_machine.travel(now(), tick=False):
        fresh, patch = client.get(reverse("clusters")), client.get(reverse("clusters"), headers=HX)
    assert part(fresh, "#clusters") == part(patch, "#clusters")
    assert 'hx-trigger="every 2s"' in part(fresh, "#clusters")
    see(deployment)
    assert 'hx-trigger="every 20s"' in part(client.get(reverse("clusters"), headers=HX), "#clusters")


def test_the_next_try_is_told_while_it_is_to_come(client_as: ClientAs, places: Places) -> None:
    ClusterHealth.objects.update(state="away", open_until=now() + timedelta(seconds=40))
    assert "Next try in 3" in words(client_as("viewer"))
    ClusterHealth.objects.update(open_until=now() - timedelta(seconds=40))
    assert "Next try" not in words(client_as("viewer"))


def test_a_cluster_that_is_off(client_as: ClientAs, places: Places) -> None:
    cluster = Cluster.objects.get(slug="demo")
    cluster.is_active = False
    factories.records.save(row=cluster, by=factories.BY)
    assert "Switched off" in words(client_as("viewer"))


def test_another_downscaler_is_warned_of(client_as: ClientAs, places: Places) -> None:
    ClusterHealth.objects.update(state="ok", watched_at=now(), downscalers=None)
    assert "runs here too" not in words(client_as("viewer"))
    ClusterHealth.objects.update(downscalers=[{"program": "kube-green", "namespace": "tools", "name": "<b>green"}])
    said = words(client_as("viewer"))
    assert "kube-green runs here too" in said
    assert "tools/<b>green" in said
