"""Applying before the cluster has answered is possible, is said, and does not get round a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments import breaker
from deployments.kube.api import NotConfigured
from deployments.models import AuditEvent, Deployment, Proposal
from deployments.models.requests import Answer
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import answer, body
from deployments.tests.views.seen import soup_of

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
REFUSED = {"objects": [{"kind": "Deployment", "name": "x", "outcome": "refused", "message": "a policy says no"}]}


@pytest.fixture
def proposal(people: People, places: Places) -> Proposal:
    return factories.make_proposal(author=people.editor, namespace=places.dev, name="ranker")


def post(client: Client, proposal: Proposal, do: str = "apply", **fields: str) -> Any:
    url = reverse("deployment-review", args=[proposal.pk])
    return client.post(url, {"do": do, "reviewed": proposal.spec_hash, "note": "because"} | fields)


def test_asking_anew_does_not_wipe_out_a_refusal(client_as: ClientAs, proposal: Proposal) -> None:
    editor = client_as("editor")
    answer(proposal, **REFUSED)
    assert post(editor, proposal).status_code == 409
    assert post(editor, proposal, "check").status_code == 302
    for fields in ({}, {"without_verdict": "1"}):
        refused = post(editor, proposal, **fields)
        assert refused.status_code == 409
        assert "is asked anew" in body(refused)
    assert post(editor, proposal, "check").status_code == 302
    assert post(editor, proposal, without_verdict="1").status_code == 409
    assert not Deployment.objects.exists()
    assert 'value="apply" disabled' in body(editor.get(reverse("deployment-review", args=[proposal.pk])))
    answer(proposal, objects=[])
    assert post(editor, proposal).status_code == 302
    assert "without_verdict" not in AuditEvent.objects.filter(kind="deployment.created")[0].facts


def test_applying_while_the_cluster_is_asked_waits_unless_it_is_said(client_as: ClientAs, proposal: Proposal) -> None:
    editor = client_as("editor")
    page = body(editor.get(reverse("deployment-review", args=[proposal.pk])))
    assert 'name="without_verdict" value="1"' in page
    assert "without the cluster's verdict</button>" in page.replace("&#x27;", "'")
    waits = post(editor, proposal)
    assert waits.status_code == 409
    assert "has not answered" in body(waits)
    assert post(editor, proposal, without_verdict="1").status_code == 302
    assert AuditEvent.objects.filter(kind="deployment.created")[0].facts["without_verdict"] is True


def test_a_cluster_that_is_away_does_not_hold_what_it_refused_before(client_as: ClientAs, proposal: Proposal) -> None:
    editor = client_as("editor")
    answer(proposal, **REFUSED)
    post(editor, proposal, "check")
    Proposal.objects.filter(pk=proposal.pk).update(answer=Answer.FAILED, verdict={"problem": "away"})
    assert post(editor, proposal).status_code == 302


def test_what_could_not_be_checked_is_asked_again_when_the_cluster_answers(
    client_as: ClientAs, proposal: Proposal
) -> None:
    cluster = proposal.namespace.cluster
    breaker.failed(cluster, NotConfigured("building etcd, 1 of 7"))
    verdict = {"problem": "building etcd, 1 of 7"}
    Proposal.objects.filter(pk=proposal.pk).update(answer=Answer.FAILED, verdict=verdict, answered_at=now())
    page = client_as("editor").get(reverse("deployment-review", args=[proposal.pk]))
    box = soup_of(page).select_one("#review-verdict")
    assert box is not None
    assert "Not checked" in box.text
    assert box["hx-trigger"] == "every 5s", "it is still polled"

    breaker.succeeded(cluster)
    proposal.refresh_from_db()
    assert (proposal.answer, proposal.answered_at) == (Answer.WAITING, None)
