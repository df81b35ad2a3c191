"""What others put on or beside a deployment in the cluster: named, settled, and never the end of what serves."""

from __future__ import annotations

from typing import Any

import pytest

from baristaweb.lib.clock import now
from deployments.actions import deployments
from deployments.audit import Actor
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.domain.status.states import ClusterView, NextAction, Phase, State
from deployments.models import Observation
from deployments.observe import rows
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]

OWNER = "app.kubernetes.io/managed-by"
BY = Actor.system("tests")


def test_an_owner_label_that_helm_wrote_over_is_named_and_put_back(bench: Bench) -> None:
    deployment = bench.create()
    bench.eyes.patch("Deployment", "ranker", {"metadata": {"labels": {OWNER: "Helm"}}}, manager="kubectl-label")

    assert bench.run(deployment) is Outcome.COMPARED

    (row,) = bench.state(deployment).drift
    assert OWNER in row["path"]
    assert (row["live"], row["desired"], row["manager"]) == ("Helm", "barista", "kubectl-label")
    deployments.take_over(deployment=deployment, by=BY, note="it is ours")
    assert bench.run(deployment) is Outcome.APPLIED
    assert bench.live()["metadata"]["labels"][OWNER] == "barista"


def test_one_lost_mark_is_named_and_deleting_is_not_advised(bench: Bench) -> None:
    deployment = bench.create()
    bench.eyes.patch("Deployment", "ranker", {"metadata": {"annotations": {"barista.io/install": "another"}}})

    assert bench.run(deployment) is Outcome.BLOCKED

    state = bench.state(deployment)
    assert state.phase == Phase.BLOCKED
    assert "its annotation barista.io/install is 'another' and not" in state.last_error
    assert "Delete it" not in state.last_error


def test_the_autoscaler_that_sets_another_number_is_named(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ranker"}
    spec = {"scaleTargetRef": target, "minReplicas": 4, "maxReplicas": 5}
    bench.eyes.create("HorizontalPodAutoscaler", {"metadata": {"name": "other"}, "spec": spec})
    bench.eyes.scale("ranker", 4)

    assert bench.run(deployment) is Outcome.COMPARED

    (row,) = bench.state(deployment).drift
    assert (row["live"], row["desired"], row["manager"]) == (4, 2, "the autoscaler other")


def scaler(bench: Bench) -> dict[str, Any]:
    return dict(bench.live("HorizontalPodAutoscaler")["spec"])


def test_an_autoscaler_above_no_pods_is_taken_over_and_its_pods_start(bench: Bench) -> None:
    deployment = bench.create(replicas=Autoscale(min=2, max=5))
    bench.eyes.scale("ranker", 0)
    bench.eyes.patch("HorizontalPodAutoscaler", "ranker", {"spec": {"maxReplicas": 9, "minReplicas": 3}})

    assert bench.run(deployment) is Outcome.COMPARED

    found = {row["path"]: (row["live"], row["desired"]) for row in bench.state(deployment).drift}
    assert found["Deployment.spec.replicas"] == (0, 2)
    assert found["HorizontalPodAutoscaler.spec.maxReplicas"] == (9, 5)
    assert bench.live()["spec"]["replicas"] == 0, "nothing starts before a person says so"
    view = ClusterView(deployment=bench.live(), hpa=bench.live("HorizontalPodAutoscaler"))
    rows.write([rows.Seen(deployment.pk, view, now())])
    seen = Observation.objects.get(deployment=deployment)
    assert (seen.state, seen.next_action) == (State.FAILED, NextAction.RESOLVE_CONFLICT)
    assert "its autoscaler does nothing while there are no pods" in seen.why

    deployments.take_over(deployment=deployment, by=BY, note="it has to serve")
    assert bench.run(deployment) is Outcome.APPLIED

    assert bench.live()["spec"]["replicas"] == 2
    assert (scaler(bench)["minReplicas"], scaler(bench)["maxReplicas"]) == (2, 5)
    wait_until(lambda: bench.live()["status"].get("readyReplicas") == 2, what="two pods")
    assert bench.run(deployment) is Outcome.COMPARED
    assert bench.state(deployment).drift == []


def test_an_autoscaler_of_one_that_sleeps_is_taken_over_and_nothing_starts(bench: Bench) -> None:
    deployment = bench.create(replicas=Autoscale(min=2, max=5))
    factories.put_to_sleep(deployment, is_written=False)
    assert bench.run(deployment) is Outcome.APPLIED
    assert bench.live()["spec"]["replicas"] == 0
    bench.eyes.patch("HorizontalPodAutoscaler", "ranker", {"spec": {"maxReplicas": 9}})
    assert bench.run(deployment) is Outcome.COMPARED

    deployments.take_over(deployment=deployment, by=BY, note="ours")
    assert bench.run(deployment) is Outcome.APPLIED

    assert scaler(bench)["maxReplicas"] == 5
    assert bench.live()["spec"]["replicas"] == 0
