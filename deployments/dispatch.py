"""The names of tasks. A nudge is best effort: the relay finds every row that was not nudged."""

from __future__ import annotations

import time
import uuid

import structlog
from celery import current_app
from celery.exceptions import OperationalError
from django.db import transaction
from kombu import pools
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

RECONCILE = "deployments.reconcile"
CHECK_PROPOSAL = "deployments.check_proposal"
FETCH_LOGS = "deployments.fetch_logs"
CHECK_CLUSTER = "deployments.check_cluster"

# Without these a frozen broker blocks the request; `retry=False` would still wait for 6 s.
RETRY_POLICY = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}
QUIET_AFTER_FAILURE_S = 5.0
# A save waits for this and no longer: at most for a connection and for one answer. Workers, which read the queue, keep
# the patience of the settings.
IMPATIENT = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2, "retry_on_timeout": False}

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
                producer=producer, retry=True, retry_policy=RETRY_POLICY
            )
    except (OperationalError, KombuError, RedisError, OSError) as problem:
        _quiet_until = time.monotonic() + QUIET_AFTER_FAILURE_S
        log.warning("nudge_lost", task=task, problem=type(problem).__name__)
        return False
    return True


def reconcile_soon(deployment_id: int) -> None:
    """After commit, ask a worker to reconcile the deployment."""
    transaction.on_commit(lambda: nudge(RECONCILE, deployment_id) and None)


def check_proposal_soon(proposal_id: uuid.UUID) -> None:
    """After commit, ask a worker for the cluster's verdict."""
    transaction.on_commit(lambda: nudge(CHECK_PROPOSAL, str(proposal_id)) and None)


def fetch_logs_soon(request_id: uuid.UUID) -> None:
    """After commit, ask a worker for log lines."""
    transaction.on_commit(lambda: nudge(FETCH_LOGS, str(request_id)) and None)


def check_cluster_soon(cluster_id: int) -> None:
    """After commit, ask a worker to connect to the cluster."""
    transaction.on_commit(lambda: nudge(CHECK_CLUSTER, cluster_id) and None)
