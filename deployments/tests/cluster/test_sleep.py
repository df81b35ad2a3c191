"""Falling asleep and waking on the real control plane, by a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from baristaweb.lib.clock import now
from deployments.actions import awake, records, sleep, sleep_schedules
from deployments.actions import deployments as lifecycle
from deployments.audit import Actor
from deployments.domain.sleep.plan.cases import Do
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.domain.status.states import ClusterView, Phase
from deployments.models import AuditEvent, Deployment, SleepDecision, SleepRecord, SleepSchedule
from deployments.observe import rows
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]

BY = Actor.system("tests")


def friday_evening() -> datetime:
    """20:30 UTC on a Friday that comes."""
    day = now().astimezone(UTC).replace(hour=20, minute=30, second=0, microsecond=0) + timedelta(days=1)
    return day + timedelta(days=(4 - day.weekday()) % 7)


FRIDAY = friday_evening()
MONDAY = (FRIDAY + timedelta(days=3)).replace(hour=7, minute=31)


def weekend(deployment: Deployment, **fields: object) -> SleepSchedule:
    row = SleepSchedule(team=deployment.team, zone="UTC", windows="Fri 20:00 -> Mon 07:30", **fields)
    return sleep_schedules.save(row=row, by=BY)


def look(bench: Bench, deployment: Deployment) -> None:
    """What the watch would write of the cluster now."""
    view = ClusterView(deployment=bench.live())
    rows.write([rows.Seen(deployment.pk, view, now())])


def settled(bench: Bench, *, pods: int) -> bool:
    status = bench.live()["status"]
    return bool(status.get("replicas", 0) == pods == status.get("readyReplicas", 0))


def runs(bench: Bench, deployment: Deployment, pods: int) -> None:
    wait_until(lambda: settled(bench, pods=pods), what=f"{pods} pods")
    look(bench, deployment)


def replicas(bench: Bench) -> int:
    return int(bench.live()["spec"]["replicas"])


def fall_asleep(bench: Bench, deployment: Deployment) -> None:
    assert sleep.step_all(at=FRIDAY) == [(deployment.pk, Do.OPEN_RECORD)]
    assert bench.run(deployment) is Outcome.APPLIED
    runs(bench, deployment, 0)


def wake(bench: Bench, deployment: Deployment, pods: int) -> None:
    assert sleep.step_all(at=MONDAY) == [(deployment.pk, Do.START_WAKE)]
    assert bench.run(deployment) is Outcome.APPLIED
    runs(bench, deployment, pods)
    assert sleep.step_all(at=MONDAY + timedelta(minutes=1)) == [(deployment.pk, Do.CLOSE_RECORD)]


def events(deployment: Deployment, kind: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(deployment_id=deployment.pk, kind=kind).order_by("seq"))


def test_it_sleeps_and_wakes_to_what_it_was(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    weekend(deployment)

    assert sleep.step_all(at=FRIDAY - timedelta(hours=1)) == []
    fall_asleep(bench, deployment)

    record = SleepRecord.objects.get(deployment=deployment)
    assert (record.saved_replicas, record.target, record.closed_at) == (2, 0, None)
    assert sleep.step_all(at=FRIDAY + timedelta(minutes=1)) == [(deployment.pk, Do.REACHED)]
    assert sleep.step_all(at=FRIDAY + timedelta(hours=1)) == []
    wake(bench, deployment, 2)

    assert SleepRecord.objects.get(pk=record.pk).closed_at == MONDAY + timedelta(minutes=1)
    assert sleep.step_all(at=MONDAY + timedelta(hours=1)) == []
    (slept,), (woken,) = events(deployment, "deployment.slept"), events(deployment, "deployment.woken")
    assert (slept.actor_name, woken.actor_name) == ("relay", "relay")
    assert slept.facts["saved_replicas"] == 2
    told = [row.to_decision().asleep for row in SleepDecision.objects.filter(deployment=deployment).order_by("at")]
    assert told == [False, True, False]


def test_it_wakes_early_enough_to_be_ready(bench: Bench) -> None:
    """Its fifth wake makes it known that a minute is enough, which does not put it to sleep again."""
    deployment = bench.create(replicas=Fixed(1))
    for _ in range(4):
        factories.put_to_sleep(deployment, wake_started_at=now() - timedelta(seconds=30), closed_at=now())
    runs(bench, deployment, 1)
    weekend(deployment)
    fall_asleep(bench, deployment)
    due = MONDAY.replace(minute=30)
    sleep.step_all(at=due - timedelta(minutes=11))

    assert SleepRecord.objects.get(deployment=deployment, closed_at=None).wake_started_at is None
    assert sleep.step_all(at=due - timedelta(minutes=9)) == [(deployment.pk, Do.START_WAKE)]

    bench.run(deployment)
    runs(bench, deployment, 1)
    assert sleep.step_all(at=due - timedelta(minutes=8)) == [(deployment.pk, Do.CLOSE_RECORD)]
    assert sleep.step_all(at=due - timedelta(minutes=7)) == []


def test_an_autoscaler_rests_and_begins_at_its_minimum(bench: Bench) -> None:
    deployment = bench.create(replicas=Autoscale(min=2, max=5))
    bench.eyes.scale("ranker", 3)
    runs(bench, deployment, 3)
    weekend(deployment)

    fall_asleep(bench, deployment)

    assert bench.live("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2
    wake(bench, deployment, 2)
    assert bench.live("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2


def test_an_autoscaler_that_sleeps_above_zero_gets_a_lower_minimum(bench: Bench) -> None:
    deployment = bench.create(replicas=Autoscale(min=3, max=5))
    runs(bench, deployment, 3)
    weekend(deployment, target=1)

    assert sleep.step_all(at=FRIDAY) == [(deployment.pk, Do.OPEN_RECORD)]
    bench.run(deployment)

    assert bench.live("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 1
    assert bench.run(deployment) is Outcome.COMPARED
    assert bench.state(deployment).drift == []
    look(bench, deployment)
    assert sleep.step_all(at=MONDAY) == [(deployment.pk, Do.START_WAKE)]
    bench.run(deployment)
    assert bench.live("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 3


def test_an_edit_and_a_restart_in_the_night_keep_it_asleep(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    weekend(deployment)
    fall_asleep(bench, deployment)

    bench.edit(deployment, replicas=Fixed(3), model_version="2")
    lifecycle.restart(deployment=deployment, by=BY)
    assert bench.run(deployment) is Outcome.APPLIED
    bench.roll_back(deployment, to=1)
    bench.edit(deployment, replicas=Fixed(3), model_version="2")

    assert replicas(bench) == 0
    assert SleepRecord.objects.get(deployment=deployment).saved_replicas == 2
    wake(bench, deployment, 3)


def test_the_periodic_look_neither_undoes_nor_reports_a_sleep(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    weekend(deployment)
    fall_asleep(bench, deployment)

    assert bench.run(deployment) is Outcome.COMPARED

    assert replicas(bench) == 0
    state = bench.state(deployment)
    assert (state.phase, state.drift) == (Phase.APPLIED, [])


def test_a_number_set_by_hand_in_the_night_is_shown_and_not_saved(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    weekend(deployment)
    fall_asleep(bench, deployment)
    bench.eyes.scale("ranker", 1)
    runs(bench, deployment, 1)

    assert bench.run(deployment) is Outcome.COMPARED
    sleep.step_all(at=FRIDAY + timedelta(hours=2))

    assert [item["path"] for item in bench.state(deployment).drift] == ["Deployment.spec.replicas"]
    assert (replicas(bench), SleepRecord.objects.get(deployment=deployment).saved_replicas) == (1, 2)


def test_a_relay_that_dies_after_the_record_loses_nothing(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    weekend(deployment)
    fresh = Deployment.objects.get(pk=deployment.pk)

    assert sleep.step(fresh, at=FRIDAY) is Do.OPEN_RECORD
    assert replicas(bench) == 2, "the record comes first"
    assert sleep.step(fresh, at=FRIDAY) is Do.NOTHING
    assert sleep.step_all(at=FRIDAY + timedelta(seconds=5)) == []
    bench.run(deployment)

    assert replicas(bench) == 0
    assert SleepRecord.objects.get(deployment=deployment).saved_replicas == 2
    runs(bench, deployment, 0)
    assert sleep.step(fresh, at=MONDAY) is Do.START_WAKE
    assert sleep.step(fresh, at=MONDAY) is Do.NOTHING
    bench.run(deployment)
    assert replicas(bench) == 2
    assert len(events(deployment, "deployment.slept")) == len(events(deployment, "deployment.woken")) == 1


def test_a_keep_awake_wakes_at_once_and_ends_by_itself(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(1))
    runs(bench, deployment, 1)
    row = SleepSchedule(deployment=deployment, zone="UTC", windows="Mon 00:00 -> Sun 24:00")
    sleep_schedules.save(row=row, by=BY)
    at = now() + timedelta(minutes=1)
    assert sleep.step_all(at=at) == [(deployment.pk, Do.OPEN_RECORD)]
    bench.run(deployment)
    runs(bench, deployment, 0)

    kept = awake.keep_awake(deployment=deployment, by=BY, until=now() + timedelta(hours=2), note="load test")

    assert bench.run(deployment) is Outcome.APPLIED
    runs(bench, deployment, 1)
    assert sleep.step_all(at=kept.until - timedelta(minutes=1)) == [(deployment.pk, Do.CLOSE_RECORD)]
    assert sleep.step_all(at=kept.until + timedelta(seconds=1)) == [(deployment.pk, Do.OPEN_RECORD)]
    assert events(deployment, "deployment.kept_awake")[0].facts["woken"] is True


def test_what_cannot_be_read_or_seen_puts_nothing_to_sleep(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(1))
    row = weekend(deployment)
    assert sleep.step_all(at=FRIDAY) == [], "it was never seen"
    runs(bench, deployment, 1)
    row.windows = "garbage"
    records.save(row=row, by=BY)

    assert sleep.step_all(at=FRIDAY) == []
    assert replicas(bench) == 1


def test_a_wake_that_is_due_happens_when_the_schedule_cannot_be_read_any_more(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(1))
    runs(bench, deployment, 1)
    row = weekend(deployment)
    fall_asleep(bench, deployment)
    row.windows = "garbage"
    records.save(row=row, by=BY)

    sleep.step_all(at=FRIDAY + timedelta(hours=1))
    assert SleepRecord.objects.get(deployment=deployment).wake_started_at is None

    wake(bench, deployment, 1)


def test_a_schedule_that_is_mirrored_is_ours_in_the_cluster_and_no_drift(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2))
    runs(bench, deployment, 2)
    before = bench.live()["spec"]
    row = weekend(deployment, is_mirrored=True)
    sleep.step_all(at=FRIDAY - timedelta(hours=1))
    assert bench.run(deployment) is Outcome.APPLIED

    said = bench.live()["metadata"]["annotations"]
    assert said["downscaler/downtime"] == "Mon-Mon 00:00-07:30 UTC,Fri-Fri 20:00-24:00 UTC,Sat-Sun 00:00-24:00 UTC"
    owners = bench.eyes.owners("ranker", "metadata", "annotations", "downscaler/downtime")
    assert owners == {"barista-config"}
    assert bench.run(deployment) is Outcome.COMPARED
    assert not bench.state(deployment).drifted
    assert bench.live()["spec"] == before, "no pod is replaced for it"

    row.is_mirrored = False
    sleep_schedules.save(row=row, by=BY)
    sleep.step_all(at=FRIDAY - timedelta(minutes=50))
    assert bench.run(deployment) is Outcome.APPLIED
    assert not [key for key in bench.live()["metadata"]["annotations"] if key.startswith("downscaler/")]
