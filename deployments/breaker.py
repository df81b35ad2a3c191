"""How clusters are reached: one breaker per cluster, in the database, shared by all processes.

Five transient failures in a row open it for 5 s, doubling to 60 s. While it is open nothing is sent but one probe each
time it runs out; the first success closes it and wakes every deployment that waited. A cluster that asks for a pause
(429 with Retry-After) gets all of it, whatever else it answers meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final

import structlog
from django.db import transaction
from django.db.models import Case, F, Q, TextField, Value, When

from baristaweb.lib.clock import now
from deployments.kube.api import ClusterError, ErrorClass, Gateway, NotConfigured, Stuck, Throttled, Unanswered
from deployments.kube.connect import connect, forget
from deployments.models import Cluster, ClusterHealth, DeploymentState, Proposal
from deployments.models.cluster import PROGRESS_S
from deployments.models.requests import Answer

log = structlog.get_logger(__name__)

OPENS_AFTER: Final = 5
AWAY_AFTER: Final = 2
OPEN_S: Final = 5
OPEN_LIMIT_S: Final = 60
PROBE_LEASE_S: Final = 10
OK_WRITE_S: Final = 15
WAITING_CLASSES: Final = [
    ErrorClass.TRANSIENT.value,
    ErrorClass.STARTING.value,
    ErrorClass.CREDENTIALS.value,
    ErrorClass.PRESSURE.value,
]

State = ClusterHealth.State


class BreakerOpen(ClusterError):
    """Nothing is sent to the cluster until then. `is_pause`: it answers, and asked to be left alone for so long."""

    error_class: ClassVar[ErrorClass] = ErrorClass.TRANSIENT

    def __init__(self, message: str, *, until: datetime, is_pause: bool = False) -> None:
        super().__init__(message)
        self.until = until
        self.is_pause = is_pause


def health_of(cluster: Cluster) -> ClusterHealth:
    """The cluster's health row, made when it is first needed."""
    health, _ = ClusterHealth.objects.get_or_create(cluster=cluster)
    return health


def reach(cluster: Cluster) -> Gateway:
    """The gateway of `cluster`, unless its breaker is open or it is still being built.

    After the breaker ran out, one caller probes with /readyz; the others still find it open.
    Raises BreakerOpen, NotConfigured, or what the probe raised (already counted).
    """
    health = health_of(cluster)
    at = now()
    if health.open_until is not None and health.open_until > at:
        raise BreakerOpen(
            health.last_error or "The cluster does not answer.",
            until=health.open_until,
            is_pause=health.consecutive_failures == 0,
        )
    gateway = open_gateway(cluster, health)
    if health.consecutive_failures >= OPENS_AFTER:
        until = at + timedelta(seconds=PROBE_LEASE_S)
        free = Q(open_until=None) | Q(open_until__lte=at)
        if not ClusterHealth.objects.filter(free, cluster=cluster).update(open_until=until):
            raise BreakerOpen(health.last_error, until=until)
        probe(cluster, gateway)
    return gateway


def probe(cluster: Cluster, gateway: Gateway | None = None) -> None:
    """Ask /readyz and record the answer; raises what went wrong."""
    try:
        (gateway or open_gateway(cluster)).within(4).ready()
    except ClusterError as error:
        failed(cluster, error, is_probe=True)
        raise
    succeeded(cluster)


def open_gateway(cluster: Cluster, health: ClusterHealth | None = None) -> Gateway:
    """The gateway whatever the breaker says, for those who feel the pulse. Raises NotConfigured, recorded."""
    try:
        if words := progress_of(health or health_of(cluster)):
            raise NotConfigured(words)
        return connect(cluster)
    except NotConfigured as error:
        failed(cluster, error)
        raise


def progress_of(health: ClusterHealth) -> str:
    """What whoever builds or starts the cluster said last; empty when it is done, or was said too long ago."""
    if health.progress_at is None or health.progress_at <= now() - timedelta(seconds=PROGRESS_S):
        return ""
    return health.progress


