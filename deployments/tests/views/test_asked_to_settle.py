"""Who may not settle what others hold is told who can, and asks them with one press."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.audit import Actor
from deployments.domain.changes.held import HeldField
from deployments.domain.status.states import Phase
from deployments.models import AuditEvent, Deployment, DeploymentState
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import answer, body, decide

ClientAs = Callable[[str], Client]
IMAGE = "spec.template.spec.containers[model].image"
HELD = HeldField("Deployment", IMAGE, "kubectl-edit", "a:2", "a:1", spec_path="image_override")
LEFT = HeldField("Deployment", "spec.strategy.rollingUpdate.maxSurge", "kubectl-patch", 3, None, is_left=True)


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    found = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    hold(found, HELD)
    return found


def hold(deployment: Deployment, *rows: HeldField, phase: Phase = Phase.CONFLICT) -> None:
    conflict = [row.to_json() for row in rows]
    DeploymentState.objects.filter(deployment=deployment).update(phase=phase, conflict=conflict)


def fresh(deployment: Deployment) -> Deployment:
    return Deployment.objects.related().get(pk=deployment.pk)


def url(deployment: Deployment, name: str = "deployment-conflict") -> str:
    return reverse(name, args=[deployment.slug])


def ask(client: Client, deployment: Deployment) -> int:
    return client.post(url(deployment, "deployment-conflict-ask")).status_code


def test_who_may_not_settle_it_is_told_who_may(client_as: ClientAs, deployment: Deployment, people: People) -> None:
    for who, is_offered in (("viewer", False), ("editor", True)):
        page = body(client_as(who).get(url(deployment)))
        assert f"may take the fields over: <b>{people.maintainer}</b>" in page
        assert ("Ask them to resolve it" in page) == is_offered
    assert "Ask them to resolve it" not in body(client_as("maintainer").get(url(deployment)))


def test_the_page_of_the_deployment_leads_there(client_as: ClientAs, deployment: Deployment) -> None:
    page = body(client_as("editor").get(url(deployment, "deployment-detail")))
    assert "See who can resolve it" in page
    assert f'href="{url(deployment)}"' in page


def test_asking_is_audited_and_applies_nothing(client_as: ClientAs, deployment: Deployment, people: People) -> None:
    before = fresh(deployment).generation
    assert ask(client_as("editor"), deployment) == 302
    event = AuditEvent.objects.get(kind="conflict.asked")
    assert (event.actor_id, event.deployment_id) == (people.editor.pk, deployment.pk)
    assert [change["before"] for change in event.changes] == ["a:2 (held by kubectl-edit)"]
    assert fresh(deployment).generation == before


def test_it_stands_on_the_home_page_of_those_who_may_until_it_is_settled(
    client_as: ClientAs, deployment: Deployment, people: People
) -> None:
    words, home = f"<b>{people.editor}</b> asks you to resolve it", reverse("home")
    assert words not in body(client_as("maintainer").get(home))
    ask(client_as("editor"), deployment)
    page = body(client_as("maintainer").get(home))
    assert words in page
    assert f'href="{url(deployment)}"' in page
    assert "asks you to resolve it" not in body(client_as("editor").get(home)), "who asks may not settle it"
    assert client_as("maintainer").post(url(deployment), {"note": "ours"}).status_code == 302
    assert words not in body(client_as("maintainer").get(home))


def test_one_ask_is_enough(client_as: ClientAs, deployment: Deployment) -> None:
    ask(client_as("editor"), deployment)
    assert "Ask them to resolve it" not in body(client_as("editor").get(url(deployment)))
    assert ask(client_as("editor"), deployment) == 409


def test_an_ask_is_over_when_what_it_was_about_is_gone(deployment: Deployment) -> None:
    actions.ask_to_settle(deployment=deployment, by=Actor.system("tests"))
    assert fresh(deployment).is_asked
    later = now() + timedelta(minutes=5)
    hold(deployment, HeldField("Deployment", IMAGE, "robot", "a:3", "a:1", at=later))
    assert not fresh(deployment).is_asked, "a later change is another matter"
    hold(deployment)
    assert not fresh(deployment).is_asked


def test_what_others_keep_of_what_a_revision_gives_up_can_be_taken_over(
    client_as: ClientAs, deployment: Deployment
) -> None:
    hold(deployment, LEFT)
    page = body(client_as("maintainer").get(url(deployment)))
    assert "taking over has Barista own them once and then drop them" in page
    assert "Take over 1 field of ranker" in page


def refused_by(message: str) -> dict[str, object]:
    return {"kind": "Deployment", "name": "ranker", "outcome": "refused", "message": message}


def test_a_review_refused_over_what_others_keep_leads_to_settling_it(
    client_as: ClientAs, deployment: Deployment, people: People
) -> None:
    proposal = factories.edit(deployment, author=people.maintainer, spec=factories.make_spec(model_version="2"))
    answer(proposal, objects=[refused_by("spec.strategy.rollingUpdate: Forbidden")], conflicts=[LEFT.to_json()])
    client = client_as("maintainer")
    page = body(client.get(reverse("deployment-review", args=[proposal.pk])))
    assert "<b>kubectl-patch</b> keeps" in page
    assert f'href="{url(deployment)}"' in page
    assert "change what the cluster names" not in page
    assert "Resolve what others hold and review again." in body(decide(client, proposal))


def test_a_review_that_only_the_platform_team_can_help_says_so(
    client_as: ClientAs, deployment: Deployment, people: People
) -> None:
    proposal = factories.edit(deployment, author=people.maintainer, spec=factories.make_spec(model_version="2"))
    said = 'error looking up service account search-prod/model: serviceaccount "model" not found'
    answer(proposal, objects=[refused_by(said)])
    page = body(client_as("maintainer").get(reverse("deployment-review", args=[proposal.pk])))
    assert "the platform team has to act in the cluster" in page
    assert "change what the cluster names" not in page
