"""What others do to something that sleeps, and wakes that fail: on the real control plane, by a clock that moves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from baristaweb.lib.clock import now
from deployments.actions import awake, sleep, sleep_layers, sleep_schedules
from deployments.actions import deployments as lifecycle
from deployments.actions.errors import Refused
from deployments.domain.sleep.plan.cases import Answer, Do
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.domain.status.states import Phase
from deployments.models import (
    ClusterHealth,
    Deployment,
    HolidayCalendar,
    Observation,
    SleepDecision,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepRecord,
    SleepSchedule,
)
from deployments.queries import sleep as queries
from deployments.queries.sleep_layers import said
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench
from deployments.tests.cluster.test_sleep import (
    BY,
    FRIDAY,
    MONDAY,
    events,
    fall_asleep,
    look,
    replicas,
    runs,
    wake,
    weekend,
)

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]

MINUTE = timedelta(minutes=1)


def asleep(bench: Bench, **fields: Any) -> Deployment:
    """One of two pods that sleeps, and is seen to."""
    deployment = bench.create(**{"replicas": Fixed(2), **fields})
    runs(bench, deployment, 2)
    weekend(deployment)
    fall_asleep(bench, deployment)
    assert sleep.step_all(at=FRIDAY + MINUTE) == [(deployment.pk, Do.REACHED)]
    return deployment


def scaled_by(bench: Bench, deployment: Deployment, manager: str, count: int) -> None:
    """Another writer changes the number, the watch sees it and a worker finds out whose it is."""
    bench.eyes.patch("Deployment", "ranker", {"spec": {"replicas": count}}, manager=manager)
    runs(bench, deployment, count)
    assert bench.run(deployment) is Outcome.COMPARED
    assert [item["manager"] for item in bench.state(deployment).drift] == [manager]
    heard(FRIDAY)


def heard(at: datetime) -> None:
    """The watch is in touch: what was seen still holds."""
    ClusterHealth.objects.update(watched_at=at)


def record(deployment: Deployment) -> SleepRecord:
    return SleepRecord.objects.get(deployment=deployment)


def test_a_manual_scale_is_held_until_the_window_ends(bench: Bench) -> None:
    deployment = asleep(bench)
    scaled_by(bench, deployment, "kubectl-edit", 1)

    assert sleep.step_all(at=FRIDAY + 5 * MINUTE) == [(deployment.pk, Do.HOLD)]
    lifecycle.restart(deployment=deployment, by=BY)
    bench.run(deployment)
    sleep.step_all(at=FRIDAY + 10 * MINUTE)

    held = record(deployment)
    assert (replicas(bench), held.hold_writer, held.hold_replicas, held.saved_replicas) == (1, "kubectl-edit", 1, 2)
    assert bench.state(deployment).drift == []
    assert events(deployment, "deployment.sleep_held")[0].facts["writer"] == "kubectl-edit"
    runs(bench, deployment, 1)
    assert sleep.step_all(at=MONDAY) == [(deployment.pk, Do.START_WAKE)]
    bench.run(deployment)
    assert replicas(bench) == 2, "what was saved in the evening"


def test_who_scaled_it_is_waited_for(bench: Bench) -> None:
    deployment = asleep(bench)
    bench.eyes.scale("ranker", 1)
    runs(bench, deployment, 1)
    seen = FRIDAY + 4 * MINUTE
    Observation.objects.filter(pk=deployment.pk).update(observed_at=seen)

    assert sleep.look(*_looked_at(deployment, at=seen), at=seen + timedelta(seconds=20)).do is Do.NOTHING
    assert sleep.look(*_looked_at(deployment, at=FRIDAY), at=FRIDAY + 5 * MINUTE).do is Do.HOLD


def _looked_at(deployment: Deployment, *, at: Any) -> tuple[Deployment, sleep.Known]:
    known = said(at=at)
    row = queries.covered_by(known).get(pk=deployment.pk)
    return row, sleep.Known(said=known, keep_awakes={}, decisions=queries.last_decisions_of([row.pk]))


def test_a_held_one_goes_back_to_sleep_when_somebody_says_so(bench: Bench) -> None:
    deployment = asleep(bench)
    scaled_by(bench, deployment, "kubectl-edit", 1)
    sleep.step_all(at=FRIDAY + 5 * MINUTE)

    awake.settle(deployment=deployment, by=BY, answer=Answer.RESTORE)
    assert sleep.step_all(at=FRIDAY + 6 * MINUTE) == [(deployment.pk, Do.RELEASE_HOLD)]
    bench.run(deployment)

    assert replicas(bench) == 0
    assert (record(deployment).hold_since, record(deployment).saved_replicas) == (None, 2)
    runs(bench, deployment, 0)
    wake(bench, deployment, 2)


def test_what_was_set_by_hand_stays_when_somebody_adopts_it(bench: Bench) -> None:
    deployment = asleep(bench)
    scaled_by(bench, deployment, "kubectl-edit", 3)
    sleep.step_all(at=FRIDAY + 5 * MINUTE)
    awake.settle(deployment=deployment, by=BY, answer=Answer.ADOPT)

    assert sleep.step_all(at=MONDAY) == [(deployment.pk, Do.START_WAKE)]
    bench.run(deployment)

    assert replicas(bench) == 3
    runs(bench, deployment, 3)
    assert sleep.step_all(at=MONDAY + MINUTE) == [(deployment.pk, Do.CLOSE_RECORD)]
    with pytest.raises(Refused, match="Nobody scaled it"):
        awake.settle(deployment=deployment, by=BY, answer=Answer.RESTORE)


def test_a_machine_is_put_back_three_times_an_hour_and_then_it_is_a_conflict(bench: Bench) -> None:
    deployment = asleep(bench)
    for number in range(3):
        scaled_by(bench, deployment, "argocd-controller", 2)
        at = FRIDAY + (5 + number) * MINUTE
        assert sleep.step_all(at=at) == [(deployment.pk, Do.FLIP)]
        bench.run(deployment)
        assert replicas(bench) == 0
        runs(bench, deployment, 0)
        sleep.step_all(at=at + timedelta(seconds=30))
    scaled_by(bench, deployment, "argocd-controller", 2)

    assert sleep.step_all(at=FRIDAY + 20 * MINUTE) == [(deployment.pk, Do.CONFLICT)]
    bench.run(deployment)
    sleep.step_all(at=FRIDAY + 21 * MINUTE)

    assert replicas(bench) == 2, "it is not fought over any more"
    found = record(deployment)
    assert (found.hold_writer, found.saved_replicas, len(found.flips)) == ("argocd-controller", 2, 3)
    assert events(deployment, "deployment.sleep_conflict")[0].facts["writer"] == "argocd-controller"
    assert len(events(deployment, "deployment.sleep_put_back")) == 3


def test_nothing_new_sleeps_until_a_conflict_is_settled(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(1))
    fields = {"closed_at": now(), "hold_since": now(), "hold_replicas": 1, "hold_writer": "flux", "conflict_at": now()}
    factories.put_to_sleep(deployment, **fields)
    runs(bench, deployment, 1)
    weekend(deployment)

    assert sleep.step_all(at=FRIDAY) == []
    awake.settle(deployment=deployment, by=BY, answer=Answer.RESTORE)
    assert sleep.step_all(at=FRIDAY + MINUTE) == [(deployment.pk, Do.OPEN_RECORD)]


def test_an_autoscalers_minimum_that_is_changed_while_it_sleeps_is_held(bench: Bench) -> None:
    deployment = bench.create(replicas=Autoscale(min=3, max=5))
    runs(bench, deployment, 3)
    weekend(deployment, target=1)
    sleep.step_all(at=FRIDAY)
    bench.run(deployment)
    bench.eyes.patch("HorizontalPodAutoscaler", "ranker", {"spec": {"minReplicas": 2}}, manager="kubectl-edit")
    bench.run(deployment)
    row = Deployment.objects.related().get(pk=deployment.pk)
    row.observation.figures = {"hpa": bench.live("HorizontalPodAutoscaler")}
    look(bench, deployment)
    type(row.observation).objects.filter(pk=row.pk).update(figures=row.observation.figures, observed_at=FRIDAY)

    assert sleep.step_all(at=FRIDAY + 5 * MINUTE) == [(deployment.pk, Do.HOLD)]


def test_a_wake_that_is_not_ready_in_time_is_said_and_tried_again(bench: Bench) -> None:
    deployment = asleep(bench)
    assert sleep.step_all(at=MONDAY) == [(deployment.pk, Do.START_WAKE)]
    assert sleep.step_all(at=MONDAY + 10 * MINUTE) == []
    assert record(deployment).wake_failed_at is None

    late = MONDAY + 16 * MINUTE
    sleep.step_all(at=late)
    sleep.step_all(at=late + MINUTE)
    sleep.step_all(at=late + 6 * MINUTE)

    found = record(deployment)
    assert (found.wake_failed_at, found.wake_retries) == (late, 2)
    assert len(events(deployment, "deployment.wake_failed")) == 1
    bench.run(deployment)
    runs(bench, deployment, 2)
    assert sleep.step_all(at=late + 12 * MINUTE) == [(deployment.pk, Do.CLOSE_RECORD)]


def test_a_holiday_is_joined_to_the_nights_beside_it_without_a_wake(bench: Bench) -> None:
    deployment = asleep(bench)
    days = f"{MONDAY:%Y-%m-%d} Founders' day"
    sleep_layers.save_calendar(row=HolidayCalendar(key="office", name="Office", days=days), by=BY)
    sleep_layers.save_holidays(row=SleepHolidays(environment="dev", calendars="office"), by=BY)

    sleep.step_all(at=FRIDAY + 2 * MINUTE)
    assert sleep.step_all(at=MONDAY) == [(deployment.pk, Do.RETARGET)], "it sleeps on"
    assert sleep.step_all(at=MONDAY + MINUTE) == []
    (newest, *_) = SleepDecision.objects.filter(deployment=deployment)
    assert "Founders' day of Office v1, inherited from environment" in newest.to_decision().words
    assert sleep.step_all(at=MONDAY.replace(hour=23, minute=55)) == [(deployment.pk, Do.START_WAKE)]


def test_a_freeze_lets_nothing_new_sleep_and_wakes_go_on(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    weekend(deployment)
    frozen = SleepFreeze(cluster=bench.place.cluster, since=now(), until=FRIDAY + timedelta(hours=2))
    sleep_layers.freeze(row=frozen, by=BY, note="incident 7")

    assert sleep.step_all(at=FRIDAY) == []
    later = FRIDAY + timedelta(hours=2, minutes=1)
    assert sleep.step_all(at=later) == [(deployment.pk, Do.OPEN_RECORD)]
    bench.run(deployment)
    runs(bench, deployment, 0)
    sleep_layers.freeze(row=SleepFreeze(cluster=bench.place.cluster), by=BY, note="incident 8")
    wake(bench, deployment, 2)


def test_a_forced_sleep_begins_at_once_and_ends_by_itself(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    until = now() + timedelta(hours=3)
    row = SleepGrant(ask="forced-sleep", deployment=deployment, until=until)
    sleep_layers.grant(row=row, by=BY, note="nobody needs it today")

    assert sleep.step_all(at=now() + MINUTE) == [(deployment.pk, Do.OPEN_RECORD)]
    bench.run(deployment)
    runs(bench, deployment, 0)
    assert sleep.step_all(at=until + MINUTE) == [(deployment.pk, Do.START_WAKE)]


def test_an_exempt_one_does_not_sleep(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    weekend(deployment)
    row = SleepGrant(ask="exemption", team=deployment.team, until=FRIDAY + timedelta(hours=1))
    sleep_layers.grant(row=row, by=BY, note="load test")

    assert sleep.step_all(at=FRIDAY) == []
    assert sleep.step_all(at=FRIDAY + timedelta(hours=2)) == [(deployment.pk, Do.OPEN_RECORD)]


def test_why_it_slept_can_be_said_after_the_schedule_is_gone(bench: Bench) -> None:
    deployment = asleep(bench)
    (row,) = SleepSchedule.objects.all()
    sleep_schedules.remove(row=row, by=BY)

    assert sleep.step_all(at=FRIDAY + timedelta(hours=1)) == [(deployment.pk, Do.START_WAKE)]
    bench.run(deployment)
    runs(bench, deployment, 2)
    sleep.step_all(at=FRIDAY + timedelta(hours=2))

    then = queries.decided_at(deployment, FRIDAY + 30 * MINUTE)
    after = queries.decided_at(deployment, FRIDAY + timedelta(hours=3))
    assert then is not None
    assert after is not None
    assert "Fri 20:00 -> Mon 07:30 of team schedule v1" in then.to_decision().words
    assert after.to_decision().words == "nothing asks for sleep"
    assert bench.state(deployment).is_sleep_decided is False


def test_grace_after_a_deploy_keeps_it_awake_for_a_while(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(1))
    runs(bench, deployment, 1)
    row = SleepSchedule(deployment=deployment, zone="UTC", windows="Mon 00:00 -> Sun 24:00", grace_minutes=30)
    sleep_schedules.save(row=row, by=BY)
    saved_at = deployment.revisions.get().saved_at

    assert sleep.step_all(at=saved_at + 20 * MINUTE) == []
    assert sleep.step_all(at=saved_at + 31 * MINUTE) == [(deployment.pk, Do.OPEN_RECORD)]


def test_no_more_wake_at_once_than_may(bench: Bench, settings: Any) -> None:
    settings.BARISTA = type(settings.BARISTA)(**{**vars_of(settings.BARISTA), "wakes_at_once": 1})
    deployment = asleep(bench)
    other = factories.make_deployment(author=bench.author, namespace=bench.place, name="other")
    factories.put_to_sleep(other, wake_started_at=MONDAY, wake_due_at=MONDAY)

    assert (deployment.pk, Do.START_WAKE) not in sleep.step_all(at=MONDAY)
    assert (deployment.pk, Do.START_WAKE) in sleep.step_all(at=MONDAY + 16 * MINUTE), "the other one gave way"


def vars_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


# State of a deployment, and what sleep does with it: nothing is put to sleep that is paused or retired.
CASES: list[tuple[str, list[Do]]] = [
    ("paused", []),
    ("retired", []),
    ("restored", [Do.OPEN_RECORD]),
    ("drifted", [Do.OPEN_RECORD]),
    ("conflict", []),
]


@pytest.mark.parametrize(("state", "done"), CASES)
def test_what_falls_asleep_in_which_state(bench: Bench, state: str, done: list[Do]) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    weekend(deployment)
    if state == "paused":
        lifecycle.pause(deployment=deployment, by=BY, note="freeze", until=None)
        bench.run(deployment)
    if state in ("retired", "restored"):
        lifecycle.retire(deployment=deployment, by=BY, note="done")
        while bench.run(deployment) is not Outcome.RETIRED:
            pass
    if state == "restored":
        lifecycle.restore(deployment=deployment, by=BY, note="needed")
        bench.run(deployment)
        runs(bench, deployment, 2)
    if state == "drifted":
        bench.eyes.patch("Deployment", "ranker", {"spec": {"revisionHistoryLimit": 3}})
        bench.run(deployment)
        look(bench, deployment)
    if state == "conflict":
        bench.eyes.patch("Deployment", "ranker", {"spec": {"minReadySeconds": 7}}, manager="kubectl-edit")
        bench.edit(deployment, run=False, replicas=Fixed(2), model_version="9")
        type(bench.state(deployment)).objects.filter(pk=deployment.pk).update(phase=Phase.CONFLICT)

    assert [did for _, did in sleep.step_all(at=FRIDAY)] == done


def test_one_that_is_retired_in_its_sleep_closes_it_and_comes_back_awake(bench: Bench) -> None:
    deployment = asleep(bench)
    lifecycle.retire(deployment=deployment, by=BY, note="done")
    assert sleep.step_all(at=FRIDAY + 5 * MINUTE) == [(deployment.pk, Do.CLOSE_RECORD)]
    while bench.run(deployment) is not Outcome.RETIRED:
        pass

    lifecycle.restore(deployment=deployment, by=BY, note="needed")
    bench.run(deployment)
    assert replicas(bench) == 2


def test_drift_of_other_fields_is_found_while_it_sleeps(bench: Bench) -> None:
    deployment = asleep(bench)
    bench.eyes.patch("Deployment", "ranker", {"spec": {"revisionHistoryLimit": 3}})
    bench.run(deployment)

    assert [item["path"] for item in bench.state(deployment).drift] == ["Deployment.spec.revisionHistoryLimit"]
    assert (sleep.step_all(at=FRIDAY + 5 * MINUTE), replicas(bench)) == ([], 0)
