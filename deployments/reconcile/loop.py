"""One deployment: attempt until the row says nothing newer, and turn every outcome into a row."""

from __future__ import annotations

import hashlib
import random
import time
from datetime import timedelta
from enum import StrEnum
from typing import Final

import structlog
from django.db import DatabaseError

from baristaweb.lib.clock import now
from deployments import breaker
from deployments.breaker import BreakerOpen
from deployments.domain.apiserver.objects import text
from deployments.domain.manifests.render import canonical_json
from deployments.domain.status.states import Phase
from deployments.kube.api import (
    ClusterError,
    ErrorClass,
    Forbidden,
    Gateway,
    NotConfigured,
    NotFound,
    ObjectKind,
    Throttled,
    Unauthorized,
)
from deployments.kube.connect import forget
from deployments.queries import rules
from deployments.reconcile import record, resync
from deployments.reconcile.apply import apply
from deployments.reconcile.job import FieldsHeld, Job, Superseded, load
from deployments.reconcile.lock import deployment_lock, is_first_in
from deployments.reconcile.retire import retire, waits_for

log = structlog.get_logger(__name__)

ROUNDS: Final = 20
RACES: Final = 5
ATTEMPT_S: Final = 10.0
PATIENT_ATTEMPT_S: Final = 40.0
SLOW_AGAIN_S: Final = (10.0, 300.0)
STARTING_AGAIN_S: Final = 30


class Outcome(StrEnum):
    BUSY = "busy"
    NOTHING = "nothing"
    APPLIED = "applied"
    COMPARED = "compared"
    PAUSED = "paused"
    RETIRING = "retiring"
    RETIRED = "retired"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    DEFERRED = "deferred"
    PARKED = "parked"
    AGAIN = "again"


def one(deployment_id: int) -> Outcome:
    """Bring the cluster to what the deployment's row says now. Safe to call at any time, twice, or concurrently."""
    with deployment_lock(deployment_id) as is_held:
        if not is_held:
            # The holder looks at the row again before it lets go, so nothing is lost.
            return Outcome.BUSY
        outcome = Outcome.NOTHING
        for _ in range(ROUNDS):
            job = load(deployment_id)
            if job is None:
                return Outcome.NOTHING
            if not is_first_in(job.deployment.namespace_id) and record.in_trouble(job):
                # Where writes hang, one at a time: the other slots are for others.
                record.wait_for_others(job)
                return Outcome.BUSY
            if not record.begin(job):
                return Outcome.PARKED
            outcome = _attempt(job)
            log.info("reconciled", deployment=deployment_id, generation=job.generation, outcome=outcome.value)
            if outcome is Outcome.DEFERRED or (outcome is not Outcome.AGAIN and not record.is_behind(job)):
                break
        return outcome


def _attempt(job: Job) -> Outcome:
    """One attempt, recorded. Raises only what no row can tell: the database is away, the process must end."""
    cluster = job.deployment.namespace.cluster
    if job.deployment.is_paused and not job.deployment.is_retired:
        record.paused(job)
        return Outcome.PAUSED
    moved = rules.other_owner(job.deployment.namespace, job.deployment.model)
    if moved and not job.deployment.is_retired:
        return _blocked(job, ClusterError(moved))
    if not cluster.is_active:
        return _blocked(job, ClusterError(f"The cluster {cluster.name} is switched off."))
    try:
        outcome = _reach_and_work(job)
        breaker.succeeded(cluster)
        return outcome
    except Superseded as found:
        if record.is_behind(job) or not found.seen:
            return Outcome.AGAIN
        record.ahead(job, found.seen)
        return Outcome.CONFLICT
    except FieldsHeld as held:
        breaker.succeeded(cluster)
        record.conflict(job, held)
        return Outcome.CONFLICT
    except ClusterError as error:
        return _failed(job, breaker.blame(cluster, error, namespace=job.namespace))
    except DatabaseError:
        raise
    except Exception as error:
        # A mistake of ours must show on the page and back off; the trace goes to the log.
        log.exception("reconcile_broke", deployment=job.deployment.pk)
        record.deferred(job, RuntimeError(f"An error inside Barista: {error}"), kind="internal", phase=Phase.SAVED)
        return Outcome.DEFERRED


