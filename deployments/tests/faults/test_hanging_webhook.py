"""An admission webhook of one namespace hangs: that is the fault of those objects, and nobody else waits for it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from baristaweb.lib.clock import now
from deployments import breaker, dryrun
from deployments.domain.status.states import Phase
from deployments.models import ClusterHealth, DeploymentState, Proposal
from deployments.models.requests import Answer
from deployments.reconcile import Outcome, loop
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench
from embedded.kubernetes.api import Api

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True, databases=["default", "locks"]),
]

PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
HOOK = "hangs.example.com"


@pytest.fixture
def hanging(bench: Bench, admin_api: Api) -> Iterator[None]:
    """A webhook for Deployments of the test's namespace that takes connections and never says a word, for 7 s."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        name = f"hangs-{bench.eyes.namespace}"
        hook = {
            "name": HOOK,
            "clientConfig": {"url": f"https://127.0.0.1:{listener.getsockname()[1]}/"},
            "rules": [
                {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}
            ],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": bench.eyes.namespace}},
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "timeoutSeconds": 7,
            "admissionReviewVersions": ["v1"],
        }
        admin_api.call("POST", PATH, {"metadata": {"name": name}, "webhooks": [hook]})
        try:
            yield
        finally:
            admin_api.call("DELETE", f"{PATH}/{name}")


def test_a_write_that_hangs_is_the_objects_fault_and_the_webhook_is_named(bench: Bench, hanging: None) -> None:
    deployment = bench.create(run=False)

    # On a busy machine the apiserver's own /readyz may be late too, which is no answer.
    outcomes = [bench.run(deployment)]
    while bench.state(deployment).last_error_class == "transient" and len(outcomes) < 4:
        outcomes.append(bench.run(deployment))
    assert set(outcomes) == {Outcome.DEFERRED}
    state = bench.state(deployment)
    assert (state.phase, state.last_error_class) == (Phase.BLOCKED, "slow"), state.last_error
    assert f"in namespace {bench.eyes.namespace}" in state.last_error
    assert state.next_reconcile_at > now() + timedelta(seconds=5)
    health = ClusterHealth.objects.get(cluster=bench.place.cluster)
    assert (health.state, health.consecutive_failures) == (ClusterHealth.State.OK, 0)

    breaker.probe(bench.place.cluster)
    assert bench.state(deployment).next_reconcile_at == state.next_reconcile_at, "a pulse ends no wait of an object"

    assert bench.run(deployment) is Outcome.BLOCKED
    assert f'failed calling webhook "{HOOK}"' in bench.state(deployment).last_error


def test_where_writes_hang_one_slot_is_used(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = bench.create()
    other = factories.make_deployment(author=bench.author, namespace=bench.place, name="other")
    monkeypatch.setattr(loop, "is_first_in", lambda namespace_id: False)
    assert bench.run(other) is Outcome.APPLIED, "where nothing hangs, slots are not counted"

    DeploymentState.objects.filter(pk=deployment.pk).update(last_error_class="slow")
    assert bench.run(other) is Outcome.BUSY
    assert now() < bench.state(other).next_reconcile_at < now() + timedelta(seconds=4)
    monkeypatch.setattr(loop, "is_first_in", lambda namespace_id: True)
    assert bench.run(other) is Outcome.COMPARED


def test_a_dry_run_that_hangs_says_so_in_time(bench: Bench, hanging: None) -> None:
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place, name="other")
    dryrun.answer(str(proposal.pk))
    proposal = Proposal.objects.get(pk=proposal.pk)
    assert proposal.answer == Answer.FAILED
    assert "an admission webhook that it asks about such objects hangs" in proposal.verdict["problem"]
    assert proposal.answered_at is not None
    assert proposal.answered_at - proposal.created_at < timedelta(seconds=20)


def test_nobody_asks_for_a_proposal_that_is_closed(bench: Bench) -> None:
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place, name="other")
    Proposal.objects.filter(pk=proposal.pk).update(dropped_at=now())
    dryrun.answer(str(proposal.pk))
    assert Proposal.objects.get(pk=proposal.pk).answer == Answer.WAITING
