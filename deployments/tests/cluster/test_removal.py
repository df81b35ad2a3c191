"""Whatever a revision adds is gone from the cluster with the revision that does not want it any more."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.domain.changes.diff import flatten, strip_server_fields
from deployments.domain.spec.parts import Autoscale, Budget
from deployments.tests.cluster.conftest import Bench
from deployments.tests.cluster.edits import BASE, UNCHANGED, all_edits

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]

KINDS = ("Deployment", "Service", "HorizontalPodAutoscaler", "Ingress", "PodDisruptionBudget")
COUNTED = ("[barista.io/revision]", "[barista.io/generation]")
POD_SELECTOR = {"matchLabels": {"app": "of-others"}}
SCALED = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "maxReplicas": 3}
OF_OTHERS: dict[str, dict[str, Any]] = {
    "PodDisruptionBudget": {"minAvailable": 1, "selector": POD_SELECTOR},
    "HorizontalPodAutoscaler": SCALED,
    "Ingress": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}},
}
TURNED_ON: dict[str, dict[str, Any]] = {
    "PodDisruptionBudget": {"budget": Budget(max_unavailable=1)},
    "HorizontalPodAutoscaler": {"replicas": Autoscale(min=1, max=2)},
    "Ingress": {"ingress_host": "ranker.example.org"},
}


def everything(bench: Bench) -> dict[str, Any]:
    """Every field of every object of ours, but what counts up, a Service's address, and the number of pods.

    An autoscaler that was just deleted may still write its last number, which the next look at the cluster finds.
    """
    found: dict[str, Any] = {}
    for kind in KINDS:
        live = bench.eyes.get(kind, "ranker")
        if live is not None:
            fields = flatten(strip_server_fields(live))
            kept = {path: value for path, value in fields.items() if not path.endswith(COUNTED)}
            found |= {
                f"{kind}.{path}": value
                for path, value in kept.items()
                if "clusterIP" not in path and path != "spec.replicas"
            }
    return found


@pytest.mark.usefixtures("catalogue")
def test_an_edit_taken_back_leaves_nothing(bench: Bench) -> None:
    deployment = bench.create(**BASE)
    start = everything(bench)
    for name, (before, after) in all_edits().items():
        if name == "nothing":
            continue
        bench.edit(deployment, **after)
        assert (everything(bench) == start) is (name in (*UNCHANGED, "replicas")), name
        if before != BASE:
            bench.edit(deployment, **before)
            assert "HorizontalPodAutoscaler.spec.behavior.scaleUp.policies[0].value" not in everything(bench), name
        bench.edit(deployment, **BASE)
        assert everything(bench) == start, name


@pytest.mark.parametrize("kind", OF_OTHERS)
def test_what_others_made_under_the_same_name_stays(bench: Bench, kind: str) -> None:
    bench.eyes.create(kind, {"metadata": {"name": "ranker"}, "spec": OF_OTHERS[kind]})
    deployment = bench.create()
    bench.edit(deployment, model_version="2")
    bench.edit(deployment, run=False, model_version="2", **TURNED_ON[kind])
    bench.run(deployment)

    assert f"{kind} ranker in namespace" in bench.state(deployment).last_error
    assert "was not created by this Barista" in bench.state(deployment).last_error
    bench.edit(deployment, model_version="3")
    live = bench.live(kind)
    assert "barista.io/deployment-id" not in (live["metadata"].get("labels") or {})
