"""The pages of sleep for many deployments, imports, feeds, and the address that wakes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import icalendar
import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions import people as accounts
from deployments.actions import sleep_layers, sleep_schedules
from deployments.domain.sleep.schedule.decisions import Decision, Source, Step
from deployments.domain.sleep.schedule.history import to_json
from deployments.domain.status.states import State
from deployments.models import (
    ClusterHealth,
    Deployment,
    HolidayCalendar,
    KeepAwake,
    SleepDecision,
    SleepEntry,
    SleepGrant,
    SleepHolidays,
    SleepRecord,
    SleepSchedule,
)
from deployments.queries import sleep_keys
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body
from deployments.tests.views.seen import see, soup_of

ClientAs = Callable[[str], Client]
ALWAYS = "Mon 00:00 -> Sun 24:00"
pytestmark = pytest.mark.django_db


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    return see(factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker"))


def url(deployment: Deployment, what: str = "sleep") -> str:
    return reverse(f"deployment-{what}", args=[deployment.slug])


def always(deployment: Deployment) -> None:
    sleep_schedules.save(row=SleepSchedule(team=deployment.team, zone="UTC", windows=ALWAYS), by=factories.BY)


def entry(deployment: Deployment, start: datetime, hours: int, amount: str | None, **more: Any) -> SleepEntry:
    given = {
        "of": f"test-{factories.number()}",
        "end": start + timedelta(hours=hours),
        "released_seconds": hours * 3600,
        "slots": 1,
        "basis": "estimate",
        "price": Decimal("0.5") if amount else None,
        "price_version": "Test prices, version 1" if amount else "",
        "currency": "USD" if amount else "",
        "amount": Decimal(amount) if amount else None,
        "unpriced": "" if amount else "The cluster had no price list.",
        "words": "a night",
        **more,
    }
    return SleepEntry.objects.create(deployment=deployment, team=deployment.team, start=start, **given)


@pytest.mark.parametrize("name", ["sleep", "sleep-weeks", "sleep-rules", "sleep-ledger", "sleep-import"])
def test_pages_say_something_when_there_is_nothing(client_as: ClientAs, ranker: Deployment, name: str) -> None:
    answer = client_as("viewer").get(reverse(name))
    assert answer.status_code == 200
    assert ranker.name not in body(answer)


def test_tonight_says_who_sleeps_and_what_that_releases(client_as: ClientAs, ranker: Deployment) -> None:
    factories.make_price_list(ranker.namespace.cluster)
    always(ranker)
    page = body(client_as("viewer").get(reverse("sleep")))
    assert "Tonight 1 sleeps." in " ".join(soup_of(client_as("viewer").get(reverse("sleep"))).get_text().split())
    assert "inherited from team Search" in page
    assert "USD" in page


def test_tonight_shows_nothing_of_other_teams(client_as: ClientAs, ranker: Deployment) -> None:
    always(ranker)
    assert "ranker" not in body(client_as("stranger").get(reverse("sleep")))
    assert "ranker" not in body(client_as("stranger").get(reverse("sleep-weeks")))


@pytest.mark.parametrize(
    ("fields", "fate"),
    [
        ({}, "Asleep"),
        ({"hold_since": now(), "hold_replicas": 3, "hold_writer": "kubectl"}, "Held"),
    ],
)
def test_tonight_tells_asleep_from_held(
    client_as: ClientAs, ranker: Deployment, fields: dict[str, Any], fate: str
) -> None:
    always(ranker)
    factories.put_to_sleep(ranker, **fields)
    row = soup_of(client_as("viewer").get(reverse("sleep"))).select_one("tbody tr")
    assert row is not None
    assert fate in row.get_text()


def test_tonight_says_who_keeps_awake_and_what_is_not_released(client_as: ClientAs, ranker: Deployment) -> None:
    factories.make_price_list(ranker.namespace.cluster)
    always(ranker)
    client_as("editor").post(url(ranker, "keep-awake"), {"until": "2h", "note": "load test"})
    page = " ".join(soup_of(client_as("viewer").get(reverse("sleep"))).get_text().split())
    assert "Tonight 0 sleep, 1 kept awake." in page
    assert "load test" in page


def test_the_morning_names_what_did_not_wake_and_why(client_as: ClientAs, ranker: Deployment) -> None:
    at = now()
    factories.put_to_sleep(
        ranker,
        wake_started_at=at - timedelta(hours=1),
        wake_due_at=at - timedelta(minutes=50),
        wake_failed_at=at,
        wake_problem="0/3 nodes have a GPU",
        wake_retries=3,
    )
    page = " ".join(soup_of(client_as("viewer").get(reverse("sleep"))).get_text().split())
    assert "0 of 1 woke in time. ranker in dev did not." in page
    assert "0/3 nodes have a GPU Tried 3 times." in page


def test_two_weeks_of_a_deployment_are_shown_before_saving(client_as: ClientAs, ranker: Deployment) -> None:
    form = {"zone": "Europe/Berlin", "windows": "Fri 20:00 -> Mon 07:30", "target": "0", "priority": "normal"}
    page = soup_of(client_as("editor").post(url(ranker), form | {"do": "preview"}))
    box = page.select_one("section[aria-label='With this schedule']")
    assert box is not None
    assert len(box.select("tbody tr")) == 14
    assert "119.0 h asleep in two weeks, now 0 h" in " ".join(box.get_text().split())


def test_the_ledgers_month_is_the_sum_of_its_entries(client_as: ClientAs, ranker: Deployment) -> None:
    first = datetime(2026, 10, 5, 20, tzinfo=UTC)
    amounts = ["1.10", "2.25", "0.01", "3.33"]
    for night, amount in enumerate(amounts):
        entry(ranker, first + timedelta(days=night), 11, amount)
    entry(ranker, first + timedelta(days=20), 11, None)
    entry(ranker, datetime(2026, 9, 30, 20, tzinfo=UTC), 2, "99.00")
    client = client_as("viewer")
    page = soup_of(client.get(reverse("sleep-ledger"), {"month": "2026-10"}))
    foot = page.select_one("tfoot")
    assert foot is not None
    assert "6.69 USD + 1 unknown" in foot.get_text()
    assert "99.00" not in page.get_text()

    answer = client.get(reverse("sleep-ledger-export"), {"month": "2026-10"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert sum(Decimal(row["amount"]) for row in rows if row["amount"]) == Decimal("6.69")
    assert {row["why not priced"] for row in rows if not row["amount"]} == {"The cluster had no price list."}


def test_running_and_released_are_the_slots_times_the_time(client_as: ClientAs, ranker: Deployment) -> None:
    first = datetime(2026, 10, 1, tzinfo=UTC)
    entry(ranker, first, 24 * 10, "1.00")
    page = " ".join(soup_of(client_as("viewer").get(reverse("sleep-ledger"), {"month": "2026-10"})).get_text().split())
    assert "504.0 h running + 240.0 h released = 744.0 h of slots" in page


def test_what_keeping_awake_used_stands_beside_and_is_in_no_sum(client_as: ClientAs, ranker: Deployment) -> None:
    first = datetime(2026, 10, 5, 20, tzinfo=UTC)
    entry(ranker, first, 11, "2.00")
    entry(ranker, first, 3, "0.70", kind="given-up", words="Eli: load test")
    page = " ".join(soup_of(client_as("viewer").get(reverse("sleep-ledger"), {"month": "2026-10"})).get_text().split())
    assert "Sleep has released 2.00 USD in October; keeping awake used 0.70 USD" in page


def test_the_ledger_of_others_is_not_shown(client_as: ClientAs, ranker: Deployment) -> None:
    entry(ranker, datetime(2026, 10, 5, 20, tzinfo=UTC), 11, "2.00")
    client = client_as("stranger")
    assert "2.00" not in body(client.get(reverse("sleep-ledger"), {"month": "2026-10"}))
    assert client.get(reverse("sleep-ledger"), {"deployment": ranker.slug}).status_code == 404


@pytest.mark.parametrize("month", ["2026-13", "soon", "0001-01", "2026-1", "9999-12", "١٢٣٤-01"])
def test_a_month_that_is_none_is_not_found(client_as: ClientAs, ranker: Deployment, month: str) -> None:
    assert client_as("viewer").get(reverse("sleep-ledger"), {"month": month}).status_code == 404


def test_why_it_slept_is_told_from_what_was_stored(client_as: ClientAs, ranker: Deployment) -> None:
    source = Source(level="team", layer="Search", key="7", version=3, name="Nights")
    decided = Decision(asleep=True, target=0, step=Step.WEEKLY, words="Wed 20:00 of Nights v3", source=source)
    at = datetime(2026, 10, 7, 20, tzinfo=UTC)
    SleepDecision.objects.create(deployment=ranker, at=at, decision=to_json(decided))
    client = client_as("viewer")
    page = " ".join(soup_of(client.get(url(ranker), {"when": "2026-10-08T03:00"})).get_text().split())
    assert "Asleep: Wed 20:00 of Nights v3." in page
    assert "by Nights version 3 of team Search" in page
    assert "Nothing was decided by then" in body(client.get(url(ranker), {"when": "2026-10-01T03:00"}))
    assert "Give a date and time" in body(client.get(url(ranker), {"when": "last night"}))
    assert client.get(url(ranker), {"when": "0001-01-01T00:00"}).status_code == 200


def test_an_exemption_always_ends_and_is_listed_with_its_owner(client_as: ClientAs, ranker: Deployment) -> None:
    always(ranker)
    client = client_as("editor")
    assert client.post(url(ranker, "sleep-exempt"), {"until": "monday", "note": ""}).status_code == 409
    assert client.post(url(ranker, "sleep-exempt"), {"note": "x"}).status_code == 422
    far = {"until": "date", "until_date": "2031-01-01T00:00", "note": "for ever"}
    assert client.post(url(ranker, "sleep-exempt"), far).status_code == 422
    assert client.post(url(ranker, "sleep-exempt"), {"until": "monday", "note": "planned tests"}).status_code == 302
    assert SleepGrant.objects.get().by == "editor"
    assert "planned tests" in body(client.get(reverse("sleep-rules")))
    assert "<b>Awake</b>: editor: planned tests" in body(client.get(url(ranker)))
    assert client.post(url(ranker, "sleep-end")).status_code == 302
    assert "<b>Asleep</b>" in body(client.get(url(ranker)))


def test_a_deployment_may_work_on_holidays_or_keep_its_own(client_as: ClientAs, ranker: Deployment) -> None:
    sleep_layers.save_calendar(row=HolidayCalendar(key="office", name="Office", days="2026-12-24"), by=factories.BY)
    sleep_layers.save_holidays(row=SleepHolidays(team=ranker.team, calendars="office", zone="UTC"), by=factories.BY)
    client = client_as("editor")
    assert "inherited" in body(client.get(url(ranker)))
    assert client.post(url(ranker), {"do": "holidays", "keep": "own"}).status_code == 422
    assert client.post(url(ranker), {"do": "holidays", "keep": "none"}).status_code == 302
    assert SleepHolidays.objects.get(deployment=ranker).keys == []
    assert client.post(url(ranker), {"do": "holidays", "keep": "own", "calendars": "office"}).status_code == 302
    assert SleepHolidays.objects.get(deployment=ranker).version == 2
    assert client.post(url(ranker), {"do": "holidays", "keep": "inherit"}).status_code == 302
    assert not SleepHolidays.objects.filter(deployment=ranker).exists()


IMPORT = """
kind: Deployment
metadata:
  name: ranker
  namespace: search-dev
  annotations: {downscaler/uptime: "Mon-Fri 07:30-20:00 UTC", downscaler/exclude: "true"}
