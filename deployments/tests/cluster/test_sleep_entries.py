"""Entries of the savings ledger, made as deployments sleep and wake on the real control plane."""

from __future__ import annotations

from datetime import timedelta

import pytest

from baristaweb.lib.clock import now
from deployments.actions import awake, sleep, sleep_ledger, sleep_schedules
from deployments.domain.spec.parts import Fixed
from deployments.models import SleepEntry, SleepSchedule
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench
from deployments.tests.cluster.test_sleep import BY, FRIDAY, MONDAY, wake
from deployments.tests.cluster.test_sleep_changes import MINUTE, asleep, scaled_by

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]


def test_a_sleep_is_entered_from_when_its_pods_are_gone_to_when_it_wakes(bench: Bench) -> None:
    factories.make_price_list(bench.place.cluster, effective_at=now() - timedelta(days=1))
    deployment = asleep(bench)
    sleep_ledger.accrue(at=FRIDAY + timedelta(hours=1))
    (going,) = SleepEntry.objects.all()
    assert (going.is_open, going.released_seconds) == (True, 2 * 59 * 60)

    wake(bench, deployment, 2)

    entries = list(SleepEntry.objects.order_by("start"))
    assert not any(entry.is_open for entry in entries)
    assert (entries[0].start, entries[-1].end) == (FRIDAY + MINUTE, MONDAY)
    assert sum(entry.released_seconds for entry in entries) == 2 * int((MONDAY - FRIDAY - MINUTE).total_seconds())
    for entry in entries:
        assert entry.price is not None
        assert entry.amount == round(entry.price * entry.released_seconds / 3600, 2)
        assert entry.price_version.startswith("Test prices")
        assert entry.decision is not None


def test_held_time_is_not_released(bench: Bench) -> None:
    factories.make_price_list(bench.place.cluster, effective_at=now() - timedelta(days=1))
    deployment = asleep(bench)
    scaled_by(bench, deployment, "kubectl-edit", 1)
    sleep.step_all(at=FRIDAY + 31 * MINUTE)
    sleep_ledger.accrue(at=FRIDAY + timedelta(hours=5))
    sleep.step_all(at=MONDAY)

    assert sum(entry.released_seconds for entry in SleepEntry.objects.all()) == 2 * 30 * 60


def test_what_a_keep_awake_gave_up_is_entered_beside_it(bench: Bench) -> None:
    factories.make_price_list(bench.place.cluster, effective_at=now() - timedelta(days=1))
    deployment = bench.create(replicas=Fixed(2))
    row = SleepSchedule(deployment=deployment, zone="UTC", windows="Mon 00:00 -> Sun 24:00")
    sleep_schedules.save(row=row, by=BY)
    kept = awake.keep_awake(deployment=deployment, by=BY, until=now() + timedelta(hours=2), note="load test")

    sleep_ledger.accrue(at=kept.since + timedelta(hours=1))
    (going,) = SleepEntry.objects.all()
    assert (going.kind, going.is_open, going.released_seconds) == ("given-up", True, 2 * 3600)
    sleep_ledger.accrue(at=kept.until + timedelta(hours=1))
    sleep_ledger.close_counted(at=kept.until + timedelta(hours=1))
    sleep_ledger.accrue(at=kept.until + timedelta(hours=9))

    (done,) = SleepEntry.objects.all()
    assert (done.is_open, done.released_seconds) == (False, 2 * 7200)
