"""What the cluster or we refuse: it says who has to act, and nothing that is not ours is touched."""

from __future__ import annotations

from typing import Any

import pytest

from baristaweb.lib.clock import now
from deployments import dryrun
from deployments.actions import deployments, records
from deployments.audit import Actor
from deployments.domain.status.states import Phase, State, Summary
from deployments.models import Deployment, Namespace
from deployments.queries.shown import summary_of
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]

BY = Actor.system("tests")
OTHER = "11111111-2222-3333-4444-555555555555"


def summary(deployment: Deployment) -> Summary:
    return summary_of(Deployment.objects.related().get(pk=deployment.pk), at=now())


def verdict(bench: Bench, place: Namespace, **fields: Any) -> dict[str, Any]:
    proposal = factories.make_proposal(
        author=bench.author, namespace=place, spec=factories.make_spec(**fields) if fields else None
    )
    dryrun.answer(str(proposal.pk))
    proposal.refresh_from_db()
    return dict(proposal.verdict)


def test_a_namespace_that_is_not_there(bench: Bench) -> None:
    nowhere = factories.make_namespace(team=bench.place.team, cluster=bench.place.cluster, name="not-in-the-cluster")

    assert "or there is no such namespace" in verdict(bench, nowhere)["refusals"][0]

    deployment = factories.make_deployment(author=bench.author, namespace=nowhere)
    assert bench.run(deployment) is Outcome.BLOCKED
    assert summary(deployment).sentence == "Revision 1 cannot be applied."
    assert "Namespace not-in-the-cluster is not in the cluster. Ask the platform team" in summary(deployment).why


def test_a_namespace_that_is_being_deleted(bench: Bench) -> None:
    held = {"metadata": {"name": "held", "finalizers": ["acme.com/hold"]}, "spec": {"ports": [{"port": 1}]}}
    bench.eyes.create("Service", held)
    bench.eyes.api.call("DELETE", f"/api/v1/namespaces/{bench.eyes.namespace}")
    try:
        assert f"Namespace {bench.eyes.namespace} is being deleted" in verdict(bench, bench.place)["refusals"][0]
        bindings = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{bench.eyes.namespace}/rolebindings"
        # Our rights go with the namespace: what the API server says then is only "forbidden".
        wait_until(lambda: not bench.eyes.api.call("GET", bindings)["items"], what="the end of our rights")
        deployment = factories.make_deployment(author=bench.author, namespace=bench.place)
        assert bench.run(deployment) is Outcome.BLOCKED
        assert "is being deleted. Ask the platform team" in summary(deployment).why
    finally:
        bench.eyes.patch("Service", "held", {"metadata": {"finalizers": None}})


def test_another_installation_in_the_namespace(bench: Bench) -> None:
    theirs = bench.create()
    mark = {"metadata": {"labels": {"barista.io/install": OTHER}, "annotations": {"barista.io/install": OTHER}}}
    bench.eyes.patch("Deployment", "ranker", mark)
    before = bench.live()

    assert "Another installation of Barista keeps ranker" in verdict(bench, bench.place)["refusals"][0]

    deployment = factories.make_deployment(author=bench.author, namespace=bench.place, name="second")
    assert bench.run(deployment) is Outcome.BLOCKED
    assert bench.eyes.get("Deployment", "second") is None
    bench.edit(theirs, run=False, model_version="2")
    assert bench.run(theirs) is Outcome.BLOCKED
    assert bench.live()["spec"] == before["spec"]


@pytest.mark.parametrize("labels", [{"barista.io/install": None}, {}])
def test_our_own_older_objects_are_no_other_installation(bench: Bench, labels: dict[str, Any]) -> None:
    bench.create()
    bench.eyes.patch("Deployment", "ranker", {"metadata": {"labels": labels}})
    second = factories.make_deployment(author=bench.author, namespace=bench.place, name="second")
    assert bench.run(second) is Outcome.APPLIED


def test_a_namespace_that_went_to_another_team(bench: Bench) -> None:
    deployment = bench.create()
    bench.edit(deployment, run=False, model_version="2")
    # Not through the admin, which refuses this.
    bench.place.team = factories.make_team("ads")
    records.save(row=bench.place, by=BY)

    assert bench.run(deployment) is Outcome.BLOCKED

    assert "belongs to Ads" in summary(deployment).why
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "1"


def test_a_cluster_that_is_switched_off(bench: Bench) -> None:
    deployment = bench.create()
    bench.place.cluster.is_active = False
    records.save(row=bench.place.cluster, by=BY)
    bench.edit(deployment, run=False, model_version="2")

    assert bench.run(deployment) is Outcome.BLOCKED
    assert summary(deployment).why.endswith("Ask the platform team when it comes back.")


def test_a_database_that_is_older_than_the_cluster(bench: Bench) -> None:
    deployment = bench.create()
    bench.eyes.patch("Deployment", "ranker", {"metadata": {"annotations": {"barista.io/generation": "9"}}})
    bench.edit(deployment, run=False, model_version="2")

    assert bench.run(deployment) is Outcome.CONFLICT

    assert "restored from an older copy" in summary(deployment).why
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "1"
    deployments.take_over(deployment=deployment, by=BY, note="the copy is what counts")
    assert bench.run(deployment) is Outcome.APPLIED
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "2"


def test_what_others_deleted_or_changed_is_put_back(bench: Bench) -> None:
    deployment = bench.create(ingress_host="ranker.example.org")
    bench.eyes.delete("Service", "ranker")
    bench.eyes.scale("ranker", 3)
    bench.eyes.patch("Deployment", "ranker", {"spec": {"progressDeadlineSeconds": 77}})
    assert bench.run(deployment) is Outcome.COMPARED
    held = {(row.kind, row.path) for row in bench.state(deployment).held}
    assert held == {("Service", ""), ("Deployment", "spec.replicas"), ("Deployment", "spec.progressDeadlineSeconds")}

    deployments.take_over(deployment=deployment, by=BY, note="ours")
    assert bench.run(deployment) is Outcome.APPLIED

    assert bench.live("Service")["spec"]["ports"][0]["port"] == 80
    assert (bench.live()["spec"]["replicas"], bench.live()["spec"]["progressDeadlineSeconds"]) == (1, 600)
    assert bench.run(deployment) is Outcome.COMPARED
    assert bench.state(deployment).held == []


def test_retiring_says_whose_leave_it_waits_for(bench: Bench) -> None:
    deployment = bench.create()
    bench.eyes.patch("Deployment", "ranker", {"metadata": {"finalizers": ["acme.com/backup"]}})
    deployments.retire(deployment=deployment, by=BY, note="old")

    assert bench.run(deployment) is Outcome.RETIRING
    wait_until(lambda: bench.run(deployment) is Outcome.RETIRING and bench.state(deployment).last_error, what="why")

    assert summary(deployment).state is State.RETIRING
    assert "Deployment waits for acme.com/backup" in summary(deployment).why
    deployments.restore(deployment=deployment, by=BY)
    assert bench.run(deployment) is Outcome.DEFERRED
    assert "still being deleted" in summary(deployment).why
    bench.eyes.patch("Deployment", "ranker", {"metadata": {"finalizers": None}})
    wait_until(lambda: bench.run(deployment) is Outcome.APPLIED, what="the second life")
    assert bench.state(deployment).phase == Phase.APPLIED
