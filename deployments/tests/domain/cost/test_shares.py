"""Who spent what: sums by place that lose nothing, and forecasts that say what they are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from deployments.domain.cost.run_rate import month_before, month_end, month_of
from deployments.domain.cost.shares import By, Spent, currencies, movers, rows_by

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENDS = datetime(2026, 12, 1, tzinfo=UTC)


def spent(number: int, team: str = "a", currency: str = "USD", **fields: Any) -> Spent:
    places = {by: (f"{by.value}-{number}", by.label) for by in By} | {By.TEAM: (team, team.upper())}
    places[By.ENVIRONMENT] = ("prod", "Production")
    return Spent(places=places, deployment=number, currency=currency, **fields)


def test_rows_sum_their_deployments_and_keep_currencies_apart() -> None:
    rows = rows_by(
        [
            spent(1, month=Decimal(5), last_week=Decimal(7), week_days=7),
            spent(2, month=Decimal(3)),
            spent(3, month=Decimal(9), currency="EUR"),
            spent(4, team="b", month=Decimal(20)),
        ],
        By.TEAM,
        [],
    )
    assert [(row.key, row.currency, row.month, len(row.deployments)) for row in rows] == [
        ("a", "EUR", Decimal(9), 1),
        ("b", "USD", Decimal(20), 1),
        ("a", "USD", Decimal(8), 2),
    ]
    assert rows[2].forecast(Decimal(10)) == Decimal(18)


def test_what_is_unknown_is_counted_and_never_dropped() -> None:
    one, two = spent(1, month=Decimal(5)), spent(2, team="b")
    rows = rows_by([one], By.TEAM, [(one.places, 1), (one.places, 9), (two.places, 2)])
    assert [(row.key, row.currency, row.month, row.unknown) for row in rows] == [
        ("a", "USD", Decimal(5), {1, 9}),
        ("b", "", Decimal(0), {2}),
    ]


def test_movers_compare_days_and_not_weeks_of_other_lengths() -> None:
    found = movers(
        [
            spent(1, last_week=Decimal(7), week_days=7, week_before=Decimal(2), before_days=2),
            spent(2, last_week=Decimal(70), week_days=7, week_before=Decimal(35), before_days=7),
            spent(3, last_week=Decimal(7), week_days=7, week_before=Decimal(14), before_days=7),
            spent(4, last_week=Decimal(7), week_days=7),
        ]
    )
    assert [(item.spent.deployment, item.by) for item in found] == [(2, Decimal(5)), (3, Decimal(-1))]


def test_the_currency_of_most_is_first() -> None:
    assert currencies([spent(1, currency="EUR", month=Decimal(2)), spent(2, month=Decimal(3))]) == ["USD", "EUR"]
    assert currencies([]) == []


def test_a_forecast_goes_on_with_the_mean_of_the_last_whole_days() -> None:
    by_day = {AT.date() - timedelta(days=days): Decimal(2) for days in (0, 1, 2, 8)}
    found = month_end(Decimal(40), by_day, at=AT, month_ends=ENDS, currency="USD")
    assert (found.a_day, found.days, found.left) == (Decimal(2), 2, Decimal("10.5"))
    assert found.value == Decimal(61)
    assert found.formula == (
        "40.00 so far + 2.00 a day, the mean of the last 2 whole days, x 10.50 days left = 61.00 USD"
    )


def test_without_a_whole_day_there_is_no_forecast() -> None:
    found = month_end(Decimal(4), {AT.date(): Decimal(4)}, at=AT, month_ends=ENDS, currency="USD")
    assert found.value is None
    assert found.amount.reason


@pytest.mark.parametrize(
    ("day", "first", "following", "before"),
    [
        (date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1), date(2026, 11, 1)),
        (date(2027, 1, 1), date(2027, 1, 1), date(2027, 2, 1), date(2026, 12, 1)),
        (date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1), date(2028, 1, 1)),
    ],
)
def test_months(day: date, first: date, following: date, before: date) -> None:
    assert month_of(day) == (first, following)
    assert month_before(day) == before