def _reach_and_work(job: Job) -> Outcome:
    cluster = job.deployment.namespace.cluster
    try:
        return _work(_gateway(job), job)
    except Unauthorized:
        # The token may have been renewed in its file since we read it: once more with what is there now.
        forget(cluster)
        return _work(_gateway(job), job)


def _gateway(job: Job) -> Gateway:
    """With patience for what hung before: who waits longer than a webhook is told its name."""
    gateway = breaker.reach(job.deployment.namespace.cluster)
    if record.has_hung(job.state):
        return gateway.patient().within(PATIENT_ATTEMPT_S)
    return gateway.within(ATTEMPT_S)


def _work(gateway: Gateway, job: Job) -> Outcome:
    for race in range(RACES):
        try:
            return _step(gateway, job)
        except ClusterError as error:
            if error.error_class is not ErrorClass.RACE or race == RACES - 1:
                raise
            # Status updates bump the version all the time: read again, decide again.
            time.sleep(random.uniform(0.05, 0.4))  # noqa: S311 - jitter
    raise AssertionError("unreachable")


def _step(gateway: Gateway, job: Job) -> Outcome:
    if job.deployment.is_retired:
        left = [] if job.is_settled else retire(gateway, job)
        if not left:
            record.retired(job)
            return Outcome.RETIRED
        record.retiring(job, waits_for(left))
        return Outcome.RETIRING
    if not job.is_settled or any(item.is_missing_deployment for item in job.state.drifted):
        # What was deleted behind our back is shown first and made again at the next look, or by Try now.
        apply(gateway, job)
        record.applied(job, hashlib.sha256(canonical_json(job.rendered().objects())).hexdigest())
        return Outcome.APPLIED
    record.compared(job, resync.find(gateway, job))
    return Outcome.COMPARED


def _failed(job: Job, error: ClusterError) -> Outcome:
    """The reaction to each class of error."""
    cluster = job.deployment.namespace.cluster
    kind = error.error_class
    if isinstance(error, BreakerOpen):
        phase = Phase.SAVED if error.is_pause else Phase.UNREACHABLE
        record.deferred(job, error, kind=kind, phase=phase, until=error.until)
        return Outcome.DEFERRED
    breaker.failed(cluster, error)
    if isinstance(error, NotConfigured):
        until = now() + timedelta(seconds=STARTING_AGAIN_S)
        record.deferred(job, error, kind=kind, phase=Phase.SAVED, until=until)
    elif isinstance(error, Throttled):
        until = now() + timedelta(seconds=error.retry_after_s)
        record.deferred(job, error, kind=kind, phase=Phase.SAVED, until=until)
    elif kind is ErrorClass.TRANSIENT:
        record.deferred(job, error, kind=kind, phase=Phase.UNREACHABLE)
    elif kind is ErrorClass.SLOW:
        # Of this deployment alone: no pulse of the cluster ends the wait.
        wait_s = min(SLOW_AGAIN_S[1], SLOW_AGAIN_S[0] * 2 ** min(job.state.failures, 6))
        record.deferred(job, error, kind=kind, phase=Phase.BLOCKED, until=now() + timedelta(seconds=wait_s))
    elif kind is ErrorClass.RACE:
        record.deferred(job, error, kind=kind, phase=Phase.SAVED)
    else:
        return _blocked(job, error)
    return Outcome.DEFERRED


def _blocked(job: Job, error: ClusterError) -> Outcome:
    if isinstance(error, Forbidden | NotFound):
        # Who lost the namespace lost the rights in it too: the API server then only says "forbidden".
        error = _said_of_namespace(job) or error
    record.blocked(job, error, kind=error.error_class.value)
    return Outcome.BLOCKED


def _said_of_namespace(job: Job) -> ClusterError | None:
    """In plain words that the namespace is gone or going; None when it is there, or cannot be looked at."""
    try:
        found = breaker.reach(job.deployment.namespace.cluster).within(4).get(ObjectKind.NAMESPACE, None, job.namespace)
    except ClusterError:
        return None
    if found is None:
        return NotFound(f'namespaces "{job.namespace}" not found')
    if text(found, "status", "phase") == "Terminating":
        return Forbidden(f"Nothing can be written in namespace {job.namespace} because it is being terminated.")
    return None
