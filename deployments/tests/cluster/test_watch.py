"""What the cluster does becomes rows, soon, and never over something newer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta

import pytest
from django.conf import settings

from baristaweb.lib.clock import now
from deployments import observe
from deployments.domain.spec.parts import Fixed
from deployments.domain.status.running_image import pin
from deployments.domain.status.states import ClusterView, State
from deployments.domain.status.usage import PodUse
from deployments.kube.connect import connect
from deployments.models import (
    Cluster,
    ClusterEvent,
    ClusterHealth,
    Deployment,
    DeploymentState,
    Observation,
    Rollout,
)
from deployments.observe import ClusterWatcher, rows
from deployments.observe.schedules import schedules
from deployments.queries import detail as queries
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]


@pytest.fixture
def watcher(live_cluster: Cluster) -> Iterator[ClusterWatcher]:
    watcher = ClusterWatcher(live_cluster)
    watcher.start()
    yield watcher
    watcher.stop()


def seen(deployment: Deployment) -> Observation:
    return Observation.objects.get(pk=deployment.pk)


def is_running(deployment: Deployment) -> bool:
    return seen(deployment).state == State.RUNNING


def test_a_new_deployment_is_seen_running(bench: Bench, watcher: ClusterWatcher) -> None:
    deployment = bench.create(replicas=Fixed(2), ingress_host="ranker.example.org")

    wait_until(lambda: is_running(deployment), what="Running")

    row = seen(deployment)
    assert (row.ready, row.desired, row.updated) == (2, 2, 2)
    assert row.sentence == "All 2 pods are ready."
    view = row.view
    assert len(view["pods"]) == 2
    assert len(view["replicasets"]) == 1
    assert view["service"]["metadata"]["name"] == view["ingress"]["metadata"]["name"] == "ranker"
    assert "managedFields" not in str(view)
    wait_until(lambda: Rollout.objects.get(deployment=deployment).completed_at, what="the rollout's end")
    rollout = Rollout.objects.get(deployment=deployment)
    times = [rollout.saved_at, rollout.applied_at, rollout.first_pod_at, rollout.first_ready_at, rollout.completed_at]
    assert times == sorted(times, key=lambda at: at or now())
    wait_until(
        lambda: ClusterEvent.objects.filter(deployment=deployment, reason="ScalingReplicaSet").exists(), what="an event"
    )
    assert ClusterEvent.objects.filter(deployment=deployment, object_kind="Pod").exists()


def test_the_registrys_answer_is_told(bench: Bench, watcher: ClusterWatcher) -> None:
    factories.make_registry_rules("registry.invalid/acme")
    deployment = bench.create(image_override="registry.invalid/acme/ranker:1")

    wait_until(lambda: "the registry does not know it" in seen(deployment).why, what="the registry's answer")

    row = seen(deployment)
    assert row.state == State.IMAGE_ERROR
    assert row.worst_pod == row.view["pods"][0]["metadata"]["name"]


def test_the_digest_that_the_pods_run_is_told(bench: Bench, watcher: ClusterWatcher) -> None:
    image = "ghcr.io/acme/ranker:1"
    factories.make_registry_rules("ghcr.io/acme")
    deployment = bench.create(image_override=image)

    wait_until(lambda: is_running(deployment), what="Running")

    row = Deployment.objects.select_related("observation").get(pk=deployment.pk)
    digest = hashlib.sha256(image.encode()).hexdigest()  # what the simulated nodes report
    assert pin(image, queries.view_of(row)).image == f"{image}@sha256:{digest}"


def test_the_last_lines_of_a_crash_come_with_the_status(bench: Bench, watcher: ClusterWatcher) -> None:
    factories.make_registry_rules("ghcr.io/acme")
    deployment = bench.create(image_override="ghcr.io/acme/ranker:1-crash")

    wait_until(lambda: seen(deployment).state == State.CRASH_LOOPING, what="the crash")

    row = Deployment.objects.select_related("observation").get(pk=deployment.pk)
    worst = queries.worst_pod_of(row, row.observation.worst_pod)
    assert worst is not None
    assert "SchemaMismatch" in worst.last_words.splitlines()[-1]


def test_health_and_capacity_are_told(watcher: ClusterWatcher, live_cluster: Cluster) -> None:
    wait_until(lambda: ClusterHealth.objects.get(pk=live_cluster.pk).watched_at, what="the first word")

    wait_until(lambda: ClusterHealth.objects.get(pk=live_cluster.pk).schedules, what="what downscalers were told")
    health = ClusterHealth.objects.get(pk=live_cluster.pk)
    assert health.state == ClusterHealth.State.OK
    assert health.version.startswith("v1.")
    assert sum(pool["nodes"] for pool in health.capacity) > 0
    assert all(pool["cpu_m"] > 0 and pool["memory_b"] > 0 for pool in health.capacity)


def test_what_other_downscalers_were_told_is_read(bench: Bench, live_cluster: Cluster) -> None:
    bench.create()
    said = {"metadata": {"annotations": {"downscaler/uptime": "Mon-Fri 08:00-20:00 UTC", "other": "x"}}}
    bench.eyes.patch("Deployment", "ranker", said)

    found = schedules(connect(live_cluster), [bench.place.name, "is-not-there"], at=now())
    assert found["problem"] == "", "a cluster without kube-green has no SleepInfo"
    mine = [one for one in found["objects"] if one["metadata"]["namespace"] == bench.place.name]
    assert [(one["kind"], one["metadata"]["name"]) for one in mine] == [("Deployment", "ranker")]
    assert mine[0]["metadata"]["annotations"] == {"downscaler/uptime": "Mon-Fri 08:00-20:00 UTC"}


def test_an_edit_is_a_new_rollout(bench: Bench, watcher: ClusterWatcher) -> None:
    deployment = bench.create()
    wait_until(lambda: is_running(deployment), what="Running")

    bench.edit(deployment, model_version="2")

    wait_until(lambda: Rollout.objects.get(deployment=deployment, revision=2).completed_at, what="the end")
    wait_until(lambda: is_running(deployment), what="Running again")
    assert seen(deployment).view["deployment"]["metadata"]["annotations"]["barista.io/revision"] == "2"


def test_a_change_behind_our_back_is_noticed_at_once(bench: Bench, watcher: ClusterWatcher) -> None:
    deployment = bench.create()
    wait_until(lambda: is_running(deployment), what="Running")
    DeploymentState.objects.filter(pk=deployment.pk).update(next_reconcile_at=now() + timedelta(hours=1))

    bench.eyes.patch("Deployment", "ranker", {"spec": {"progressDeadlineSeconds": 77}})

    wait_until(lambda: bench.state(deployment).next_reconcile_at <= now(), seconds=5, what="the nudge")
    bench.run(deployment)
    observe.refresh(deployment.pk)
    (row,) = bench.state(deployment).drift
    assert (row["path"], row["live"], row["desired"]) == ("Deployment.spec.progressDeadlineSeconds", 77, 600)
    assert row["manager"] == "kubectl-edit"
    assert seen(deployment).state == State.DRIFTED


def test_a_deleted_deployment_is_missing_then_made_again(bench: Bench, watcher: ClusterWatcher) -> None:
    deployment = bench.create()
    wait_until(lambda: is_running(deployment), what="Running")
    DeploymentState.objects.filter(pk=deployment.pk).update(applied_at=now() - timedelta(minutes=5))

    bench.eyes.delete("Deployment", "ranker")

    wait_until(lambda: seen(deployment).state == State.MISSING, what="Missing")
    wait_until(lambda: bench.eyes.get("Deployment", "ranker") is None, what="the deletion")
    bench.run(deployment)
    assert [row["path"] for row in bench.state(deployment).drift] == ["Deployment"]
    bench.run(deployment)
    assert bench.live()["spec"]["replicas"] == 1
    assert bench.state(deployment).drift == []


def test_a_late_observation_does_not_overwrite_a_newer_one(bench: Bench) -> None:
    deployment = bench.create()
    live = bench.live()
    newer = rows.Seen(deployment.pk, ClusterView(deployment=live), now())
    late = rows.Seen(
        deployment.pk,
        ClusterView(),
        now() - timedelta(seconds=30),
    )

    assert rows.write([newer]) == {deployment.pk}
    assert rows.write([late]) == set()

    assert seen(deployment).view["deployment"]["metadata"]["uid"] == live["metadata"]["uid"]
    assert seen(deployment).observed_at == newer.at


def test_text_that_postgresql_cannot_store_is_stored_without(bench: Bench) -> None:
    deployment = bench.create()
    live = bench.live()
    live["metadata"]["annotations"]["note"] = "a\x00b\\u0000c"

    assert rows.write([rows.Seen(deployment.pk, ClusterView(deployment=live), now())]) == {deployment.pk}

    assert seen(deployment).view["deployment"]["metadata"]["annotations"]["note"] == "ab\\u0000c"


def test_what_no_page_shows_is_not_written_again(bench: Bench) -> None:
    """A view may have 700 KB: it is written for a difference that is seen, its figures apart from it."""
    deployment = bench.create()
    live, before = bench.live(), rows.Written()

    def write(*, ready: int = 1, cpu_m: int = 5, version: str = "1") -> set[int]:
        seen = deepcopy(live)
        seen["metadata"]["resourceVersion"] = version
        seen.setdefault("status", {})["readyReplicas"] = ready
        view = ClusterView(deployment=seen, usage={"ranker-a": PodUse(cpu_m=cpu_m, memory_b=6, at="now")})
        return rows.write([rows.Seen(deployment.pk, view, now())], before)

    def stored() -> tuple[str, int]:
        row = Observation.objects.get(pk=deployment.pk)
        return row.view["deployment"]["metadata"]["resourceVersion"], row.shown["usage"]["ranker-a"]["cpu_m"]

    assert write() == {deployment.pk}
    assert write(version="2") == set(), "only the version moved"
    assert stored() == ("1", 5)
    assert write(version="3", cpu_m=50) == {deployment.pk}
    assert stored() == ("1", 50), "figures are written without the view"
    assert write(version="4", cpu_m=50, ready=0) == {deployment.pk}
    assert stored() == ("4", 50)
    assert "usage" not in Observation.objects.get(pk=deployment.pk).view


def test_in_step_and_watched_is_looked_at_less_often(bench: Bench, live_cluster: Cluster) -> None:
    deployment = bench.create()
    wait_s = settings.BARISTA.resync_s
    assert bench.run(deployment) is Outcome.COMPARED
    assert bench.state(deployment).next_reconcile_at < now() + timedelta(seconds=wait_s * 4 / 3)
    ClusterHealth.objects.filter(pk=live_cluster.pk).update(watched_at=now())
    assert bench.run(deployment) is Outcome.COMPARED
    assert bench.state(deployment).next_reconcile_at > now() + timedelta(seconds=wait_s * 2)
