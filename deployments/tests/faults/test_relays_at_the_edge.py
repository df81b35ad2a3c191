"""Two relays by the real clock, of which one is killed at each edge of a window: `python -m benchmarks.prove relays`.

Four minutes, so the suite has the same with an injected clock (tests/test_sleep_relays.py) and collects nothing here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from baristaweb.lib.clock import now
from deployments.actions import sleep_schedules
from deployments.domain.spec.parts import Fixed
from deployments.models import AuditEvent, Cluster, Deployment, Namespace, Observation, SleepRecord, SleepSchedule, User
from deployments.tests import factories
from deployments.tests.cluster.conftest import Eyes, wait_until
from deployments.tests.faults.processes import Processes, database_url

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True, databases=["default", "locks"]),
]
COUNT = int(os.environ.get("PROVE_RELAYS", "0"))
PODS = 2
LATE = timedelta(seconds=30)
NIGHT = timedelta(minutes=2)


@pytest.fixture
def live_cluster(db: None, barista_kubeconfig: str) -> Cluster:
    """The test plane without a proxy: here processes break, not the cluster."""
    return factories.make_cluster("plane", kubeconfig=barista_kubeconfig)


@pytest.fixture
def processes(tmp_path: Path, redis_url: str) -> Iterator[Processes]:
    with Processes(tmp_path / "processes.log", redis_url, database_url()) as processes:
        yield processes


def edge(at: datetime) -> str:
    return f"{at:%a %H:%M}"


def wait_for(at: datetime) -> None:
    time.sleep(max(0.0, (at - now()).total_seconds()))


def scaled(eyes: Eyes, due: datetime, replicas: int) -> dict[str, timedelta]:
    """How long after `due` the cluster was seen to be asked for so many, by name."""
    late: dict[str, timedelta] = {}

    def look() -> bool:
        for live in eyes.list("Deployment"):
            if live["spec"]["replicas"] == replicas:
                late.setdefault(live["metadata"]["name"], now() - due)
        return len(late) == COUNT

    wait_until(look, seconds=90, what=f"{COUNT} deployments at {replicas} replicas")
    return late


def events(kind: str) -> dict[str, int]:
    found = AuditEvent.objects.filter(kind=kind).values_list("deployment_id", flat=True)
    names = dict(Deployment.objects.values_list("pk", "name"))
    counts = dict.fromkeys(names.values(), 0)
    for pk in found:
        counts[names[pk]] += 1
    return counts


def say(what: str, decided: list[timedelta], written: list[timedelta]) -> None:
    for who, late in (("relay decided", decided), ("cluster was told", written)):
        ordered = sorted(one.total_seconds() for one in late)
        middle = ordered[len(ordered) // 2]
        print(f"  {what}: {who} {middle:.1f} s after the edge, the last {ordered[-1]:.1f} s, of {len(ordered)}")


def edges_with_one_killed(eyes: Eyes, place: Namespace, author: User, processes: Processes) -> None:
    spec = factories.make_spec(replicas=Fixed(PODS))
    for number in range(COUNT):
        factories.make_deployment(author=author, namespace=place, spec=spec, name=f"model-{number}")
    for name in ("worker", "watch", "relay", "relay-2"):
        processes.start(name)
    all_run = Observation.objects.filter(ready=PODS, deployment__namespace=place)
    wait_until(lambda: all_run.count() == COUNT, seconds=180, what="all of them to run")

    falls = now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    falls += timedelta(minutes=1) if falls - now() < timedelta(seconds=20) else timedelta()
    wakes = falls + NIGHT
    window = SleepSchedule(team=place.team, zone="UTC", windows=f"{edge(falls)} -> {edge(wakes)}", lead_minutes=0)
    sleep_schedules.save(row=window, by=factories.BY)

    print(f"\n{COUNT} deployments, two relays")
    wait_for(falls)
    processes.kill("relay")
    written = scaled(eyes, falls, 0)
    decided = [opened - falls for opened in SleepRecord.objects.values_list("opened_at", flat=True)]
    say("asleep, one relay killed", decided, list(written.values()))
    assert max([*decided, *written.values()]) <= LATE
    assert min(decided) >= timedelta()

    processes.start("relay")
    wait_for(wakes)
    processes.kill("relay-2")
    written = scaled(eyes, wakes, PODS)
    started = SleepRecord.objects.exclude(wake_started_at=None).values_list("wake_started_at", flat=True)
    decided = [at - wakes for at in started if at is not None]
    say("awake, the other killed", decided, list(written.values()))
    assert max([*decided, *written.values()]) <= LATE
    assert min(decided) >= timedelta()

    is_awake = Observation.objects.filter(ready=PODS, deployment__namespace=place)
    wait_until(lambda: is_awake.count() == COUNT, seconds=60, what="all of them to be ready")
    once = dict.fromkeys((f"model-{number}" for number in range(COUNT)), 1)
    assert (events("deployment.slept"), events("deployment.woken")) == (once, once)
    print(f"  each of {2 * COUNT} transitions once: {SleepRecord.objects.count()} records, {2 * COUNT} events")


if COUNT:

    def test_each_transition_comes_once_and_in_time(
        eyes: Eyes, place: Namespace, author: User, processes: Processes
    ) -> None:
        edges_with_one_killed(eyes, place, author, processes)
