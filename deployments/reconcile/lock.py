"""One worker per deployment at a time. The lock saves work; safety is the fence (resourceVersion and generation)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import structlog
from django.db import DatabaseError, connections, transaction

log = structlog.get_logger(__name__)

LOCKS = "locks"
CLASS_ID = 7301
NAMESPACE_CLASS_ID = 7302


@contextlib.contextmanager
def deployment_lock(deployment_id: int) -> Iterator[bool]:
    """Whether this process holds the deployment's advisory lock.

    A transaction lock on a connection of its own: it ends with the process, survives pools, and does not make a
    user's save wait for a cluster call as a row lock would. The only transaction open during a cluster call.
    """
    held = contextlib.ExitStack()
    try:
        held.enter_context(transaction.atomic(using=LOCKS))
        with connections[LOCKS].cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [CLASS_ID, deployment_id])
            is_held = bool(cursor.fetchone()[0])
    except BaseException:
        connections[LOCKS].close()
        raise
    try:
        yield is_held
    finally:
        try:
            held.close()
        except DatabaseError as error:
            # The server was restarted meanwhile, which released the lock; the work itself was recorded elsewhere.
            log.warning("lock_connection_lost", deployment=deployment_id, problem=str(error)[:200])
            connections[LOCKS].close()


def is_first_in(namespace_id: int) -> bool:
    """Whether nobody else works in the namespace; ours then until the deployment's lock is let go."""
    with connections[LOCKS].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [NAMESPACE_CLASS_ID, namespace_id])
        return bool(cursor.fetchone()[0])
