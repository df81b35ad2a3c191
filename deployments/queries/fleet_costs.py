"""What many deployments cost a month by estimate, at the pods wanted now: for lists, without reading whole specs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Exists, QuerySet
from django.db.models.fields.json import KeyTransform

from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.change import ANY_GPU, GIB
from deployments.domain.cost.estimate import ALWAYS, Calendar, billed, hours_a_month, pod_hours
from deployments.domain.cost.own_list import OwnList
from deployments.domain.cost.prices import Request, quote_request
from deployments.domain.cost.rules import HOURS_PER_MONTH
from deployments.domain.text.quantities import parse_cpu, parse_memory
from deployments.models import Deployment, SleepHolidays, SleepSchedule
from deployments.queries.awake import Calendars
from deployments.queries.costs import versions_in_force


@dataclass(frozen=True, slots=True)
class Size:
    """What a list needs of a deployment to price it; JSON as revisions store it."""

    pk: int
    cluster_id: int
    resources: Any
    profile: Any
    replicas: Any
    desired: int
    seen_at: datetime | None
    retired_at: datetime | None
    team_id: int = 0
    environment: str = ""

    @classmethod
    def of(cls, deployment: Deployment) -> Size:
        """Needs what `.related()` brings."""
        current, seen = deployment.current, deployment.observation
        spec = current.spec if current else {}
        return cls(
            deployment.pk,
            deployment.namespace.cluster_id,
            spec.get("resources"),
            current.profile if current else None,
            spec.get("replicas"),
            seen.desired,
            seen.observed_at,
            deployment.retired_at,
            deployment.namespace.team_id,
            deployment.namespace.environment,
        )

    @property
    def pods(self) -> int | None:
        """Pods wanted now: the spec's number, with an autoscaler what it last asked for. None: nothing is to run."""
        if self.replicas is None or self.retired_at is not None:
            return None
        if "count" in self.replicas:
            return int(self.replicas["count"])
        least, most = int(self.replicas["min"]), int(self.replicas["max"])
        return min(max(self.desired, least), most) if self.seen_at else least

    @property
    def request(self) -> Request:
        """As domain.cost.change.request_of, without reading the whole spec. Raises ValueError or LookupError."""
        size = self.resources or self.profile or {}
        count = int(size.get("gpu_count") or 0)
        wanted = Request(
            cpu=Decimal(_read(parse_cpu, size["cpu_request"])) / 1000,
            memory_gib=Decimal(_read(parse_memory, size["memory_request"])) / GIB,
            gpus=((size.get("gpu_type") or ANY_GPU, Decimal(count)),) if count else (),
        )
        return billed(wanted, (self.profile or {}).get("price_class", ""))


def _read(parse: Callable[[str], int], value: Any) -> int:
    return value if isinstance(value, int) else parse(value)


def sizes(found: QuerySet[Deployment]) -> list[Size]:
    """Of all rows, for lists that are ordered by what they cost."""
    rows = found.values_list(
        "pk",
        "namespace__cluster_id",
        KeyTransform("resources", "current__spec"),
        "current__profile",
        KeyTransform("replicas", "current__spec"),
        "observation__desired",
        "observation__observed_at",
        "retired_at",
        "namespace__team_id",
        "namespace__environment",
    )
    return [Size(*row) for row in rows]


def months_of(rows: Sequence[Size], *, at: datetime) -> dict[int, Amount]:
    """What each costs in a month at the pods wanted now and by its sleep schedule; those that are to run nothing are
    left out. One query, and another where anything sleeps."""
    in_force = versions_in_force(_clusters(rows), at=at)
    sleeps = Exists(SleepSchedule.objects.all()) | Exists(SleepHolidays.objects.all())
    versions = list(in_force.annotate(anything_sleeps=sleeps))
    prices = {version.cluster_id: version.to_domain() for version in versions}
    calendars = Calendars(at=at) if any(version.anything_sleeps for version in versions) else None
    hours: dict[int, Decimal] = {}
    hourly: dict[str, Amount] = {}
    months = {}
    for row in rows:
        pods = row.pods
        if pods is None:
            continue
        key = repr((row.cluster_id, row.resources, row.profile))
        if key not in hourly:
            hourly[key] = hour_of(row, prices.get(row.cluster_id))
        calendar = _calendar(row, calendars)
        if id(calendar) not in hours:
            hours[id(calendar)] = hours_a_month(calendar, at)
        awake = hours[id(calendar)]
        counted = pod_hours(Decimal(pods), awake, HOURS_PER_MONTH - awake, calendar.pods_asleep)
        months[row.pk] = hourly[key].times(counted)
    return months


def hours_of(rows: Sequence[Size], *, at: datetime) -> dict[int, Amount]:
    """What an hour of one pod of each costs. One query."""
    prices = {version.cluster_id: version.to_domain() for version in versions_in_force(_clusters(rows), at=at)}
    hourly: dict[str, Amount] = {}
    found = {}
    for row in rows:
        key = repr((row.cluster_id, row.resources, row.profile))
        if key not in hourly:
            hourly[key] = hour_of(row, prices.get(row.cluster_id))
        found[row.pk] = hourly[key]
    return found


def _clusters(rows: Sequence[Size]) -> set[int]:
    return {row.cluster_id for row in rows}


def _calendar(row: Size, calendars: Calendars | None) -> Calendar:
    if calendars is None:
        return ALWAYS
    return calendars.at_place(row.pk, team_id=row.team_id, environment=row.environment, cluster_id=row.cluster_id)


def hour_of(row: Size, prices: OwnList | None) -> Amount:
    """One hour of one of its pods."""
    if prices is None:
        return Amount.unknown("Its cluster has no price list.")
    try:
        request = row.request
    except (LookupError, ValueError):
        return Amount.unknown("Its size cannot be read.")
    price_class = (row.profile or {}).get("price_class", "")
    card = prices.card(price_class, [label for label, _ in request.gpus])
    return quote_request(request, card).amount


def order(rows: Sequence[Size], *, at: datetime, least_first: bool) -> list[int]:
    """Keys by what they cost a month, each currency for itself; unknown ones and those that run nothing last."""
    months = months_of(rows, at=at)

    def rank(row: Size) -> tuple[bool, str, Decimal, int]:
        month = months.get(row.pk)
        if month is None or month.value is None:
            return True, "", Decimal(0), row.pk
        return False, month.currency, month.value if least_first else -month.value, row.pk

    return [row.pk for row in sorted(rows, key=rank)]
