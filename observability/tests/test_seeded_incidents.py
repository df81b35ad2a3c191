"""What is planted in the demo's logs is found on its day, in its column, and on no other day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from deployments.models import AuditEvent
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from observability.management.commands.seed_logs import Command
from observability.management.seed.data_sets import PLANS
from observability.management.seed.incidents import (
    Incident,
    as_text,
    late,
    nulls,
    plus,
    renamed,
    stuck,
    times,
    twice,
)
from observability.management.seed.replaying import HOUR, Layout, Replay, parquet, write_until
from observability.models import ChangeEvent
from observability.tests.incidents import replayed, spec_file

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
DAILY = Layout(template="{yyyy}-{mm}-{dd}/*.parquet", step=timedelta(days=1), write=parquet)
DAYS, CLEAN = 17, 8


def planted(day: int, change: Any, **fields: Any) -> Incident:
    return Incident(**{"day": day, "hours": 24, "kind": "other", "title": f"day {day}", "change": change} | fields)


# What is planted, and (feature or nothing, the finding or nothing: then the feature moved) by which it is seen.
PLANTED: dict[int, tuple[Incident, str, str]] = {
    8: (planted(8, times("price", 1_000.0)), "price", ""),
    9: (planted(9, nulls("age", 0.4)), "age", "missing"),
    10: (planted(10, renamed("city", "city1", "City 1")), "city", "unseen"),
    11: (planted(11, stuck("city", "city2")), "city", "constant"),
    12: (planted(12, twice(), hour=6, hours=18), "request_id", "duplicates"),
    13: (planted(13, plus("place", 2, version="b")), "place", ""),
    14: (planted(14, late(HOUR), hour=14, hours=1), "", "late"),
    15: (planted(15, as_text("price", " EUR")), "price", "retyped_column"),
}


def table(rows: int) -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "price": rng.lognormal(3, 1, rows),
            "age": rng.integers(18, 80, rows),
            "city": np.array([f"city{number}" for number in range(5)])[rng.integers(0, 5, rows)],
            "place": rng.integers(1, 4, rows),
            "model_version": np.where(rng.random(rows) < 0.5, "a", "b"),
        }
    )


def log(folder: Path, incidents: tuple[Incident, ...]) -> list[str]:
    replay = Replay(table=table(1_500 * DAYS), first=FIRST, days=DAYS, id_prefix="x", incidents=incidents)
    return [str(path) for path in write_until(replay, DAILY, folder, FIRST + timedelta(days=DAYS))]


def test_each_incident_is_found_on_its_day_and_nothing_on_others(tmp_path: Path) -> None:
    paths = log(tmp_path / "log", tuple(incident for incident, _, _ in PLANTED.values()))
    spec = spec_file(tmp_path, paths[0], "event_ts", "model_version")
    given = ("--spec", spec, "--reference", *paths[:7], "--logs", *paths[7:], "--time", "event_ts::UTC")
    found = replayed(*given, "--window", "day")
    assert len(found) == DAYS - 7
    for day, window in enumerate(found, 7):
        moved = {one["name"] for one in window["features"] if one["verdict"] in ("moved", "drift")}
        said = {(one["name"], one["feature"] or "") for one in window["findings"]}
        if day not in PLANTED:
            assert (moved, said) == (set(), set()), day
            continue
        _, feature, finding = PLANTED[day]
        assert (finding, feature) in said if finding else feature in moved, (day, moved, said)
        assert moved <= {feature}, day


def test_an_hour_outside_of_an_incident_is_as_without_it() -> None:
    plain = Replay(table=table(5_000), first=FIRST, days=10, id_prefix="x")
    with_it = Replay(
        table=table(5_000), first=FIRST, days=10, id_prefix="x", incidents=(planted(2, twice(), hour=3, hours=2),)
    )
    differing = [n for n in range(96) if not plain.hour(FIRST + n * HOUR).equals(with_it.hour(FIRST + n * HOUR))]
    assert differing == [51, 52]


def test_incidents_of_daily_objects_are_of_whole_days() -> None:
    for plan in PLANS:
        for incident in plan.incidents if plan.layout.step > HOUR else ():
            assert incident.hour == 0, incident.title
            assert incident.hours is None or incident.hours % 24 == 0, incident.title


@pytest.mark.django_db
def test_changes_are_told_once_and_only_those_that_have_begun(people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.dev)
    plan = next(plan for plan in PLANS if len(plan.incidents) > 1)
    second = plan.incidents[1].starts(FIRST)
    for _ in range(2):
        Command()._tell(plan, deployment, FIRST, second)
    told = ChangeEvent.objects.filter(deployment=deployment).order_by("occurred_at")
    assert [one.title for one in told] == [one.title for one in plan.incidents[:2]]
    assert AuditEvent.objects.filter(kind="changeevent.posted").count() == 2
