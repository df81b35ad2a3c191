"""Who enqueues: finds every row that needs work, whoever lost the nudge. Safe to run twice.

Once a second: claim due deployments and nudge workers, probe clusters that do not answer, ask again for unanswered
questions, end pauses that ran out. When the queue is away it does the work itself, one at a time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseProblem
from django.db import connections, transaction
from django.db.models import F, Q
from redis import Redis
from redis.exceptions import RedisError

from baristaweb.lib.clock import now
from deployments import clusters, dispatch, dryrun, observe, podlogs, reconcile
from deployments.actions import deployments as actions
from deployments.actions import retention
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.status import Phase
from deployments.kube.api import ClusterError
from deployments.models import AuditEvent, Cluster, ClusterHealth, Deployment, DeploymentState, LogRequest, Proposal
from deployments.reconcile.record import STARTS_LIMIT

log = structlog.get_logger(__name__)

TICK_S: Final = 1.0
CLAIM: Final = 200
LONG_QUEUE: Final = 200
LONG_LEASE_S: Final = 20.0
ASK_AGAIN_S: Final = 2.0
PROBE_REFUSED_S: Final = 15.0
PAUSES_EVERY_S: Final = 5.0
ANCHOR_EVERY_S: Final = 60.0
SWEEP_EVERY_S: Final = 300.0


def _reconcile(deployment_id: int) -> None:
    reconcile.one(deployment_id)
    observe.refresh(deployment_id)


WORK: Final[dict[str, Callable[[Any], object]]] = {
    dispatch.RECONCILE: _reconcile,
    dispatch.CHECK_PROPOSAL: dryrun.answer,
    dispatch.FETCH_LOGS: podlogs.answer,
}
State = ClusterHealth.State


class Relay:
    """`run` returns soon after `stopping` is set."""

    def __init__(self, stopping: threading.Event) -> None:
        self.stopping = stopping
        self._hands = ThreadPoolExecutor(1, thread_name_prefix="hands")
        self._probes = ThreadPoolExecutor(8, thread_name_prefix="probe")
        self._in_hand: set[tuple[str, Any]] = set()
        self._probing: set[int] = set()
        self._probed_at: dict[int, float] = {}
        self._asked: dict[str, tuple[float, float]] = {}
        self._due: dict[str, float] = {}
        self._queue_length = 0

    def run(self) -> None:
        while not self.stopping.is_set():
            began = time.monotonic()
            self.tick()
            self.stopping.wait(max(0.05, TICK_S - (time.monotonic() - began)))
        self._hands.shutdown(wait=True, cancel_futures=True)
        self._probes.shutdown(wait=True, cancel_futures=True)
        connections.close_all()

    def tick(self) -> None:
        """One round. A part that fails does not keep the others from running."""
        self._guard("claim", self._claim_and_nudge)
        self._guard("probe", self._probe)
        self._guard("questions", self._ask_again)
        if self._is_due("pauses", PAUSES_EVERY_S):
            self._guard("pauses", end_pauses)
        if self._is_due("sweep", SWEEP_EVERY_S):
            self._guard("sweep", lambda: retention.sweep(at=now()))
        if self._is_due("anchor", ANCHOR_EVERY_S):
            self._guard("anchor", self._anchor)

    def _guard(self, part: str, work: Callable[[], object]) -> None:
        try:
            work()
        except DatabaseProblem as error:
            log.warning("database_away", part=part, problem=str(error)[:200])
            connections.close_all()
        except Exception:
            log.exception("relay_broke", part=part)

    def _is_due(self, name: str, every_s: float) -> bool:
        clock = time.monotonic()
        if self._due.get(name, 0.0) > clock:
            return False
        self._due[name] = clock + every_s
        return True

    def _claim_and_nudge(self) -> None:
        if self._is_due("queue", 5.0):
            self._queue_length = queue_length()
        lease_s = LONG_LEASE_S if self._queue_length > LONG_QUEUE else settings.BARISTA.relay_lease_s
        for deployment_id in claim(lease_s=lease_s):
            self._nudge(dispatch.RECONCILE, deployment_id)

    def _nudge(self, task: str, key: Any) -> None:
        """Ask a worker; without a queue, do it here."""
        if dispatch.nudge(task, key) or (task, key) in self._in_hand:
            return
        self._in_hand.add((task, key))
        self._hands.submit(self._do, task, key)

    def _do(self, task: str, key: Any) -> None:
        try:
            self._guard(task, partial(WORK[task], key))
        finally:
            self._in_hand.discard((task, key))
            connections.close_all()

    def _probe(self) -> None:
        for cluster in Cluster.objects.filter(is_active=True).select_related("health"):
            health = getattr(cluster, "health", None)
            if cluster.pk in self._probing or not _needs_probe(health):
                continue
            refused = health is not None and health.state == State.REFUSED
            pause_s = PROBE_REFUSED_S if refused else TICK_S
            if time.monotonic() - self._probed_at.get(cluster.pk, -PROBE_REFUSED_S) < pause_s:
                continue
            self._probed_at[cluster.pk] = time.monotonic()
            self._probing.add(cluster.pk)
            self._probes.submit(self._probe_one, cluster)

    def _probe_one(self, cluster: Cluster) -> None:
        try:
            # What went wrong is in the health row.
            with contextlib.suppress(ClusterError):
                clusters.probe(cluster, clusters.reach(cluster))
        except DatabaseProblem as error:
            log.warning("database_away", part="probe", problem=str(error)[:200])
        finally:
            self._probing.discard(cluster.pk)
            connections.close_all()

    def _ask_again(self) -> None:
        """Questions whose nudge was lost; less and less often the longer nobody answers."""
        since = now() - timedelta(seconds=ASK_AGAIN_S)
        open_proposals = Proposal.objects.filter(answer="waiting", dropped_at=None, applied_at=None)
        waiting = [
            (dispatch.CHECK_PROPOSAL, str(pk))
            for pk in open_proposals.filter(created_at__lt=since).values_list("pk", flat=True)[:CLAIM]
        ] + [
            (dispatch.FETCH_LOGS, str(pk))
            for pk in LogRequest.objects.filter(answer="waiting", created_at__lt=since).values_list("pk", flat=True)[
                :CLAIM
            ]
        ]
        clock = time.monotonic()
        asked = {key: self._asked[key] for _, key in waiting if key in self._asked}
        for task, key in waiting:
            due, pause_s = asked.get(key, (0.0, ASK_AGAIN_S))
            if due <= clock:
                asked[key] = (clock + pause_s, min(pause_s * 2, 60.0))
                self._nudge(task, key)
        self._asked = asked

    def _anchor(self) -> None:
        """Where the audit's head is, told to the log: a cut tail cannot be hidden from whoever keeps the logs."""
        head = AuditEvent.objects.order_by("-seq").values("seq", "row_hash").first()
        if head is not None:
            log.info("audit_head", seq=head["seq"], row_hash=head["row_hash"])
        waiting = DeploymentState.objects.exclude(observed_generation=F("deployment__generation"))
        oldest = waiting.order_by("deployment__changed_at").values_list("deployment__changed_at", flat=True).first()
        log.info("queue", messages=self._queue_length, waiting=waiting.count(), oldest=oldest and oldest.isoformat())


