"""Restart, pause, resume, retire, restore, roll back, try now, and fields that others hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from deployments.models import AuditEvent, Deployment, DeploymentState, Revision
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, decide, newest

ClientAs = Callable[[str], Client]
PAGES = ("restart", "pause", "resume", "retire", "restore", "try-now", "conflict")


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


@pytest.fixture
def in_prod(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")


def url(deployment: Deployment, what: str) -> str:
    return reverse(f"deployment-{what}", args=[deployment.slug])


def fresh(deployment: Deployment) -> Deployment:
    return Deployment.objects.related().get(pk=deployment.pk)


@pytest.mark.parametrize("what", PAGES)
def test_each_page_asks_before_it_acts(client_as: ClientAs, in_prod: Deployment, what: str) -> None:
    before = fresh(in_prod).generation
    events = AuditEvent.objects.count()
    response = client_as("maintainer").get(url(in_prod, what))
    assert response.status_code == 200
    # No one line of kubectl does what the other pages do.
    assert ("kubectl -n search-prod" in body(response)) == (what == "restart")
    assert "prodband" in body(response)
    assert (fresh(in_prod).generation, AuditEvent.objects.count()) == (before, events)


@pytest.mark.parametrize("what", PAGES)
def test_strangers_find_nothing(client_as: ClientAs, deployment: Deployment, what: str) -> None:
    assert client_as("stranger").get(url(deployment, what)).status_code == 404
    assert client_as("stranger").post(url(deployment, what)).status_code == 404
    assert client_as("viewer").post(url(deployment, what)).status_code == 403


def test_restart(client_as: ClientAs, deployment: Deployment) -> None:
    response = client_as("editor").post(url(deployment, "restart"), follow=True)
    assert "ranker restarts" in body(response)
    assert fresh(deployment).restarted_at is not None


def test_restart_in_prod_takes_a_reason_and_a_maintainer(client_as: ClientAs, in_prod: Deployment) -> None:
    assert client_as("editor").post(url(in_prod, "restart"), {"note": "x"}).status_code == 403
    response = client_as("maintainer").post(url(in_prod, "restart"), {"note": " "})
    assert response.status_code == 409
    assert "Say why" in body(response)
    assert client_as("maintainer").post(url(in_prod, "restart"), {"note": "leak"}).status_code == 302


def test_pause_and_resume(client_as: ClientAs, deployment: Deployment) -> None:
    client = client_as("editor")
    assert client.post(url(deployment, "pause"), {"hours": "5", "note": "x"}).status_code == 422
    response = client.post(url(deployment, "pause"), {"hours": "24", "note": ""})
    assert response.status_code == 409
    assert 'value="24" selected' in body(response)
    assert client.post(url(deployment, "pause"), {"hours": "24", "note": "backfill runs"}).status_code == 302
    paused = fresh(deployment)
    assert paused.paused_reason == "backfill runs"
    assert paused.paused_until is not None
    again = client.post(url(deployment, "pause"), {"hours": "1", "note": "again"})
    assert again.status_code == 409
    assert "Already paused by editor." in body(again)
    assert "is paused. Resume it before" in body(client.post(url(deployment, "restart")))
    assert "backfill runs" in body(client.get(url(deployment, "resume")))
    assert client.post(url(deployment, "resume")).status_code == 302
    assert not fresh(deployment).is_paused


def test_pausing_without_an_end(client_as: ClientAs, deployment: Deployment) -> None:
    client_as("editor").post(url(deployment, "pause"), {"hours": "0", "note": "frozen"})
    assert fresh(deployment).is_paused
    assert fresh(deployment).paused_until is None


def test_retiring_in_prod_takes_the_typed_name(client_as: ClientAs, in_prod: Deployment) -> None:
    client = client_as("maintainer")
    response = client.post(url(in_prod, "retire"), {"note": "replaced", "typed_name": "rankr"})
    assert response.status_code == 409
    assert "Type ranker to confirm." in body(response)
    assert 'value="rankr"' in body(response)
    assert "replaced" in body(response)
    assert client.post(url(in_prod, "retire"), {"note": "replaced", "typed_name": "ranker"}).status_code == 302
    assert fresh(in_prod).is_retired
    assert client.post(url(in_prod, "restore"), {"note": "back"}).status_code == 302
    assert not fresh(in_prod).is_retired


def test_rolling_back_is_reviewed_and_makes_a_new_revision(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    second = factories.edit(deployment, author=people.editor, spec=factories.make_spec(model_version="2"))
    factories.apply(second, by=people.editor)
    client = client_as("editor")
    address = reverse("deployment-rollback", args=[deployment.slug, 1])
    html = body(client.get(address))
    assert "changes 1 field of ranker" in html
    response = client.post(address)
    proposal = newest()
    assert response["Location"] == reverse("deployment-review", args=[proposal.pk])
    review = body(client.get(response["Location"]))
    assert "Returns to revision 1." in review
    assert "Roll back ranker in dev to revision 1" in review
    assert decide(client, proposal).status_code == 302
    current = fresh(deployment).current
    assert (current.number, current.returns_to, current.to_spec().model_version) == (3, 1, "1")
    assert AuditEvent.objects.filter(kind="revision.rolled_back").exists()


def test_rolling_back_to_the_same_makes_nothing(client_as: ClientAs, deployment: Deployment) -> None:
    address = reverse("deployment-rollback", args=[deployment.slug, 1])
    assert "Nothing changed" in body(client_as("editor").post(address, follow=True))
    assert Revision.objects.filter(deployment=deployment).count() == 1
    missing = reverse("deployment-rollback", args=[deployment.slug, 9])
    assert client_as("editor").get(missing).status_code == 404


def test_try_now(client_as: ClientAs, deployment: Deployment) -> None:
    DeploymentState.objects.filter(deployment=deployment).update(failures=4)
    assert client_as("editor").post(url(deployment, "try-now")).status_code == 302
    assert DeploymentState.objects.get(deployment=deployment).failures == 0


HELD = [
    {
        "kind": "Deployment",
        "path": "spec.template.spec.containers[model].image",
        "spec_path": "image_override",
        "manager": "kubectl-edit",
        "live": "docker.io/tensorflow/serving:2.17",
        "desired": "docker.io/tensorflow/serving:2.16.1",
    },
    {
        "kind": "Deployment",
        "path": "spec.template.spec.containers[model].resources.limits.memory",
        "spec_path": "resources.memory_limit",
        "manager": "kubectl-edit",
        "live": "2Gi",
        "desired": "1Gi",
    },
    {"kind": "Deployment", "path": "spec.paused", "manager": "robot", "live": None, "desired": False, "spec_path": ""},
]


def test_fields_held_by_others(client_as: ClientAs, in_prod: Deployment) -> None:
    DeploymentState.objects.filter(deployment=in_prod).update(conflict=HELD)
    html = body(client_as("maintainer").get(url(in_prod, "conflict")))
    assert "kubectl-edit, robot have set 3 fields of ranker" in html
    assert "docker.io/tensorflow/serving:2.17" in html
    seen = body(client_as("viewer").get(url(in_prod, "conflict")))
    assert "These people of Search may take the fields over" in seen
    assert "Ask them to resolve it" not in seen, "a viewer changes nothing, so asks for nothing"

    adopted = body(client_as("editor").get(f"{url(in_prod, 'edit')}?adopt=all"))
    assert 'value="docker.io/tensorflow/serving:2.17"' in adopted
    assert 'value="2Gi"' in adopted
    assert '<option value="-own" selected>' in adopted

    assert client_as("editor").post(url(in_prod, "conflict"), {"note": "x"}).status_code == 403
    refused = client_as("maintainer").post(url(in_prod, "conflict"), {"note": ""})
    assert refused.status_code == 422
    assert client_as("maintainer").post(url(in_prod, "conflict"), {"note": "ours"}).status_code == 302
    assert fresh(in_prod).force_generation == fresh(in_prod).generation
    assert AuditEvent.objects.filter(kind="conflict.taken_over", note="ours").exists()


DRIFT = [
    {"path": "Deployment.spec.replicas", "manager": "kubectl", "live": 5, "desired": 1, "at": None},
    {"path": "Service", "manager": "", "live": None, "desired": "present", "at": None},
    {
        "path": "Deployment.spec.template.spec.containers[model].env[DEBUG]",
        "manager": "kubectl-edit",
        "live": {"name": "DEBUG", "value": "1"},
        "desired": None,
        "at": None,
    },
]


def test_what_others_changed_can_be_taken_back_or_adopted(client_as: ClientAs, deployment: Deployment) -> None:
    DeploymentState.objects.filter(deployment=deployment).update(drift=DRIFT)
    client = client_as("maintainer")
    html = body(client.get(url(deployment, "conflict")))
    assert "kubectl, kubectl-edit, somebody have set 3 fields of ranker" in html
    assert "after revision 1 was applied" in html
    assert "Take over 3 fields" in html
    assert "remove it where it was added" in body(client_as("viewer").get(url(deployment, "conflict")))

    adopted = body(client.get(f"{url(deployment, 'edit')}?adopt=all"))
    assert 'value="DEBUG"' in adopted
    assert "&#x27;name&#x27;" not in adopted

    assert client.post(url(deployment, "conflict"), {"note": "ours"}).status_code == 302
    assert fresh(deployment).force_generation == fresh(deployment).generation
    event = AuditEvent.objects.filter(kind="conflict.taken_over").get()
    assert [(change["before"], change["after"]) for change in event.changes] == [
        ("5 (held by kubectl)", "1"),
        ("not set (held by somebody unknown)", "present"),
        ('{"name": "DEBUG", "value": "1"} (held by kubectl-edit)', "not set"),
    ]


def test_what_was_only_added_cannot_be_taken_over(client_as: ClientAs, deployment: Deployment) -> None:
    DeploymentState.objects.filter(deployment=deployment).update(drift=DRIFT[2:])
    assert "cannot take it away" in body(client_as("maintainer").get(url(deployment, "conflict")))


def test_no_conflict_any_more(client_as: ClientAs, deployment: Deployment) -> None:
    assert "No conflict" in body(client_as("maintainer").get(url(deployment, "conflict")))
    response = client_as("maintainer").post(url(deployment, "conflict"))
    assert response.status_code == 422
    assert "There is no conflict any more." in body(response)
