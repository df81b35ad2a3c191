"""What the relay finds of this app: deployments that are due, questions without an answer, and chores of its own."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import Error as DatabaseProblem
from django.db import connections, transaction
from django.db.models import F, Q

from baristaweb.lib.clock import now
from baristaweb.lib.registry import Chore, Errand, Key
from deployments import breaker, dispatch, dryrun, observe, podlogs, reconcile
from deployments.actions import deployments as actions
from deployments.actions import retention
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.status.states import Phase
from deployments.kube.api import ClusterError
from deployments.models import AuditEvent, Cluster, ClusterHealth, Deployment, DeploymentState, LogRequest, Proposal
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
    """Ids of due deployments, oldest first. Each is due again after the lease, which bounds what a lost nudge costs.

    Nothing of clusters that are switched off, starting, or behind an open breaker: the first answer wakes those.
    """
    at = now()
    health = "deployment__namespace__cluster__health"
    is_open = Q(**{f"{health}__open_until__gt": at}) | Q(
        **{f"{health}__consecutive_failures__gte": breaker.OPENS_AFTER}
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


def _due_deployments(lease_s: float) -> list[Key]:
    return list(claim(lease_s=lease_s))


def reconcile_and_refresh(deployment_id: int) -> None:
    """What a worker does for one deployment."""
    reconcile.one(deployment_id)
    observe.refresh(deployment_id)


def _unanswered_proposals(lease_s: float) -> list[Key]:
    since = now() - timedelta(seconds=UNANSWERED_S)
    rows = Proposal.objects.filter(answer="waiting", dropped_at=None, applied_at=None, created_at__lt=since)
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:CLAIM]]


def _unanswered_log_requests(lease_s: float) -> list[Key]:
    since = now() - timedelta(seconds=UNANSWERED_S)
    rows = LogRequest.objects.filter(answer="waiting", created_at__lt=since)
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:CLAIM]]


def end_pauses(at: datetime | None = None) -> None:
    """Resume what was paused until now, as an audited action of the relay's own."""
    over = Deployment.objects.filter(paused_at__isnull=False, paused_until__lte=at or now())
    for deployment in over:
        # Somebody may have been faster.
        with contextlib.suppress(Refused):
            actions.resume(deployment=deployment, by=Actor.system("relay"), note="The pause ran out.")


def tell_the_log() -> None:
    """Where the audit's head is (a cut tail cannot be hidden from whoever keeps the logs), and what waits."""
    head = AuditEvent.objects.order_by("-seq").values("seq", "row_hash").first()
    if head is not None:
        log.info("audit_head", seq=head["seq"], row_hash=head["row_hash"])
    waiting = DeploymentState.objects.exclude(observed_generation=F("deployment__generation"))
    oldest = waiting.order_by("deployment__changed_at").values_list("deployment__changed_at", flat=True).first()
    log.info("waiting", deployments=waiting.count(), oldest=oldest and oldest.isoformat())


def sweep() -> None:
    """Delete what has been kept long enough."""
    retention.sweep(at=now())


class Prober:
    """Asks clusters that do not answer whether they are back, each in a thread: one that hangs delays no other."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="probe")
        self._probing: set[int] = set()
        self._probed_at: dict[int, float] = {}

    def __call__(self) -> None:
        for cluster in Cluster.objects.filter(is_active=True).select_related("health"):
            health = getattr(cluster, "health", None)
            if cluster.pk in self._probing or not _needs_probe(health):
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


def _needs_probe(health: ClusterHealth | None) -> bool:
    if health is None:
        return True
    if health.open_until is not None and health.open_until > now():
        return False
    return health.state != State.OK or health.consecutive_failures > 0


def _due_prices(lease_s: float) -> list[Key]:
    return list(refresh.claim(at=now()))


ERRANDS: Final = (
    Errand(task=dispatch.RECONCILE, due=_due_deployments, do=reconcile_and_refresh, is_leased=True),
    Errand(task=dispatch.CHECK_PROPOSAL, due=_unanswered_proposals, do=dryrun.answer),
    Errand(task=dispatch.FETCH_LOGS, due=_unanswered_log_requests, do=podlogs.answer),
    Errand(task=dispatch.PULL_PRICES, due=_due_prices, do=refresh.catalog, is_leased=True),
)
CHORES: Final = (
    Chore(name="probe", every_s=PROBE_S, do=Prober()),
    Chore(name="sweep", every_s=SWEEP_EVERY_S, do=sweep),
    Chore(name="pauses", every_s=5.0, do=end_pauses),
    Chore(name="anchor", every_s=60.0, do=tell_the_log),
)
