"""A month of measured costs to its end: what was spent, and the mean of the last whole days for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from deployments.domain.cost.amounts import Amount

RATE_DAYS: Final = 7
_HOUR: Final = Decimal(3600)
NO_RATE: Final = (
    "None of the last 7 whole days was measured with a price for all of it: there is no rate to go on with."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEnd:
    """`value` = spent + a day's mean x days left. `days` whole days were counted; with none there is no forecast."""

    spent: Decimal
    a_day: Decimal | None
    days: int
    left: Decimal
    currency: str

    @property
    def value(self) -> Decimal | None:
        return None if self.a_day is None else self.spent + self.a_day * self.left

    @property
    def amount(self) -> Amount:
        if self.value is None:
            return Amount.unknown(NO_RATE)
        return Amount.known(self.value, self.currency)

    @property
    def formula(self) -> str:
        if self.a_day is None:
            return NO_RATE
        return (
            f"{self.spent:,.2f} so far + {self.a_day:,.2f} a day, the mean of the last {self.days} whole days, x "
            f"{self.left:.2f} days left = {self.value:,.2f} {self.currency}"
        )


def month_end(
    spent: Decimal, by_day: Mapping[date, Decimal], *, at: datetime, month_ends: datetime, currency: str
) -> MonthEnd:
    """`by_day` has the days before `at` that were measured; of them the last 7 count, also of the month before."""
    today = at.date()
    days = [day for day in by_day if today - timedelta(days=RATE_DAYS) <= day < today]
    left = max(Decimal(0), Decimal((month_ends - at).total_seconds()) / _HOUR / 24)
    return MonthEnd(
        spent=spent,
        a_day=sum((by_day[day] for day in days), Decimal(0)) / len(days) if days else None,
        days=len(days),
        left=left,
        currency=currency,
    )


def month_of(day: date) -> tuple[date, date]:
    """The first day of its month and of the next."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def month_before(day: date) -> date:
    """The first day of the month before."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