"""


def test_an_import_shows_how_each_setting_is_understood(client_as: ClientAs, ranker: Deployment) -> None:
    page = body(client_as("editor").post(reverse("sleep-import"), {"dialect": "py", "text": IMPORT}))
    assert "Fri 20:00 -&gt; Mon 07:30" in page
    assert "excludes it for ever" in page
    assert "Show it for ranker" in " ".join(page.split())
    assert "Show it for ranker" not in body(
        client_as("stranger").post(reverse("sleep-import"), {"dialect": "py", "text": IMPORT})
    )
    assert not SleepSchedule.objects.exists()


def test_an_import_reads_what_the_watch_found_of_the_namespaces_that_one_sees(
    client_as: ClientAs, ranker: Deployment
) -> None:
    cluster = ranker.namespace.cluster
    mine, other = yaml.safe_load(IMPORT), yaml.safe_load(IMPORT.replace("ranker", "secret-model"))
    mine["metadata"]["namespace"] = ranker.namespace.name
    other["metadata"]["namespace"] = "of-another-team"
    ClusterHealth.objects.filter(cluster=cluster).update(
        schedules={"at": now().isoformat(), "objects": [mine, other], "problem": "SleepInfos were not read"}
    )
    editor = client_as("editor")
    assert "1 object read" in " ".join(body(editor.get(reverse("sleep-import"))).split())
    page = body(editor.post(reverse("sleep-import"), {"dialect": "py", "cluster": cluster.slug}))
    assert "Show it for ranker" in " ".join(page.split())
    assert "Fri 20:00 -&gt; Mon 07:30" in page
    assert "SleepInfos were not read" in page
    assert "secret-model" not in page
    stranger = client_as("stranger").post(reverse("sleep-import"), {"dialect": "py", "cluster": cluster.slug})
    assert stranger.status_code == 422, "a cluster in which one has nothing is none to choose"

    with transaction.atomic():
        Deployment.objects.filter(pk=ranker.pk).update(mirrored={"downscaler/downtime": "always"})
        audit.record("deployment.sleep_mirrored", ranker, by=factories.BY)
    page = body(editor.post(reverse("sleep-import"), {"dialect": "py", "cluster": cluster.slug}))
    assert "Nothing to import" in page, "what Barista wrote there is nothing of another's"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "is not YAML"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("[" * 200, "is not YAML"),
        ("!!python/object:os.system {}", "is not YAML"),
        ("a: 2026-99-99T00:00:00Z", "is not YAML"),
    ],
)
def test_what_cannot_be_read_is_refused(client_as: ClientAs, ranker: Deployment, text: str, said: str) -> None:
    answer = client_as("editor").post(reverse("sleep-import"), {"dialect": "py", "text": text})
    assert answer.status_code == 422
    assert said in body(answer)


def test_a_file_that_is_no_text_is_refused(client_as: ClientAs, ranker: Deployment) -> None:
    upload = SimpleUploadedFile("x.yaml", b"\xff\xfe\x00")
    answer = client_as("editor").post(reverse("sleep-import"), {"dialect": "go", "file": upload})
    assert "is not UTF-8" in body(answer)


def test_a_feed_can_be_read_with_its_key_and_no_login(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    always(ranker)
    anonymous = client_as("anonymous")
    for name, target, of in (
        ("deployment-sleep-feed", ranker, ranker.slug),
        ("team-sleep-feed", ranker.team, ranker.team.slug),
    ):
        address = reverse(name, args=[of])
        key = sleep_keys.make(people.viewer, sleep_keys.FEED, target)
        answer = anonymous.get(address, {"key": key})
        assert answer.headers["Content-Type"].startswith("text/calendar")
        assert icalendar.Calendar.from_ical(answer.content).walk("VCALENDAR")
        assert anonymous.get(address, {"key": key[:-2] + "xx"}).status_code == 404
        other = sleep_keys.make(people.stranger, sleep_keys.FEED, target)
        assert anonymous.get(address, {"key": other}).status_code == 404
        assert (
            anonymous.get(address, {"key": sleep_keys.make(people.viewer, sleep_keys.WAKE, target)}).status_code == 404
        )


def test_a_key_ends_with_the_password_and_with_the_person(
    client_as: ClientAs, people: People, ranker: Deployment
) -> None:
    key = sleep_keys.make(people.viewer, sleep_keys.FEED, ranker)
    assert sleep_keys.user_of(key, sleep_keys.FEED, ranker) == people.viewer
    accounts.set_password(user=people.viewer, password="another correct horse", by=factories.BY)
    assert sleep_keys.user_of(key, sleep_keys.FEED, ranker) is None


def test_a_client_wakes_a_sleeping_model_once(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    record = factories.put_to_sleep(ranker)
    see(Deployment.objects.related().get(pk=ranker.pk), State.ASLEEP, desired=0, ready=0)
    client = client_as("anonymous")
    bearer = {"Authorization": f"Bearer {sleep_keys.make(people.editor, sleep_keys.WAKE, ranker)}"}
    first = client.post(url(ranker, "wake-now"), headers=bearer)
    assert (first.status_code, first.json()["state"], first.json()["ready_in_seconds"]) == (202, "waking", None)
    assert first.json()["basis"] == "it has not woken before"
    second = client.post(url(ranker, "wake-now"), headers=bearer)
    assert (second.status_code, second.json()["state"]) == (202, "waking")
    assert KeepAwake.objects.count() == 1
    SleepRecord.objects.filter(pk=record.pk).update(closed_at=now())
    awake = client.post(url(ranker, "wake-now"), headers=bearer)
    assert (awake.status_code, awake.json()["state"], awake.json()["ready_in_seconds"]) == (200, "awake", 0)


def test_the_time_until_ready_comes_from_its_own_wakes(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    at = now()
    for seconds in (100, 200, 300):
        factories.put_to_sleep(ranker, wake_started_at=at - timedelta(seconds=seconds), closed_at=at)
    factories.put_to_sleep(ranker)
    answer = client_as("editor").post(url(ranker, "wake-now")).json()
    assert 295 <= answer["ready_in_seconds"] <= 300
    assert answer["basis"] == "p90 of its last 3 wakes"


def test_a_wrong_key_wakes_nothing(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    factories.put_to_sleep(ranker)
    client = client_as("anonymous")
    viewer = sleep_keys.make(people.viewer, sleep_keys.WAKE, ranker)
    feed = sleep_keys.make(people.editor, sleep_keys.FEED, ranker)
    assert client.post(url(ranker, "wake-now"), headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert client.post(url(ranker, "wake-now"), headers={"Authorization": f"Bearer {feed}"}).status_code == 401
    assert client.post(url(ranker, "wake-now"), headers={"Authorization": f"Bearer {viewer}"}).status_code == 403
    assert not KeepAwake.objects.exists()
