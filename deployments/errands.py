"""What the relay finds of this app: deployments that are due, questions without an answer, and chores of its own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import Error as DatabaseProblem
from django.db import connections, transaction
from django.db.models import F, Q, QuerySet

from baristaweb.lib.clock import now
from baristaweb.lib.registry import Chore, Errand, Key
from deployments import accrue, breaker, clouds, dispatch, dryrun, observe, podlogs, reconcile
from deployments.actions import audit_checks, prices, retention, sleep, sleep_ledger
from deployments.actions import deployments as actions
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.status.states import Phase
from deployments.kube.api import ClusterError
from deployments.models import (
    AuditCheck,
    AuditEvent,
    CloudRequest,
    Cluster,
    ClusterHealth,
    Deployment,
    DeploymentState,
    LogRequest,
    PriceTerm,
    Proposal,
)
from deployments.prices import refresh
from deployments.reconcile.record import STARTS_LIMIT

log = structlog.get_logger(__name__)

CLAIM: Final = 200
UNANSWERED_S: Final = 2.0
PROBE_S: Final = 1.0
PROBE_REFUSED_S: Final = 15.0
SWEEP_EVERY_S: Final = 300.0
State = ClusterHealth.State


def claim(*, lease_s: float, limit: int = CLAIM) -> list[int]:
    """Ids of due deployments, oldest first. Each is due again after the lease, which bounds what a lost nudge costs."""
    at = now()
    with transaction.atomic():
        due = (
            due_rows(at)
            .order_by("next_reconcile_at")
            .select_for_update(skip_locked=True, of=("self",))
            .values_list("pk", flat=True)[:limit]
        )
        ids = list(due)
        DeploymentState.objects.filter(pk__in=ids).update(next_reconcile_at=at + timedelta(seconds=lease_s))
    return ids


def due_rows(at: datetime) -> QuerySet[DeploymentState]:
    """Nothing of clusters that are switched off, starting, or behind an open breaker: the first answer wakes those."""
    health = "deployment__namespace__cluster__health"
    is_open = Q(**{f"{health}__open_until__gt": at}) | Q(
        **{f"{health}__consecutive_failures__gte": breaker.OPENS_AFTER}
    )
    is_parked = Q(phase=Phase.PARKED, starts__gte=STARTS_LIMIT, starts_generation=F("deployment__generation"))
    return (
        DeploymentState.objects.filter(next_reconcile_at__lte=at, deployment__namespace__cluster__is_active=True)
        .exclude(pk__in=DeploymentState.objects.filter(is_open | Q(**{f"{health}__state": State.STARTING})))
        .exclude(pk__in=DeploymentState.objects.filter(is_parked))
    )


def _due_deployments(lease_s: float) -> list[Key]:
    return list(claim(lease_s=lease_s))


def is_tried_since(deployment_id: int, sent_at: datetime | None) -> bool:
    """Whether a worker has begun after the nudge was sent, with the newest intent: then the nudge is done already."""
    rows = DeploymentState.objects.filter(pk=deployment_id, starts_generation=F("deployment__generation"))
    return sent_at is not None and rows.filter(tried_at__gt=sent_at).exists()


def reconcile_and_refresh(deployment_id: int) -> None:
    """What a worker does for one deployment."""
    reconcile.one(deployment_id)
    observe.refresh(deployment_id)


def _unanswered_proposals() -> QuerySet[Proposal]:
    since = now() - timedelta(seconds=UNANSWERED_S)
    return Proposal.objects.filter(answer="waiting", dropped_at=None, applied_at=None, created_at__lt=since)


def _unanswered_log_requests() -> QuerySet[LogRequest]:
    since = now() - timedelta(seconds=UNANSWERED_S)
    return LogRequest.objects.filter(answer="waiting", created_at__lt=since)


def _unanswered_cloud_requests() -> QuerySet[CloudRequest]:
    since = now() - timedelta(seconds=UNANSWERED_S)
    return CloudRequest.objects.filter(answer="waiting", created_at__lt=since)


def _unanswered_audit_checks() -> QuerySet[AuditCheck]:
    return AuditCheck.objects.filter(answer="waiting", created_at__lt=now() - timedelta(seconds=UNANSWERED_S))


def _due_audit_checks(lease_s: float) -> list[Key]:
    return list(_unanswered_audit_checks().order_by("created_at").values_list("pk", flat=True)[:1])


def check_the_log() -> None:
    """Have the audit log verified once a day."""
    audit_checks.ask_daily(at=now())


def _keys(rows: Callable[[], QuerySet[Any]]) -> Callable[[float], Sequence[Key]]:
    """The oldest of these rows, for an errand."""
    return lambda lease_s: [str(pk) for pk in rows().order_by("created_at").values_list("pk", flat=True)[:CLAIM]]


def end_pauses(at: datetime | None = None) -> None:
    """Resume what was paused until now, as an audited action of the relay's own."""
    for deployment in _over_pauses(at):
        # Somebody may have been faster.
        with contextlib.suppress(Refused):
            actions.resume(deployment=deployment, by=Actor.system("relay"), note="The pause ran out.")


