"""What nobody sees in a value is shown wherever the value is, and offered to be cleaned wherever it can be changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from deployments.models import Deployment, Runtime, ServedModel, Team
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.test_admin import errors, filled, url
from deployments.tests.views.helpers import body, newest, send_edit
from deployments.tests.views.seen import soup_of

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
HIDDEN = {
    "description": "Ranks\u202e things",
    "env": (("LEVEL", "in\u200bfo"),),
    "annotations": (("acme.com/a", "x\u00a0y"),),
}
SAID = ("in\u27e8U+200B\u27e9fo", "Ranks\u27e8U+202E\u27e9 things", "x\u27e8U+00A0\u27e9y")


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    factories.make_metadata_prefix("acme.com/")
    return factories.make_deployment(
        author=people.maintainer, namespace=places.dev, spec=factories.make_spec(**HIDDEN), name="ranker"
    )


def link(response: Any, words: str) -> str:
    found = next(item for item in soup_of(response).select("a[href]") if words in item.text)
    return str(found["href"])


def texts_of(response: Any) -> tuple[str, str, str]:
    """Description, annotations and first variable of a form."""
    soup = soup_of(response)
    areas = [soup.select_one(f"textarea[name={name}]") for name in ("description", "annotations", "env_value")]
    return tuple(area.text.removeprefix("\n") if area else "" for area in areas)  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["deployment-detail", "deployment-configuration", "deployment-promote"])
def test_pages_show_it_and_lead_to_a_form_without_it(client_as: ClientAs, deployment: Deployment, name: str) -> None:
    client = client_as("editor")
    shown = client.get(reverse(name, args=[deployment.slug]))
    for words in SAID:
        assert words in soup_of(shown).text
    form = client.get(link(shown, "with them taken out"))
    assert texts_of(form) == ("Ranks things", "acme.com/a=x y", "info")
    assert "with them taken out" not in body(
        client_as("viewer").get(reverse("deployment-detail", args=[deployment.slug]))
    )


def test_a_review_leads_back_to_the_form_without_it(client_as: ClientAs, deployment: Deployment) -> None:
    client = client_as("editor")
    review = client.get(send_edit(client, deployment, model_version="2")["Location"])
    for words in SAID:
        assert words in soup_of(review).text
    form = client.get(link(review, "with what nobody sees taken out"))
    assert texts_of(form) == ("Ranks things", "acme.com/a=x y", "info")
    assert 'name="model_version"\n            value="2"' in body(form)
    other = client_as("maintainer").get(reverse("deployment-review", args=[newest().pk]))
    assert "with what nobody sees taken out" not in body(other), "only its author goes on with it"


def test_a_new_deployment_goes_back_to_its_form_without_it(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_metadata_prefix("acme.com/")
    proposal = factories.make_proposal(
        author=people.editor, namespace=places.dev, spec=factories.make_spec(**HIDDEN), name="fresh"
    )
    client = client_as("editor")
    form = client.get(link(client.get(reverse("deployment-review", args=[proposal.pk])), "taken out"))
    assert texts_of(form) == ("Ranks things", "acme.com/a=x y", "info")


@pytest.mark.parametrize(("name", "text"), [("description", "Ranks things"), ("annotations", "acme.com/a=x y")])
def test_the_form_offers_it_beside_the_field(client_as: ClientAs, deployment: Deployment, name: str, text: str) -> None:
    client = client_as("editor")
    address = reverse("deployment-edit", args=[deployment.slug])
    button = soup_of(client.get(address)).select_one(f"#id_{name}_error button[name=clean]")
    assert button is not None
    answer = send_edit(client, deployment, clean=button["value"], review=[])
    assert text in texts_of(answer)
    assert soup_of(answer).select_one(f"#id_{name}_error button[name=clean]") is None


def test_a_quick_edit_opens_the_form_that_shows_and_cleans_it(client_as: ClientAs, deployment: Deployment) -> None:
    client = client_as("editor")
    address = reverse("deployment-quick-edit", args=[deployment.slug])
    answer = client.post(address, {"based_on": "1", "model_version": "7\u200b"})
    assert answer.status_code == 422
    slot = soup_of(answer).select_one("#id_model_version_error")
    assert slot is not None
    assert "7\u27e8U+200B\u27e9" in slot.text
    assert slot.select_one("button[name=clean][value=model_version]") is not None


def test_prose_may_hold_joined_letters_and_quotes(client_as: ClientAs, people: People, places: Places) -> None:
    spec = factories.make_spec(description="The team\u2019s \U0001f468\u200d\U0001f4bb model")
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.dev, spec=spec)
    html = body(client_as("editor").get(reverse("deployment-detail", args=[deployment.slug])))
    assert "characters that nobody sees" not in html
    assert "\U0001f468\u200d\U0001f4bb" in html


def offered(answer: Any, name: str) -> BeautifulSoup:
    assert "It holds" in errors(answer)[name]
    form = soup_of(answer).select_one("#content-main form")
    assert form is not None
    assert {str(button["name"]) for button in form.select(".err button")} == {"_clean", "_keep"}
    return form


@pytest.mark.parametrize(
    ("model", "name", "typed", "clean"),
    [
        (Runtime, "env", "OMP=4\u200b", (("OMP", "4"),)),
        (Runtime, "image", "docker.io/tensorflow/serving:2\u200b", "docker.io/tensorflow/serving:2"),
        (ServedModel, "description", "Ranks\u202e", "Ranks"),
        (ServedModel, "name", "Query\u00a0ranker", "Query ranker"),
        (Team, "contact", "#search\u2060-oncall", "#search-oncall"),
    ],
)
def test_the_admin_shows_it_and_saves_it_cleaned(
    client_as: ClientAs, deployment: Deployment, model: type[Any], name: str, typed: str, clean: Any
) -> None:
    client, row = client_as("platform"), model.objects.all()[0]
    address = url(model, "change", row.pk)
    data = filled(client, address, **{name: typed})
    offered(client.post(address, data), name)
    assert client.post(address, data | {"_clean": "1"}).status_code == 302
    row.refresh_from_db()
    assert getattr(row if name not in ("env", "image") else row.to_domain(), name) == clean


def test_the_admin_keeps_what_is_meant(client_as: ClientAs, deployment: Deployment) -> None:
    client, row = client_as("platform"), Runtime.objects.get()
    address = url(Runtime, "change", row.pk)
    data = filled(client, address, env="GREETING=\u201chi\u201d")
    offered(client.post(address, data), "env")
    assert client.post(address, data | {"_keep": "1"}).status_code == 302
    assert Runtime.objects.get().to_domain().env == (("GREETING", "\u201chi\u201d"),)
