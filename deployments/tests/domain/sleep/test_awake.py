"""What a calendar of schedules says to whoever counts hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from deployments.domain.cost.estimate import ALWAYS, awake_hours, hours_a_month
from deployments.domain.sleep.schedule.awake import ByInputs
from deployments.domain.sleep.schedule.layers import Ask, Grant, Inputs, Layer, Level, OpenSleep, Production
from deployments.domain.sleep.schedule.windows import Schedule, Span, Window

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = timedelta(days=7)
NIGHTS = ("Mon 20:00 -> Tue 08:00", "Tue 20:00 -> Wed 08:00", "Fri 20:00 -> Mon 08:00")


def inputs(*windows: str, zone: str = "UTC", target: int = 0, **more: object) -> Inputs:
    made = tuple(Window.parse(text) for text in windows or NIGHTS)
    weekly = Schedule(key="s", version=1, name="nights", zone=zone, windows=made, target=target)
    return Inputs(layers=(Layer(level=Level.TEAM, name="Vision", weekly=weekly),), **more)  # type: ignore[arg-type]


def test_a_week_of_nights_is_counted() -> None:
    assert awake_hours(ByInputs(inputs()), MONDAY, MONDAY + WEEK) == 168 - (12 + 12 + 60)


def test_a_night_in_which_clocks_change_is_an_hour_longer() -> None:
    autumn = ByInputs(inputs("Sat 20:00 -> Sun 08:00", zone="Europe/Berlin"))
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert awake_hours(ALWAYS, start, start + WEEK / 7) - awake_hours(autumn, start, start + WEEK / 7) == 13


def test_pods_that_go_on_are_the_schedules() -> None:
    assert ByInputs(inputs(target=2)).pods_asleep == 2
    assert ByInputs(Inputs()).pods_asleep == 0


def test_prod_without_leave_is_awake_all_month() -> None:
    assert hours_a_month(ByInputs(inputs(production=Production())), MONDAY) == 730


def test_a_keep_awake_is_paid_for() -> None:
    span = Span(MONDAY + timedelta(hours=20), MONDAY + timedelta(hours=26))
    grant = Grant(key="k", ask=Ask.KEEP_AWAKE, span=span, owner="ana", reason="demo")
    kept = awake_hours(ByInputs(inputs(keep_awake=(grant,))), MONDAY, MONDAY + WEEK)
    assert kept - awake_hours(ByInputs(inputs()), MONDAY, MONDAY + WEEK) == Decimal(6)


def test_a_sleep_that_is_open_now_counts_until_its_wake() -> None:
    at = MONDAY + timedelta(hours=22)
    open_sleep = OpenSleep(since=at - timedelta(hours=2), due_at=MONDAY + timedelta(hours=32), target=0)
    assert awake_hours(ByInputs(inputs(), open_sleep), at, at + timedelta(hours=12)) == 2
