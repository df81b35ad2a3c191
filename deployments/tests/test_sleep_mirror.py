"""Schedules that are said in the cluster too: intent by opt-in, the same for both kube-downscalers, and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from baristaweb.lib.clock import now
from deployments import rendering
from deployments.actions import awake, sleep, sleep_schedules
from deployments.actions.errors import Wrong
from deployments.domain.checker.check import check
from deployments.models import AuditEvent, Deployment, SleepSchedule
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
NIGHTS = "Mon 20:00 -> Tue 07:30\nFri 20:00 -> Mon 07:30"
SAID = {
    "downscaler/downtime": (
        "Mon-Tue 00:00-07:30 Europe/Berlin,Mon-Mon 20:00-24:00 Europe/Berlin,Fri-Fri 20:00-24:00 Europe/Berlin,"
        "Sat-Sun 00:00-24:00 Europe/Berlin"
    ),
    "downscaler/downtime-replicas": "0",
    "downscaler/downscale-replicas": "0",
}


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


def schedule(row: Deployment, **fields: object) -> SleepSchedule:
    given = {"team": row.team, "zone": "Europe/Berlin", "windows": NIGHTS, "is_mirrored": True, **fields}
    return sleep_schedules.save(row=SleepSchedule(**given), by=factories.BY)


def look(row: Deployment, at: datetime | None = None) -> Deployment:
    sleep.step_all(at=at or now())
    return Deployment.objects.related().get(pk=row.pk)


def rendered(row: Deployment) -> dict[str, str]:
    assert row.current is not None
    found = rendering.of_revision(row, row.current, generation=row.generation).deployment["metadata"]["annotations"]
    return {key: value for key, value in found.items() if key.startswith("downscaler/")}


def test_it_is_said_only_where_somebody_asks_for_it(ranker: Deployment) -> None:
    row = schedule(ranker, is_mirrored=False)
    assert look(ranker).mirrored == {}
    row.is_mirrored = True
    assert sleep_schedules.save(row=row, by=factories.BY).version == 2
    assert look(ranker).mirrored == SAID


def test_it_is_intent_with_an_event_and_is_written_once(ranker: Deployment) -> None:
    before = ranker.generation
    schedule(ranker)
    row = look(ranker)
    assert rendered(row) == SAID
    event = AuditEvent.objects.get(deployment_id=ranker.pk, kind="deployment.sleep_mirrored")
    assert event.facts == {"before": {}, "after": SAID}
    again = look(ranker)
    assert again.generation == row.generation > before
    assert AuditEvent.objects.filter(kind="deployment.sleep_mirrored").count() == 1


def test_a_keep_awake_is_said_in_utc_as_both_read_it_and_taken_back(ranker: Deployment) -> None:
    schedule(ranker)
    look(ranker)
    until = now() + timedelta(hours=2)
    awake.keep_awake(deployment=ranker, by=factories.BY, until=until, note="load test")
    said = f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
    assert look(ranker).mirrored == SAID | {"downscaler/exclude-until": said}
    assert look(ranker, until + timedelta(seconds=1)).mirrored == SAID


@pytest.mark.parametrize("how", ["no opt-in", "removed"])
def test_what_is_asked_for_no_more_goes_from_the_cluster(ranker: Deployment, how: str) -> None:
    row = schedule(ranker)
    assert look(ranker).mirrored
    if how == "removed":
        sleep_schedules.remove(row=row, by=factories.BY)
    else:
        row.is_mirrored = False
        sleep_schedules.save(row=row, by=factories.BY)
    found = look(ranker)
    assert found.mirrored == {}
    assert rendered(found) == {}


def test_production_that_may_not_sleep_is_told_to_nobody(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    schedule(row, team=None, environment="prod")
    assert look(row).mirrored == {}


def test_the_nearest_schedule_decides_whether_it_is_said(ranker: Deployment) -> None:
    schedule(ranker)
    schedule(ranker, team=None, deployment=ranker, is_mirrored=False)
    assert look(ranker).mirrored == {}


def test_what_both_programs_cannot_read_is_refused_when_it_is_saved(ranker: Deployment) -> None:
    with pytest.raises(Wrong) as refused:
        schedule(ranker, zone="Etc/GMT+5")
    assert "cannot read the zone" in refused.value.errors["is_mirrored"]
    assert not SleepSchedule.objects.exists()


def test_the_second_look_lets_these_annotations_pass_and_no_others(ranker: Deployment) -> None:
    schedule(ranker)
    row = look(ranker)
    assert row.current is not None
    objects = rendering.of_revision(row, row.current, generation=row.generation).objects()

    def problems() -> list[str]:
        marks = {"namespace": row.namespace.name, "install_id": rendering.install_id(), "allowlist": ("docker.io",)}
        return [one.path for one in check(objects, **marks) if "downscaler" in one.path]

    assert problems() == []
    objects[0]["metadata"]["annotations"]["downscaler/exclude"] = "true"
    objects[1]["metadata"]["annotations"]["downscaler/downtime"] = "always"
    assert problems() == [
        "[0]Deployment.metadata.annotations[downscaler/exclude]",
        "[1]Service.metadata.annotations[downscaler/downtime]",
    ]
