"""What the queue carries to a real worker: whose request it was, and nothing that anybody could do harm with."""

from __future__ import annotations

import base64
import json
import os
import pickle
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog
from celery import current_app
from django.conf import settings
from redis import Redis

from baristaweb.lib.queue import nudge
from deployments import dispatch
from deployments.models import Deployment
from deployments.tests.cluster.conftest import Bench, wait_until
from deployments.tests.faults.processes import Processes, database_url

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.faults,
    pytest.mark.django_db(transaction=True, databases=["default", "locks"]),
]


@pytest.fixture
def queue(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """The queue of this test alone, which this process sends to as the web does."""
    monkeypatch.setattr(current_app.conf, "broker_url", redis_url)
    # Connections that other tests have made lead elsewhere, and ours must not be left to them.
    monkeypatch.setattr(current_app, "_pool", None)
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def worker(tmp_path: Path, redis_url: str) -> Iterator[Processes]:
    environment = {
        "DJANGO_SETTINGS_MODULE": "baristaweb.settings",
        "BARISTA_ENV": "test",
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "INFO",
    }
    with Processes(tmp_path / "worker.log", redis_url, database_url()) as processes:
        processes.start("worker", **environment)
        yield processes


def lines(worker: Processes) -> list[dict[str, Any]]:
    found = []
    for line in worker.said().splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]


def test_the_request_that_caused_a_line_is_in_it(bench: Bench, worker: Processes, queue: Redis) -> None:
    deployment = bench.create(run=False)
    with structlog.contextvars.bound_contextvars(request_id="the-request-of-this-test"):
        assert nudge(dispatch.RECONCILE, deployment.pk)

    def caused() -> set[str]:
        return {line["event"] for line in lines(worker) if line.get("request_id") == "the-request-of-this-test"}

    wait_until(lambda: {"task_started", "task_succeeded"} <= caused(), what="the lines of the task")
    # The save's own nudge may be at work meanwhile, in the other slot.
    wait_until(lambda: bench.eyes.get("Deployment", deployment.name) is not None, what="the Deployment")


class Harmful:
    """What a pickle would do when it is opened."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch harmed",)


def forged(body: object, *, serializer: str = "application/json", task: str = dispatch.RECONCILE) -> str:
    """A message as Celery writes it, with a body of ours."""
    content = pickle.dumps(body) if serializer.endswith("serialize") else json.dumps(body).encode()
    properties = {
        "body_encoding": "base64",
        "correlation_id": "forged",
        "delivery_info": {"exchange": "", "routing_key": "reconcile"},
        "delivery_mode": 2,
        "delivery_tag": "forged",
        "priority": 0,
    }
    headers = {"lang": "py", "task": task, "id": "forged", "root_id": "forged"}
    return json.dumps(
        {
            "body": base64.b64encode(content).decode(),
            "content-encoding": "binary" if serializer.endswith("serialize") else "utf-8",
            "content-type": serializer,
            "headers": headers,
            "properties": properties,
        }
    )


NO_CALLBACKS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
FORGED = [
    forged([[987_654_321], {}, NO_CALLBACKS]),
    forged([["1; DROP TABLE deployments_deployment"], {}, NO_CALLBACKS]),
    forged([[{"spec": "evil"}], {"image": "evil"}, NO_CALLBACKS]),
    forged("no arguments"),
    forged([[1], {}, NO_CALLBACKS], task="os.system"),
    forged([[Harmful()], {}, NO_CALLBACKS], serializer="application/x-python-serialize"),
    forged([[1], {}, NO_CALLBACKS], serializer="application/x-evil"),
]


def test_forged_messages_do_nothing_and_kill_nobody(bench: Bench, worker: Processes, queue: Redis) -> None:
    deployment = bench.create(run=False)
    for message in FORGED:
        queue.lpush("reconcile", message)
    assert nudge(dispatch.RECONCILE, deployment.pk)

    wait_until(lambda: bench.state(deployment).observed_generation == 1, what="the work behind the forged messages")
    assert worker.is_running("worker")
    assert not (Path(settings.BASE_DIR) / "harmed").exists()
    assert list(Deployment.objects.values_list("generation", flat=True)) == [1]
