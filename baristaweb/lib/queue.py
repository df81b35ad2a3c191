"""The queue: a nudge is best effort, because the relay finds every row that was not nudged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import structlog
from celery import current_app
from celery.exceptions import OperationalError
from django.conf import settings
from django.db import transaction
from kombu import pools
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError

from baristaweb.lib.transport import REJECTED

log = structlog.get_logger(__name__)

# Without these a frozen broker blocks the request; `retry=False` would still wait for 6 s.
RETRY_POLICY: Final = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}
QUIET_AFTER_FAILURE_S: Final = 5.0
# A save waits for this and no longer: at most for a connection and for one answer. Workers, which read the queue, keep
# the patience of the settings.
IMPATIENT: Final = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2, "retry_on_timeout": False}
# When the nudge was sent, in a header: a worker that has tried since then has done what it asks for.
SENT_AT: Final = "sent_at"

_quiet_until = 0.0


def nudge(task: str, *args: int | str) -> bool:
    """Send now; False when the broker is away, after which nothing is tried for 5 s."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        connection = current_app.connection_for_write(transport_options=IMPATIENT)
        with pools.producers[connection].acquire(block=True, timeout=IMPATIENT["socket_timeout"]) as producer:
            current_app.signature(task, args=args, immutable=True).apply_async(
                producer=producer, retry=True, retry_policy=RETRY_POLICY, headers={SENT_AT: time.time()}
            )
    except (OperationalError, KombuError, RedisError, OSError) as problem:
        _quiet_until = time.monotonic() + QUIET_AFTER_FAILURE_S
        log.warning("nudge_lost", task=task, problem=type(problem).__name__)
        return False
    return True


def nudge_after_commit(task: str, *args: int | str) -> None:
    """After commit, ask a worker."""
    transaction.on_commit(lambda: nudge(task, *args) and None)


def lengths(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Of each queue, how many messages wait and how many were rejected; empty when the queue cannot be asked."""
    try:
        with Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.llen(name)
                pipe.hget(REJECTED, name)
            found = pipe.execute()
    except (RedisError, OSError):
        return {}
    return {name: (int(found[2 * at]), int(found[2 * at + 1] or 0)) for at, name in enumerate(names)}
