"""What the review says before an apply, against what the apply then does."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from deployments import dryrun
from deployments.actions import records
from deployments.domain.catalogue import Probe, Toleration
from deployments.domain.diff import spec_diff
from deployments.domain.fields import ALL_FIELDS
from deployments.domain.spec_parts import (
    Autoscale,
    Budget,
    EnvRef,
    Fixed,
    Recreate,
    Resources,
    RollingUpdate,
    ScalePolicy,
    Spread,
)
from deployments.kube.api import Unreachable
from deployments.models import MetadataPrefix, Proposal
from deployments.models.requests import Answer
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until
from embedded.kubernetes.api import ApiError

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]

GI = 1 << 30
PRIORITY = "barista-test-low"
OWN = Resources(cpu_request=500, memory_request=GI, memory_limit=GI)
BASE: dict[str, Any] = {
    "env": (("LOG_LEVEL", "info"),),
    "ingress_host": "ranker.example.org",
    "profile": None,
    "resources": OWN,
}
SCALED = {"replicas": Autoscale(min=2, max=4)}
CHECK = Probe(kind="http", path="/ready")
# Each field of the spec, changed alone; those of the autoscaler where there is one (SCALED_EDITS).
EDITS: dict[str, dict[str, Any]] = {
    "artifact_uri": {"artifact_uri": "gs://acme-models/other"},
    "model_version": {"model_version": "2"},  # this runtime does not use it: no object changes
    "runtime": {"runtime": "triton"},
    "image_override": {"image_override": "docker.io/tensorflow/serving:2.17.0"},
    "env": {"env": (("LOG_LEVEL", "debug"),)},
    "env order": {"env": (("LOG_LEVEL", "info"), ("A", "1"))},
    "secret": {"env_refs": (EnvRef("TOKEN", "secret", "store", "token"),)},
    "config map": {"env_refs": (EnvRef("REGION", "config_map", "site", "region"),)},
    "profile": {"profile": "cpu-large", "resources": None},
    "cpu": {"resources": replace(OWN, cpu_request=700)},
    "cpu limit": {"resources": replace(OWN, cpu_limit=900)},
    "memory": {"resources": replace(OWN, memory_request=GI // 2)},
    "memory limit": {"resources": replace(OWN, memory_limit=2 * GI)},
    "gpu": {"resources": replace(OWN, gpu_count=1, gpu_type="nvidia-l4")},
    "replicas": {"replicas": Fixed(3)},
    "autoscale": SCALED,
    "strategy": {"strategy": Recreate()},
    "surge": {"strategy": RollingUpdate(max_surge=2)},
    "unavailable": {"strategy": RollingUpdate(max_unavailable="25%")},
    "progress_deadline_s": {"progress_deadline_s": 900},
    "min_ready_s": {"min_ready_s": 1},
    "termination_grace_s": {"termination_grace_s": 77},
    "pre_stop_sleep_s": {"pre_stop_sleep_s": 3},
    "readiness": {"readiness": CHECK},
    "liveness": {"liveness": CHECK},
    "startup": {"startup": CHECK},
    "node_selector": {"node_selector": (("pool", "cpu"),)},
    "tolerations": {"tolerations": (Toleration(key="spot", operator="Exists"),)},
    "priority_class": {"priority_class": PRIORITY},
    "spread": {"spread": Spread(over="nodes")},
    "budget": {"budget": Budget(max_unavailable=1)},
    "grpc_port": {"grpc_port": 9000},
    "service": {"service": 8080},
    "no service": {"service": None, "ingress_host": None},
    "ingress": {"ingress_host": "other.example.org"},
    "ingress_path": {"ingress_path": "/rank"},
    "ingress_tls_secret": {"ingress_tls_secret": "ranker-tls"},
    "ingress_class": {"ingress_class": "nginx"},
    "labels": {"labels": (("acme.com/cost-center", "c-17"),)},
    "annotations": {"annotations": (("acme.com/owner", "Ada"),)},
    "contact": {"contact": "#ranking"},
    "runbook": {"runbook": "https://wiki.example.org/ranker"},
    "description": {"description": "Orders what is found."},  # kept in Barista
    "nothing": {},
}
SCALED_EDITS: dict[str, dict[str, Any]] = {
    "least": {"replicas": Autoscale(min=1, max=4)},
    "most": {"replicas": Autoscale(min=2, max=5)},
    "cpu target": {"replicas": Autoscale(min=2, max=4, cpu_percent=50)},
    "memory target": {"replicas": Autoscale(min=2, max=4, memory_percent=80)},
    "scale up": {"replicas": Autoscale(min=2, max=4, scale_up=ScalePolicy(pods=1))},
    "scale down": {"replicas": Autoscale(min=2, max=4, scale_down=ScalePolicy(percent=10, stabilization_s=60))},
}
UNCHANGED = ("nothing", "model_version", "description")


def ask(proposal: Proposal) -> dict[str, Any]:
    dryrun.answer(str(proposal.pk))
    proposal.refresh_from_db()
    assert proposal.answer == Answer.DONE, proposal.verdict
    return dict(proposal.verdict)


def outcomes(verdict: dict[str, Any]) -> dict[str, str]:
    return {item["kind"]: item["outcome"] for item in verdict["objects"]}


def test_every_field_of_the_spec_is_tried() -> None:
    tried = {path for before, after in _edits().values() for path in _changed(before, after)}
    missing = {field.path for field in ALL_FIELDS if not any(path.startswith(field.path) for path in tried)}
    assert missing == set()


def _edits() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Name of an edit: the fields before and after it."""
    scaled = {name: (BASE | SCALED, BASE | fields) for name, fields in SCALED_EDITS.items()}
    return {name: (BASE, BASE | fields) for name, fields in EDITS.items()} | scaled


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {change.path for change in spec_diff(factories.make_spec(**before), factories.make_spec(**after))}


