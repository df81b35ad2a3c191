"""Clusters on Google are found, registered and tried from the site; a worker does the asking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import clouds as actions
from deployments.domain.gke.steps import Outcome, Step
from deployments.models import AuditEvent, CloudRequest, Cluster
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import soup_of

ClientAs = Callable[[str], Client]
FOUND = {
    "name": "serving", "location": "europe-west4", "version": "1.36.3-gke.1", "status": "RUNNING",
    "is_autopilot": True, "has_dns": True,
}  # fmt: skip


@pytest.fixture
def listed(people: People) -> CloudRequest:
    """A list that a worker has answered."""
    row = actions.look(project="acme-models", location="", service_account="", by=people.platform)
    return answered(row, {"clusters": [FOUND, FOUND | {"name": "batch"}], "missing": []})


def answered(row: CloudRequest, result: dict[str, Any]) -> CloudRequest:
    row.answer, row.answered_at, row.result = "done", now(), result
    row.save()
    return row


def words(client: Client, row: CloudRequest) -> str:
    main = soup_of(client.get(reverse("cloud-request", args=[row.pk]))).select_one("main")
    assert main is not None
    return " ".join(main.get_text(" ").split())


def register(client: Client, row: CloudRequest, **changes: str) -> Any:
    data = {"cluster": "europe-west4/serving", "slug": "eu", "name": "EU", "endpoint": "auto", "reason": "the new one"}
    return client.post(reverse("cloud-register", args=[row.pk]), data | changes)


def test_asking_writes_a_question_and_leads_to_its_page(client_as: ClientAs, people: People) -> None:
    answer = client_as("platform").post(reverse("clouds"), {"project": "acme-models", "location": "europe-west4"})
    row = CloudRequest.objects.get()
    assert (row.kind, row.project, row.location, row.author) == ("list", "acme-models", "europe-west4", people.platform)
    assert answer.headers["Location"] == reverse("cloud-request", args=[row.pk])


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("project", "Acme Models"),
        ("project", "x/../y-zzz"),
        ("location", "moon"),
        ("service_account", "me@example.org"),
    ],
)
def test_what_google_has_no_such_name_for_asks_nobody(client_as: ClientAs, field: str, text: str) -> None:
    answer = client_as("platform").post(reverse("clouds"), {"project": "acme-models"} | {field: text})
    assert answer.status_code == 422
    assert not CloudRequest.objects.exists()


def test_it_polls_while_it_waits_and_then_no_more(client_as: ClientAs, people: People) -> None:
    client = client_as("platform")
    row = actions.look(project="acme-models", location="", service_account="", by=people.platform)
    address = reverse("cloud-request", args=[row.pk])
    part = client.get(address, headers={"HX-Request": "true", "HX-Target": "answer"}).content.decode()
    assert f'hx-get="{address}"' in part
    answered(row, {"clusters": [], "missing": ["us-east1-b"]})
    part = client.get(address, headers={"HX-Request": "true", "HX-Target": "answer"}).content.decode()
    assert "hx-get" not in part
    assert "Google had no answer for us-east1-b" in part


def test_nobody_waits_for_ever(client_as: ClientAs, people: People) -> None:
    row = actions.look(project="acme-models", location="", service_account="", by=people.platform)
    with time_machine.travel(now() + timedelta(minutes=6)):
        assert "No worker answered in 5 minutes" in words(client_as("platform"), row)


def test_one_that_was_found_is_registered_by_name_and_tried(client_as: ClientAs, listed: CloudRequest) -> None:
    answer = register(client_as("platform"), listed)
    made = Cluster.objects.get(slug="eu")
    assert (made.access, made.provider, made.project) == ("gke", "gke", "acme-models")
    assert (made.location, made.cloud_name, made.endpoint) == ("europe-west4", "serving", "auto")
    event = AuditEvent.objects.order_by("-seq")[0]
    assert (event.kind, event.note) == ("cluster.created", "the new one")
    check = CloudRequest.objects.get(cluster=made)
    assert answer.headers["Location"] == reverse("cloud-request", args=[check.pk])


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster": "europe-west4/other"}, {"cluster": ""}, {"slug": "Not A Slug"}, {"reason": ""},
        {"endpoint": "http://evil"}, {"slug": "taken"},
    ],
)  # fmt: skip
def test_what_was_not_found_or_is_not_said_registers_nothing(
    client_as: ClientAs, listed: CloudRequest, changes: dict[str, str]
) -> None:
    factories.make_cluster("taken")
    assert register(client_as("platform"), listed, **changes).status_code == 422
    assert Cluster.objects.count() == 1


def test_one_that_is_registered_is_not_offered_again(client_as: ClientAs, listed: CloudRequest) -> None:
    client = client_as("platform")
    register(client, listed)
    assert "registered as EU" in words(client, listed)
    assert register(client, listed, slug="eu2").status_code == 422


def test_the_question_of_another_admin_is_nobody_elses(
    client_as: ClientAs, people: People, listed: CloudRequest
) -> None:
    listed.author = people.maintainer
    listed.save()
    assert client_as("platform").get(reverse("cloud-request", args=[listed.pk])).status_code == 404


def test_steps_show_what_is_missing_and_what_to_do(client_as: ClientAs, people: People, places: Places) -> None:
    client, cluster = client_as("platform"), places.dev.cluster
    client.post(reverse("cloud-check", args=[cluster.slug]))
    row = CloudRequest.objects.get(cluster=cluster)
    steps = [
        Step("Identity at Google", Outcome.WORKS, "barista@acme"),
        Step("Rights to read", Outcome.MISSING, "RBAC <does> not", ("gcloud x",), "kind: ClusterRole"),
    ]
    answered(row, {"steps": [step.to_json() for step in steps]})
    said = words(client, row)
    assert "RBAC <does> not gcloud x" in said
    assert "kind: ClusterRole" in said


def test_an_answer_of_an_older_barista_is_no_error(client_as: ClientAs, people: People, places: Places) -> None:
    row = actions.check(cluster=places.dev.cluster, by=people.platform)
    answered(row, {"steps": [{}, {"outcome": "who knows"}]})
    assert "Not tried" in words(client_as("platform"), row)


@pytest.mark.parametrize("text", ["\u202e", "x" * 5000, "²", "'; DROP TABLE", "<script>", "${x}", "../..", "a\x00b"])
def test_odd_texts_are_answered_in_words(client_as: ClientAs, listed: CloudRequest, text: str) -> None:
    client = client_as("platform")
    place = {"project": text, "location": text, "service_account": text}
    assert client.post(reverse("clouds"), place).status_code in (400, 422)
    assert register(client, listed, cluster=text, slug=text, endpoint=text).status_code in (400, 422)
    assert CloudRequest.objects.count() == 1
