"""When windows are closed, where objects are missing, and when silence is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from observability.domain.fold.windows import Window
from observability.domain.sources.closing import Calendar, Delivery, Gap, delivery, due_at, gaps, window_gaps
from observability.domain.sources.prefixes import between
from observability.domain.sources.template import EXAMPLE, parse

HOUR = 3_600
HOURS = Calendar(Window.HOUR, "", 2 * HOUR)
AMSTERDAM = "Europe/Amsterdam"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


NOON = at("2026-11-27T12:00")


def test_a_window_is_closed_once_lateness_has_passed_since_its_end() -> None:
    assert not HOURS.is_closed(NOON, NOON + 3 * HOUR - 1)
    assert HOURS.is_closed(NOON, NOON + 3 * HOUR)
    assert HOURS.newest_closed(NOON + 3 * HOUR) == NOON
    assert HOURS.newest_closed(NOON + 3 * HOUR - 1) == NOON - HOUR


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-06-01", 24)])
def test_days_of_a_zone_have_23_to_25_hours(day: str, hours: int) -> None:
    calendar = Calendar(Window.DAY, AMSTERDAM, HOUR)
    start = calendar.start(at(f"{day}T12:00"))
    assert calendar.end(start) - start == hours * HOUR
    assert calendar.closes(start) == calendar.end(start) + HOUR
    assert list(calendar.between(start, calendar.end(start))) == [start]


def test_a_gap_is_a_run_of_prefixes_between_some_that_have_objects() -> None:
    expected = between(parse(EXAMPLE), start=NOON, end=NOON + 8 * HOUR, zone="")
    have = {expected[n].uri for n in (1, 2, 5, 6)}
    assert gaps(expected, have) == [Gap(NOON + 3 * HOUR, NOON + 5 * HOUR, 2)]
    assert gaps(expected, set()) == []


def test_a_gap_of_windows_counts_the_windows() -> None:
    assert window_gaps(HOURS, {NOON, NOON + HOUR, NOON + 4 * HOUR}) == [Gap(NOON + 2 * HOUR, NOON + 4 * HOUR, 2)]
    assert window_gaps(HOURS, set()) == []


def said(seconds: int, **more: object) -> Delivery:
    """With the newest rows until noon."""
    given = {"newest": NOON, "since": NOON - 100 * HOUR} | more
    return delivery(HOURS, at=NOON + seconds, **given)


def test_silence_is_said_one_window_and_its_lateness_after_the_newest_rows() -> None:
    assert due_at(HOURS, NOON) == NOON + 3 * HOUR
    assert said(3 * HOUR - 1) is Delivery.DELIVERING
    assert said(3 * HOUR) is Delivery.STOPPED


def test_rows_within_a_window_leave_it_time_until_the_next_is_closed() -> None:
    assert said(4 * HOUR - 1, newest=NOON + 1) is Delivery.DELIVERING
    assert said(4 * HOUR, newest=NOON + 1) is Delivery.STOPPED


def test_no_data_is_expected_of_a_deployment_without_replicas() -> None:
    assert said(300 * HOUR, expected_since=None) is Delivery.NOT_EXPECTED


def test_a_deployment_that_woke_gets_a_window_before_silence_is_said() -> None:
    woke = NOON + 300 * HOUR
    assert said(302 * HOUR, expected_since=woke) is Delivery.DELIVERING
    assert said(303 * HOUR, expected_since=woke) is Delivery.STOPPED


def test_a_source_that_never_delivered_is_waited_for_and_then_said() -> None:
    assert said(HOUR, newest=None, since=NOON) is Delivery.WAITING
    assert said(3 * HOUR, newest=None, since=NOON) is Delivery.STOPPED


def test_what_was_not_looked_at_is_unknown_and_a_paused_source_is_paused() -> None:
    assert said(300 * HOUR, is_looked_at=False) is Delivery.UNKNOWN
    assert said(300 * HOUR, is_paused=True) is Delivery.PAUSED
