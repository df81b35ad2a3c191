"""What was typed into a form outlives the login and the token that it was sent with, without script too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from deployments.models import Deployment, Draft, Proposal
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, posted, send_edit
from deployments.tests.views.seen import soup_of

ClientAs = Callable[[str], Client]


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev)


def carried(response: Any) -> dict[str, Any]:
    """What the button of the page sends."""
    form = soup_of(response).select_one("main form")
    assert form is not None
    sent: dict[str, Any] = {}
    for field in form.select("textarea"):
        sent.setdefault(str(field["name"]), []).append(field.text.removeprefix("\n"))
    button = form.select_one("button")
    assert button is not None
    return sent | {str(button["name"]): str(button["value"])}


def test_a_form_sent_after_the_login_ended_comes_back(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    client = client_as("editor")
    Session.objects.all().delete()
    response = send_edit(client, deployment, model_version="<b>9</b>", env_name=["A"], env_value=["one\ntwo"])
    assert response.status_code == 401
    assert response.headers["Cache-Control"] == "no-store"
    assert "<b>9</b>" not in body(response)
    sent = carried(response)
    assert sent["env_value"] == ["one\ntwo"]
    assert "review" not in sent
    assert not Draft.objects.exists()

    client.force_login(people.editor)
    html = body(client.post(reverse("deployment-edit", args=[deployment.slug]), sent))
    assert 'value="&lt;b&gt;9&lt;/b&gt;"' in html
    assert Draft.objects.get().data["model_version"] == ["<b>9</b>"]
    assert not Proposal.objects.filter(kind=Proposal.Kind.EDIT).exists()


def test_a_form_with_an_old_token_comes_back(people: People, deployment: Deployment) -> None:
    client = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    client.force_login(people.editor)
    url = reverse("deployment-edit", args=[deployment.slug])
    client.get(url)
    response = client.post(url, posted(deployment, model_version="typed") | {"csrfmiddlewaretoken": "a" * 64})
    assert response.status_code == 403
    assert "what you typed is still here" in body(response)
    token = soup_of(response).select_one("main form input[name=csrfmiddlewaretoken]")
    assert token is not None
    html = body(client.post(url, carried(response) | {"csrfmiddlewaretoken": token["value"]}))
    assert 'value="typed"' in html
    assert not Proposal.objects.filter(kind=Proposal.Kind.EDIT).exists()


def test_other_requests_go_to_the_login(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    anonymous = client_as("anonymous")
    assert anonymous.post(reverse("deployment-restart", args=[deployment.slug]), {"note": "x"}).status_code == 302
    assert anonymous.get(reverse("deployment-edit", args=[deployment.slug])).status_code == 302
    # Typing asks with htmx, and the page's script says there that the login has ended.
    typing = anonymous.post(
        reverse("deployment-edit", args=[deployment.slug]),
        posted(deployment) | {"step": "1"},
        headers={"hx-request": "true"},
    )
    assert typing.status_code == 302
