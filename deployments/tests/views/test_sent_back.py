"""A maintainer who is asked to apply a change may ask for another one instead, and the author reads what."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from deployments.actions import proposals
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.models import AuditEvent, Proposal
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, decide
from deployments.tests.views.seen import soup_of

ClientAs = Callable[[str], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(people: People, places: Places) -> Proposal:
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    proposal = factories.edit(deployment, author=people.editor, spec=factories.make_spec(model_version="2"))
    return proposals.send(proposal=proposal, by=Actor.as_user(people.editor), note="please")


def test_it_goes_back_with_what_should_change_and_comes_again(client_as: ClientAs, sent: Proposal) -> None:
    maintainer, editor = client_as("maintainer"), client_as("editor")
    address = reverse("deployment-review", args=[sent.pk])
    assert soup_of(maintainer.get(address)).select_one("button[name=do][value=return]") is not None
    assert decide(maintainer, sent, "return", changes="Pin the image first.").status_code == 302

    sent.refresh_from_db()
    assert (sent.sent_at, sent.is_open) == (None, True)
    event = AuditEvent.objects.get(kind="proposal.returned")
    assert (event.actor_name, event.note) == ("maintainer", "Pin the image first.")
    for page in (editor.get(reverse("home")), editor.get(address)):
        said = " ".join(soup_of(page).text.split())
        assert "maintainer" in said
        assert "\u201cPin the image first.\u201d" in said
    assert "Read and decide" not in body(maintainer.get(reverse("home")))

    assert decide(editor, sent, "send", note="It is pinned.").status_code == 302
    assert "Read and decide" in body(maintainer.get(reverse("home")))
    assert soup_of(editor.get(address)).select_one("#returned") is None


def test_without_words_and_without_a_request_it_is_refused(client_as: ClientAs, sent: Proposal) -> None:
    answer = decide(client_as("maintainer"), sent, "return", changes=" ")
    assert answer.status_code == 422
    assert "Say what should change" in body(answer)
    assert Proposal.objects.get(pk=sent.pk).sent_at is not None
    decide(client_as("maintainer"), sent, "return", changes="Pin it.")
    sent.refresh_from_db()
    with pytest.raises(Refused, match="does not wait"):
        proposals.send_back(proposal=sent, by=factories.BY, note="again")


def test_who_may_not_apply_may_not_send_back(client_as: ClientAs, sent: Proposal) -> None:
    address = reverse("deployment-review", args=[sent.pk])
    assert soup_of(client_as("editor").get(address)).select_one("button[value=return]") is None
    assert decide(client_as("editor"), sent, "return", changes="No.").status_code == 403
    assert Proposal.objects.get(pk=sent.pk).sent_at is not None
