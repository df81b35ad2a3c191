"""The queue stands still under traffic and goes on: so do the workers."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from redis import Redis

from baristaweb.lib import queue
from baristaweb.lib.queue import nudge
from deployments import dispatch
from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until
from deployments.tests.faults.processes import Processes, database_url
from deployments.tests.faults.proxy import Fault, FaultProxy
from embedded import valkey

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True, databases=["default", "locks"]),
]

# Longer than two acknowledgements, one after the other, wait for an answer (CELERY_BROKER_TRANSPORT_OPTIONS).
FROZEN_S = 13.0


@dataclass(frozen=True)
class Frozen:
    """A queue of this test's own that can be stopped and continued."""

    url: str
    process: subprocess.Popen[bytes]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def own_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Frozen]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([str(valkey.binary()), *arguments], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until(lambda: valkey.answers(url), seconds=20, what="the queue")
        monkeypatch.setattr(current_app.conf, "broker_url", url)
        monkeypatch.setattr(settings, "CELERY_BROKER_URL", url)
        monkeypatch.setattr(current_app, "_pool", None)
        monkeypatch.setattr(current_app.amqp, "_producer_pool", None)
        monkeypatch.setattr(queue, "_quiet_until", 0.0)
        yield Frozen(url, process)
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def worker(tmp_path: Path, own_queue: Frozen) -> Iterator[Processes]:
    environment = {
        "DJANGO_SETTINGS_MODULE": "baristaweb.settings",
        "BARISTA_ENV": "test",
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": database_url(),
        "REDIS_URL": own_queue.url,
        "LOG_LEVEL": "INFO",
    }
    with Processes(tmp_path / "worker.log", own_queue.url, database_url()) as processes:
        processes.start("worker", **environment)
        yield processes


def _tried(deployment: Deployment) -> bool:
    return Deployment.objects.select_related("state").get(pk=deployment.pk).state.tried_at is not None


def test_acknowledgements_that_are_lost_cost_no_slot(
    bench: Bench, worker: Processes, own_queue: Frozen, proxy: FaultProxy
) -> None:
    slow = [
        factories.make_deployment(author=bench.author, namespace=bench.place, name=f"slow-{number}")
        for number in range(2)
    ]
    after = factories.make_deployment(author=bench.author, namespace=bench.place, name="after")
    proxy.latency_s, proxy.fault = 0.3, Fault.LATENCY  # long enough to freeze the queue while both are tried
    for deployment in slow:
        assert nudge(dispatch.RECONCILE, deployment.pk)
    wait_until(lambda: all(_tried(deployment) for deployment in slow), what="two tries at once")
    own_queue.freeze()
    time.sleep(FROZEN_S)
    own_queue.thaw()
    proxy.fault = Fault.NONE
    wait_until(lambda: "Couldn't ack" in worker.said(), what="an acknowledgement that is lost")

    wait_until(lambda: nudge(dispatch.RECONCILE, after.pk), what="a queue that takes messages")
    wait_until(lambda: _tried(after), seconds=15, what="the work behind the lost acknowledgements")
    assert worker.is_running("worker")


NO_MESSAGES = ["{not json", "[]", "5", "", "null", '{"properties": {}}', '{"headers": 5, "properties": []}', "\ud83d"]


def test_what_is_no_message_is_counted_and_ends_nobody(bench: Bench, worker: Processes, own_queue: Frozen) -> None:
    deployment = bench.create(run=False)
    with Redis.from_url(own_queue.url) as client:
        for item in NO_MESSAGES:
            client.lpush("reconcile", item.encode(errors="surrogatepass"))
        assert nudge(dispatch.RECONCILE, deployment.pk)
        wait_until(lambda: bench.state(deployment).observed_generation == 1, what="the work behind the bad messages")
        assert int(client.hget("barista.rejected", "reconcile") or 0) == len(NO_MESSAGES)
    assert worker.is_running("worker")
    assert "Traceback" not in worker.said()
