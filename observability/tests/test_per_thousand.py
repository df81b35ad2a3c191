"""What 1,000 predictions cost: only of whole days of which cost and volume are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from observability.domain.results.per_thousand import Counted, Day, days_of, total

FIRST = date(2026, 11, 2)
MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours(first: int, last: int, rows: int = 100) -> list[Counted]:
    return [Counted(MIDNIGHT + HOUR * number, MIDNIGHT + HOUR * (number + 1), rows) for number in range(first, last)]


def days(windows: list[Counted], costs: dict[int, int | None], *, count: int = 1, **fields: object) -> tuple[Day, ...]:
    known = {FIRST + timedelta(days=day): None if cost is None else Decimal(cost) for day, cost in costs.items()}
    return days_of(windows, known, since=FIRST, until=FIRST + timedelta(days=count), **fields)  # type: ignore[arg-type]


def test_cost_over_rows_times_a_thousand() -> None:
    (day,) = days(hours(0, 24), {0: 12})
    assert (day.predictions, day.per_thousand, day.why) == (Decimal(2400), Decimal(5), "")


def test_windows_of_versions_and_segments_are_added_up() -> None:
    (day,) = days(hours(0, 24) + hours(0, 24, rows=50), {0: 12})
    assert day.predictions == 3600


def test_a_day_with_an_hour_missing_is_not_counted() -> None:
    (day,) = days(hours(0, 7) + hours(8, 24), {0: 12})
    assert (day.predictions, day.per_thousand, day.why) == (None, None, "the log does not cover it")


def test_an_hour_that_is_there_twice_does_not_make_up_for_one_that_lacks() -> None:
    assert days(hours(0, 23) + hours(0, 12), {0: 12})[0].predictions is None


def test_hours_asleep_need_no_window() -> None:
    slept = [(MIDNIGHT - HOUR, MIDNIGHT + 6 * HOUR + timedelta(minutes=50))]
    (day,) = days(hours(7, 24), {0: 12}, asleep=slept)
    assert day.predictions == 1700


def test_a_day_that_was_slept_whole_has_no_volume() -> None:
    (day,) = days([], {0: 12}, asleep=[(MIDNIGHT - HOUR, MIDNIGHT + 30 * HOUR)])
    assert day.predictions is None


def test_a_day_without_a_price_or_unmeasured_says_which() -> None:
    found = days(hours(0, 48), {0: None}, count=2)
    assert [day.why for day in found] == ["it has no price", "its cost was not measured"]
    assert total(found).per_thousand is None


def test_a_window_over_midnight_is_shared_out_by_its_hours() -> None:
    # Days of Berlin in winter begin at 23:00 UTC.
    berlin = [
        Counted(MIDNIGHT + (24 * number - 1) * HOUR, MIDNIGHT + (24 * number + 23) * HOUR, 2400) for number in range(3)
    ]
    found = days(berlin, {0: 1, 1: 1}, count=2)
    assert [day.predictions for day in found] == [Decimal(2400), Decimal(2400)]


def test_a_day_without_a_prediction_costs_all_the_same() -> None:
    found = days(hours(0, 24) + hours(24, 48, rows=0), {0: 12, 1: 12}, count=2)
    assert (found[1].per_thousand, total(found).per_thousand) == (None, Decimal(10))


def test_days_that_are_not_known_are_in_no_sum() -> None:
    found = days(hours(0, 24), {0: 12, 1: 99}, count=3)
    assert (total(found).days, total(found).of, total(found).amount) == (1, 3, Decimal(12))
