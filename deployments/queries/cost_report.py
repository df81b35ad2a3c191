"""The cost page: who spent what this month, where it is heading, and what moved. One aggregate over the priced days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Max, Q, QuerySet, Sum

from deployments.domain.catalogue import Environment, ModelType
from deployments.domain.cost.amounts import Amount, Total
from deployments.domain.cost.charts import Climb, climb
from deployments.domain.cost.run_rate import MonthEnd, month_before, month_end, month_of
from deployments.domain.cost.shares import By, Moved, Row, Spent, currencies, movers, rows_by
from deployments.models import CostDay, Deployment, NodeDay, Revision, Team, User
from deployments.models.ledger import Source

ZERO: Final = Decimal(0)
WEEK: Final = timedelta(days=7)
GONE: Final = "no longer of the team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Of the address: how the page is divided, and what it is limited to by key."""

    by: By = By.TEAM
    within: Mapping[By, str]

    @property
    def query(self) -> str:
        return urlencode({by.value: key for by, key in self.within.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """What moved, and the last revision saved in that time; None: nobody changed it."""

    moved: Moved
    deployment: Deployment
    revision: Revision | None

    @property
    def month(self) -> Amount:
        """What the move comes to in 30 days."""
        return self.moved.amount.times(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """In `currency`; what is in another is in `rows` of its own, and named in `other`."""

    filters: Filters
    currency: str
    other: tuple[str, ...]
    month: date
    at: datetime
    end: MonthEnd
    last_month: Decimal
    last_unknown: int
    same_days: Decimal
    total: Total
    rows: Sequence[Row]
    largest: Decimal
    chart: Climb
    days: Sequence[tuple[date, Decimal, Decimal | None]]
    movers: Sequence[Mover]
    reasons: Sequence[tuple[str, int]]
    versions: Sequence[str]
    nodes: Mapping[str, Decimal] | None
    priced_at: datetime | None
    is_demo: bool
    adjusted: Decimal

    @property
    def spent(self) -> Amount:
        return Amount.known(self.end.spent, self.currency)

    @property
    def against(self) -> Decimal | None:
        return 100 * (self.end.spent / self.same_days - 1) if self.same_days else None


def seen_by(user: User) -> QuerySet[CostDay]:
    """Days of the user's teams, as they were on that day; all for platform admins and auditors."""
    rows = CostDay.objects.all()
    return rows if user.sees_everything else rows.filter(team_id__in=list(user.roles))


def report(user: User, filters: Filters, *, at: datetime) -> Report | None:
    """None while no day has been priced that the user may see."""
    today = at.astimezone(UTC).date()
    first, following = month_of(today)
    rows = _within(seen_by(user), filters)
    spent, unknown, unknown_before = _spent(rows, user, today)
    if not spent and not unknown:
        return None
    names = currencies(spent)
    currency = names[0] if names else ""
    by_day = _days(rows, currency, since=month_before(today), upto=today)
    mine = [item for item in spent if item.currency == currency]
    so_far = sum((item.month for item in mine), ZERO)
    ends = datetime.combine(following, datetime.min.time(), UTC)
    end = month_end(so_far, by_day, at=at, month_ends=ends, currency=currency)
    found = rows_by(spent, filters.by, unknown)
    days, chart = _chart(by_day, today, end.value)
    facts = rows.filter(day__gte=first, day__lte=today).aggregate(
        priced=Max("priced_at"), adjusted=Sum("amount", filter=Q(adjusts__isnull=False))
    )
    reasons = rows.filter(day__gte=first, day__lte=today, amount=None).values_list("reason")
    return Report(
        filters=filters,
        currency=currency,
        other=tuple(names[1:]),
        month=first,
        at=at,
        end=end,
        last_month=sum((item.last_month for item in mine), ZERO),
        last_unknown=unknown_before,
        same_days=sum((item.same_days for item in mine), ZERO),
        total=_total(spent, unknown),
        rows=found,
        largest=max((row.month for row in found if row.currency == currency), default=ZERO),
        chart=chart,
        days=days,
        movers=_movers(movers(mine), today),
        reasons=list(reasons.annotate(Count("deployment", distinct=True)).order_by("reason")[:20]),
        versions=_versions(rows, first),
        nodes=_nodes(filters, currency, since=first) if user.sees_everything else None,
        priced_at=facts["priced"],
        is_demo=rows.filter(day__gte=first, source=Source.DEMO).exists(),
        adjusted=facts["adjusted"] or ZERO,
    )


def _within(rows: QuerySet[CostDay], filters: Filters) -> QuerySet[CostDay]:
    paths = {
        By.TEAM: "team__slug",
        By.MODEL: "deployment__model__slug",
        By.TYPE: "deployment__model__type",
        By.ENVIRONMENT: "deployment__namespace__environment",
        By.CLUSTER: "deployment__namespace__cluster__slug",
    }
    return rows.filter(**{paths[by]: key for by, key in filters.within.items()})


Unknown = list[tuple[Mapping[By, tuple[str, str]], int]]


def _spent(rows: QuerySet[CostDay], user: User, today: date) -> tuple[list[Spent], Unknown, int]:
    """What was spent, who ran without a price this month, and how many did in the last."""
    first, last = today.replace(day=1), month_before(today)
    same = min(last + (today - first), first - timedelta(days=1))
    known = Q(adjusts=None)

    def amount(when: Q) -> Sum:
        return Sum("amount", filter=when, default=ZERO)

    sums = (
        rows.filter(day__gte=min(last, today - 2 * WEEK), day__lte=today)
        .values("deployment_id", "team_id", "currency")
        .order_by()
        .annotate(
            month=amount(Q(day__gte=first)),
            last_month=amount(Q(day__gte=last, day__lt=first)),
            same_days=amount(Q(day__gte=last, day__lte=same)),
            last_week=amount(known & Q(day__gte=today - WEEK, day__lt=today)),
            week_before=amount(known & Q(day__gte=today - 2 * WEEK, day__lt=today - WEEK)),
            week_from=Count("day", distinct=True, filter=known & Q(day__gte=today - WEEK, day__lt=today)),
            before_from=Count("day", distinct=True, filter=known & Q(day__gte=today - 2 * WEEK, day__lt=today - WEEK)),
            unpriced=Count("pk", filter=Q(amount=None, day__gte=first)),
            unpriced_before=Count("pk", filter=Q(amount=None, day__gte=last, day__lt=first)),
        )
    )
    places = _Places(user)
    spent: list[Spent] = []
    unknown: Unknown = []
    before: set[int] = set()
    for row in sums:
        where = places.of(row["deployment_id"], row["team_id"])
        if row["unpriced"]:
            unknown.append((where, row["deployment_id"]))
        if row["unpriced_before"]:
            before.add(row["deployment_id"])
        if row["currency"]:
            spent.append(
                Spent(
                    places=where,
                    deployment=row["deployment_id"],
                    currency=row["currency"],
                    month=row["month"],
                    last_month=row["last_month"],
                    same_days=row["same_days"],
                    last_week=row["last_week"],
                    week_before=row["week_before"],
                    week_days=row["week_from"],
                    before_days=row["before_from"],
                )
            )
    return spent, unknown, len(before)


class _Places:
    """Where deployments belong; what the user sees no more has no name."""

    def __init__(self, user: User) -> None:
        found = Deployment.objects.visible_to(user).values_list(
            "pk",
            "slug",
            "name",
            "model__slug",
            "model__name",
            "model__type",
            "namespace__environment",
            "namespace__cluster__slug",
            "namespace__cluster__name",
        )
        self._rows = {row[0]: row[1:] for row in found}
        self._teams = {pk: (slug, name) for pk, slug, name in Team.objects.values_list("pk", "slug", "name")}
        self._types = {item.value: item.label for item in ModelType}
        self._environments = {item.value: item.label for item in Environment}

    def of(self, deployment: int, team: int) -> Mapping[By, tuple[str, str]]:
        row = self._rows.get(deployment)
        if row is None:
            return dict.fromkeys(By, ("", GONE)) | {By.TEAM: self._teams[team]}
        slug, name, model, model_name, kind, environment, cluster, cluster_name = row
        return {
            By.TEAM: self._teams[team],
            By.MODEL: (model, model_name),
            By.TYPE: (kind, self._types.get(kind, kind)),
            By.ENVIRONMENT: (environment, self._environments.get(environment, environment)),
            By.CLUSTER: (cluster, cluster_name),
            By.DEPLOYMENT: (slug, f"{name} ({environment})"),
        }


def _total(spent: Iterable[Spent], unknown: Unknown) -> Total:
    sums: dict[str, Decimal] = {}
    for item in spent:
        sums[item.currency] = sums.get(item.currency, ZERO) + item.month
    return Total(sums=tuple(sorted(sums.items())), unknown=len({owner for _, owner in unknown}))


def _days(rows: QuerySet[CostDay], currency: str, *, since: date, upto: date) -> dict[date, Decimal]:
    found = rows.filter(day__gte=since, day__lte=upto, currency=currency).values_list("day").order_by("day")
    return dict(found.annotate(Sum("amount", default=ZERO)))


def _chart(
    by_day: Mapping[date, Decimal], today: date, forecast: Decimal | None
) -> tuple[list[tuple[date, Decimal, Decimal | None]], Climb]:
    first, following = month_of(today)
    last = month_before(today)
    length = (following - first).days
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    before = [last + timedelta(days=number) for number in range((first - last).days)]
    chart = climb(
        [by_day.get(day, ZERO) for day in days], [by_day.get(day, ZERO) for day in before], forecast, length=length
    )
    table = [
        (day, by_day.get(day, ZERO), by_day.get(before[number], ZERO) if number < len(before) else None)
        for number, day in enumerate(days)
    ]
    return table, chart


def _movers(moved: Sequence[Moved], today: date) -> list[Mover]:
    keys = [item.spent.deployment for item in moved]
    rows = Deployment.objects.related().in_bulk(keys)
    since = datetime.combine(today - 2 * WEEK, datetime.min.time(), UTC)
    upto = datetime.combine(today, datetime.min.time(), UTC)
    saved = Revision.objects.filter(deployment__in=keys, saved_at__gte=since, saved_at__lt=upto, number__gt=1)
    newest = {revision.deployment_id: revision for revision in saved.defer("spec", "runtime").order_by("saved_at")}
    return [
        Mover(moved=item, deployment=rows[item.spent.deployment], revision=newest.get(item.spent.deployment))
        for item in moved
        if item.spent.deployment in rows and item.spent.places[By.DEPLOYMENT][0]
    ]


def _versions(rows: QuerySet[CostDay], since: date) -> list[str]:
    """The price lists that went into the month."""
    found = rows.filter(day__gte=since, version__isnull=False).values_list("version__name", "version_id").distinct()
    return [f"{name}, version {pk}" for name, pk in found.order_by("version_id")[:20]]


def _nodes(filters: Filters, currency: str, *, since: date) -> Mapping[str, Decimal]:
    """What the nodes came to and who asked for it; of all clusters, or of the one that the page is limited to."""
    rows = NodeDay.objects.filter(day__gte=since)
    if By.CLUSTER in filters.within:
        rows = rows.filter(cluster__slug=filters.within[By.CLUSTER])
    sums: dict[str, Any] = rows.filter(currency=currency).aggregate(
        total=Sum("total", default=ZERO),
        ours=Sum("ours", default=ZERO),
        others=Sum("others", default=ZERO),
        idle=Sum("idle", default=ZERO),
    )
    unknown = rows.filter(total=None).values("cluster", "node").distinct().count()
    return sums | {"unknown": unknown}


def day_rows(user: User, filters: Filters, *, since: date, upto: date) -> Iterator[Sequence[object]]:
    """Every priced row of a time, for CSV; they sum to the page."""
    rows = _within(seen_by(user), filters).filter(day__gte=since, day__lte=upto)
    places = _Places(user)
    for row in rows.select_related("version").order_by("day", "deployment_id", "pk").iterator(2000):
        where = places.of(row.deployment_id, row.team_id)
        yield (
            row.day.isoformat(),
            row.adjusts.isoformat() if row.adjusts else "",
            where[By.TEAM][1],
            where[By.MODEL][1],
            where[By.TYPE][1],
            where[By.ENVIRONMENT][1],
            where[By.CLUSTER][1],
            where[By.DEPLOYMENT][0] or GONE,
            "measured",
            f"{row.pod_hours:f}",
            f"{row.cpu_hours:f}",
            f"{row.memory_hours:f}",
            "" if row.amount is None else f"{row.cpu:f}",
            "" if row.amount is None else f"{row.memory:f}",
            "" if row.amount is None else f"{row.gpu:f}",
            "unknown" if row.amount is None else f"{row.amount:f}",
            row.currency,
            row.reason,
            str(row.version) if row.version else "",
            row.price_class,
            "yes" if row.is_exact else "no",
            row.source,
        )


CSV_HEADER: Final = (
    "day",
    "adjusts",
    "team",
    "model",
    "type",
    "environment",
    "cluster",
    "deployment",
    "basis",
    "pod_hours",
    "vcpu_hours",
    "gib_hours",
    "cpu",
    "memory",
    "gpu",
    "amount",
    "currency",
    "unknown_because",
    "prices",
    "price_class",
    "exact",
    "source",
)
