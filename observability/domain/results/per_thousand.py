"""What 1,000 predictions cost: measured cost of whole days beside the rows of the prediction log. No clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

ZERO: Final = Decimal(0)
# Before a sleep is written and after a wake has begun no prediction is expected either.
EDGE: Final = timedelta(minutes=15)
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Counted:
    """A window of the log and its rows."""

    start: datetime
    end: datetime
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One whole day of UTC. `predictions` None: no window covers it all. `amount` None: its cost is not known."""

    day: date
    predictions: Decimal | None
    amount: Decimal | None
    why: str = ""

    @property
    def is_counted(self) -> bool:
        return self.predictions is not None and self.amount is not None

    @property
    def per_thousand(self) -> Decimal | None:
        """None also for a day without a prediction."""
        return _per_thousand(self.amount, self.predictions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Of the days of which cost and volume are known, of `of` days; a day without predictions costs all the same."""

    days: int
    of: int
    predictions: Decimal
    amount: Decimal

    @property
    def per_thousand(self) -> Decimal | None:
        return _per_thousand(self.amount, self.predictions)


def _per_thousand(amount: Decimal | None, predictions: Decimal | None) -> Decimal | None:
    return None if amount is None or not predictions else amount * 1000 / predictions


def days_of(
    windows: Iterable[Counted],
    costs: Mapping[date, Decimal | None],
    *,
    since: date,
    until: date,
    asleep: Iterable[tuple[datetime, datetime]] = (),
) -> tuple[Day, ...]:
    """Each day of [since, until). A window over midnight of UTC is shared out by its hours; `costs` None: unknown.

    A day without a row in `costs` was not measured. The log covers a day when there is a window for all of it that was
    not slept: hours without one may have had predictions that nobody counted.
    """
    given = list(windows)
    rows = _shared_out(given)
    spans = [(window.start, window.end) for window in given]
    spans += [(start - EDGE, end + EDGE) for start, end in asleep]
    covered = _covered(spans)
    found = []
    for number in range((until - since).days):
        day = since + timedelta(days=number)
        is_whole = day in rows and covered.get(day, timedelta(0)) >= timedelta(days=1)
        amount = costs.get(day)
        why = "" if amount is not None else "it has no price" if day in costs else "its cost was not measured"
        found.append(
            Day(
                day=day,
                predictions=rows[day].quantize(_CENT) if is_whole else None,
                amount=amount,
                why=why or ("" if is_whole else "the log does not cover it"),
            )
        )
    return tuple(found)


def _by_day(start: datetime, end: datetime) -> Iterator[tuple[date, timedelta]]:
    while start < end:
        day = start.astimezone(UTC).date()
        upto = min(end, datetime.combine(day + timedelta(days=1), time(), UTC))
        yield day, upto - start
        start = upto


def _shared_out(windows: Iterable[Counted]) -> dict[date, Decimal]:
    """By day the rows; windows of the same time are added up."""
    rows: dict[date, Decimal] = {}
    for window in windows:
        whole = window.end - window.start
        for day, part in _by_day(window.start, window.end):
            rows[day] = rows.get(day, ZERO) + Decimal(window.rows) * Decimal(part / whole)
    return rows


def _covered(spans: Iterable[tuple[datetime, datetime]]) -> dict[date, timedelta]:
    """By day for how long of it there is any of the spans."""
    found: dict[date, timedelta] = {}
    reached = datetime.min.replace(tzinfo=UTC)
    for start, end in sorted(spans):
        for day, part in _by_day(max(start, reached), end):
            found[day] = found.get(day, timedelta(0)) + part
        reached = max(reached, end)
    return found


def total(days: Iterable[Day]) -> Sum:
    given = list(days)
    counted = [day for day in given if day.is_counted]
    return Sum(
        days=len(counted),
        of=len(given),
        predictions=sum((day.predictions or ZERO for day in counted), ZERO),
        amount=sum((day.amount or ZERO for day in counted), ZERO),
    )
