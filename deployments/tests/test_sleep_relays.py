"""Relays that run twice, die at the boundary, are away for hours, or whose clock steps back: each transition once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from deployments import errands
from deployments.actions import sleep, sleep_records, sleep_schedules
from deployments.domain.sleep.plan.cases import Do
from deployments.models import (
    AuditEvent,
    ClusterHealth,
    Deployment,
    DeploymentState,
    Observation,
    SleepRecord,
    SleepSchedule,
)
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
EVENING = datetime(2031, 1, 6, 20, tzinfo=UTC)  # a Monday
MORNING = EVENING + timedelta(hours=11, minutes=30)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NIGHTS = "Mon 20:00 -> Tue 07:30\nTue 20:00 -> Wed 07:30"


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    """Two pods that run, asleep from Monday 20:00 to 07:30, with no early start."""
    row = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")
    ClusterHealth.objects.update(state=ClusterHealth.State.OK)
    schedule = SleepSchedule(team=people.team, zone="UTC", windows=NIGHTS, lead_minutes=0)
    sleep_schedules.save(row=schedule, by=factories.BY)
    worked(row, EVENING - HOUR, pods=1)
    sleep.step_all(at=EVENING - HOUR)
    return row


def worked(row: Deployment, at: datetime, *, pods: int) -> None:
    """A worker has written what is wanted and the watch has seen it."""
    row = Deployment.objects.get(pk=row.pk)
    DeploymentState.objects.filter(pk=row.pk).update(observed_generation=row.generation, applied_at=at - MINUTE)
    seen = {"observed_at": at, "desired": pods, "ready": pods, "updated": pods}
    Observation.objects.filter(pk=row.pk).update(state="running" if pods else "asleep", **seen)
    ClusterHealth.objects.update(watched_at=at)


def transitions(row: Deployment) -> list[str]:
    kinds = ("deployment.slept", "deployment.woken")
    found = AuditEvent.objects.filter(deployment_id=row.pk, kind__in=kinds).order_by("seq")
    return [event.kind.partition(".")[2] for event in found]


def did(at: datetime) -> list[Do]:
    return [do for _, do in sleep.step_all(at=at)]


def asleep(row: Deployment) -> None:
    assert did(EVENING + SECOND) == [Do.OPEN_RECORD]
    worked(row, EVENING + 2 * MINUTE, pods=0)
    assert did(EVENING + 2 * MINUTE) == [Do.REACHED]


def both(act: Callable[[], object]) -> list[BaseException]:
    """In two threads at once, each with its own connection; what they raised."""
    start, problems = threading.Barrier(2), list[BaseException]()

    def run() -> None:
        try:
            start.wait(10)
            act()
        except BaseException as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return problems


@pytest.mark.django_db(transaction=True)
def test_two_relays_at_the_boundary_put_it_to_sleep_once_and_wake_it_once(ranker: Deployment) -> None:
    assert both(lambda: sleep.step_all(at=EVENING)) == []
    assert (SleepRecord.objects.count(), transitions(ranker)) == (1, ["slept"])
    worked(ranker, EVENING + 2 * MINUTE, pods=0)
    sleep.step_all(at=EVENING + 2 * MINUTE)
    assert both(lambda: sleep.step_all(at=MORNING)) == []
    assert (SleepRecord.objects.count(), transitions(ranker)) == (1, ["slept", "woken"])


def test_a_relay_that_dies_before_its_transaction_ends_leaves_nothing_and_the_other_does_it(
    ranker: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: object, **options: object) -> None:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(sleep_records.audit, "record", die)
        with pytest.raises(SystemExit):
            sleep.step_all(at=EVENING)
    assert not SleepRecord.objects.exists()
    assert did(EVENING + 5 * SECOND) == [Do.OPEN_RECORD]
    assert transitions(ranker) == ["slept"]


def test_a_relay_that_dies_after_it_leaves_a_row_that_is_due(ranker: Deployment) -> None:
    """The nudge goes out on commit, which a test's transaction never reaches: as if it died right then."""
    assert did(EVENING) == [Do.OPEN_RECORD]
    assert ranker.pk in errands.due_rows(EVENING).values_list("pk", flat=True)
    assert did(EVENING + 5 * SECOND) == [], "what is decided is not decided again"


@pytest.mark.parametrize("late", [3 * HOUR, 11 * HOUR])
def test_away_over_the_evening_it_sleeps_at_once_and_once(ranker: Deployment, late: timedelta) -> None:
    assert did(EVENING + late) == [Do.OPEN_RECORD]
    record = SleepRecord.objects.get()
    assert (record.opened_at, record.due_at) == (EVENING + late, MORNING)
    assert transitions(ranker) == ["slept"]


def test_away_over_the_whole_night_it_does_nothing(ranker: Deployment) -> None:
    assert did(MORNING + HOUR) == []
    assert transitions(ranker) == []


def test_away_over_the_morning_it_wakes_at_once_and_names_when_it_was_due(ranker: Deployment) -> None:
    asleep(ranker)
    assert did(MORNING + 3 * HOUR) == [Do.START_WAKE]
    record = SleepRecord.objects.get()
    assert (record.wake_started_at, record.wake_due_at) == (MORNING + 3 * HOUR, MORNING)


def test_away_over_a_day_it_sleeps_on_to_the_next_morning(ranker: Deployment) -> None:
    asleep(ranker)
    assert did(EVENING + 27 * HOUR) == [Do.SLEEP_ON] or transitions(ranker) == ["slept"]
    assert SleepRecord.objects.get().due_at == MORNING + 24 * HOUR


@pytest.mark.parametrize("back", [2 * SECOND, MINUTE, 30 * MINUTE])
def test_a_clock_that_steps_back_over_the_evening_wakes_nothing(ranker: Deployment, back: timedelta) -> None:
    asleep(ranker)
    for seconds in range(0, int(back.total_seconds()) + 120, max(1, int(back.total_seconds() // 4))):
        assert did(EVENING + 2 * MINUTE - back + seconds * SECOND) == []
    assert transitions(ranker) == ["slept"]


@pytest.mark.parametrize("back", [2 * SECOND, MINUTE, 30 * MINUTE])
def test_a_clock_that_steps_back_over_the_morning_puts_nothing_to_sleep(ranker: Deployment, back: timedelta) -> None:
    asleep(ranker)
    assert did(MORNING + SECOND) == [Do.START_WAKE]
    worked(ranker, MORNING + 3 * MINUTE, pods=1)
    assert did(MORNING + 3 * MINUTE) == [Do.CLOSE_RECORD]
    for seconds in range(0, int(back.total_seconds()) + 120, max(1, int(back.total_seconds() // 4))):
        assert did(MORNING + 3 * MINUTE - back + seconds * SECOND) == []
    assert transitions(ranker) == ["slept", "woken"]


def test_a_clock_that_was_a_day_ahead_does_not_keep_it_asleep(ranker: Deployment) -> None:
    assert did(EVENING + 24 * HOUR) == [Do.OPEN_RECORD]
    worked(ranker, EVENING, pods=0)
    assert did(EVENING - HOUR) == [Do.START_WAKE], "a wake that is due still happens"
