"""Entries of the savings ledger by measured pods, and by estimate where the watch did not measure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from deployments.actions import sleep_ledger
from deployments.models import ClusterHealth, Deployment, OpenPod, PodInterval, SleepEntry, SleepRecord
from deployments.queries import sleep_months
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 11, 16, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def record(people: People, places: Places) -> SleepRecord:
    """Two pods that sleep since 20:00."""
    with time_machine.travel(NIGHT - 24 * HOUR, tick=False):
        factories.make_price_list(places.dev.cluster)
        row = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")
    with time_machine.travel(NIGHT, tick=False):
        return factories.put_to_sleep(row, reached_at=NIGHT, saved_replicas=2)


def heard(at: datetime) -> None:
    ClusterHealth.objects.update(measured_at=at)


def pod(row: Deployment, uid: str, start: datetime, end: datetime | None = None) -> None:
    asked = {"node": "n", "millicores": 500, "memory": 1 << 30, "start": start, "uid": uid, "pod": uid}
    given = {"cluster": row.namespace.cluster, "deployment": row, "team": row.team, **asked}
    if end is None:
        OpenPod.objects.create(**given)
    else:
        PodInterval.objects.create(**given, day=start.date(), end=end)


def entered(at: datetime) -> tuple[str, int]:
    sleep_ledger.accrue(at=at)
    rows = SleepEntry.objects.all()
    return rows[0].basis, sum(row.released_seconds for row in rows)


def test_without_a_watch_it_is_an_estimate(record: SleepRecord) -> None:
    assert entered(NIGHT + 3 * HOUR) == ("estimate", 2 * 3 * 3600)


def test_what_the_watch_measured_counts(record: SleepRecord) -> None:
    pod(record.deployment, "a", NIGHT - 9 * HOUR, NIGHT)
    heard(NIGHT + 3 * HOUR)
    assert entered(NIGHT + 3 * HOUR) == ("measured", 2 * 3 * 3600)


def test_a_pod_that_lingers_was_not_released(record: SleepRecord) -> None:
    pod(record.deployment, "a", NIGHT - 9 * HOUR, NIGHT + HOUR)
    pod(record.deployment, "b", NIGHT + 2 * HOUR)
    heard(NIGHT + 3 * HOUR)
    assert entered(NIGHT + 3 * HOUR) == ("measured", (2 * 3 - 1 - 1) * 3600)


def test_a_watch_that_went_silent_measured_nothing(record: SleepRecord) -> None:
    pod(record.deployment, "a", NIGHT - 9 * HOUR, NIGHT)
    heard(NIGHT + HOUR)
    assert entered(NIGHT + 3 * HOUR)[0] == "estimate"


def test_a_deployment_that_was_never_measured_is_estimated(record: SleepRecord) -> None:
    heard(NIGHT + 3 * HOUR)
    assert entered(NIGHT + 3 * HOUR)[0] == "estimate"


def test_of_each_slot_every_second_is_running_or_released(record: SleepRecord, people: People) -> None:
    pod(record.deployment, "a", NIGHT - 9 * HOUR, NIGHT + HOUR)
    heard(NIGHT + 3 * HOUR)
    sleep_ledger.accrue(at=NIGHT + 3 * HOUR)
    month = sleep_months.month_of(people.platform, NIGHT.date().replace(day=1), at=NIGHT + 3 * HOUR)
    assert month.released.seconds == 5 * 3600
    (day,) = (one for one in month.days if one.day == NIGHT.date())
    # One pod runs since the day before, as its revision says; two slots are counted while it sleeps.
    assert (day.released, day.running) == (5 * 3600, 20 * 3600 + 3600)
    assert [basis for basis, _ in month.bases] == ["measured"]
