"""What was typed and not proposed is there when the form is opened again."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from deployments.actions import drafts
from deployments.models import Deployment, Draft
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, posted, send_edit

ClientAs = Callable[[str], Client]


def typed(client: Client, deployment: Deployment, **changes: str) -> None:
    """As htmx posts the form while somebody types."""
    url = reverse("deployment-edit", args=[deployment.slug])
    client.post(url, posted(deployment, **changes) | {"step": "1"}, headers={"hx-request": "true"})


def test_a_draft_survives_and_is_offered(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    url = reverse("deployment-edit", args=[deployment.slug])
    typed(client_as("editor"), deployment, model_version="half-typed")

    later = client_as("editor")
    assert "You left changes unsaved" in body(later.get(url))
    assert "half-typed" not in body(later.get(url))
    assert 'value="half-typed"' in body(later.get(url + "?draft=1"))
    assert "You left changes unsaved" not in body(client_as("maintainer").get(url))
    assert "csrfmiddlewaretoken" not in Draft.objects.get().data

    later.post(reverse("deployment-draft-discard", args=[deployment.slug]))
    assert "You left changes unsaved" not in body(later.get(url))


def test_a_proposal_ends_the_draft(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    assert send_edit(client, deployment, model_version="2", service="70000").status_code == 422
    assert Draft.objects.get().data["model_version"] == ["2"]
    assert send_edit(client, deployment, model_version="2").status_code == 302
    assert not Draft.objects.exists()


def test_drafts_are_bounded_and_storable(people: People) -> None:
    drafts.keep(by=people.editor, key="a", data={"note": ["nul\0 here"]})
    assert Draft.objects.get().data == {"note": ["nul here"]}
    drafts.keep(by=people.editor, key="b", data={"note": ["x" * (drafts.MOST_BYTES + 1)]})
    assert not Draft.objects.filter(key="b").exists()
    for number in range(drafts.MOST + 3):
        drafts.keep(by=people.editor, key=f"key-{number}", data={})
    assert Draft.objects.count() == drafts.MOST
