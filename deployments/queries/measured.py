"""What a deployment's pods came to, day by day, week or month, with the rows that say why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Sum

from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.charts import PARTS, Bar, Mark, Stacked, spark, stacked
from deployments.domain.cost.run_rate import MonthEnd, month_before, month_end, month_of
from deployments.models import AuditEvent, ClusterHealth, CostDay, Deployment, NodeDay
from deployments.models.ledger import Source
from deployments.queries.seen_sizes import seen_sizes

ZERO: Final = Decimal(0)
BARS: Final = {"day": 30, "week": 13, "month": 12}
SPARK_DAYS: Final = 14
ROWS: Final = 200
# What may move a cost, of the audit log's kinds.
CHANGES: Final = (
    "revision.saved",
    "revision.rolled_back",
    "deployment.created",
    "deployment.paused",
    "deployment.resumed",
    "deployment.retired",
    "deployment.restored",
    "deployment.slept",
    "deployment.woken",
)


@dataclass(slots=True)
class Bucket:
    """A day, week or month from `start` up to `end`; amounts of one currency, unknown time beside them."""

    start: date
    end: date
    parts: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(PARTS, ZERO))
    pod_hours: Decimal = ZERO
    unknown_hours: Decimal = ZERO
    adjusted: Decimal = ZERO
    reasons: set[str] = field(default_factory=set)
    is_measured: bool = False
    is_partial: bool = False

    @property
    def amount(self) -> Decimal:
        return sum(self.parts.values(), ZERO)

    @property
    def label(self) -> str:
        if self.end - self.start > timedelta(days=27):
            return f"{self.start:%b}"
        return f"{self.start.day} {self.start:%b}"

    @property
    def name(self) -> str:
        if self.end - self.start == timedelta(days=1):
            return f"{self.start:%a} {self.start.day} {self.start:%b %Y}"
        if self.end - self.start > timedelta(days=27):
            return f"{self.start:%B %Y}"
        return f"week of {self.start.day} {self.start:%b %Y}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What may have moved the cost, and what a day came to around it: an event of the audit log, or a size that pods
    were seen to ask for. `by` is who, or what, says so."""

    at: datetime
    name: str
    words: str
    by: str
    before: Amount
    after: Amount

    @property
    def moved(self) -> Amount:
        if self.before.value is None or self.after.value is None:
            return Amount.unknown("Too few whole days were measured around it.")
        return Amount.known(self.after.value - self.before.value, self.after.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Of the nodes it ran on: their price, what nobody asked for, and its part of that by what it asked for."""

    total: Amount
    idle: Amount
    share: Amount
    unknown: int

    @property
    def percent(self) -> Decimal | None:
        if self.total.value is None or self.idle.value is None or not self.total.value:
            return None
        return 100 * self.idle.value / self.total.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that the tab shows. `chart` and the sums are in `currency`; `other` currencies are named, never added."""

    step: str
    currency: str
    other: tuple[str, ...]
    buckets: Sequence[Bucket]
    chart: Stacked
    month: MonthEnd
    unknown_hours: Decimal
    reasons: tuple[str, ...]
    last_month: Amount
    last_unknown_hours: Decimal
    changes: Sequence[Change]
    idle: Idle | None
    rows: Sequence[CostDay]
    measured_at: datetime | None
    is_demo: bool
    is_exact: bool

    @property
    def spent(self) -> Amount:
        return Amount.known(self.month.spent, self.currency)


def measured(deployment: Deployment, *, step: str, at: datetime) -> Measured | None:
    """None while no day of it has been priced."""
    today = at.astimezone(UTC).date()
    buckets = _buckets(step, today)
    since = min(buckets[0].start, month_before(today), today - timedelta(days=15))
    rows = list(CostDay.objects.filter(deployment=deployment, day__gte=since, day__lte=today).order_by("-day", "pk"))
    if not rows:
        return None
    currencies = sorted({row.currency for row in rows if row.currency})
    currency = rows[0].currency or (currencies[0] if currencies else "")
    _fill(buckets, rows, currency)
    first, following = month_of(today)
    of_month = [row for row in rows if row.day >= first]
    by_day = _by_day(rows, currency)
    ends = datetime.combine(following, datetime.min.time(), UTC)
    spent = sum((row.amount for row in of_month if row.amount is not None and row.currency == currency), ZERO)
    whole = {day: value for day, value in by_day.items() if day < today}
    changes = _changes(deployment, whole, currency, since=buckets[0].start)
    told = ClusterHealth.objects.filter(cluster=deployment.namespace.cluster_id).values_list("measured_at", flat=True)
    return Measured(
        step=step,
        currency=currency,
        other=tuple(name for name in currencies if name != currency),
        buckets=buckets,
        chart=_chart(buckets, changes, currency),
        month=month_end(spent, by_day, at=at, month_ends=ends, currency=currency),
        unknown_hours=sum((row.pod_hours for row in of_month if row.amount is None), ZERO),
        reasons=tuple(dict.fromkeys(row.reason for row in of_month if row.reason)),
        last_month=_last_month(rows, today, currency),
        last_unknown_hours=sum(
            (row.pod_hours for row in rows if row.amount is None and month_before(today) <= row.day < first), ZERO
        ),
        changes=changes,
        idle=_idle(deployment, since=first),
        rows=of_month[:ROWS],
        measured_at=told.first(),
        is_demo=any(row.source == Source.DEMO for row in rows),
        is_exact=all(row.is_exact for row in of_month),
    )


def _buckets(step: str, today: date) -> list[Bucket]:
    """The last of them holds today and is not whole."""
    count = BARS[step]
    found: list[Bucket] = []
    if step == "month":
        start = today.replace(day=1)
        for _ in range(count):
            found.append(Bucket(start, month_of(start)[1]))
            start = month_before(start)
    else:
        length = timedelta(days=1 if step == "day" else 7)
        start = today if step == "day" else today - timedelta(days=today.weekday())
        found = [Bucket(start - length * number, start - length * (number - 1)) for number in range(count)]
    found.reverse()
    found[-1].is_partial = True
    return found


def _fill(buckets: Sequence[Bucket], rows: Iterable[CostDay], currency: str) -> None:
    for row in rows:
        bucket = next((item for item in buckets if item.start <= row.day < item.end), None)
        if bucket is None:
            continue
        bucket.is_measured = True
        if row.amount is None:
            bucket.unknown_hours += row.pod_hours
            bucket.reasons.add(row.reason)
        elif row.currency == currency:
            bucket.pod_hours += row.pod_hours
            if row.adjusts is not None:
                bucket.adjusted += row.amount
            for name in PARTS:
                bucket.parts[name] += getattr(row, name) or ZERO


def _chart(buckets: Sequence[Bucket], changes: Sequence[Change], currency: str) -> Stacked:
    names = {"gpu": "GPU", "cpu": "CPU", "memory": "memory"}
    bars = []
    for bucket in buckets:
        words = ", ".join(f"{names[name]} {bucket.parts[name]:,.2f}" for name in PARTS if bucket.parts[name])
        title = f"{bucket.name}: {words} {currency}" if words else f"{bucket.name}: nothing measured"
        if bucket.unknown_hours:
            title += f", and {bucket.unknown_hours:,.0f} pod hours without a price"
        bars.append(
            Bar(
                label=bucket.label,
                title=title,
                values=tuple(max(ZERO, bucket.parts[name]) for name in PARTS),
                is_unknown=bool(bucket.unknown_hours),
                is_partial=bucket.is_partial,
            )
        )
    marks = []
    for change in reversed(changes):
        day = change.at.astimezone(UTC)
        for number, bucket in enumerate(buckets):
            if bucket.start <= day.date() < bucket.end:
                length = (bucket.end - bucket.start).days
                share = ((day.date() - bucket.start).days + (day.hour + day.minute / 60) / 24) / length
                marks.append(Mark(bar=number, share=share, text=change.name, title=change.words))
    return stacked(bars, marks, every=max(1, len(bars) // 8))


def _short(event: AuditEvent) -> str:
    revision = event.facts.get("revision")
    return f"revision {revision}" if revision else event.kind.partition(".")[2]


def _words(event: AuditEvent) -> str:
    said = event.facts.get("summary") or event.note
    return f"{_short(event)}: {said}"[:200] if said else _short(event)


def _by_day(rows: Iterable[CostDay], currency: str) -> dict[date, Decimal]:
    """Whole days without an unknown part; adjustments belong to other days."""
    found: dict[date, Decimal] = {}
    unknown: set[date] = set()
    for row in rows:
        if row.adjusts is not None:
            continue
        if row.amount is None:
            unknown.add(row.day)
        elif row.currency == currency:
            found[row.day] = found.get(row.day, ZERO) + row.amount
    return {day: value for day, value in found.items() if day not in unknown}


def _changes(deployment: Deployment, by_day: dict[date, Decimal], currency: str, *, since: date) -> list[Change]:
    """The newest first. A week before, up to the change before it, against up to a week after, up to the next."""
    events = AuditEvent.objects.filter(
        deployment_id=deployment.pk,
        kind__in=CHANGES,
        was_allowed=True,
        at__gte=datetime.combine(since, datetime.min.time(), UTC),
    ).order_by("-at")[:40]
    told = [(event.at, _short(event), _words(event), event.actor_name) for event in events if event.at is not None]
    seen = seen_sizes(deployment, since=since, explained_by=[at for at, *_ in told])
    told += [(one.at, one.name, one.words, "the watch") for one in seen]
    told.sort(reverse=True)
    days = [at.astimezone(UTC).date() for at, *_ in told]
    found = []
    for number, (at, name, words, by) in enumerate(told):
        day = days[number]
        next_day = days[number - 1] if number else date.max
        last_day = days[number + 1] if number + 1 < len(days) else date.min
        week = timedelta(days=7)
        before = [value for on, value in by_day.items() if max(last_day, day - week) < on < day or on == day - week]
        after = [value for on, value in by_day.items() if day < on < min(next_day, day + week)]
        sides = _mean(before, currency), _mean(after, currency)
        found.append(Change(at=at, name=name, words=words, by=by, before=sides[0], after=sides[1]))
    return found


def _mean(values: Sequence[Decimal], currency: str) -> Amount:
    if not values:
        return Amount.unknown("No whole day was measured.")
    return Amount.known(sum(values, ZERO) / len(values), currency)


def _last_month(rows: Iterable[CostDay], today: date, currency: str) -> Amount:
    first, upto = month_before(today), today.replace(day=1)
    known = [
        row.amount for row in rows if first <= row.day < upto and row.amount is not None and row.currency == currency
    ]
    return Amount.known(sum(known, ZERO), currency) if known else Amount.unknown("Nothing was measured in it.")


def _idle(deployment: Deployment, *, since: date) -> Idle | None:
    """Of the nodes that it ran on this month; None where none was seen."""
    days = list(
        NodeDay.objects.filter(
            cluster=deployment.namespace.cluster_id, day__gte=since, shares__has_key=str(deployment.pk)
        )
    )
    known = [day for day in days if day.idle is not None and day.total is not None]
    if not days:
        return None
    currencies = {day.currency for day in known}
    if len(currencies) != 1:
        nothing = Amount.unknown(next((day.reason for day in days if day.reason), "The currencies differ."))
        return Idle(total=nothing, idle=nothing, share=nothing, unknown=len(days))
    currency, share = currencies.pop(), ZERO
    for day in known:
        taken = (day.ours or ZERO) + (day.others or ZERO)
        if taken:
            share += (day.idle or ZERO) * Decimal(day.shares[str(deployment.pk)]) / taken
    return Idle(
        total=Amount.known(sum((day.total or ZERO for day in known), ZERO), currency),
        idle=Amount.known(sum((day.idle or ZERO for day in known), ZERO), currency),
        share=Amount.known(share, currency),
        unknown=len(days) - len(known),
    )


def sparks(deployments: Iterable[int], *, at: datetime) -> dict[int, tuple[str, str]]:
    """Of each that was measured: the line of its last two weeks, and in words; one query. Today is not whole yet."""
    today = at.astimezone(UTC).date()
    since = today - timedelta(days=SPARK_DAYS)
    rows = (
        CostDay.objects.filter(deployment__in=list(deployments), day__gte=since, day__lt=today, adjusts=None)
        .values_list("deployment_id", "currency", "day")
        .annotate(Sum("amount"))
    )
    found: dict[tuple[int, str], dict[date, Decimal | None]] = {}
    for owner, currency, day, amount in rows:
        if currency:
            found.setdefault((owner, currency), {})[day] = amount
    lines = {}
    for (owner, currency), by_day in sorted(found.items()):
        values = [by_day.get(since + timedelta(days=number)) for number in range(SPARK_DAYS)]
        line = spark(values)
        if line:
            known = [value for value in values if value is not None]
            words = f"measured: {known[0]:,.2f} to {known[-1]:,.2f} {currency} a day in {SPARK_DAYS} days"
            lines[owner] = (line, words)
    return lines
