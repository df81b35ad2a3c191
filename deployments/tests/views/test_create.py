"""A new deployment: where, of what model, under what name, then the same form as an edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.models import Deployment, Proposal, ServedModel
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, decide, newest

ClientAs = Callable[[str], Client]
URL = "/deployments/new/"


@pytest.fixture
def model(people: People) -> ServedModel:
    factories.make_runtime()
    factories.make_profile()
    factories.make_registry_rules()
    return factories.make_model(team=people.team, slug="ranker")


def filled(**fields: Any) -> dict[str, Any]:
    data = spec_forms.data_of(texts.DEFAULTS, ())
    chosen = {"artifact_uri": "gs://acme-models/ranker", "runtime": "tfserving", "profile": "cpu-small"}
    return {name: data.getlist(name) for name in data} | chosen | {"name": "ranker"} | fields


def test_create(client_as: ClientAs, places: Places, model: ServedModel) -> None:
    client = client_as("editor")
    assert client.get(URL).status_code == 200
    response = client.post(URL, filled(namespace=places.dev.pk, model=model.pk))
    assert response.status_code == 302
    review = body(client.get(response["Location"]))
    assert "Starts 1 pod of 1 GiB in search-dev." in review
    assert "Create ranker in dev" in review
    assert not Deployment.objects.exists()
    assert decide(client, newest())["Location"] == reverse("deployment-detail", args=["demo.search-dev.ranker"])
    assert Deployment.objects.get().current.number == 1


def test_a_new_model_is_made_with_it(client_as: ClientAs, places: Places, model: ServedModel) -> None:
    client = client_as("editor")
    fields = {"namespace": places.dev.pk, "model": "-new", "model_name": "Query Ranker", "model_type": "search"}
    bad = client.post(URL, filled(**fields, artifact_uri="nowhere"))
    assert bad.status_code == 422
    assert not ServedModel.objects.filter(slug="query-ranker").exists(), "nothing is saved while the form is wrong"
    assert client.post(URL, filled(**fields)).status_code == 302
    made = ServedModel.objects.get(slug="query-ranker")
    assert (made.name, made.type, made.team_id) == ("Query Ranker", "search", places.dev.team_id)
    again = client.post(URL, filled(**fields))
    assert again.status_code == 422
    assert "A model query-ranker exists already." in body(again)


def test_only_namespaces_where_one_may_create(client_as: ClientAs, places: Places, model: ServedModel) -> None:
    editor = body(client_as("editor").get(URL))
    assert "search-dev" in editor
    assert "search-prod" not in editor
    assert "search-prod" in body(client_as("maintainer").get(URL))
    response = client_as("editor").post(URL, filled(namespace=places.prod.pk, model=model.pk))
    assert response.status_code == 422
    assert "Choose a namespace from the list." in body(response)
    expected = {"viewer": 403, "auditor": 403, "stranger": 403, "platform": 200}
    assert {name: client_as(name).get(URL).status_code for name in expected} == expected


def test_a_foreign_model_is_as_unknown_as_a_missing_one(
    client_as: ClientAs, people: People, places: Places, model: ServedModel
) -> None:
    foreign = factories.make_model(team=people.other_team)
    client = client_as("editor")
    answers = [
        body(client.post(URL, filled(namespace=places.dev.pk, model=key))).count("Choose a model from the list.")
        for key in (foreign.pk, 999_999)
    ]
    assert answers == [2, 2]


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a.b", "ä", "a_b", "x" * 64, "1a", "a\u200bb", "<script>"])
def test_bad_names(client_as: ClientAs, places: Places, model: ServedModel, name: str) -> None:
    response = client_as("editor").post(URL, filled(namespace=places.dev.pk, model=model.pk, name=name))
    assert response.status_code == 422
    assert 'href="#id_name"' in body(response)
    assert "<script>alert" not in body(response)


def test_a_name_that_is_taken(client_as: ClientAs, people: People, places: Places, model: ServedModel) -> None:
    factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker", model=model)
    response = client_as("editor").post(URL, filled(namespace=places.dev.pk, model=model.pk))
    assert response.status_code == 422
    assert "ranker already exists in search-dev." in body(response)


def test_a_clone_starts_from_another(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_permits()
    spec = factories.make_spec(env=(("LEVEL", "info"),), ingress_host="ranker.example.com", model_version="42")
    origin = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker", spec=spec)
    html = body(client_as("editor").get(f"{URL}?from={origin.slug}"))
    assert "Filled in from ranker in dev, revision 1." in html
    assert 'value="42"' in html
    assert 'value="LEVEL"' in html
    assert 'value="ranker.example.com"' not in html, "two deployments cannot answer on one host"
    assert client_as("stranger").get(f"{URL}?from={origin.slug}").status_code in (403, 404)


def test_back_to_the_form(client_as: ClientAs, places: Places, model: ServedModel) -> None:
    client = client_as("editor")
    client.post(URL, filled(namespace=places.dev.pk, model=model.pk, model_version="31"))
    proposal = newest()
    html = body(client.get(f"{URL}?proposal={proposal.pk}"))
    assert 'value="31"' in html
    assert f'<option value="{model.pk}" selected>' in html


def test_typing_and_rows_make_nothing(client_as: ClientAs, places: Places, model: ServedModel) -> None:
    client = client_as("editor")
    sent = filled(namespace=places.dev.pk, model=model.pk, name="Bad Name", artifact_uri="")
    step = body(client.post(URL, sent | {"step": "1"}, headers={"hx-request": "true", "hx-trigger-name": "name"}))
    assert "must be lower-case letters" in step
    assert "Must be a place" not in step
    assert client.post(URL, sent | {"more": "1"}).status_code == 200
    assert not Proposal.objects.exists()


def test_what_nobody_sees_in_a_refused_text_is_said_and_cleaned(
    client_as: ClientAs, places: Places, model: ServedModel
) -> None:
    client, sent = client_as("editor"), filled(namespace=places.dev.pk, model=model.pk)
    sent |= {"name": "ran\u200bker", "artifact_uri": "gs://acme-models/ran\u202eker"}
    page = body(client.post(URL, sent))
    assert "ran\u27e8U+200B\u27e9ker" in page
    assert "ran\u27e8U+202E\u27e9ker" in page
    for field in ("name", "artifact_uri"):
        assert f'name="clean" value="{field}"' in page
        page = body(client.post(URL, sent | {"clean": field}))
        sent[field] = {"name": "ranker", "artifact_uri": "gs://acme-models/ranker"}[field]
        assert f'value="{sent[field]}"' in page
    assert client.post(URL, sent).status_code == 302
