"""The Sleep tab of a deployment, keeping it awake, waking it, and what other pages say while it sleeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as lifecycle
from deployments.actions import sleep_schedules
from deployments.actions.errors import Refused, Wrong
from deployments.domain.status.states import State
from deployments.models import AuditEvent, ClusterHealth, Deployment, KeepAwake, SleepRecord, SleepSchedule
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, newest
from deployments.tests.views.seen import see, soup_of
from deployments.views.sleep_verbs import until_of

ClientAs = Callable[[str], Client]
WEEKEND = {"zone": "Europe/Berlin", "windows": "Fri 20:00 -> Mon 07:30", "target": "0", "priority": "normal"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    return see(factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker"))


def url(deployment: Deployment, what: str = "sleep") -> str:
    return reverse(f"deployment-{what}", args=[deployment.slug])


def fresh(deployment: Deployment) -> Deployment:
    return Deployment.objects.related().get(pk=deployment.pk)


def save(client: Client, deployment: Deployment, **fields: str) -> object:
    """As a browser does it: look first, then save what was shown."""
    page = soup_of(client.post(url(deployment), WEEKEND | {"do": "preview"} | fields))
    shown = page.select_one("input[name=previewed]")
    assert shown is not None, page.get_text()
    return client.post(url(deployment), WEEKEND | {"do": "save", "previewed": str(shown["value"])} | fields)


def test_a_preview_shows_the_next_five_and_stores_nothing(client_as: ClientAs, ranker: Deployment) -> None:
    page = soup_of(client_as("editor").post(url(ranker), WEEKEND | {"do": "preview"}))
    box = page.select_one("section[aria-label='With this schedule']")
    assert box is not None
    assert len(box.select("li")) == 5
    assert "Fri 20:00 -> Mon 07:30" in box.get_text()
    for time in box.select("time"):
        assert time.get_text()[:3] + time.get_text()[-5:] in {"Fri20:00", "Mon07:30"}, "as Berlin's clocks show it"
    assert not SleepSchedule.objects.exists()


def test_only_what_was_shown_is_saved(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("editor")
    client.post(url(ranker), WEEKEND | {"do": "save", "previewed": "something else"})
    assert not SleepSchedule.objects.exists()
    save(client, ranker)
    row = SleepSchedule.objects.get(deployment=ranker)
    assert (row.windows, row.zone, row.version) == ("Fri 20:00 -> Mon 07:30", "Europe/Berlin", 1)
    assert AuditEvent.objects.filter(kind="sleepschedule.created", deployment_id=ranker.pk).exists()
    save(client, ranker, windows="Fri 19:00 -> Mon 07:30")
    assert SleepSchedule.objects.get(deployment=ranker).version == 2


def test_a_schedule_is_written_as_annotations_only_where_that_is_chosen(
    client_as: ClientAs, ranker: Deployment
) -> None:
    client = client_as("editor")
    save(client, ranker)
    assert not SleepSchedule.objects.get(deployment=ranker).is_mirrored
    save(client, ranker, is_mirrored="on")
    assert SleepSchedule.objects.get(deployment=ranker).is_mirrored
    ClusterHealth.objects.update(downscalers=[{"program": "kube-green", "namespace": "tools", "name": "green"}])
    assert "runs kube-green" in " ".join(body(client.get(url(ranker))).split())
    refused = client.post(
        url(ranker), WEEKEND | {"do": "preview", "is_mirrored": "on", "zone": "America/Port-au-Prince"}
    )
    assert refused.status_code == 422
    assert "cannot read the zone America/Port-au-Prince" in body(refused)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("windows", "Fri 8pm", "is not a window"), ("zone", "Europe/Berln", "Did you mean Europe/Berlin")],
)
def test_what_cannot_be_read_is_refused_beside_its_field(
    client_as: ClientAs, ranker: Deployment, field: str, value: str, said: str
) -> None:
    answer = client_as("editor").post(url(ranker), WEEKEND | {"do": "preview", field: value})
    assert answer.status_code == 422
    assert said in body(answer)


def test_the_page_says_from_which_layer_it_is_inherited(client_as: ClientAs, ranker: Deployment) -> None:
    row = SleepSchedule(team=ranker.team, zone="UTC", windows="Mon 00:00 -> Sun 24:00")
    sleep_schedules.save(row=row, by=factories.BY)
    page = body(client_as("viewer").get(url(ranker)))
    assert "inherited from team Search" in page
    assert "own-schedule" not in page


def test_production_sleeps_only_by_its_own_schedule_with_a_reason(
    client_as: ClientAs, people: People, places: Places
) -> None:
    prod = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    always = "Mon 00:00 -> Sun 24:00"
    sleep_schedules.save(row=SleepSchedule(team=prod.team, zone="UTC", windows=always), by=factories.BY)
    client = client_as("maintainer")
    assert "production never sleeps" in body(client.get(url(prod)))
    save(client, prod, note="")
    assert not SleepSchedule.objects.filter(deployment=prod).exists()
    save(client, prod, note="only used by day", windows=always)
    row = SleepSchedule.objects.get(deployment=prod)
    assert (row.allowed_by, row.allowed_reason) == ("maintainer", "only used by day")
    assert "<b>Asleep</b>" in body(client.get(url(prod)))


def test_removing_it_goes_back_to_what_is_inherited(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("editor")
    save(client, ranker)
    assert client.post(url(ranker), {"do": "remove"}).status_code == 302
    assert not SleepSchedule.objects.exists()
    assert client.post(url(ranker), {"do": "remove"}).status_code == 409


def test_keeping_it_awake_wakes_it_and_is_told(client_as: ClientAs, ranker: Deployment) -> None:
    factories.put_to_sleep(ranker)
    see(fresh(ranker), State.ASLEEP, desired=0, ready=0)
    client = client_as("editor")
    assert client.post(url(ranker, "keep-awake"), {"until": "2h", "note": " "}).status_code == 409
    page = body(client.post(url(ranker, "keep-awake"), {"until": "2h", "note": "load test"}, follow=True))
    assert "Waking" in page
    assert "Kept awake by editor until" in page
    record = SleepRecord.objects.get(deployment=ranker)
    assert record.is_waking
    assert record.generation == fresh(ranker).generation
    assert KeepAwake.objects.get().until > now() + timedelta(minutes=119)


def test_what_keeps_it_awake_can_be_ended_before(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("editor")
    assert client.post(url(ranker, "let-sleep")).status_code == 409
    client.post(url(ranker, "keep-awake"), {"until": "2h", "note": "load test"})
    assert "Let it sleep" in body(client.get(url(ranker, "detail")))
    page = body(client.post(url(ranker, "let-sleep"), follow=True))
    assert "Kept awake by" not in page
    assert client.post(url(ranker, "let-sleep")).status_code == 409


def test_waking_now_lasts_to_the_wake_that_was_due(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("editor")
    assert client.post(url(ranker, "wake")).status_code == 409
    record = factories.put_to_sleep(ranker)
    assert client.post(url(ranker, "wake")).status_code == 302
    assert KeepAwake.objects.get().until == record.due_at
    assert client.post(url(ranker, "wake")).status_code == 409


@pytest.mark.parametrize(
    ("form", "until"),
    [
        ("until=tonight", datetime(2026, 11, 27, 23, 0, tzinfo=UTC)),
        ("until=monday", datetime(2026, 11, 30, 7, 0, tzinfo=UTC)),
        ("until=date&until_date=2026-12-01T18:30", datetime(2026, 12, 1, 17, 30, tzinfo=UTC)),
    ],
)
def test_ends_are_wall_times_of_the_schedules_zone(form: str, until: datetime) -> None:
    assert until_of(QueryDict(form), "Europe/Berlin", at=datetime(2026, 11, 27, 15, 0, tzinfo=UTC)) == until


def test_an_end_that_is_no_date_is_wrong() -> None:
    with pytest.raises(Wrong, match="date and time"):
        until_of(QueryDict("until=date&until_date=soon"), "UTC", at=now())


def test_pages_say_that_changes_wait_for_the_wake(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    factories.put_to_sleep(ranker)
    see(fresh(ranker), State.ASLEEP, desired=0, ready=0)
    client = client_as("editor")
    page = body(client.get(url(ranker, "detail")))
    assert "Asleep: Mon 20:00 -&gt; Tue 07:00 of a schedule." in page
    assert "takes effect when it wakes" in page
    assert "Wake now" in page
    assert "takes effect at the next wake" in body(client.get(url(ranker, "restart")))
    factories.edit(ranker, author=people.editor, spec=factories.make_spec(model_version="2"))
    assert "takes effect at the next wake" in body(client.get(reverse("deployment-review", args=[newest().pk])))


def test_a_pause_is_refused_while_it_sleeps(ranker: Deployment) -> None:
    factories.put_to_sleep(ranker)
    with pytest.raises(Refused, match="Wake it first"):
        lifecycle.pause(deployment=ranker, by=factories.BY, note="freeze", until=None)
