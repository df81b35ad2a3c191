"""What the review says before an apply, against what the apply then does."""

from __future__ import annotations

import time
from typing import Any

import pytest

from deployments import dryrun
from deployments.domain.changes.diff import spec_diff
from deployments.domain.spec.fields.table import FIELDS
from deployments.domain.spec.parts import Fixed
from deployments.kube.api import Unreachable
from deployments.models import Proposal
from deployments.models.requests import Answer
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until
from deployments.tests.cluster.edits import UNCHANGED, all_edits

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]


def ask(proposal: Proposal) -> dict[str, Any]:
    dryrun.answer(str(proposal.pk))
    proposal.refresh_from_db()
    assert proposal.answer == Answer.DONE, proposal.verdict
    return dict(proposal.verdict)


def outcomes(verdict: dict[str, Any]) -> dict[str, str]:
    return {item["kind"]: item["outcome"] for item in verdict["objects"]}


def test_every_field_of_the_spec_is_tried() -> None:
    tried = {path for before, after in all_edits().values() for path in _changed(before, after)}
    missing = {field.path for field in FIELDS if not any(path.startswith(field.path) for path in tried)}
    assert missing == set()


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {change.path for change in spec_diff(factories.make_spec(**before), factories.make_spec(**after))}


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", all_edits())
def test_the_verdict_says_whether_pods_restart(bench: Bench, name: str) -> None:
    before, after = all_edits()[name]
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
    monkeypatch.setattr("deployments.breaker.open_gateway", _nothing_there)

    dryrun.answer(str(proposal.pk))

    proposal.refresh_from_db()
    assert proposal.answer == Answer.FAILED
    assert proposal.verdict["problem"] == "The cluster refuses connections."
    assert proposal.verdict["refused"] is False
    assert proposal.verdict["restarts"] is None


def _nothing_there(cluster: object, health: object = None) -> Any:
    raise Unreachable("The cluster refuses connections.")
