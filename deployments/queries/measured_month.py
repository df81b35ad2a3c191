"""What was measured of a calendar month, deployment by deployment, and which time of it that covers.

A day counts as measured when the nodes of the cluster were seen on it; the first such day of a cluster does not, since
the watch began somewhere within it. Today is measured up to when it was priced last, or the watch was heard last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db.models import Exists, Max, OuterRef, Q, Sum

from deployments.domain.cost.amounts import Amount
from deployments.models import Cluster, ClusterHealth, CostDay, Deployment, NodeDay

DAY: Final = timedelta(days=1)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`known` by currency; `reason`: why some of it has no price; `spans`: disjoint, in order."""

    known: tuple[Amount, ...] = ()
    reason: str = ""
    spans: tuple[Span, ...] = ()

    def outside(self, since: datetime, until: datetime) -> list[Span]:
        """What of [since, until) was not measured."""
        found = []
        for start, end in self.spans:
            if since < min(start, until):
                found.append((since, min(start, until)))
            since = max(since, end)
        return [*found, (since, until)] if since < until else found


@dataclass(slots=True)
class _Sums:
    known: list[Amount]
    reason: str = ""
    priced_at: datetime | None = None


class MeasuredMonth:
    """Of `deployments`, by their keys, from `start` to `at`, both in one month. Four queries; one where no cluster of
    theirs was measured."""

    def __init__(self, deployments: Mapping[int, Deployment], *, start: datetime, at: datetime) -> None:
        """They need their namespace."""
        self._at, self._today = at, at.astimezone(UTC).date()
        self._days = _days({row.namespace.cluster_id for row in deployments.values()}, start, self._today)
        self._spans = {
            cluster: _joined(day for day in days if day < self._today) for cluster, days in self._days.items()
        }
        self._told: dict[int, datetime | None] = {}
        self._sums: dict[int, _Sums] = {}
        if self._days:
            told = ClusterHealth.objects.filter(cluster__in=list(self._days)).values_list("cluster_id", "measured_at")
            self._told = dict(told)
            self._sums = _sums(deployments, self._days, self._today)

    def of(self, deployment: Deployment) -> Measured:
        cluster = deployment.namespace.cluster_id
        if cluster not in self._days:
            return Measured()
        sums = self._sums.get(deployment.pk) or _Sums([])
        spans = list(self._spans[cluster])
        if (seen := self._days[cluster].get(self._today)) is not None:
            begins, until = midnight(self._today), max(seen, sums.priced_at or seen)
            until = min(until, self._told.get(cluster) or until, self._at)
            if spans and spans[-1][1] == begins:
                begins = spans.pop()[0]
            if begins < until:
                spans.append((begins, until))
        return Measured(known=tuple(sums.known), reason=sums.reason, spans=tuple(spans))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _days(clusters: Iterable[int], start: datetime, today: date) -> dict[int, dict[date, datetime]]:
    """Measured days by cluster, with when their nodes were priced last."""
    first = start.astimezone(UTC).date()
    rows = (
        NodeDay.objects.filter(cluster__in=list(clusters), day__gte=first, day__lte=today)
        .order_by("cluster_id", "day")
        .values_list("cluster_id", "day")
        .annotate(priced=Max("priced_at"))
    )
    found: dict[int, dict[date, datetime]] = defaultdict(dict)
    for cluster, day, priced in rows:
        found[cluster][day] = priced
    earlier = NodeDay.objects.filter(cluster=OuterRef("pk"), day__lt=first)
    began = Cluster.objects.filter(~Exists(earlier), pk__in=list(found)).values_list("pk", flat=True) if found else ()
    for cluster in began:
        del found[cluster][min(found[cluster])]
    return {cluster: days for cluster, days in found.items() if days}


def _joined(days: Iterable[date]) -> list[Span]:
    """Days in order as stretches of time."""
    found: list[Span] = []
    for day in days:
        start, end = midnight(day), midnight(day + DAY)
        if found and found[-1][1] == start:
            start = found.pop()[0]
        found.append((start, end))
    return found


def _sums(deployments: Iterable[int], days: Mapping[int, Mapping[date, datetime]], today: date) -> dict[int, _Sums]:
    measured = Q(pk__in=[])
    for cluster, of_it in days.items():
        measured |= Q(deployment__namespace__cluster=cluster, day__in=list(of_it))
    rows = (
        CostDay.objects.filter(measured, deployment__in=list(deployments))
        .order_by()
        .values_list("deployment_id", "currency", "reason")
        .annotate(total=Sum("amount"), priced=Max("priced_at", filter=Q(day=today, adjusts=None)))
    )
    found: dict[int, _Sums] = {}
    for pk, currency, reason, total, priced in rows:
        into = found.setdefault(pk, _Sums([]))
        if total is not None:
            into.known.append(Amount.known(total, currency))
        into.reason = into.reason or reason
        into.priced_at = max(filter(None, (into.priced_at, priced)), default=None)
    return found
