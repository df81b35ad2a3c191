"""What a save pays for a queue that is frozen: a bounded wait once, and then nothing for a while."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from celery import current_app

from baristaweb import settings as shipped
from baristaweb.lib import queue as broker
from deployments import dispatch

pytestmark = pytest.mark.faults


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A queue that takes connections and never answers, for the settings that we ship."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", f"redis://:x@127.0.0.1:{listener.getsockname()[1]}/0")
        for name, value in shipped.CELERY_BROKER_TRANSPORT_OPTIONS.items():
            monkeypatch.setitem(current_app.conf.broker_transport_options, name, value)
        monkeypatch.setattr(broker, "_quiet_until", 0.0)
        yield


def test_workers_are_more_patient_than_a_save() -> None:
    for name, patience in broker.IMPATIENT.items():
        assert patience < shipped.CELERY_BROKER_TRANSPORT_OPTIONS.get(name, True)
    assert broker.IMPATIENT["socket_timeout"] + broker.IMPATIENT["socket_connect_timeout"] < 0.5


@pytest.mark.usefixtures("queue")
def test_the_first_nudge_gives_up_on_a_frozen_queue() -> None:
    answers: list[bool] = []
    nudging = threading.Thread(target=lambda: answers.append(broker.nudge(dispatch.RECONCILE, 1)), daemon=True)
    nudging.start()
    # Long before the five seconds of the workers' settings, and with room for a busy machine.
    nudging.join(timeout=3)
    assert answers == [False]
    assert broker.nudge(dispatch.RECONCILE, 1) is False
