"""Export and sign-off of audit events."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from baristaweb.lib.csv_export import safe_cell
from deployments.models import AuditEvent, AuditReview
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

ClientAs = Callable[[str], Client]


@pytest.mark.parametrize(
    "text",
    ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"],
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert str(safe_cell(text)).startswith("'")


def test_numbers_stay_numbers() -> None:
    assert safe_cell(-1) == -1


def rows_of(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(reverse("audit-export") + query)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


@pytest.mark.django_db
def test_the_export_follows_filters_and_teams(client_as: ClientAs, people: People, places: Places) -> None:
    proposal = factories.make_proposal(author=people.editor, namespace=places.dev, name="ranker")
    factories.apply(proposal, by=people.editor, note="=HYPERLINK(1)")
    rows = rows_of(client_as("auditor"), "?kind=changes")
    assert [(row["kind"], row["what"], row["why"]) for row in rows] == [
        ("deployment.created", "ranker", "'=HYPERLINK(1)")
    ]
    assert "ranker" not in [row["what"] for row in rows_of(client_as("stranger"))]


def test_prod_changes_wait_for_somebody_else(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    event = AuditEvent.objects.get(kind="deployment.created")
    auditor = client_as("auditor")
    assert "ranker" in auditor.get(reverse("audit-queue")).content.decode()
    own = client_as("maintainer").post(reverse("audit-sign-off", args=[event.seq]), {"verdict": "fine"}, follow=True)
    assert "somebody else" in own.content.decode()
    vague = auditor.post(reverse("audit-sign-off", args=[event.seq]), {"verdict": "concern"}, follow=True)
    assert "Say what needs" in vague.content.decode()
    auditor.post(reverse("audit-sign-off", args=[event.seq]), {"verdict": "fine", "note": "agreed in stand-up"})
    assert AuditReview.objects.get().reviewer_name == "auditor"
    page = auditor.get(reverse("audit-queue")).content.decode()
    assert "Every risky entry" in page
    assert "agreed in stand-up" in auditor.get(reverse("audit-event", args=[event.seq])).content.decode()


def test_editors_may_not_sign_and_strangers_see_nothing(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_deployment(author=people.maintainer, namespace=places.prod)
    event = AuditEvent.objects.get(kind="deployment.created")
    path = reverse("audit-sign-off", args=[event.seq])
    assert client_as("editor").post(path, {"verdict": "fine"}).status_code == 403
    assert AuditEvent.objects.first().kind == "permission.refused"
    assert client_as("stranger").post(path, {"verdict": "fine"}).status_code == 404
    assert not AuditReview.objects.exists()


def test_sign_offs_are_append_only(people: People, places: Places) -> None:
    AuditReview.objects.create(seq=1, reviewer_id=1, reviewer_name="x", verdict="fine")
    for write in (lambda: AuditReview.objects.update(note="y"), lambda: AuditReview.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            write()
