"""What deployments add to a calendar month: what they spent so far, and their run rate to its end.

So far is what was measured (`measured_month`); for time that was not, an estimate: the size of each revision x the
prices of its time x the hours, less the sleeps that were recorded. The two are kept apart, and named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from django.db.models import Avg, Exists, F, OuterRef, Q
from django.db.models.fields.json import KeyTransform

from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.budgets import Share, month_of
from deployments.domain.cost.estimate import ALWAYS, Calendar, Replicas, awake_hours, pod_hours
from deployments.domain.cost.own_list import OwnList
from deployments.models import Deployment, PriceVersion, Revision, SleepRecord, UsageSample
from deployments.queries.awake import Calendars
from deployments.queries.costs import OBSERVED
from deployments.queries.fleet_costs import Size, hour_of
from deployments.queries.measured_month import MeasuredMonth

_ZERO: Final = Decimal(0)
_STEP: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A revision's part of the month, with what it takes to price it; JSON as revisions store it."""

    since: datetime
    until: datetime
    resources: Any
    profile: Any
    replicas: Any


class MonthCosts:
    """Of `deployments`, in the month of `at`. A handful of queries, however many they are."""

    def __init__(self, deployments: Iterable[Deployment], *, at: datetime, also: Deployment | None = None) -> None:
        """They need their namespace with team and cluster, and `sleep`; `also` is one of them or not, saved or not."""
        self.at = at
        self.start, self.end = month_of(at)
        rows = [*deployments, *([also] if also is not None else [])]
        self._rows = {row.pk: row for row in rows if row.pk is not None}
        self._calendars = Calendars(self._rows, at=at)
        self._newest, self._parts = self._read()
        self._prices = _versions({row.namespace.cluster_id for row in rows}, self.start, at)
        self._usual = _usual({*self._scaled(), *([also.pk] if also is not None and also.pk else [])}, at=at)
        self._slept = _sleeps(self._rows, self.start, at)
        self._measured = MeasuredMonth(self._rows, start=self.start, at=at)
        self._hours: dict[str, Amount] = {}

    def shares(self) -> dict[int, Share]:
        """Of all that cost anything this month, retired ones for the days before."""
        return {pk: self._share(row) for pk, row in self._rows.items() if pk in self._newest}

    def with_spec(
        self, deployment: Deployment, spec: Mapping[str, Any], profile: Mapping[str, Any] | None, so_far: Share | None
    ) -> Share:
        """What a deployment would add with this spec from now on; of `so_far` is what it spent, None: nothing."""
        hour = self._hour(deployment.namespace.cluster_id, self.at, spec.get("resources"), profile)
        usual = self._usual.get(deployment.pk or 0)
        replicas = _bounds(spec["replicas"], usual)
        rest = self._pod_hours(deployment, replicas.typical), self._pod_hours(deployment, Decimal(replicas.maximum))
        until_now = so_far or _nothing(hour.currency)
        return replace(until_now, usual=hour.times(rest[0]), most=hour.times(rest[1]))

    def _share(self, row: Deployment) -> Share:
        so_far = self._so_far(row)
        resources, replicas, profile = self._newest[row.pk]
        if row.retired_at is not None:
            return so_far
        return self.with_spec(row, {"resources": resources, "replicas": replicas}, profile, so_far)

    def _so_far(self, row: Deployment) -> Share:
        """Measured, and what was not, estimated; nothing of what is to come."""
        measured = self._measured.of(row)
        whole: Amount | None = None
        for amount in measured.known:
            whole = _plus(whole, amount)
        seen = whole
        for part in self._parts[row.pk]:
            count = _bounds(part.replicas, self._usual.get(row.pk)).typical
            for since, until in self._priced_alike(row.namespace.cluster_id, part, measured.outside):
                hour = self._hour(row.namespace.cluster_id, since, part.resources, part.profile)
                whole = _plus(whole, hour.times(self._hours_of(row.pk, count, since, until)))
        spent = whole or Amount.known(_ZERO, "")
        covered = (seen.value or _ZERO) if seen else _ZERO if measured.spans else None
        return replace(_nothing(spent.currency), spent=spent, measured=covered, unpriced=measured.reason)

    def _priced_alike(
        self, cluster: int, part: Part, outside: Callable[[datetime, datetime], list[tuple[datetime, datetime]]]
    ) -> Iterable[tuple[datetime, datetime]]:
        """Stretches of a part that were not measured, each at one list."""
        for start, end in outside(part.since, part.until):
            changes = [prices.since for prices in self._prices.get(cluster, ()) if start < prices.since < end]
            yield from pairwise(sorted({start, *changes, end}))

    def _hour(self, cluster: int, at: datetime, resources: Any, profile: Any) -> Amount:
        versions = self._prices.get(cluster, ())
        # Before its first list a cluster had no prices at all; the first ones are the nearest estimate of that time.
        known = [prices for prices in versions if prices.since <= at] or versions[:1]
        prices: OwnList | None = known[-1] if known else None
        key = repr((cluster, prices.version if prices else None, resources, profile))
        if key not in self._hours:
            size = Size(0, cluster, resources, profile, None, 0, None, None)
            self._hours[key] = hour_of(size, prices)
        return self._hours[key]

    def _hours_of(self, pk: int, count: Decimal, since: datetime, until: datetime) -> Decimal:
        """Hours of pods that ran, less the sleeps of that time."""
        awake = awake_hours(ALWAYS, since, until)
        hours = count * awake
        for slept_from, slept_until, target in self._slept.get(pk, ()):
            asleep = awake_hours(ALWAYS, max(since, slept_from), min(until, slept_until))
            hours -= (count - min(count, Decimal(target))) * asleep
        return hours

    def _pod_hours(self, deployment: Deployment, count: Decimal) -> Decimal:
        calendar: Calendar = self._calendars.ahead(deployment)
        awake, whole = awake_hours(calendar, self.at, self.end), awake_hours(ALWAYS, self.at, self.end)
        return pod_hours(count, awake, whole - awake, calendar.pods_asleep)

    def _read(self) -> tuple[dict[int, tuple[Any, ...]], dict[int, list[Part]]]:
        """The newest revision of each, and the parts of the month until now by revision."""
        later = Revision.objects.filter(
            deployment=OuterRef("deployment"), number=OuterRef("number") + 1, saved_at__lte=self.start
        )
        rows = (
            Revision.objects.filter(~Exists(later), deployment__in=list(self._rows), saved_at__lte=self.at)
            .order_by("deployment_id", "number")
            .values_list(
                "deployment_id",
                "saved_at",
                KeyTransform("resources", "spec"),
                KeyTransform("replicas", "spec"),
                "profile",
            )
        )
        found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for pk, *rest in rows:
            found[pk].append(tuple(rest))
        newest = {pk: revisions[-1][1:] for pk, revisions in found.items()}
        return newest, {pk: self._cut(pk, revisions) for pk, revisions in found.items()}

    def _cut(self, pk: int, revisions: list[tuple[Any, ...]]) -> list[Part]:
        """Each from when it was saved, or the month began, to the next one, to the end or to now."""
        retired_at = self._rows[pk].retired_at
        last = min(self.at, retired_at) if retired_at else self.at
        parts = []
        for number, (saved_at, resources, replicas, profile) in enumerate(revisions, start=1):
            since = max(saved_at, self.start)
            until = min(revisions[number][0], last) if number < len(revisions) else last
            if since < until:
                part = Part(since=since, until=until, resources=resources, profile=profile, replicas=replicas)
                parts.append(part)
        return parts

    def _scaled(self) -> list[int]:
        scaled = {pk for pk, parts in self._parts.items() if any("count" not in part.replicas for part in parts)}
        return [*scaled, *(pk for pk, (_, replicas, _) in self._newest.items() if "count" not in replicas)]


