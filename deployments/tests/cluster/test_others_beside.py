"""What others put on or beside a deployment in the cluster: named, settled, and never the end of what serves."""

from __future__ import annotations

import pytest

from deployments.actions import deployments
from deployments.audit import Actor
from deployments.domain.spec.parts import Fixed
from deployments.domain.status.states import Phase
from deployments.reconcile import Outcome
from deployments.tests.cluster.conftest import Bench

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