def claim(*, lease_s: float, limit: int = CLAIM) -> list[int]:
    """Ids of due deployments, oldest first. Each is due again after the lease, which bounds what a lost nudge costs.

    Nothing of clusters that are switched off, starting, or behind an open breaker: the first answer wakes those.
    """
    at = now()
    health = "deployment__namespace__cluster__health"
    is_open = Q(**{f"{health}__open_until__gt": at}) | Q(
        **{f"{health}__consecutive_failures__gte": clusters.OPENS_AFTER}
    )
    is_parked = Q(phase=Phase.PARKED, starts__gte=STARTS_LIMIT, starts_generation=F("deployment__generation"))
    with transaction.atomic():
        due = (
            DeploymentState.objects.filter(next_reconcile_at__lte=at, deployment__namespace__cluster__is_active=True)
            .exclude(pk__in=DeploymentState.objects.filter(is_open | Q(**{f"{health}__state": State.STARTING})))
            .exclude(pk__in=DeploymentState.objects.filter(is_parked))
            .order_by("next_reconcile_at")
            .select_for_update(skip_locked=True, of=("self",))
            .values_list("pk", flat=True)[:limit]
        )
        ids = list(due)
        DeploymentState.objects.filter(pk__in=ids).update(next_reconcile_at=at + timedelta(seconds=lease_s))
    return ids


def end_pauses(at: datetime | None = None) -> None:
    """Resume what was paused until now, as an audited action of the relay's own."""
    over = Deployment.objects.filter(paused_at__isnull=False, paused_until__lte=at or now())
    for deployment in over:
        # Somebody may have been faster.
        with contextlib.suppress(Refused):
            actions.resume(deployment=deployment, by=Actor.system("relay"), note="The pause ran out.")


def queue_length() -> int:
    """Messages waiting in the queue; 0 when it cannot be asked."""
    try:
        with Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=0.5, socket_connect_timeout=0.5) as queue:
            return int(queue.llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    except (RedisError, OSError):
        return 0


def _needs_probe(health: ClusterHealth | None) -> bool:
    if health is None:
        return True
    if health.open_until is not None and health.open_until > now():
        return False
    return health.state != State.OK or health.consecutive_failures > 0
