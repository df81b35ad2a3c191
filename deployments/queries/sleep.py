"""What decides whether a deployment sleeps, from rows: its layers, keep-awakes, last wakes and last decisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from deployments.domain.catalogue import Environment
from deployments.domain.sleep.plan import waves
from deployments.domain.sleep.plan.waves import Lead
from deployments.domain.sleep.schedule.decisions import Decision
from deployments.domain.sleep.schedule.layers import Ask, Broken, Grant, Inputs, Layer, Level, Production
from deployments.domain.sleep.schedule.windows import Schedule, Span
from deployments.models import Deployment, KeepAwake, SleepDecision, SleepRecord, SleepSchedule


@dataclass(frozen=True, kw_only=True)
class Schedules:
    """Every schedule of the installation, by what it is of."""

    deployments: Mapping[int, SleepSchedule]
    teams: Mapping[int, SleepSchedule]
    environments: Mapping[str, SleepSchedule]
    clusters: Mapping[int, SleepSchedule]

    def covered(self) -> Q:
        """Deployments that one of them is about, and those in the middle of a sleep."""
        is_open = Q(sleep__isnull=False, sleep__closed_at=None)
        return (
            is_open
            | Q(pk__in=list(self.deployments))
            | Q(namespace__team__in=list(self.teams))
            | Q(namespace__environment__in=list(self.environments))
            | Q(namespace__cluster__in=list(self.clusters))
        )

    def of(self, deployment: Deployment) -> tuple[tuple[Level, str, SleepSchedule | None], ...]:
        """The deployment's four layers, nearest first, and what each says."""
        place = deployment.namespace
        return (
            (Level.DEPLOYMENT, deployment.name, self.deployments.get(deployment.pk)),
            (Level.TEAM, place.team.name, self.teams.get(place.team_id)),
            (Level.ENVIRONMENT, deployment.environment.label, self.environments.get(place.environment)),
            (Level.CLUSTER, place.cluster.name, self.clusters.get(place.cluster_id)),
        )


def schedules() -> Schedules:
    rows = list(SleepSchedule.objects.all())
    return Schedules(
        deployments={row.deployment_id: row for row in rows if row.deployment_id},
        teams={row.team_id: row for row in rows if row.team_id},
        environments={row.environment: row for row in rows if row.environment},
        clusters={row.cluster_id: row for row in rows if row.cluster_id},
    )


def inputs_of(
    deployment: Deployment, known: Schedules, keep_awakes: Iterable[KeepAwake], *, own: Schedule | None = None
) -> Inputs:
    """What `decide` looks at. `own` stands in for the deployment's own schedule: a preview of one not saved yet."""
    layers = tuple(
        Layer(level=level, name=name, weekly=own if own and level is Level.DEPLOYMENT else _weekly(row))
        for level, name, row in known.of(deployment)
    )
    return Inputs(
        layers=layers,
        keep_awake=tuple(_grant(row) for row in keep_awakes),
        production=_production(deployment, known.deployments.get(deployment.pk), is_preview=own is not None),
    )


def _weekly(row: SleepSchedule | None) -> Schedule | Broken | None:
    if row is None:
        return None
    try:
        return row.to_schedule()
    except (ValueError, TypeError) as problem:
        return Broken(f"the schedule of {row.level.value} {row.layer_name}: {problem}")


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


def lead_of(deployment: int) -> Lead:
    """How long before its due time its wake begins, by its own last wakes."""
    return waves.lead(took_of(deployment))


def zone_of(deployment: Deployment) -> str:
    """The zone in which people who look after it think: its schedule's, UTC without one."""
    _, weekly = inputs_of(deployment, schedules(), ()).weekly()
    return weekly.zone if isinstance(weekly, Schedule) else "UTC"


def covered_by(known: Schedules) -> QuerySet[Deployment]:
    """Deployments that sleep may have something to do with, without the objects that the cluster answered."""
    is_left = Q(retired_at=None) | Q(sleep__isnull=False, sleep__closed_at=None)
    return (
        Deployment.objects.filter(known.covered(), is_left, current__isnull=False)
        .select_related("namespace__team", "namespace__cluster__health", "current", "state", "observation", "sleep")
        .defer("observation__view")
    )
