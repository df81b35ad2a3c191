"""Nothing that was saved waits for a message: the relay finds it, and works alone when the queue is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client

from baristaweb.lib import queue, registry, relay
from baristaweb.lib.clock import now
from baristaweb.lib.relay import Relay
from deployments import errands, queries
from deployments.actions import deployments
from deployments.audit import Actor
from deployments.models import (
    AuditEvent,
    ClusterHealth,
    Deployment,
    DeploymentState,
    LogRequest,
    Proposal,
    QueueState,
)
from deployments.models.requests import Answer
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until
from deployments.workers import QueueBook

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]

BY = Actor.system("tests")


@pytest.fixture
def broker_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "nudge", lambda task, *args: False)


@pytest.fixture
def running(broker_away: None) -> Iterator[Relay]:
    """A relay without a queue."""
    stopping = threading.Event()
    alone = Relay(stopping, registry.errands(), registry.chores())
    thread = threading.Thread(target=alone.run)
    thread.start()
    yield alone
    stopping.set()
    thread.join(20)
    assert not thread.is_alive()


def test_without_a_queue_everything_still_happens(bench: Bench, running: Relay) -> None:
    deployment = bench.create(run=False)
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place, name="other")
    question = LogRequest.objects.create(deployment=deployment, author=bench.author)

    wait_until(lambda: bench.state(deployment).observed_generation == 1, what="the apply")
    wait_until(lambda: Proposal.objects.get(pk=proposal.pk).answer == Answer.DONE, what="the cluster's verdict")
    wait_until(lambda: LogRequest.objects.get(pk=question.pk).answer != Answer.WAITING, what="the lines")
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "1"


def test_what_no_worker_takes_up_the_relay_does_and_says_so(
    bench: Bench, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages are taken by a queue that nobody reads: what a wedged worker looks like."""
    monkeypatch.setattr(relay, "STALLED_S", 0.0)
    alone = Relay(threading.Event(), registry.errands(), book=QueueBook())
    deployment = bench.create(run=False)
    alone.tick()
    assert bench.state(deployment).observed_generation == 0
    assert client.get("/readyz").json()["workers"] == "ok"

    DeploymentState.objects.update(next_reconcile_at=now())
    alone.tick()
    wait_until(lambda: bench.state(deployment).observed_generation == 1, what="the relay's own apply")
    assert "no worker that takes anything up from the queue reconcile" in client.get("/readyz").json()["workers"]
    assert [banner.name for banner in queries.cluster_banners(bench.author)] == ["Barista"]

    QueueState.objects.filter(name="reconcile").update(worked_at=now())
    DeploymentState.objects.update(next_reconcile_at=now())
    alone.tick()
    assert client.get("/readyz").json()["workers"] == "ok"


def test_readyz_says_when_nobody_tries_at_all(bench: Bench, client: Client) -> None:
    deployment = bench.create()
    bench.edit(deployment, run=False, env=(("EDIT", "1"),))
    DeploymentState.objects.update(waiting_since=now() - timedelta(seconds=90), tried_at=now() - timedelta(hours=1))
    said = client.get("/readyz")
    assert said.status_code == 200
    assert "neither the workers nor the relay have tried 1 of the waiting changes" in said.json()["workers"]


def test_an_idle_relay_asks_one_question(bench: Bench, django_assert_num_queries: Any) -> None:
    bench.create()
    ClusterHealth.objects.update(state=ClusterHealth.State.OK, consecutive_failures=0, open_until=None)
    chores = [chore for chore in registry.chores() if chore.waiting is not None]
    idle = Relay(threading.Event(), registry.errands(), chores, QueueBook())
    idle.tick()
    with django_assert_num_queries(1):
        idle.tick()


def test_workers_of_each_errand_read_the_queue_it_names() -> None:
    routes = settings.CELERY_TASK_ROUTES
    for errand in registry.errands():
        assert routes.get(errand.task, {"queue": settings.CELERY_TASK_DEFAULT_QUEUE})["queue"] == errand.queue
        assert errand.queue in {queue.name for queue in settings.CELERY_TASK_QUEUES}


