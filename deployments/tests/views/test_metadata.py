"""Labels and annotations: only with prefixes that the platform team allows, in the form and in what is sent."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from deployments.actions import records
from deployments.kube import sealing
from deployments.models import Deployment, MetadataPrefix, Proposal
from deployments.reconcile import job
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, decide, newest, send_edit

ClientAs = Callable[[str], Client]


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


@pytest.fixture
def allowed(db: None) -> MetadataPrefix:
    return factories.make_metadata_prefix()


@pytest.mark.usefixtures("allowed")
def test_from_the_form_to_the_bytes(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("editor")
    assert "Allowed prefixes: acme.com/." in body(client.get(reverse("deployment-edit", args=[ranker.slug])))
    sent = send_edit(client, ranker, labels="acme.com/cost-center=c-17", annotations="acme.com/owner=Ada = the first")
    assert sent.status_code == 302
    assert "cost-center" in body(client.get(sent["Location"]))
    decide(client, newest())
    found = job.load(ranker.pk)
    assert found is not None
    assert found.revision.to_spec().labels == (("acme.com/cost-center", "c-17"),)
    rendered = next(item for item in found.rendered().objects() if item["kind"] == "Deployment")
    body_sent = found.sealed(rendered).decode()
    assert '"acme.com/cost-center":"c-17"' in body_sent
    assert '"acme.com/owner":"Ada = the first"' in body_sent
    assert "acme.com" not in str(rendered["spec"]["selector"])


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("labels", "team=search", "Must be a key with an allowed prefix, such as acme.com/cost-center."),
        ("labels", "evil.com/a=b", "The prefix evil.com/ is not allowed. Allowed: acme.com/, such as"),
        ("labels", "acme.com.evil.com/a=b", "is not allowed"),
        ("labels", "barista.io/deployment-id=7", "set by the platform only"),
        ("annotations", "sub.k8s.io/a=b", "set by the platform only"),
        ("labels", "acme.com/a=not a value!", "at most 63 letters"),
        ("labels", "acme.com/a", "is not key=value"),
        ("labels", "acme.com/a=1\nacme.com/a=2", "is set twice"),
        ("labels", "\n".join(f"acme.com/k{number}=1" for number in range(200)), "At most"),
    ],
)
def test_what_does_not_fit_is_named(
    client_as: ClientAs, ranker: Deployment, field: str, text: str, message: str
) -> None:
    response = send_edit(client_as("editor"), ranker, **{field: text})
    assert response.status_code == 422
    assert message in unescape(body(response))
    assert not Proposal.objects.filter(kind="edit").exists()


def test_without_a_prefix_there_are_none(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("editor")
    assert "No prefix is allowed yet" in body(client.get(reverse("deployment-edit", args=[ranker.slug])))
    assert send_edit(client, ranker, labels="acme.com/a=b").status_code == 422


def test_a_prefix_taken_away_stops_what_is_proposed_and_what_is_sent(
    client_as: ClientAs, ranker: Deployment, allowed: MetadataPrefix
) -> None:
    client = client_as("editor")
    send_edit(client, ranker, labels="acme.com/a=1")
    decide(client, newest())
    send_edit(client, Deployment.objects.related().get(pk=ranker.pk), labels="acme.com/a=2")
    records.delete(row=allowed, by=factories.BY)
    assert "The prefix acme.com/ is not allowed" in body(decide(client, newest()))
    found = job.load(ranker.pk)
    assert found is not None
    assert found.revision.number == 2
    with pytest.raises(sealing.Unsafe, match=r"acme\.com/a"):
        found.sealed(found.rendered().objects()[0])
