"""What reaches the cluster when a row changes, who owns it there, and what is left alone."""

from __future__ import annotations

import pytest

from deployments.actions import deployments
from deployments.audit import Actor
from deployments.domain.spec.parts import Autoscale, Budget, Fixed, Recreate
from deployments.domain.status.states import Phase
from deployments.kube.connect import connect
from deployments.models import Rollout
from deployments.reconcile import Outcome
from deployments.reconcile import apply as steps
from deployments.reconcile.job import load
from deployments.tests.cluster.conftest import Bench, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]

BY = Actor.system("tests")


def test_create_makes_everything_and_says_so(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2), ingress_host="ranker.example.org")

    live = bench.live()
    assert live["spec"]["replicas"] == 2
    assert "paused" not in live["spec"]
    assert live["metadata"]["annotations"]["barista.io/generation"] == "1"
    assert bench.live("Service")["spec"]["selector"] == {"barista.io/deployment-id": str(deployment.pk)}
    assert bench.live("Ingress")["spec"]["rules"][0]["host"] == "ranker.example.org"
    state = bench.state(deployment)
    assert (state.phase, state.observed_generation, state.applied_revision) == (Phase.APPLIED, 1, 1)
    assert state.starts == 0
    assert Rollout.objects.get(deployment=deployment).applied_at is not None
    wait_until(lambda: bench.live()["status"].get("readyReplicas") == 2, what="readiness")