def _over_pauses(at: datetime | None = None) -> QuerySet[Deployment]:
    return Deployment.objects.filter(paused_at__isnull=False, paused_until__lte=at or now())


def tell_the_log() -> None:
    """Where the audit's head is (a cut tail cannot be hidden from whoever keeps the logs), and what waits."""
    head = AuditEvent.objects.order_by("-seq").values("seq", "row_hash").first()
    if head is not None:
        log.info("audit_head", seq=head["seq"], row_hash=head["row_hash"])
    waiting = DeploymentState.objects.exclude(observed_generation=F("deployment__generation"))
    oldest = waiting.order_by("waiting_since").values_list("waiting_since", flat=True).first()
    log.info("waiting", deployments=waiting.count(), oldest=oldest and oldest.isoformat())


def sweep() -> None:
    """Delete what has been kept long enough."""
    retention.sweep(at=now())


def sleep_and_wake() -> None:
    """Put to sleep and wake what is due by the schedules."""
    for deployment, did in sleep.step_all(at=now()):
        log.info("sleep", deployment=deployment, did=did.value)


def count_sleep() -> None:
    """Enter in the ledger what sleep has released so far, and what keeping awake gave up."""
    at = now()
    sleep_ledger.accrue(at=at)
    sleep_ledger.close_counted(at=at)


class Prober:
    """Asks clusters that do not answer whether they are back, each in a thread: one that hangs delays no other."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="probe")
        self._probing: set[int] = set()
        self._probed_at: dict[int, float] = {}

    def __call__(self) -> None:
        for cluster in _silent_clusters().select_related("health"):
            health = getattr(cluster, "health", None)
            if cluster.pk in self._probing:
                continue
            refused = health is not None and health.state == State.REFUSED
            pause_s = PROBE_REFUSED_S if refused else PROBE_S
            if time.monotonic() - self._probed_at.get(cluster.pk, -PROBE_REFUSED_S) < pause_s:
                continue
            self._probed_at[cluster.pk] = time.monotonic()
            self._probing.add(cluster.pk)
            self._threads.submit(self._probe, cluster)

    def _probe(self, cluster: Cluster) -> None:
        try:
            # What went wrong is in the health row.
            with contextlib.suppress(ClusterError):
                breaker.probe(cluster, breaker.reach(cluster))
        except DatabaseProblem as error:
            log.warning("database_away", part="probe", problem=str(error)[:200])
        finally:
            self._probing.discard(cluster.pk)
            connections.close_all()


def _silent_clusters() -> QuerySet[Cluster]:
    """Those to ask whether they are back: not seen yet, or away with no pause that runs."""
    is_free = Q(health__open_until=None) | Q(health__open_until__lte=now())
    in_trouble = ~Q(health__state=State.OK) | Q(health__consecutive_failures__gt=0)
    return Cluster.objects.filter(Q(health=None) | is_free & in_trouble, is_active=True)


def _due_prices(lease_s: float) -> list[Key]:
    return list(refresh.claim(at=now()))


ERRANDS: Final = (
    Errand(
        task=dispatch.RECONCILE,
        due=_due_deployments,
        do=reconcile_and_refresh,
        is_leased=True,
        waiting=lambda: due_rows(now()),
    ),
    Errand(
        task=dispatch.CHECK_PROPOSAL,
        queue=dispatch.DRY_RUNS,
        due=_keys(_unanswered_proposals),
        do=dryrun.answer,
        waiting=_unanswered_proposals,
    ),
    Errand(
        task=dispatch.FETCH_LOGS,
        queue=dispatch.LOGS,
        due=_keys(_unanswered_log_requests),
        do=podlogs.answer,
        waiting=_unanswered_log_requests,
    ),
    Errand(
        task=dispatch.ASK_CLOUD,
        queue=dispatch.DRY_RUNS,
        due=_keys(_unanswered_cloud_requests),
        do=clouds.answer,
        waiting=_unanswered_cloud_requests,
    ),
    Errand(
        task=dispatch.VERIFY_AUDIT,
        queue=dispatch.DRY_RUNS,
        due=_due_audit_checks,
        do=audit_checks.answer,
        waiting=_unanswered_audit_checks,
    ),
    Errand(
        task=dispatch.PULL_PRICES,
        queue=dispatch.DRY_RUNS,
        due=_due_prices,
        do=refresh.catalog,
        is_leased=True,
        waiting=refresh.waiting,
    ),
)
CHORES: Final = (
    Chore(name="sweep", every_s=SWEEP_EVERY_S, do=sweep),
    Chore(name="probe", every_s=PROBE_S, do=Prober(), waiting=_silent_clusters),
    Chore(name="pauses", every_s=5.0, do=end_pauses, waiting=_over_pauses),
    Chore(name="accrue", every_s=10.0, do=accrue.Accruer()),
    Chore(name="sleep", every_s=10.0, do=sleep_and_wake),
    Chore(name="sleep-ledger", every_s=300.0, do=count_sleep),
    Chore(name="price-terms", every_s=60.0, do=prices.settle_all, waiting=PriceTerm.objects.all),
    Chore(name="anchor", every_s=60.0, do=tell_the_log),
    Chore(name="audit-check", every_s=600.0, do=check_the_log),
)
