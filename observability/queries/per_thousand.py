"""What 1,000 predictions of a deployment cost, of the last whole days: stored windows beside measured costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Q
from django.db.models import Sum as Added

from deployments.models import CostDay, Deployment, SleepRecord
from observability.domain.results.per_thousand import Counted, Day, Sum, days_of, total
from observability.models import LogSource, StoredWindow
from observability.queries.windows import source_of

DAYS: Final = 30
WEEK: Final = 7


@dataclass(frozen=True, kw_only=True)
class PerThousand:
    """`days`, the newest last, all in `currency`."""

    source: LogSource
    currency: str
    days: tuple[Day, ...]

    @property
    def whole(self) -> Sum:
        return total(self.days)

    @property
    def sums(self) -> tuple[tuple[str, Sum], ...]:
        return (
            ("Last 7 whole days", total(self.days[-WEEK:])),
            ("The 7 before", total(self.days[-2 * WEEK : -WEEK])),
            (f"Last {len(self.days)} whole days", self.whole),
        )


def per_thousand(deployment: Deployment, *, at: datetime) -> PerThousand | None:
    """None without a prediction log."""
    source = source_of(deployment)
    if source is None:
        return None
    until = at.astimezone(UTC).date()
    since = until - timedelta(days=DAYS)
    currency, costs = _costs(deployment, since, until)
    still = Q(closed_at=None) | Q(closed_at__gte=_midnight(since))
    slept = SleepRecord.objects.filter(still, deployment=deployment, target=0).values_list("opened_at", "closed_at")
    spans = [(opened, closed or at) for opened, closed in slept]
    days = days_of(_windows(source, since, until), costs, since=since, until=until, asleep=spans)
    return PerThousand(source=source, currency=currency, days=days)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _windows(source: LogSource, since: date, until: date) -> list[Counted]:
    """Versions and segments added up; of a time that several specs counted, as the newest of them did."""
    start, end = _midnight(since), _midnight(until)
    rows = (
        StoredWindow.objects.filter(source=source, start__lt=end, end__gt=start)
        .order_by("start", "spec_id")
        .values_list("start", "end", "spec_id")
        .annotate(rows_in_all=Added("rows"))
    )
    newest = {begin: Counted(begin, finish, count) for begin, finish, _, count in rows}
    return list(newest.values())


def _costs(deployment: Deployment, since: date, until: date) -> tuple[str, dict[date, Decimal | None]]:
    """In the newest currency; None: some of the day has no price in it."""
    rows = list(
        CostDay.objects.filter(deployment=deployment, day__gte=since, day__lt=until, adjusts=None)
        .order_by("day", "pk")
        .values_list("day", "currency", "amount")
    )
    currency = next((name for _, name, _ in reversed(rows) if name), "")
    found: dict[date, Decimal | None] = {}
    for day, name, amount in rows:
        known = found.get(day, Decimal(0))
        found[day] = None if known is None or amount is None or name != currency else known + amount
    return currency, found