def succeeded(cluster: Cluster) -> None:
    """The cluster answered. Closes the breaker and wakes what waited for it."""
    at = now()
    quiet = Q(state=State.OK, consecutive_failures=0, last_ok_at__gt=at - timedelta(seconds=OK_WRITE_S))
    if ClusterHealth.objects.filter(quiet, cluster=cluster).exists():
        return
    health_of(cluster)
    had_failed = ClusterHealth.objects.filter(cluster=cluster, consecutive_failures__gt=0).exists()
    came_back = ClusterHealth.objects.filter(cluster=cluster).exclude(state=State.OK).update(state=State.OK, since=at)
    # The watch asks /readyz every few seconds; its answer must not end a pause that writers were asked for.
    is_pause = Q(consecutive_failures=0, open_until__gt=at)
    ClusterHealth.objects.filter(cluster=cluster).update(
        last_ok_at=at,
        last_error=Case(When(is_pause, then=F("last_error")), default=Value("", output_field=TextField())),
        consecutive_failures=0,
        open_until=Case(When(is_pause, then=F("open_until")), default=None),
    )
    if came_back or had_failed:
        # What could not be checked is asked anew: nobody should decide by what was true before.
        Proposal.objects.filter(
            namespace__cluster=cluster, answer=Answer.FAILED, applied_at=None, dropped_at=None
        ).update(answer=Answer.WAITING, answered_at=None)
    if came_back:
        log.info("cluster_reachable", cluster=cluster.slug)
        DeploymentState.objects.filter(
            deployment__namespace__cluster=cluster, last_error_class__in=WAITING_CLASSES
        ).update(next_reconcile_at=at, failures=0)


def failed(cluster: Cluster, error: ClusterError, *, is_probe: bool = False) -> None:
    """Count what says something about the cluster itself; an object it refuses does not.

    While the breaker is open only its own probe counts: others failing meanwhile say nothing new.
    """
    if isinstance(error, BreakerOpen) or error.error_class in (
        ErrorClass.RACE,
        ErrorClass.CONFLICT,
        ErrorClass.PERMANENT,
        ErrorClass.SLOW,
    ):
        return
    health_of(cluster)
    at = now()
    with transaction.atomic():
        health = ClusterHealth.objects.select_for_update().get(cluster=cluster)
        before = health.state
        health.last_error = str(error)
        if isinstance(error, NotConfigured):
            health.state = State.STARTING
        elif isinstance(error, Throttled) and error.status == 429:
            # It lives: whatever failed before is over.
            health.consecutive_failures = 0
            health.open_until = at + timedelta(seconds=error.retry_after_s)
        elif error.error_class is ErrorClass.CREDENTIALS:
            forget(cluster)
            health.state = State.REFUSED
        elif is_probe or health.open_until is None or health.open_until <= at:
            _count(health, at)
            if isinstance(error, Throttled):
                until = at + timedelta(seconds=error.retry_after_s)
                health.open_until = max(health.open_until or until, until)
        if health.state != before:
            health.since = at
            log.warning("cluster_state", cluster=cluster.slug, state=health.state, problem=health.last_error[:200])
        health.save(update_fields=["state", "since", "last_error", "consecutive_failures", "open_until"])


def _count(health: ClusterHealth, at: datetime) -> None:
    health.consecutive_failures += 1
    over = health.consecutive_failures - OPENS_AFTER
    if over >= 0:
        health.open_until = at + timedelta(seconds=min(OPEN_LIMIT_S, OPEN_S * 2 ** min(over, 6)))
    if health.consecutive_failures >= AWAY_AFTER:
        health.state = State.AWAY


def blame(cluster: Cluster, error: ClusterError, *, namespace: str) -> ClusterError:
    """The same error, or Stuck when a write had no answer although the cluster answers: then the object is at fault."""
    if not isinstance(error, Unanswered):
        return error
    try:
        open_gateway(cluster).within(4).ready()
    except ClusterError:
        return error
    succeeded(cluster)
    return Stuck(
        f"The cluster answers, but did not finish a write in namespace {namespace} in time: "
        "an admission webhook that it asks about such objects hangs."
    )
