"""The edit form: marks, errors in words, nothing lost, and a proposal at the end."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, decide, newest, send_edit

ClientAs = Callable[[str], Client]


def test_edit_review_apply(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")
    client = client_as("editor")
    page = client.get(reverse("deployment-edit", args=[deployment.slug]))
    assert page.status_code == 200
    assert 'value="gs://acme-models/ranker"' in body(page)

    response = send_edit(client, deployment, model_version="2")
    assert response.status_code == 302
    review = client.get(response["Location"])
    assert review.status_code == 200
    assert "Apply 1 change to ranker in dev" in body(review)
    assert "Model version" in body(review)

    response = decide(client, newest())
    assert response.status_code == 302
    assert response["Location"] == reverse("deployment-detail", args=[deployment.slug])
    deployment = Deployment.objects.related().get(pk=deployment.pk)
    assert deployment.current.number == 2
    assert deployment.current.to_spec().model_version == "2"
