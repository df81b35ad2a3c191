"""The timed half of the benchmark of sleep: `python -m benchmarks.sleep_site COUNT SCHEDULES TIMES` (see sleep.py)."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from functools import partial

from django.db import connections
from django.db.models import OuterRef, Subquery
from django.test import Client

from baristaweb.lib.clock import now
from benchmarks.apply import timed
from benchmarks.fleet_site import copy_as_owner, fill  # sets Django up
from deployments.actions import sleep
from deployments.domain.sleep.schedule import coming
from deployments.models import ClusterHealth, Deployment, DeploymentState, Namespace, Observation, SleepSchedule, Team
from deployments.queries import sleep as queries
from deployments.queries.sleep_layers import said

ZONES = (
    *("Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Athens", "Europe/Helsinki", "America/New_York"),
    *("America/Chicago", "America/Denver", "America/Los_Angeles", "America/Sao_Paulo", "America/Toronto", "Asia/Tokyo"),
    *("Asia/Kolkata", "Asia/Singapore", "Asia/Dubai", "Australia/Sydney", "Pacific/Auckland", "Africa/Cairo"),
    *("Africa/Lagos", "UTC"),
)
NIGHTS = (("Mon", "Tue"), ("Tue", "Wed"), ("Wed", "Thu"), ("Thu", "Fri"), ("Fri", "Mon"))


GENERATION = Deployment.objects.filter(pk=OuterRef("pk")).values("generation")


def main(count: int, schedules: int, times: int) -> None:
    admin = fill(count, {})
    _schedules(schedules)
    client = Client(headers={"host": "localhost"})
    client.force_login(admin)
    # What is to sleep by now falls asleep once; after that a pass finds little to do, as at most times.
    DeploymentState.objects.update(applied_at=now() - timedelta(hours=1))
    first = time.perf_counter()
    sleep.step_all(at=now())
    first = time.perf_counter() - first
    asleep = Deployment.objects.filter(sleep__closed_at=None, sleep__isnull=False)
    DeploymentState.objects.update(observed_generation=Subquery(GENERATION))
    Observation.objects.filter(deployment__in=asleep).update(state="asleep", desired=0, ready=0, updated=0)
    for minute in (1, 2):
        sleep.step_all(at=now() + timedelta(minutes=minute))
    row = queries.covered_by(said(at=now())).first()
    if row is None:
        raise RuntimeError("nothing has a schedule")
    inputs = queries.inputs_of(row, said(at=now()), ())
    found = {
        f"the pass in which {asleep.count():,} fall asleep": [first],
        "one pass of the relay": timed(lambda: sleep.step_all(at=now() + timedelta(minutes=3)), times),
        "next five transitions of one": timed(lambda: coming.transitions(inputs, at=now()), times),
        "page tonight, everybody's": timed(partial(_get, client, "/sleep/"), times),
        "page tonight, of one team": timed(partial(_get, client, "/sleep/?team=bench-7"), times),
        "page two weeks": timed(partial(_get, client, "/sleep/weeks/"), times),
        "page of the ledger": timed(partial(_get, client, "/sleep/ledger/"), times),
    }
    print(json.dumps(found))


def _get(client: Client, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")


def _schedules(number: int) -> None:
    """So many teams, each with a namespace, a schedule and its part of the deployments; as the owner of the tables."""
    place = Namespace.objects.filter(environment="dev").select_related("cluster").first()
    if place is None:
        raise RuntimeError("there is no namespace")
    ClusterHealth.objects.filter(cluster=place.cluster).update(state=ClusterHealth.State.OK)
    teams = [Team(pk=10_000 + one, slug=f"bench-{one}", name=f"Bench {one}") for one in range(number)]
    places = [
        Namespace(pk=10_000 + one, cluster=place.cluster, name=f"bench-{one}", environment="dev", team_id=10_000 + one)
        for one in range(number)
    ]
    rows = [
        SleepSchedule(pk=10_000 + one, team_id=10_000 + one, zone=ZONES[one % 20], windows=_windows(one))
        for one in range(number)
    ]
    with connections["owner"].cursor() as cursor:
        for name in ("team", "namespace", "sleepschedule"):
            cursor.execute(f"ALTER TABLE deployments_{name} DISABLE TRIGGER USER")
    copy_as_owner({Team: teams, Namespace: places, SleepSchedule: rows}, 0)
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE deployments_deployment SET namespace_id = 10000 + id %% %s", [number])


def _windows(number: int) -> str:
    start, end = f"{18 + number % 5:02}:{number % 4 * 15:02}", f"{6 + number % 3:02}:30"
    return "\n".join(f"{day} {start} -> {after} {end}" for day, after in NIGHTS)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]))
