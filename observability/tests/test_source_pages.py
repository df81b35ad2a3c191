"""The pages of one source and of all: what is said of them, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.models import AuditEvent, Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import part, see, soup_of
from observability.actions import objects
from observability.models import LogSource, SourceFinding, SourceObject, SourceState
from observability.tests.sources import make_source

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]


@pytest.fixture
def dev(people: People, places: Places) -> Deployment:
    return see(factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker"))


@pytest.fixture
def source(dev: Deployment) -> LogSource:
    return make_source(dev, "file:///srv/logs", name="log")


def page(client: Client, source: LogSource, query: str = "", **headers: str) -> object:
    return client.get(reverse("source", args=[source.deployment.slug, source.name]) + query, headers=headers)


def put(source: LogSource, name: str, **fields: object) -> SourceObject:
    given = {"size": 1_000, "mtime_ns": 1, "state": "folded", "folded_at": now(), "folded_size": 1_000, "rows": 50}
    return SourceObject.objects.create(source=source, uri=f"file:///srv/logs/{name}", **(given | fields))


def polled(source: LogSource, **fields: object) -> None:
    SourceState.objects.filter(source=source).update(**({"polled_at": now()} | fields))


def verdict(client: Client, source: LogSource) -> str:
    return soup_of(page(client, source)).select_one("[aria-label='State of the log']").text


def test_a_source_that_delivers_says_how_far_behind_it_is(client_as: ClientAs, source: LogSource) -> None:
    polled(source, newest_event_at=now() - timedelta(minutes=12))
    assert "Delivering, 12 min" in verdict(client_as("viewer"), source)


def test_silence_is_said_after_a_window_and_lateness(client_as: ClientAs, source: LogSource) -> None:
    polled(source, newest_event_at=now() - timedelta(hours=5))
    LogSource.objects.filter(pk=source.pk)
    told = verdict(client_as("viewer"), source)
    assert "Stopped delivering" in told
    assert "lateness" in told


def test_no_data_is_expected_of_a_deployment_without_replicas(
    client_as: ClientAs, source: LogSource, dev: Deployment
) -> None:
    polled(source, newest_event_at=now() - timedelta(days=5))
    see(dev, ready=0, desired=0)
    assert "Expected no data" in verdict(client_as("viewer"), source)


def test_a_store_that_cannot_be_listed_is_said(client_as: ClientAs, source: LogSource) -> None:
    polled(source, error="gs://logs cannot be reached", error_since=now(), newest_event_at=now())
    assert "gs://logs cannot be reached" in verdict(client_as("viewer"), source)


def test_objects_are_shown_with_their_state_and_reason(client_as: ClientAs, source: LogSource) -> None:
    put(source, "a.parquet")
    put(source, "<b>.parquet", state="parked", rows=None, tries=3, reason="row group 3: page checksum differs")
    told = soup_of(page(client_as("viewer"), source, "?show=parked"))
    [row] = told.select("#objects tbody tr")
    assert "<b>.parquet" in row.text
    assert "row group 3" in row.text
    assert "Parked" in row.text
    assert "50" not in row.select_one("[data-l=rows]").text


def test_the_live_part_is_the_part_of_the_page(client_as: ClientAs, source: LogSource) -> None:
    put(source, "a.parquet")
    client = client_as("editor")
    fresh, patched = (part(page(client, source, **headers), "#source") for headers in ({}, {"HX-Request": "true"}))
    assert patched == fresh


def test_every_bar_has_its_number_in_the_table(client_as: ClientAs, source: LogSource) -> None:
    put(source, "a.parquet", bad_rows=3, bad_reasons=[[7, "score: expected a number, got text"]])
    told = soup_of(page(client_as("viewer"), source))
    assert [cell.text for cell in told.select("#hours-table tbody td")][:3] == ["1", "50", "3"]
    assert "score: expected a number" in told.select_one("[aria-label='Bad rows']").text


def test_a_viewer_is_offered_nothing_to_do(client_as: ClientAs, source: LogSource) -> None:
    put(source, "a.parquet")
    assert not soup_of(page(client_as("viewer"), source)).select("#source form, #source a.btn")


def test_reading_is_paused_and_resumed(client_as: ClientAs, source: LogSource) -> None:
    client = client_as("editor")
    args = [source.deployment.slug, source.name]
    client.post(reverse("source-pause", args=args), {"note": "the writer is mended"})
    assert "the writer is mended" in verdict(client, source)
    client.post(reverse("source-resume", args=args))
    source.refresh_from_db()
    assert not source.is_paused
    assert AuditEvent.objects.filter(object_type="logsource", object_id=str(source.pk)).count() == 3


def test_an_object_is_read_again(client_as: ClientAs, source: LogSource) -> None:
    row = put(source, "a.parquet", state="parked")
    url = reverse("source-object-again", args=[source.deployment.slug, source.name, row.pk])
    assert client_as("editor").post(url).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.due_at is None) == ("queued", False)


def test_an_object_of_another_source_is_missing(client_as: ClientAs, source: LogSource, dev: Deployment) -> None:
    other = put(make_source(dev, "file:///srv/other", name="other"), "a.parquet")
    url = reverse("source-object-again", args=[dev.slug, source.name, other.pk])
    assert client_as("editor").post(url).status_code == 404


def test_a_range_is_read_again_and_cancelled(client_as: ClientAs, source: LogSource) -> None:
    client, args = client_as("editor"), [source.deployment.slug, source.name]
    today = f"{now():%Y-%m-%d}"
    client.post(reverse("source-backfill", args=args), {"since": today, "until": today})
    made = source.backfills.get()
    assert (made.since.hour, made.until <= now()) == (0, True)
    client.post(reverse("source-cancel", args=args))
    made.refresh_from_db()
    assert made.cancelled_at is not None


@pytest.mark.parametrize(
    ("since", "until"), [("", ""), ("2026-13-01", "x"), ("1999-01-01", "1999-01-02"), ("0000", "")]
)
def test_a_range_that_cannot_be_read_is_said(client_as: ClientAs, source: LogSource, since: str, until: str) -> None:
    client, args = client_as("editor"), [source.deployment.slug, source.name]
    answer = client.post(reverse("source-backfill", args=args), {"since": since, "until": until}, follow=True)
    assert "Say the first and the last day" in answer.content.decode() or "are kept" in answer.content.decode()
    assert not source.backfills.exists()


def test_progress_of_a_backfill_is_shown(client_as: ClientAs, source: LogSource) -> None:
    by = factories.BY
    made = objects.backfill(source=source, since=now() - timedelta(days=2), until=now(), by=by, note="x")
    type(made).objects.filter(pk=made.pk).update(
        started_at=now() - timedelta(seconds=60),
        objects_all=40,
        objects_done=10,
        bytes_all=4_000,
        bytes_done=1_000,
        rows_done=99,
    )
    told = soup_of(page(client_as("viewer"), source)).select_one("[aria-label=Backfill]")
    assert "10 of 40" in told.text
    assert "99" in told.text
    assert "3 min" in told.text  # left, at this pace
    assert told.select_one("progress")["value"] == "10"


def test_findings_are_said_by_name(client_as: ClientAs, source: LogSource) -> None:
    SourceFinding.objects.create(source=source, name="new_column", column="x", reason="Column x is new and not read.")
    assert "Column x is new" in soup_of(page(client_as("viewer"), source)).select_one("[aria-label=Findings]").text


def test_all_sources_are_those_that_a_person_sees(client_as: ClientAs, source: LogSource) -> None:
    url = reverse("sources")
    assert "ranker" in soup_of(client_as("viewer").get(url)).select_one("#sources").text
    assert "ranker" not in soup_of(client_as("stranger").get(url)).select_one("#sources").text


def test_sources_in_trouble_come_first(client_as: ClientAs, people: People, places: Places, source: LogSource) -> None:
    other = see(factories.make_deployment(author=people.editor, namespace=places.staging, name="abuse"))
    polled(make_source(other, "file:///srv/abuse", name="log"), newest_event_at=now())
    polled(source, newest_event_at=now() - timedelta(days=3))
    rows = soup_of(client_as("viewer").get(reverse("sources"))).select("tbody tr")
    assert [row.select_one("a").text for row in rows] == ["ranker", "abuse"]


def test_a_deployment_without_a_source_says_how_to_connect_one(client_as: ClientAs, dev: Deployment) -> None:
    url = reverse("deployment-sources", args=[dev.slug])
    assert soup_of(client_as("editor").get(url)).select_one(f"a[href='{reverse('source-new', args=[dev.slug])}']")
    assert not soup_of(client_as("viewer").get(url)).select("a[href$='/sources/new/']")


def test_the_page_of_all_takes_as_many_queries_for_one_source_as_for_five(
    client_as: ClientAs, source: LogSource, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client = client_as("viewer")
    client.get(reverse("sources"))
    with django_assert_max_num_queries(30) as one:
        client.get(reverse("sources"))
    for number in range(4):
        make_source(source.deployment, f"file:///srv/{number}", name=f"log-{number}")
    with django_assert_max_num_queries(len(one)):
        client.get(reverse("sources"))