def test_a_nudge_that_was_answered_meanwhile_is_no_work(bench: Bench) -> None:
    before = now()
    deployment = bench.create()
    assert errands.is_tried_since(deployment.pk, before)
    assert not errands.is_tried_since(deployment.pk, now())
    assert not errands.is_tried_since(deployment.pk, None)
    bench.edit(deployment, run=False, env=(("EDIT", "1"),))
    assert not errands.is_tried_since(deployment.pk, before), "the newer intent was not tried yet"


def test_what_waits_is_as_old_as_its_first_change(bench: Bench) -> None:
    deployment = bench.create()
    bench.edit(deployment, run=False, env=(("A", "1"),))
    first = bench.state(deployment).waiting_since
    bench.edit(deployment, run=False, env=(("A", "2"),))
    assert bench.state(deployment).waiting_since == first

    assert bench.run(deployment) is Outcome.APPLIED
    bench.edit(deployment, run=False, env=(("A", "3"),))
    assert bench.state(deployment).waiting_since > first


def test_a_pause_ends_by_itself_and_is_audited(bench: Bench) -> None:
    deployment = bench.create()
    deployments.pause(deployment=deployment, by=BY, note="freeze", until=now() + timedelta(hours=1))

    errands.end_pauses(now() + timedelta(minutes=59))
    assert Deployment.objects.get(pk=deployment.pk).is_paused
    errands.end_pauses(now() + timedelta(minutes=61))

    assert not Deployment.objects.get(pk=deployment.pk).is_paused
    event = AuditEvent.objects.get(kind="deployment.resumed", deployment_id=deployment.pk)
    assert event.actor_name == "relay"


def test_a_claim_is_a_lease(bench: Bench) -> None:
    deployment = bench.create(run=False)

    assert errands.claim(lease_s=5) == [deployment.pk]
    assert errands.claim(lease_s=5) == []
    assert timedelta(seconds=4) < bench.state(deployment).next_reconcile_at - now() <= timedelta(seconds=5)
    DeploymentState.objects.update(next_reconcile_at=now())
    assert errands.claim(lease_s=5) == [deployment.pk]


def test_two_relays_share_the_work(bench: Bench) -> None:
    ids = [
        factories.make_deployment(author=bench.author, namespace=bench.place, name=f"ranker-{number}").pk
        for number in range(6)
    ]
    claimed: list[int] = []
    lock = threading.Lock()

    def work() -> None:
        found = errands.claim(lease_s=60, limit=3)
        with lock:
            claimed.extend(found)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed += errands.claim(lease_s=60)

    assert sorted(claimed) == sorted(ids)


@pytest.mark.parametrize("command", ["relay", "watch"])
def test_the_processes_end_on_sigterm(bench: Bench, command: str) -> None:
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**settings.DATABASES["default"])
    process = subprocess.Popen(
        [sys.executable, "manage.py", command],
        cwd=settings.BASE_DIR,
        env=_environment(url),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        if command == "relay":
            deployment = bench.create(run=False)
            # No worker listens to this queue: the relay nudges, and the lease runs out.
            wait_until(
                lambda: bench.state(deployment).next_reconcile_at > now() + timedelta(seconds=1),
                seconds=90,
                what="the first claim",
            )
        else:
            wait_until(lambda: _watched(bench), seconds=90, what="the first word of the watch")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=15)
        assert process.returncode == 0, said
        assert "Traceback" not in said, said
    finally:
        process.kill()
        process.wait()


def _watched(bench: Bench) -> bool:
    cluster = type(bench.place.cluster).objects.select_related("health").get(pk=bench.place.cluster_id)
    return cluster.health.watched_at is not None


def _environment(url: str) -> dict[str, str]:
    return os.environ | {"DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings", "BARISTA_TEST_APP_URL": url}
