"""What layers say of sleep, from rows: read once for any number of deployments, each by the key of its layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.calendars import BadCalendar, Holidays
from deployments.domain.sleep.schedule.layers import Ask, Broken, Freeze, Grant, Layer, Level
from deployments.domain.sleep.schedule.windows import BadSchedule, Schedule
from deployments.models import (
    Deployment,
    HolidayCalendar,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepSchedule,
)
from deployments.models.layers import OfLayer

# The level, and the key of the deployment, team or cluster, or the environment.
LayerKey = tuple[Level, int | str]


def key_of(row: OfLayer) -> LayerKey:
    return row.level, row.deployment_id or row.team_id or row.cluster_id or row.environment


def layers_of(deployment: Deployment) -> tuple[tuple[LayerKey, str], ...]:
    """Keys and names of the deployment's four layers, nearest first."""
    place = deployment.namespace
    return (
        ((Level.DEPLOYMENT, deployment.pk), deployment.name),
        ((Level.TEAM, place.team_id), place.team.name),
        ((Level.ENVIRONMENT, place.environment), deployment.environment.label),
        ((Level.CLUSTER, place.cluster_id), place.cluster.name),
    )


@dataclass(frozen=True, kw_only=True)
class Said:
    """All that any layer says, and the freezes of clusters."""

    weekly: Mapping[LayerKey, SleepSchedule] = field(default_factory=dict)
    holidays: Mapping[LayerKey, SleepHolidays] = field(default_factory=dict)
    calendars: Mapping[str, HolidayCalendar] = field(default_factory=dict)
    exemptions: Mapping[LayerKey, list[SleepGrant]] = field(default_factory=dict)
    forced: Mapping[LayerKey, list[SleepGrant]] = field(default_factory=dict)
    freezes: Mapping[int, list[SleepFreeze]] = field(default_factory=dict)

    def own(self, deployment: Deployment) -> SleepSchedule | None:
        """The deployment's own weekly schedule."""
        return self.weekly.get((Level.DEPLOYMENT, deployment.pk))

    def covered(self) -> Q:
        """Deployments that something might put to sleep, those in the middle of a sleep, and those last decided on."""
        keys: dict[Level, list[int | str]] = defaultdict(list)
        for level, key in (*self.weekly, *self.holidays, *self.forced):
            keys[level].append(key)
        return (
            Q(sleep__isnull=False, sleep__closed_at=None)
            | Q(state__is_sleep_decided=True)
            | Q(pk__in=keys[Level.DEPLOYMENT])
            | Q(namespace__team__in=keys[Level.TEAM])
            | Q(namespace__environment__in=keys[Level.ENVIRONMENT])
            | Q(namespace__cluster__in=keys[Level.CLUSTER])
        )

    def speaks_of(self, deployment: Deployment) -> bool:
        """Whether any layer of the deployment says anything that could put it to sleep."""
        keys = [key for key, _ in layers_of(deployment)]
        return any(key in said for key in keys for said in (self.weekly, self.holidays, self.forced))

    def layers(self, deployment: Deployment, *, own: Schedule | None = None) -> tuple[Layer, ...]:
        """As `decide` wants them. `own` stands in for the deployment's own schedule."""
        return tuple(
            Layer(
                level=key[0],
                name=name,
                weekly=own if own and key[0] is Level.DEPLOYMENT else weekly_of(self.weekly.get(key)),
                holidays=self._holidays(self.holidays.get(key)),
                exemptions=grants_of(self.exemptions.get(key, ())),
            )
            for key, name in layers_of(deployment)
        )

    def forced_sleep(self, deployment: Deployment) -> tuple[Grant, ...] | Broken:
        """Of all its layers."""
        return grants_of(row for key, _ in layers_of(deployment) for row in self.forced.get(key, ()))

    def freezes_of(self, deployment: Deployment) -> tuple[Freeze, ...]:
        return tuple(row.to_freeze() for row in self.freezes.get(deployment.namespace.cluster_id, ()))

    def _holidays(self, row: SleepHolidays | None) -> Holidays | Broken | None:
        if row is None:
            return None
        of = f"holidays of {row.level.value} {row.layer_name}"
        if missing := [key for key in row.keys if key not in self.calendars]:
            return Broken(f"{of}: there is no calendar {missing[0]}")
        try:
            if row.zone:
                zones.load(row.zone)
            calendars = tuple(self.calendars[key].to_calendar() for key in row.keys)
        except (BadCalendar, zones.UnknownZone) as problem:
            return Broken(f"{of}: {problem}")
        return Holidays(key=str(row.pk), version=row.version, calendars=calendars, zone=row.zone, target=row.target)


def said(*, at: datetime) -> Said:
    """Five small tables, whole; of grants and freezes those that have not ended at `at`."""
    left = Q(ended_at=None) | Q(ended_at__gt=at)
    exemptions: dict[LayerKey, list[SleepGrant]] = defaultdict(list)
    forced: dict[LayerKey, list[SleepGrant]] = defaultdict(list)
    for grant in SleepGrant.objects.filter(left, until__gt=at).select_related("deployment", "team", "cluster"):
        (forced if grant.ask == Ask.FORCED_SLEEP else exemptions)[key_of(grant)].append(grant)
    freezes: dict[int, list[SleepFreeze]] = defaultdict(list)
    for freeze in SleepFreeze.objects.filter(left, Q(until=None) | Q(until__gt=at)):
        freezes[freeze.cluster_id].append(freeze)
    rows = ("deployment", "team", "cluster")
    return Said(
        weekly={key_of(row): row for row in SleepSchedule.objects.select_related(*rows)},
        holidays={key_of(row): row for row in SleepHolidays.objects.select_related(*rows)},
        calendars={row.key: row for row in HolidayCalendar.objects.all()},
        exemptions=exemptions,
        forced=forced,
        freezes=freezes,
    )


def weekly_of(row: SleepSchedule | None) -> Schedule | Broken | None:
    if row is None:
        return None
    try:
        return row.to_schedule()
    except (ValueError, TypeError) as problem:
        return Broken(f"the schedule of {row.level.value} {row.layer_name}: {problem}")


def grants_of(rows: Iterable[SleepGrant]) -> tuple[Grant, ...] | Broken:
    """What cannot be read, as only raw SQL could write it, is not known."""
    try:
        return tuple(row.to_grant() for row in rows)
    except BadSchedule as problem:
        return Broken(str(problem))
