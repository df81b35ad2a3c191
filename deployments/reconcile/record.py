"""Writing down how far the machine got. Every function ends the attempt that `begin` counted."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Greatest

from baristaweb.lib.clock import now
from deployments.domain.changes.drift import GENERATION_PATH, DriftItem
from deployments.domain.changes.held import HeldField
from deployments.domain.status.states import Phase
from deployments.kube.api import ClusterError, ErrorClass
from deployments.kube.redact import redact
from deployments.models import Deployment, DeploymentState, Rollout
from deployments.reconcile.job import FieldsHeld, Job

STARTS_LIMIT: Final = 4
# In step when last compared, and watched since: looked at less often.
QUIET_TIMES: Final = 4
WATCHED_WITHIN: Final = timedelta(seconds=60)
WEBHOOK_FAILED: Final = "failed calling webhook"
BACKOFF_LIMIT_S: Final = 60.0
# What others added beside our fields outlives an apply: look soon whether anything still differs.
FIRST_LOOK_S: Final = (15.0, 30.0)


def begin(job: Job) -> bool:
    """Count the attempt before the work, so that one that kills its process is found; False: it is parked now."""
    rows = DeploymentState.objects.filter(deployment=job.deployment)
    if job.state.starts >= STARTS_LIMIT and job.state.starts_generation == job.generation:
        rows.update(
            phase=Phase.PARKED,
            last_error_class="parked",
            last_error=f"{STARTS_LIMIT} attempts ended without an answer: each time the process doing it died. "
            "It waits for a new revision or for somebody to press Try now.",
            next_reconcile_at=now() + timedelta(days=1),
        )
        return False
    same = When(starts_generation=job.generation, then=F("starts") + 1)
    changes: dict[str, Any] = {"starts": Case(same, default=Value(1)), "starts_generation": job.generation}
    if not job.is_settled and not job.deployment.is_retired:
        changes["phase"] = Phase.APPLYING
    rows.update(tried_at=now(), **changes)
    return True


_HUNG: Final = Q(last_error_class=ErrorClass.SLOW.value) | Q(last_error__contains=WEBHOOK_FAILED)


def has_hung(state: DeploymentState) -> bool:
    """Whether the last write of it hung, or ended with the name of a webhook that does not answer."""
    return state.last_error_class == ErrorClass.SLOW.value or WEBHOOK_FAILED in state.last_error


def in_trouble(job: Job) -> bool:
    """Whether writes in the namespace hang."""
    return DeploymentState.objects.filter(_HUNG, deployment__namespace=job.deployment.namespace_id).exists()


def wait_for_others(job: Job) -> None:
    """Soon again: somebody else works in the namespace."""
    soon = now() + timedelta(seconds=random.uniform(1, 3))  # noqa: S311 - jitter
    DeploymentState.objects.filter(deployment=job.deployment).update(next_reconcile_at=soon)


def applied(job: Job, digest: str) -> None:
    at = now()
    _end(
        job,
        phase=Phase.APPLIED,
        observed_generation=Greatest(F("observed_generation"), Value(job.generation)),
        applied_at=at,
        applied_revision=job.revision.number,
        applied_hash=digest,
        next_reconcile_at=at + timedelta(seconds=random.uniform(*FIRST_LOOK_S)),  # noqa: S311 - jitter
        drift=[],
        **_CLEAN,
    )
    rollout, _ = Rollout.objects.get_or_create(
        deployment=job.deployment, revision=job.revision.number, defaults={"saved_at": job.revision.saved_at}
    )
    Rollout.objects.filter(pk=rollout.pk, applied_at=None).update(applied_at=at)


def compared(job: Job, drift: tuple[DriftItem, ...]) -> None:
    at = now()
    _end(
        job,
        phase=Phase.APPLIED,
        drift=[item.to_json() for item in drift],
        drift_checked_at=at,
        next_reconcile_at=_resync_at(at, times=1 if drift or not _is_watched(job, at) else QUIET_TIMES),
        **_CLEAN,
    )


def _is_watched(job: Job, at: datetime) -> bool:
    """Whether the watch hears the cluster: it has a deployment compared as soon as somebody else changed it."""
    health = getattr(job.deployment.namespace.cluster, "health", None)
    heard_at = health.watched_at if health is not None else None
    return heard_at is not None and at - heard_at < WATCHED_WITHIN


def paused(job: Job) -> None:
    """A pause is done by doing nothing; what was saved before or after it still waits."""
    done = job.state.observed_generation == job.generation - 1 and job.state.applied_revision == job.revision.number
    at = now()
    until = job.deployment.paused_until or at + timedelta(days=1)
    _end(
        job,
        phase=Phase.PAUSED,
        observed_generation=job.generation if done else F("observed_generation"),
        next_reconcile_at=max(until, at + timedelta(seconds=1)),
        **_CLEAN,
    )


def retiring(job: Job, why: str) -> None:
    # What waits for somebody's leave is looked at less often than what only takes its time.
    wait = timedelta(seconds=20 if why else 1)
    _end(job, phase=Phase.RETIRING, next_reconcile_at=now() + wait, **(_CLEAN | {"last_error": why}))


def retired(job: Job) -> None:
    _end(
        job,
        phase=Phase.RETIRED,
        observed_generation=Greatest(F("observed_generation"), Value(job.generation)),
        applied_hash="",
        drift=[],
        next_reconcile_at=now() + timedelta(days=1),
        **_CLEAN,
    )


def conflict(job: Job, held: FieldsHeld) -> None:
    _held(job, held.rows, str(held))


def ahead(job: Job, seen: int) -> None:
    """The cluster holds a later intent than any of ours: a database that was restored knows less than the cluster."""
    row = HeldField("Deployment", GENERATION_PATH, "a later state of this database", str(seen), str(job.generation))
    _held(
        job,
        [row],
        f"The cluster runs change {seen} of {job.name}, and this database knows {job.generation} changes: it was "
        "probably restored from an older copy. Take over to put the current revision in its place.",
    )


def _held(job: Job, rows: Sequence[HeldField], said: str) -> None:
    _end(
        job,
        phase=Phase.CONFLICT,
        conflict=[row.to_json() for row in rows],
        last_error_class="conflict",
        last_error=said,
        failures=0,
        next_reconcile_at=_resync_at(now()),
    )


def blocked(job: Job, error: ClusterError, *, kind: str = "permanent") -> None:
    _end(
        job,
        phase=Phase.BLOCKED,
        conflict=[],
        last_error_class=kind,
        last_error=str(error),
        failures=0,
        next_reconcile_at=_resync_at(now()),
    )


def deferred(job: Job, error: BaseException, *, kind: str, phase: Phase | None, until: datetime | None = None) -> None:
    """Not now: at `until`, else after a backoff that grows with the failures."""
    at = now()
    failures = job.state.failures + 1
    wait_s = random.uniform(0.25, min(BACKOFF_LIMIT_S, 0.5 * 2 ** min(failures, 8)))  # noqa: S311 - jitter
    jitter = timedelta(seconds=random.uniform(0, 0.5))  # noqa: S311 - jitter
    changes: dict[str, Any] = {} if phase is None or job.is_settled else {"phase": phase}
    _end(
        job,
        last_error_class=kind,
        last_error=redact(error),
        failures=failures,
        next_reconcile_at=until + jitter if until else at + timedelta(seconds=wait_s),
        **changes,
    )


def is_behind(job: Job) -> bool:
    """Whether intent changed while we worked."""
    return not Deployment.objects.filter(pk=job.deployment.pk, generation=job.generation).exists()


_CLEAN: Final[dict[str, Any]] = {"conflict": [], "last_error": "", "last_error_class": "", "failures": 0}


def _end(job: Job, *, next_reconcile_at: datetime, **changes: Any) -> None:
    """Only an intent that is still the newest may wait: one saved meanwhile stays due, whoever dies now."""
    newest = Exists(Deployment.objects.filter(pk=OuterRef("pk"), generation=job.generation))
    due = Case(When(newest, then=Value(next_reconcile_at)), default=F("next_reconcile_at"))
    if "observed_generation" in changes:
        # What was saved during this attempt is the oldest that waits now; it came after the attempt began.
        changes["waiting_since"] = Case(When(newest, then=F("waiting_since")), default=F("tried_at"))
    DeploymentState.objects.filter(deployment=job.deployment).update(starts=0, next_reconcile_at=due, **changes)


def _resync_at(at: datetime, *, times: int = 1) -> datetime:
    seconds = settings.BARISTA.resync_s * times
    return at + timedelta(seconds=random.uniform(seconds * 2 / 3, seconds * 4 / 3))  # noqa: S311 - jitter