@pytest.fixture
def catalogue(bench: Bench) -> None:
    factories.make_runtime("triton", image="docker.io/nvcr/tritonserver:24.01", http_port=8000, args=())
    factories.make_profile("cpu-large", cpu_request=2000, memory_request=4 * GI, memory_limit=4 * GI)
    records.save(row=MetadataPrefix(prefix="acme.com/"), by=factories.BY)
    with suppress(ApiError):  # it belongs to the whole plane, and an earlier test may have made it
        body = {"metadata": {"name": PRIORITY}, "value": 10}
        bench.eyes.api.call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", body)


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", _edits())
def test_the_verdict_says_whether_pods_restart(bench: Bench, name: str) -> None:
    before, after = _edits()[name]
    deployment = bench.create(**before)
    wait_until(lambda: len(bench.eyes.list("ReplicaSet")) == 1, what="the first ReplicaSet")
    proposal = factories.edit(deployment, author=bench.author, spec=factories.make_spec(**after))

    verdict = ask(proposal)

    assert not verdict["refused"], verdict
    factories.apply(proposal, by=bench.author)
    bench.run(deployment)
    if verdict["restarts"]:
        wait_until(lambda: len(bench.eyes.list("ReplicaSet")) == 2, what="the predicted ReplicaSet")
    else:
        wait_until(_is_seen_by_the_controller(bench), what="the controller")
        time.sleep(0.3)
        assert len(bench.eyes.list("ReplicaSet")) == 1
    unchanged = name in UNCHANGED
    assert (set(outcomes(verdict).values()) == {"unchanged"}) is unchanged, outcomes(verdict)
    assert bool(verdict["manifest_diff"]) is (not unchanged and name != "replicas"), verdict["manifest_diff"]


def _is_seen_by_the_controller(bench: Bench) -> Any:
    def check() -> bool:
        live = bench.live()
        return bool(live["status"].get("observedGeneration", 0) >= live["metadata"]["generation"])

    return check


def test_a_new_deployment_is_asked_about_in_full(bench: Bench) -> None:
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place, name="ranker")

    verdict = ask(proposal)

    assert outcomes(verdict) == {"Deployment": "created", "Pod": "created", "Service": "created"}
    assert verdict["restarts"] is False
    assert bench.eyes.get("Deployment", "ranker") is None
    assert bench.eyes.list("Pod") == []
    assert verdict["manifest_diff"][0] == "# Deployment ranker"


def test_a_quota_refuses_the_pod_not_the_deployment(bench: Bench) -> None:
    bench.eyes.create(
        "ResourceQuota", {"metadata": {"name": "small"}, "spec": {"hard": {"requests.cpu": "100m", "pods": "10"}}}
    )
    wait_until(lambda: (bench.eyes.get("ResourceQuota", "small") or {}).get("status", {}).get("hard"), what="the quota")
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place, name="ranker")

    verdict = ask(proposal)

    assert outcomes(verdict)["Deployment"] == "created"
    assert outcomes(verdict)["Pod"] == "refused"
    assert verdict["refused"] is True
    (refusal,) = verdict["refusals"]
    assert "exceeded quota: small" in refusal


def test_what_the_quota_leaves_for_all_pods(bench: Bench) -> None:
    hard = {"requests.cpu": "1", "pods": "10"}
    bench.eyes.create("ResourceQuota", {"metadata": {"name": "room"}, "spec": {"hard": hard}})
    wait_until(lambda: (bench.eyes.get("ResourceQuota", "room") or {}).get("status", {}).get("used"), what="the quota")
    spec = factories.make_spec(replicas=Fixed(4))
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place, name="ranker", spec=spec)

    verdict = ask(proposal)

    assert outcomes(verdict)["Pod"] == "created"
    assert verdict["quota"] == {"cpu": 1000, "pods": 10}


def test_a_held_field_is_named(bench: Bench) -> None:
    deployment = bench.create()
    bench.eyes.patch("Deployment", "ranker", {"spec": {"progressDeadlineSeconds": 77}})
    proposal = factories.edit(deployment, author=bench.author, spec=factories.make_spec(env=(("A", "1"),)))

    verdict = ask(proposal)

    (held,) = verdict["conflicts"]
    assert (held["path"], held["manager"], held["live"], held["desired"]) == (
        "spec.progressDeadlineSeconds",
        "kubectl-edit",
        77,
        600,
    )
    assert outcomes(verdict)["Deployment"] == "conflict"
    assert verdict["restarts"] is True
    assert verdict["refused"] is False


def test_a_name_that_others_use_is_refused(bench: Bench) -> None:
    bench.eyes.create(
        "Service", {"metadata": {"name": "ranker"}, "spec": {"ports": [{"port": 99}], "selector": {"a": "b"}}}
    )
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place, name="ranker")

    verdict = ask(proposal)

    assert outcomes(verdict)["Service"] == "refused"


def test_a_cluster_that_is_away_is_not_a_refusal(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place, name="ranker")
    monkeypatch.setattr("deployments.clusters.open_gateway", _nothing_there)

    dryrun.answer(str(proposal.pk))

    proposal.refresh_from_db()
    assert proposal.answer == Answer.FAILED
    assert proposal.verdict["problem"] == "The cluster refuses connections."
    assert proposal.verdict["refused"] is False
    assert proposal.verdict["restarts"] is None


def _nothing_there(cluster: object) -> Any:
    raise Unreachable("The cluster refuses connections.")
