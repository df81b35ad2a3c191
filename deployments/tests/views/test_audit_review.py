"""Export and sign-off of audit events."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
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


def waiting_in_prod(people: People, places: Places, count: int) -> list[AuditEvent]:
    for number in range(count):
        factories.make_deployment(author=people.maintainer, namespace=places.prod, name=f"ranker-{number}")
    return list(AuditEvent.objects.filter(kind="deployment.created").order_by("seq"))


def test_entries_of_one_kind_are_one_line_and_signed_off_with_one_note(
    client_as: ClientAs, people: People, places: Places
) -> None:
    events = waiting_in_prod(people, places, 4)
    auditor = client_as("auditor")
    page = BeautifulSoup(auditor.get(reverse("audit-queue")).content.decode(), "html.parser")
    folded = [item for item in page.select("ul.feed > li") if item.select_one("details")]
    assert len(folded) == 1
    assert "4 entries" in folded[0].get_text()
    chosen = folded[0].select_one("input[name=seq]")["value"]
    assert chosen == ",".join(str(event.seq) for event in events)
    path = reverse("audit-sign-off-all")
    silent = auditor.post(path, {"seq": chosen, "verdict": "fine"}, follow=True).content.decode()
    assert "Say what you saw, such as" in silent
    assert not AuditReview.objects.exists()
    auditor.post(path, {"seq": chosen, "verdict": "fine", "note": "the launch"})
    assert {(one.seq, one.note) for one in AuditReview.objects.all()} == {(event.seq, "the launch") for event in events}
    told = AuditEvent.objects.filter(kind="auditreview.created").get()
    assert told.facts["entries"] == ", ".join(str(event.seq) for event in events)
    log = " ".join(auditor.get(reverse("audit")).content.decode().split())
    assert "signed off 4 audit entries, the last of them" in log


def test_signing_off_several_asks_for_the_role_of_each(client_as: ClientAs, people: People, places: Places) -> None:
    events = waiting_in_prod(people, places, 2)
    given = {"seq": [str(event.seq) for event in events], "verdict": "fine", "note": "seen"}
    path = reverse("audit-sign-off-all")
    assert client_as("editor").post(path, given).status_code == 403
    assert AuditEvent.objects.first().kind == "permission.refused"
    assert client_as("stranger").post(path, given).status_code == 404
    own = client_as("maintainer").post(path, given, follow=True).content.decode()
    assert f"Entry {events[0].seq} is your own change" in own
    assert (
        "Select at least one entry"
        in client_as("auditor").post(path, {"verdict": "fine"}, follow=True).content.decode()
    )
    assert not AuditReview.objects.exists()


def test_the_search_finds_what_the_page_shows(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    seq = AuditEvent.objects.get(kind="deployment.created").seq
    client_as("editor").post(reverse("audit-sign-off", args=[seq]), {"verdict": "fine"})
    auditor = client_as("auditor")

    def found(words: str) -> str:
        page = BeautifulSoup(auditor.get(reverse("audit"), {"q": words}).content.decode(), "html.parser")
        return " ".join(" ".join(item.get_text(" ").split()) for item in page.select("ul.feed > li:not(.day)"))

    for words in ("created ranker", "revision prod ranker", "runtime", "denied signing"):
        assert found(words), words
    assert "the runtime" in found("runtime")
    assert "ranker" not in found("created runtime")
    assert found("nothing-of-this-name") == ""
