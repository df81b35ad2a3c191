"""The audit as people read it: sentences, before and after, and only what is theirs."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from deployments.actions import deployments as actions
from deployments.models import AuditEvent, Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import soup_of
from deployments.views.audit_words import KINDS, line_of

ClientAs = Callable[[str], Client]


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    spec = replace(factories.make_spec(), model_version="2")
    factories.apply(
        factories.edit(deployment, author=people.maintainer, spec=spec), by=people.maintainer, note="v2 is in"
    )
    return deployment


def sentences(client: Client, query: str = "") -> list[str]:
    answer = client.get(reverse("audit") + query)
    assert answer.status_code == 200
    return [
        " ".join(line.text.split()) for line in soup_of(answer).select(".feed li:not(.day) > div:first-of-type > p")
    ]


def test_an_entry_is_a_sentence_with_before_and_after(client_as: ClientAs, ranker: Deployment) -> None:
    page = soup_of(client_as("viewer").get(reverse("audit") + "?q=v2"))
    line = page.select_one(".feed li:not(.day)")
    assert line is not None
    text = " ".join(line.text.split())
    assert "maintainer (command) saved revision 2 of ranker PROD" in text
    assert line.select_one(".old").text == "1"  # type: ignore[union-attr]
    assert line.select_one(".new").text == "2"  # type: ignore[union-attr]
    assert "“v2 is in”" in text


def test_only_what_is_theirs(client_as: ClientAs, ranker: Deployment) -> None:
    assert any("ranker" in line for line in sentences(client_as("viewer")))
    assert any("ranker" in line for line in sentences(client_as("auditor")))
    assert not any("ranker" in line for line in sentences(client_as("stranger")))
    entry = AuditEvent.objects.filter(kind="revision.saved").get()
    address = reverse("audit-event", args=[entry.seq])
    assert client_as("viewer").get(address).status_code == 200
    assert client_as("stranger").get(address).status_code == 404


def test_refused_tries_are_told(client_as: ClientAs, ranker: Deployment) -> None:
    client_as("editor").post(
        reverse("bulk"), {"action": "restart", "deployment": [ranker.slug], "note": "x", "confirm": "1"}
    )
    lines = sentences(client_as("maintainer"), "?outcome=refused")
    assert len(lines) == 1
    assert lines[0].startswith("editor was denied restarting pods: ranker")


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("?kind=changes", 2),
        ("?kind=lifecycle&environment=prod", 1),
        ("?kind=changes&environment=dev", 0),
        ("?kind=changes&actor=MAINT&when=24h", 2),
        ("?kind=changes&team=Search&outcome=done", 2),
        ("?kind=changes&team=Ads", 0),
        ("?q=ranker v2", 1),
        ("?q=' or 1=1 --", 0),
        ("?before=0", 0),
        ("?kind=changes&from=2020-01-01&to=2099-12-31", 2),
        ("?kind=changes&from=2099-12-31", 0),
        ("?kind=changes&to=2020-01-01", 0),
        ("?kind=changes&from=9999-99-99&to=9999-12-31", 2),
        ("?kind=changes&request=no-such-request", 0),
    ],
)
def test_filters(client_as: ClientAs, ranker: Deployment, query: str, number: int) -> None:
    assert len(sentences(client_as("viewer"), query)) == number


def test_a_day_is_included_from_its_first_to_its_last_instant(client_as: ClientAs, ranker: Deployment) -> None:
    at = AuditEvent.objects.filter(kind="revision.saved").get().at
    assert at is not None
    day = timezone.localtime(at).date().isoformat()
    assert len(sentences(client_as("viewer"), f"?kind=changes&from={day}&to={day}")) == 2


def test_the_form_keeps_the_request_that_a_link_asked_for(client_as: ClientAs, ranker: Deployment) -> None:
    client_as("editor").post(
        reverse("bulk"), {"action": "restart", "deployment": [ranker.slug], "note": "x", "confirm": "1"}
    )
    refused = AuditEvent.objects.exclude(request_id="").order_by("-seq")[0]
    client = client_as("maintainer")
    assert len(sentences(client, f"?request={refused.request_id}")) == 1
    page = soup_of(client.get(reverse("audit"), {"request": refused.request_id}))
    field = page.select_one("form.filters details[open] input[name=request]")
    assert field is not None
    assert field["value"] == refused.request_id


def test_nonsense_in_the_address_is_ignored(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("viewer")
    everything = sentences(client)
    for query in ("?before=-1", "?before=x", "?before=99999999999999999999999", "?kind=zzz&when=zzz&outcome=zzz"):
        assert sentences(client, query) == everything


def test_older_pages_follow_without_a_gap(
    client_as: ClientAs, ranker: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.views.audit.PAGE_SIZE", 2)
    client, seen, address = client_as("viewer"), [], reverse("audit")
    for _ in range(20):
        page = soup_of(client.get(address))
        seen += [link.text for link in page.select(".feed .when a")]
        older = page.select_one("a[rel=next]")
        if older is None:
            break
        address = reverse("audit") + str(older["href"])
    visible = AuditEvent.objects.exclude(team_id=None).filter(team_name="Search").order_by("-seq")
    assert seen == [entry.row_hash[:6] for entry in visible]


def test_the_queries_do_not_grow_with_the_log(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    client, by, counts = client_as("viewer"), factories.Actor.as_user(people.maintainer), []
    client.get(reverse("audit"))
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("audit"))
        counts.append(len(queries))
        for _ in range(5):
            actions.restart(deployment=ranker, by=by, note="again")
    assert counts[0] == counts[1] <= 8


def test_the_entry_page_shows_the_seal(client_as: ClientAs, ranker: Deployment) -> None:
    entry = AuditEvent.objects.filter(kind="revision.saved").get()
    text = soup_of(client_as("viewer").get(reverse("audit-event", args=[entry.seq]))).text
    assert entry.row_hash in text
    assert entry.prev_hash in text


def test_activity_is_this_deployments_only(
    client_as: ClientAs, people: People, places: Places, ranker: Deployment
) -> None:
    factories.make_deployment(author=people.editor, namespace=places.dev, name="other")
    page = soup_of(client_as("viewer").get(reverse("deployment-activity", args=[ranker.slug])))
    assert len(page.select(".feed li:not(.day)")) == 2
    assert "other" not in page.select_one(".feed").text  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", [*KINDS, "runtime.changed", "thing.done_by_somebody", "odd"])
def test_every_kind_has_words_even_with_hostile_facts(kind: str) -> None:
    event = AuditEvent(kind=kind, facts={"revision": "{0.__class__}", "user": "{x}", "permission": "%s"})
    line = line_of(event)
    assert line.before
    assert "class" not in line.before.replace("{0.__class__}", "")