def _nothing(currency: str) -> Share:
    nothing = Amount.known(_ZERO, currency)
    return Share(spent=nothing, usual=nothing, most=nothing)


def _bounds(replicas: Mapping[str, Any], usual: Decimal | None) -> Replicas:
    if "count" in replicas:
        return Replicas.of(int(replicas["count"]), int(replicas["count"]))
    return Replicas.of(int(replicas["min"]), int(replicas["max"]), usual)


def _plus(one: Amount | None, other: Amount) -> Amount:
    if one is None or one.value is None:
        return one or other
    if other.value is None:
        return other
    if one.value and other.value and one.currency != other.currency:
        return Amount.unknown(f"{one.currency} and {other.currency} are not added")
    return Amount.known(one.value + other.value, one.currency if one.value else other.currency)


def _versions(clusters: set[int], start: datetime, at: datetime) -> dict[int, list[OwnList]]:
    """Price lists of the month, oldest first: what was in force when it began, and what came since."""
    rows = PriceVersion.objects.filter(cluster_id__in=clusters, effective_at__lte=at)
    before = rows.filter(effective_at__lte=start).order_by("cluster_id", "-effective_at", "-pk").distinct("cluster_id")
    found: dict[int, list[OwnList]] = defaultdict(list)
    for row in (*before, *rows.filter(effective_at__gt=start).order_by("effective_at", "pk")):
        found[row.cluster_id].append(row.to_domain())
    return found


def _usual(deployments: set[int], *, at: datetime) -> dict[int, Decimal]:
    """The mean pods of the last 7 days while awake, of those with an autoscaler."""
    if not deployments:
        return {}
    rows = (
        UsageSample.objects.filter(deployment__in=list(deployments), at__gt=at - OBSERVED, at__lte=at, pods__gt=0)
        .order_by()
        .values_list("deployment_id")
        .annotate(mean=Avg("pods"))
    )
    return {pk: Decimal(str(mean)).quantize(_STEP) for pk, mean in rows}


def _sleeps(
    deployments: Iterable[int], start: datetime, at: datetime
) -> dict[int, list[tuple[datetime, datetime, int]]]:
    """Sleeps that were recorded, cut to the month: from when it slept to when it began to wake, and its pods."""
    rows = SleepRecord.objects.filter(
        Q(closed_at=None) | Q(closed_at__gt=start), deployment__in=list(deployments), reached_at__isnull=False
    ).filter(opened_at__lt=at)
    found: dict[int, list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for pk, reached, woke, closed, target in rows.order_by("opened_at").values_list(
        "deployment_id", "reached_at", F("wake_started_at"), "closed_at", "target"
    ):
        since, until = max(reached, start), min(woke or closed or at, at)
        if until - since > timedelta(0):
            found[pk].append((since, until, target))
    return found