def test_config_never_owns_the_number_of_replicas(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    history = [bench.eyes.owners("ranker", "spec", "replicas")]
    bench.edit(deployment, replicas=Autoscale(min=3, max=6))
    history.append(bench.eyes.owners("ranker", "spec", "replicas"))
    deployments.restart(deployment=deployment, by=BY)
    assert bench.run(deployment) is Outcome.APPLIED
    history.append(bench.eyes.owners("ranker", "spec", "replicas"))
    bench.edit(deployment, replicas=Fixed(4), model_version="2")
    history.append(bench.eyes.owners("ranker", "spec", "replicas"))
    bench.edit(deployment, replicas=Fixed(2))
    history.append(bench.eyes.owners("ranker", "spec", "replicas"))

    assert bench.live()["spec"]["replicas"] == 2
    bench.roll_back(deployment, to=3)
    history.append(bench.eyes.owners("ranker", "spec", "replicas"))

    live = bench.live()
    assert (live["spec"]["replicas"], live["metadata"]["annotations"]["barista.io/revision"]) == (4, "5")
    # Kubernetes 1.36 records no owner for what was written through /scale.
    assert all(owners <= {"barista-scaler"} for owners in history), history


def test_an_edit_with_an_autoscaler_writes_no_replicas(bench: Bench) -> None:
    deployment = bench.create(replicas=Autoscale(min=2, max=5))
    assert bench.live()["spec"]["replicas"] == 2
    bench.eyes.scale("ranker", 4)

    bench.edit(deployment, replicas=Autoscale(min=2, max=5), env=(("LOG_LEVEL", "debug"),))

    assert bench.live()["spec"]["replicas"] == 4
    container = bench.live()["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "LOG_LEVEL", "value": "debug"} in container["env"]


def test_autoscaler_off_deletes_ours_and_sets_the_number(bench: Bench) -> None:
    deployment = bench.create(replicas=Autoscale(min=3, max=5))

    bench.edit(deployment, replicas=Fixed(1))

    assert bench.eyes.get("HorizontalPodAutoscaler", "ranker") is None
    assert bench.live()["spec"]["replicas"] == 1


def test_autoscaler_on_wakes_what_stands_at_zero(bench: Bench) -> None:
    deployment = bench.create()
    bench.eyes.scale("ranker", 0)

    bench.edit(deployment, replicas=Autoscale(min=2, max=4))

    assert bench.live()["spec"]["replicas"] == 2
    assert bench.live("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2


def test_a_removed_field_and_service_are_really_removed(bench: Bench) -> None:
    deployment = bench.create(env=(("LOG_LEVEL", "debug"),), ingress_host="ranker.example.org")

    bench.edit(deployment, service=None)

    container = bench.live()["spec"]["template"]["spec"]["containers"][0]
    assert "LOG_LEVEL" not in [item["name"] for item in container.get("env", [])]
    assert bench.eyes.get("Service", "ranker") is None
    assert bench.eyes.get("Ingress", "ranker") is None


def test_a_disruption_budget_comes_and_goes(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2), budget=Budget(min_available=1))
    made = bench.eyes.get("PodDisruptionBudget", "ranker")
    assert made is not None
    assert made["spec"]["minAvailable"] == 1

    bench.edit(deployment, replicas=Fixed(2))

    assert bench.eyes.get("PodDisruptionBudget", "ranker") is None


def test_strategy_changes_both_ways(bench: Bench) -> None:
    deployment = bench.create()
    bench.edit(deployment, strategy=Recreate())
    assert bench.live()["spec"]["strategy"] == {"type": "Recreate"}
    bench.edit(deployment)
    assert bench.live()["spec"]["strategy"]["type"] == "RollingUpdate"


def test_restart_replaces_pods_and_the_next_edit_does_not(bench: Bench) -> None:
    deployment = bench.create()
    wait_until(lambda: len(bench.eyes.list("ReplicaSet")) == 1, what="the first ReplicaSet")
    deployments.restart(deployment=deployment, by=BY)
    assert bench.run(deployment) is Outcome.APPLIED
    wait_until(lambda: len(bench.eyes.list("ReplicaSet")) == 2, what="the second ReplicaSet")
    template = bench.live()["spec"]["template"]

    bench.edit(deployment, replicas=Fixed(3))

    assert bench.live()["spec"]["template"] == template


def test_pause_applies_nothing_until_resume(bench: Bench) -> None:
    deployment = bench.create()
    deployments.pause(deployment=deployment, by=BY, note="freeze", until=None)
    assert bench.run(deployment) is Outcome.PAUSED
    state = bench.state(deployment)
    assert (state.phase, state.observed_generation) == (Phase.PAUSED, 2)
    # What the page says: a rollout under way goes on, since the cluster is not told to stop.
    assert not bench.live()["spec"].get("paused")
    bench.edit(deployment, run=False, model_version="2")

    assert bench.run(deployment) is Outcome.PAUSED
    assert bench.state(deployment).observed_generation == 2
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "1"

    deployments.resume(deployment=deployment, by=BY)
    assert bench.run(deployment) is Outcome.APPLIED
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "2"


def test_retire_removes_all_and_restore_brings_it_back(bench: Bench) -> None:
    deployment = bench.create(replicas=Autoscale(min=1, max=2), ingress_host="ranker.example.org")
    deployments.retire(deployment=deployment, by=BY, note="replaced")

    assert bench.run(deployment) in (Outcome.RETIRING, Outcome.RETIRED)
    wait_until(lambda: bench.run(deployment) is Outcome.RETIRED, what="the end of its objects")
    for kind in ("Deployment", "Service", "HorizontalPodAutoscaler", "Ingress"):
        assert bench.eyes.get(kind, "ranker") is None, kind
    assert bench.state(deployment).phase == Phase.RETIRED

    deployments.restore(deployment=deployment, by=BY)
    assert bench.run(deployment) is Outcome.APPLIED
    assert bench.live("HorizontalPodAutoscaler")["spec"]["maxReplicas"] == 2


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
def test_what_is_not_ours_is_never_touched(bench: Bench, kind: str) -> None:
    bodies = {
        "Deployment": {
            "metadata": {"name": "ranker"},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "x", "image": "docker.io/x:1"}]},
                },
            },
        },
        "Service": {"metadata": {"name": "ranker"}, "spec": {"ports": [{"port": 99}], "selector": {"a": "b"}}},
    }
    before = bench.eyes.create(kind, bodies[kind])
    deployment = bench.create(run=False)

    assert bench.run(deployment) is Outcome.BLOCKED

    after = bench.live(kind)
    assert after["spec"] == before["spec"]
    assert "was not created by this Barista" in bench.state(deployment).last_error
    deployments.retire(deployment=deployment, by=BY, note="give up")
    wait_until(lambda: bench.run(deployment) is Outcome.RETIRED, what="retirement")
    assert bench.eyes.get(kind, "ranker") is not None


def test_a_deployment_that_lost_our_mark_is_not_touched(bench: Bench) -> None:
    deployment = bench.create()
    bench.eyes.patch("Deployment", "ranker", {"metadata": {"annotations": {"barista.io/install": None}}})
    bench.edit(deployment, run=False, model_version="2")

    assert bench.run(deployment) is Outcome.BLOCKED
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "1"


def test_a_creation_that_was_cut_short_is_finished(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(3))
    bench.eyes.delete("Deployment", "ranker")
    wait_until(lambda: bench.eyes.get("Deployment", "ranker") is None, what="deletion")
    job = load(deployment.pk)
    assert job is not None
    gateway = connect(bench.place.cluster)
    steps._send(gateway, job, job.rendered(paused=True).deployment, None)

    bench.edit(deployment, replicas=Fixed(3), model_version="2")

    assert bench.live()["spec"]["replicas"] == 3
    assert "paused" not in bench.live()["spec"]
    assert "barista-config" not in bench.eyes.owners("ranker", "spec", "replicas")
