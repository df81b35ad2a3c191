"""Version, image or the number of pods changed on the deployment's page: straight into the review."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from deployments.domain.spec.parts import Autoscale
from deployments.models import Deployment, Draft, Proposal
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, newest
from deployments.tests.views.seen import soup_of

ClientAs = Callable[[str], Client]


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    factories.make_registry_rules()
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


def send(client: Client, deployment: Deployment, button: str, **changes: str) -> Any:
    """Press the button on the page with some fields changed, as a browser would."""
    page = soup_of(client.get(reverse("deployment-detail", args=[deployment.slug])))
    pressed = page.select_one(f"form:has(#{button})")
    assert pressed is not None
    sent = {str(field["name"]): str(field["value"]) for field in pressed.select("input[name]")}
    return client.post(str(pressed["action"]), sent | changes)


def test_the_number_of_pods(client_as: ClientAs, ranker: Deployment) -> None:
    answer = send(client_as("editor"), ranker, "q-replicas", replicas__count="3")
    proposal = newest()
    assert answer["Location"] == reverse("deployment-review", args=[proposal.pk])
    assert ranker.current is not None
    wanted = replace(ranker.current.to_spec(), replicas=replace(ranker.current.to_spec().replicas, count=3))
    assert proposal.spec == wanted.to_json(), "nothing else is changed"


def test_the_range_of_an_autoscaler(client_as: ClientAs, people: People, places: Places) -> None:
    spec = replace(factories.make_spec(), replicas=Autoscale(min=2, max=4, cpu_percent=60))
    row = factories.make_deployment(author=people.editor, namespace=places.dev, name="wide", spec=spec)
    send(client_as("editor"), row, "q-replicas", replicas__max="6")
    assert newest().spec["replicas"]["max"] == 6
    assert newest().spec["replicas"]["min"] == 2


def test_version_and_image(client_as: ClientAs, ranker: Deployment) -> None:
    send(client_as("editor"), ranker, "q-model", model_version="2")
    assert newest().spec["model_version"] == "2"
    assert not newest().spec.get("image_override")


def test_a_mistake_opens_the_form_with_what_was_typed(client_as: ClientAs, ranker: Deployment) -> None:
    answer = send(client_as("editor"), ranker, "q-replicas", replicas__count="99999")
    assert answer.status_code == 422
    assert 'value="99999"' in body(answer)
    assert not Proposal.objects.filter(deployment=ranker, kind="edit", applied_at=None).exists()


def test_somebody_else_saved_meanwhile(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    client = client_as("editor")
    page = soup_of(client.get(reverse("deployment-detail", args=[ranker.slug])))
    spec = replace(factories.make_spec(), model_version="theirs")
    factories.apply(factories.edit(ranker, author=people.maintainer, spec=spec), by=people.maintainer)
    shown = page.select_one("form:has(#q-model) input[name=based_on]")
    assert shown is not None
    data = {"based_on": str(shown["value"]), "model_version": "mine"}
    assert client.post(reverse("deployment-quick-edit", args=[ranker.slug]), data).status_code == 409


def test_an_unfinished_edit_is_not_lost(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    Draft.objects.create(user=people.editor, key=ranker.slug, data={"model_version": ["half"]})
    answer = send(client_as("editor"), ranker, "q-replicas", replicas__count="3")
    assert answer["Location"].endswith("/edit/?draft=1")
    assert Draft.objects.get(user=people.editor, key=ranker.slug).data == {
        "model_version": ["half"],
        "replicas__count": ["3"],
    }


def test_readers_are_not_offered_it(client_as: ClientAs, ranker: Deployment) -> None:
    page = soup_of(client_as("viewer").get(reverse("deployment-detail", args=[ranker.slug])))
    assert page.select("form.quick") == []


def test_version_and_artifact_are_changed_together(client_as: ClientAs, ranker: Deployment) -> None:
    send(client_as("editor"), ranker, "q-model", model_version="9", artifact_uri="gs://acme-models/ranker/9")
    spec = newest().spec
    assert (spec["model_version"], spec["artifact_uri"]) == ("9", "gs://acme-models/ranker/9")


def test_an_artifact_of_another_version_is_said_on_the_page(
    client_as: ClientAs, people: People, ranker: Deployment
) -> None:
    spec = replace(factories.make_spec(), artifact_uri="gs://acme-models/ranker/7", model_version="9")
    proposal = factories.edit(ranker, author=people.editor, spec=spec)
    said = "The artifact ends /7, and the version is 9"
    review = client_as("editor").get(reverse("deployment-review", args=[proposal.pk]))
    assert said in body(review)
    factories.apply(proposal, by=people.editor)
    assert said in body(client_as("viewer").get(reverse("deployment-detail", args=[ranker.slug])))
