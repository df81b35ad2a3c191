"""All that is said of sleep, for the page that lists it: schedules, holidays, what keeps awake and what it costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from deployments.domain.cost.amounts import Amount
from deployments.domain.sleep.schedule.given_up import given_up
from deployments.domain.sleep.schedule.layers import Ask, Level
from deployments.models import (
    Cluster,
    Deployment,
    HolidayCalendar,
    KeepAwake,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepSchedule,
    User,
)
from deployments.queries import fleet_costs
from deployments.queries import sleep as sleeps
from deployments.queries.sleep_layers import Said, said


@dataclass(frozen=True, kw_only=True)
class Awake:
    """Somebody keeps something awake until then. `a_day`: what the sleep that it gives up would release in 24 hours."""

    what: str
    of: str
    slug: str
    by: str
    reason: str
    since: datetime
    until: datetime
    a_day: Amount


@dataclass(frozen=True, kw_only=True)
class Rules:
    schedules: list[SleepSchedule]
    holidays: list[SleepHolidays]
    calendars: list[HolidayCalendar]
    awake: list[Awake]
    forced: list[SleepGrant]
    freezes: list[SleepFreeze]


def rules_for(user: User, *, at: datetime) -> Rules:
    """Of the user's teams, and what holds for everybody."""
    known = said(at=at)
    clusters = Cluster.objects.all()
    if not user.sees_everything:
        clusters = clusters.filter(namespaces__team__in=list(user.roles)).distinct()
    left = Q(ended_at=None) | Q(ended_at__gt=at)
    grants = _of(user, SleepGrant.objects.filter(left, until__gt=at))
    return Rules(
        schedules=_sorted(_of(user, SleepSchedule.objects.all())),
        holidays=_sorted(_of(user, SleepHolidays.objects.all())),
        calendars=list(HolidayCalendar.objects.all()[:200]),
        awake=_awake(user, grants.filter(ask=Ask.EXEMPTION), known, at),
        forced=list(grants.filter(ask=Ask.FORCED_SLEEP).order_by("until")[:200]),
        freezes=list(
            SleepFreeze.objects.filter(left, Q(until=None) | Q(until__gt=at), cluster__in=clusters)
            .select_related("cluster")
            .order_by("cluster__name")
        ),
    )


def _of(user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those of the user's teams, and those of environments and clusters, which hold for them too."""
    found = rows.select_related("deployment__namespace", "team", "cluster")
    if user.sees_everything:
        return found
    teams = list(user.roles)
    mine = Q(deployment__namespace__team__in=teams) | Q(team__in=teams) | ~Q(environment="")
    near = Cluster.objects.filter(namespaces__team__in=teams)
    return found.filter(mine | Q(cluster__in=near))


def _sorted(rows: QuerySet[Any]) -> list[Any]:
    """The widest layer first."""
    order = list(Level)
    return sorted(rows[:500], key=lambda row: (-order.index(row.level), row.layer_name))


def _awake(user: User, exemptions: Iterable[SleepGrant], known: Said, at: datetime) -> list[Awake]:
    """Keep-awakes with what a day of each costs, and exemptions; the one that ends last on top."""
    rows = KeepAwake.objects.filter(until__gt=at, ended_at=None)
    if not user.sees_everything:
        rows = rows.filter(deployment__namespace__team__in=list(user.roles))
    kept = list(rows[:500])
    by_key = {row.pk: row for row in Deployment.objects.related().filter(pk__in={one.deployment_id for one in kept})}
    hours = fleet_costs.hours_of([fleet_costs.Size.of(row) for row in by_key.values()], at=at)
    found = [_kept(one, by_key[one.deployment_id], hours[one.deployment_id], known, at) for one in kept]
    found += [_exempt(one, known, at) for one in exemptions]
    return sorted(found, key=lambda one: one.until, reverse=True)


def _kept(one: KeepAwake, row: Deployment, hour: Amount, known: Said, at: datetime) -> Awake:
    inputs = sleeps.inputs_of(row, known, [one])
    slots = row.current.to_spec().min_replicas if row.current else 0
    lost = sum(piece.span.seconds * max(0, slots - piece.target) for piece in given_up(inputs, at, one.until))
    days = max(Decimal(1), Decimal(int((one.until - at).total_seconds())) / 86400)
    return Awake(
        what="Keep-awake",
        of=f"{row.name} in {row.namespace.environment}",
        slug=row.slug,
        by=one.by,
        reason=one.reason,
        since=one.since,
        until=one.until,
        a_day=hour.times(Decimal(lost) / 3600 / days),
    )


def _exempt(one: SleepGrant, known: Said, at: datetime) -> Awake:
    """Of a deployment as a keep-awake; of a whole layer the ledger says what it gave up."""
    amount = Amount.unknown("See the ledger: it is of many deployments.")
    if one.deployment is not None:
        row = Deployment.objects.related().get(pk=one.deployment_id)
        hour = fleet_costs.hours_of([fleet_costs.Size.of(row)], at=at)[row.pk]
        inputs = sleeps.inputs_of(row, known, ())
        slots = row.current.to_spec().min_replicas if row.current else 0
        lost = sum(piece.span.seconds * max(0, slots - piece.target) for piece in given_up(inputs, at, one.until))
        days = max(Decimal(1), Decimal(int((one.until - at).total_seconds())) / 86400)
        amount = hour.times(Decimal(lost) / 3600 / days)
    return Awake(
        what="Exemption",
        of=f"{one.level.value} {one.layer_name}",
        slug=one.deployment.slug if one.deployment is not None else "",
        by=one.by,
        reason=one.reason,
        since=one.since,
        until=one.until,
        a_day=amount,
    )
