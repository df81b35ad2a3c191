"""Processes are killed, the queue is emptied, the database goes away: what was saved still arrives, in order."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from redis import Redis

from deployments.domain.spec.parts import Fixed
from deployments.domain.status.states import Phase
from deployments.kube.api import ClusterError, ObjectKind
from deployments.models import AuditEvent, Cluster, Deployment, DeploymentState
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, Eyes, wait_until
from deployments.tests.faults.processes import Processes, database_url
from deployments.tests.faults.proxy import Fault, FaultProxy

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True, databases=["default", "locks"]),
]

DEPLOYMENTS = 5
EDITS = 60


@pytest.fixture
def live_cluster(db: None, barista_kubeconfig: str) -> Cluster:
    """The test plane without a proxy: here processes break, not the cluster."""
    return factories.make_cluster("plane", kubeconfig=barista_kubeconfig)


@pytest.fixture
def processes(tmp_path: Path, redis_url: str) -> Iterator[Processes]:
    with Processes(tmp_path / "processes.log", redis_url, database_url()) as processes:
        yield processes


class Recorder(threading.Thread):
    """Every generation that the apiserver held, in its own order, by the name of the Deployment."""

    def __init__(self, eyes: Eyes) -> None:
        super().__init__(daemon=True)
        self.eyes = eyes
        self.seen: dict[str, list[int]] = defaultdict(list)
        self.stopping = threading.Event()

    def run(self) -> None:
        version = self.eyes.gateway.list_objects(ObjectKind.DEPLOYMENT, namespace=self.eyes.namespace).resource_version
        while not self.stopping.is_set():
            try:
                with self.eyes.gateway.watch(
                    ObjectKind.DEPLOYMENT, resource_version=version, namespace=self.eyes.namespace, lasts_s=5
                ) as stream:
                    for change in stream:
                        version = change.object["metadata"]["resourceVersion"]
                        found = change.object["metadata"].get("annotations", {}).get("barista.io/generation")
                        if change.type != "BOOKMARK" and found:
                            self.seen[change.object["metadata"]["name"]].append(int(found))
            except ClusterError:
                continue


def test_no_edit_is_lost_or_out_of_order(bench: Bench, processes: Processes, redis_url: str) -> None:
    chance = random.Random(7)
    for name in ("worker", "relay"):
        processes.start(name)
    recorder = Recorder(bench.eyes)
    recorder.start()
    rows = [
        factories.make_deployment(author=bench.author, namespace=bench.place, name=f"ranker-{number}")
        for number in range(DEPLOYMENTS)
    ]
    events = AuditEvent.objects.count()
    kills = flushes = 0
    for number in range(EDITS):
        row = chance.choice(rows)
        spec = factories.make_spec(env=(("EDIT", str(number)),))
        factories.apply(factories.edit(row, author=bench.author, spec=spec), by=bench.author)
        time.sleep(0.1)
        if number % 15 == 7:
            processes.kill("worker")
            processes.start("worker")
            kills += 1
        if number % 20 == 11:
            Redis.from_url(redis_url).flushdb()
            flushes += 1
        if number == 30:
            processes.kill("relay")
            processes.start("relay")

    wait_until(lambda: _waiting() == 0, seconds=60, what="the last of the saved changes")
    time.sleep(1.0)
    recorder.stopping.set()
    recorder.join(10)

    assert kills >= 4
    assert flushes >= 3
    assert AuditEvent.objects.count() - events == EDITS
    assert sum(len(seen) for seen in recorder.seen.values()) > EDITS / 2
    for row in Deployment.objects.filter(pk__in=[row.pk for row in rows]).select_related("current"):
        live = bench.eyes.get("Deployment", row.name)
        assert live is not None
        assert row.current is not None
        assert live["metadata"]["annotations"]["barista.io/generation"] == str(row.generation)
        assert live["metadata"]["annotations"]["barista.io/revision"] == str(row.current.number)
        env = live["spec"]["template"]["spec"]["containers"][0]["env"]
        assert env == [{"name": "EDIT", "value": dict(row.current.to_spec().env)["EDIT"]}]
        assert recorder.seen[row.name] == sorted(recorder.seen[row.name])


def _waiting() -> int:
    return sum(
        1
        for state in DeploymentState.objects.select_related("deployment")
        if state.observed_generation != state.deployment.generation
    )


POISON = """
import os, signal
import django
django.setup()
from deployments import reconcile
from deployments.reconcile import loop
loop.apply = lambda gateway, job: os.kill(os.getpid(), signal.SIGKILL)
print(reconcile.one({pk}))
"""


def test_what_kills_its_process_is_parked(bench: Bench, processes: Processes) -> None:
    deployment = bench.create(run=False)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
        "BARISTA_TEST_APP_URL": database_url(),
    }
    codes = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", POISON.format(pk=deployment.pk)],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        codes.append(done.returncode)

    assert codes == [-9, -9, -9, -9, 0]
    assert bench.state(deployment).phase == Phase.PARKED
    assert "Try now" in bench.state(deployment).last_error


def test_relay_and_watch_survive_a_database_that_goes_away(bench: Bench, tmp_path: Path, redis_url: str) -> None:
    row: dict[str, Any] = settings.DATABASES["default"]
    deployment = bench.create()
    with (
        FaultProxy(str(row["HOST"]), int(row["PORT"])) as proxy,
        Processes(tmp_path / "processes.log", redis_url, database_url(port=proxy.port)) as behind,
        Processes(tmp_path / "worker.log", redis_url, database_url()) as direct,
    ):
        for name in ("relay", "watch"):
            behind.start(name)
        direct.start("worker")
        wait_until(lambda: _ready(deployment) == 1, seconds=40, what="the first observation")
        proxy.fault = Fault.REFUSE
        time.sleep(2.5)
        spec = factories.make_spec(replicas=Fixed(2))
        factories.apply(factories.edit(deployment, author=bench.author, spec=spec), by=bench.author)
        proxy.fault = Fault.NONE
        wait_until(lambda: _ready(deployment) == 2, seconds=40, what="the edit made meanwhile")
        assert behind.is_running("relay")
        assert behind.is_running("watch")
        assert "Traceback" not in behind.said()


def _ready(deployment: Deployment) -> int:
    return Deployment.objects.select_related("observation").get(pk=deployment.pk).observation.ready
