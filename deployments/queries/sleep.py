"""What decides whether a deployment sleeps, from rows: its layers, keep-awakes, last wakes and last decisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from baristaweb.lib.clock import now
from deployments.domain.catalogue import Environment
from deployments.domain.sleep.plan import waves
from deployments.domain.sleep.plan.waves import Lead
from deployments.domain.sleep.schedule.decisions import Decision
from deployments.domain.sleep.schedule.layers import Ask, Grant, Inputs, Production
from deployments.domain.sleep.schedule.windows import Schedule, Span
from deployments.models import Deployment, KeepAwake, SleepDecision, SleepGrant, SleepRecord, SleepSchedule
from deployments.models.sleep import LONGEST_GRACE_MINUTES
from deployments.queries.sleep_layers import Said, layers_of, said


def inputs_of(
    deployment: Deployment, known: Said, keep_awakes: Iterable[KeepAwake], *, own: Schedule | None = None
) -> Inputs:
    """What `decide` looks at. `own` stands in for the deployment's own schedule: a preview of one not saved yet."""
    return Inputs(
        layers=known.layers(deployment, own=own),
        keep_awake=tuple(_grant(row) for row in keep_awakes),
        forced_sleep=known.forced_sleep(deployment),
        freezes=known.freezes_of(deployment),
        production=_production(deployment, known.own(deployment), is_preview=own is not None),
    )


def _grant(row: KeepAwake) -> Grant:
    end = min(row.until, row.ended_at) if row.ended_at else row.until
    # One that is ended in the moment in which it begins was never there.
    span = Span(row.since, max(end, row.since + timedelta(microseconds=1)))
    return Grant(key=str(row.pk), ask=Ask.KEEP_AWAKE, span=span, owner=row.by, reason=row.reason)


def _production(deployment: Deployment, own: SleepSchedule | None, *, is_preview: bool) -> Production | None:
    if deployment.environment is not Environment.PROD:
        return None
    if is_preview:
        return Production(allowed=True, allowed_by="whoever saves this", reason="as it is given then")
    if own is None or not own.allowed_by or not own.allowed_reason:
        return Production()
    return Production(allowed=True, allowed_by=own.allowed_by, reason=own.allowed_reason)


def keep_awakes_of(deployments: Iterable[int], *, at: datetime) -> dict[int, list[KeepAwake]]:
    """Those that still hold at `at` or later, by deployment."""
    found: dict[int, list[KeepAwake]] = defaultdict(list)
    for row in KeepAwake.objects.filter(deployment__in=list(deployments), until__gt=at, ended_at=None):
        found[row.deployment_id].append(row)
    return found


def exemptions_of(deployment: Deployment, *, counted: bool) -> list[SleepGrant]:
    """Exemptions of all its layers; `counted` False: those of which what they gave up is not counted to their end."""
    rows = SleepGrant.objects.filter(ask=Ask.EXEMPTION, counted_at__isnull=not counted)
    place = deployment.namespace
    mine = (
        Q(deployment=deployment)
        | Q(team=place.team_id)
        | Q(cluster=place.cluster_id)
        | Q(environment=place.environment)
    )
    return list(rows.filter(mine))


def own_grants(deployment: Deployment, *, at: datetime) -> list[SleepGrant]:
    """Exemptions and forced sleeps of the deployment alone that have not ended at `at`."""
    rows = SleepGrant.objects.filter(deployment=deployment, until__gt=at)
    return list(rows.filter(Q(ended_at=None) | Q(ended_at__gt=at)))


def decided_at(deployment: Deployment, at: datetime) -> SleepDecision | None:
    """What held at `at`, as it was stored then; None: nothing was decided yet."""
    return SleepDecision.objects.filter(deployment=deployment, at__lte=at).order_by("-at").first()


def last_decisions_of(deployments: Iterable[int]) -> dict[int, Decision]:
    """The newest stored decision of each."""
    rows = SleepDecision.objects.filter(deployment__in=list(deployments)).order_by("deployment_id", "-at")
    return {row.deployment_id: row.to_decision() for row in rows.distinct("deployment_id")}


def took_of(deployment: int) -> list[float]:
    """Seconds from its start to Ready of its last wakes, oldest first."""
    done = (
        SleepRecord.objects.filter(deployment=deployment, closed_at__isnull=False, wake_started_at__isnull=False)
        .annotate(took=F("closed_at") - F("wake_started_at"))
        .order_by("-closed_at")
        .values_list("took", flat=True)[: waves.LAST_WAKES]
    )
    return [took.total_seconds() for took in reversed(done)]


def lead_of(deployment: int, inputs: Inputs) -> Lead:
    """How long before its due time its wake begins: as its schedule says, else by its own last wakes."""
    _, weekly = inputs.weekly()
    if isinstance(weekly, Schedule) and weekly.lead_minutes is not None:
        return waves.lead((), fixed_minutes=weekly.lead_minutes)
    return waves.lead(took_of(deployment))


def grace_of(deployment: Deployment, known: Said) -> timedelta:
    """How long after a deploy it does not fall asleep: as the schedule that decides says, at most four hours."""
    rows = (known.weekly.get(key) for key, _ in layers_of(deployment))
    nearest = next((row for row in rows if row is not None), None)
    return timedelta(minutes=min(nearest.grace_minutes, LONGEST_GRACE_MINUTES) if nearest else 0)


def zone_of(deployment: Deployment) -> str:
    """The zone in which people who look after it think: its schedule's, UTC without one."""
    return zone_in(inputs_of(deployment, said(at=now()), ()))


def zone_in(inputs: Inputs) -> str:
    """The same of what was read already."""
    return inputs.holiday_zone() or "UTC"


def covered_by(known: Said) -> QuerySet[Deployment]:
    """Deployments that sleep may have something to do with, without the objects that the cluster answered."""
    is_left = Q(retired_at=None) | Q(sleep__isnull=False, sleep__closed_at=None)
    return (
        Deployment.objects.filter(known.covered(), is_left, current__isnull=False)
        .select_related("namespace__team", "namespace__cluster__health", "current", "state", "observation", "sleep")
        .defer("observation__view")
    )
