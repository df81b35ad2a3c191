"""Bulk actions: a preview, then all or none."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from deployments.actions import deployments
from deployments.models import AuditEvent, Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import soup_of

ClientAs = Callable[[str], Client]


def test_preview_then_all(client_as: ClientAs, people: People, places: Places) -> None:
    rows = [factories.make_deployment(author=people.editor, namespace=places.dev) for _ in range(3)]
    client = client_as("editor")
    data = {"action": "restart", "deployment": [row.slug for row in rows], "note": "new base image"}
    preview = client.post(reverse("bulk"), data)
    assert preview.status_code == 200
    assert "Restart 3 deployments" in [heading.text for heading in soup_of(preview).select("h1")]
    assert not Deployment.objects.exclude(restarted_at=None).exists()
    client.post(reverse("bulk"), data | {"confirm": "1"})
    assert Deployment.objects.exclude(restarted_at=None).count() == 3
    assert AuditEvent.objects.filter(kind="deployment.restarted", note="new base image").count() == 3


def test_one_that_cannot_stops_all(client_as: ClientAs, people: People, places: Places) -> None:
    rows = [factories.make_deployment(author=people.editor, namespace=places.dev) for _ in range(2)]
    deployments.pause(deployment=rows[1], by=factories.BY, note="freeze", until=None)
    data = {"action": "restart", "deployment": [row.slug for row in rows]}
    for more in ({}, {"confirm": "1"}):
        answer = client_as("editor").post(reverse("bulk"), data | more)
        assert answer.status_code == 409
        assert "This deployment is paused." in answer.content.decode()
        assert soup_of(answer).select_one("main button.btn-primary[disabled]") is not None
    assert not Deployment.objects.exclude(restarted_at=None).exists()


def test_prod_needs_the_maintainer(client_as: ClientAs, people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.maintainer, namespace=places.prod)
    data = {"action": "restart", "deployment": [row.slug], "note": "why"}
    assert client_as("editor").post(reverse("bulk"), data).status_code == 409
    assert client_as("editor").post(reverse("bulk"), data | {"confirm": "1"}).status_code == 403
    assert client_as("stranger").post(reverse("bulk"), data | {"confirm": "1"}).status_code == 302
    assert not Deployment.objects.exclude(restarted_at=None).exists()
