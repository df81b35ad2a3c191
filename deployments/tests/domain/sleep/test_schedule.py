"""Windows, zones and the next transitions: goldens, and the bad inputs of schedules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.calendars import Calendar, Day, Holidays
from deployments.domain.sleep.schedule.coming import asleep_again, awake_again, strip, transitions
from deployments.domain.sleep.schedule.layers import Inputs, Layer, Level
from deployments.domain.sleep.schedule.windows import BadSchedule, Schedule, Window, clock, covering, occurrences

NIGHTS = tuple(
    Window.parse(text)
    for text in (
        "Mon 20:00 -> Tue 07:30",
        "Tue 20:00 -> Wed 07:30",
        "Wed 20:00 -> Thu 07:30",
        "Thu 20:00 -> Fri 07:30",
        "Fri 20:00 -> Mon 07:30",
    )
)


def schedule(*windows: str, zone: str = "Europe/Berlin", **more: object) -> Schedule:
    made = tuple(Window.parse(text) for text in windows) or NIGHTS
    return Schedule(**{"key": "s1", "version": 3, "name": "Weekdays", "zone": zone, "windows": made, **more})


def inputs(weekly: Schedule, *off: date) -> Inputs:
    days = tuple(Day(day, "Company day") for day in off)
    calendar = Calendar(key="c1", version=1, name="Company", days=days)
    said = Holidays(key="h1", version=1, calendars=(calendar,)) if off else None
    return Inputs(layers=(Layer(level=Level.TEAM, name="Vision", weekly=weekly, holidays=said),))


def utc(year: int, month: int, *rest: int) -> datetime:
    return datetime(year, month, *rest).replace(tzinfo=UTC)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("friday", "hours"), [((2026, 3, 20), 59.5), ((2026, 3, 27), 58.5), ((2026, 10, 23), 60.5), ((2028, 2, 25), 59.5)]
)
def test_a_weekend_is_an_hour_shorter_or_longer_when_the_clocks_change(friday: tuple[int, ...], hours: float) -> None:
    found = transitions(inputs(schedule()), at=utc(*friday, 12), count=1)
    assert [(one.asleep, one.hours) for one in found] == [(True, hours)]


def test_the_next_five_transitions_in_order_with_their_lengths() -> None:
    found = transitions(inputs(schedule(zone="America/New_York")), at=utc(2026, 11, 20, 0, 30))
    assert [(f"{one.at:%a %H:%M}", one.asleep, one.hours) for one in found] == [
        ("Fri 01:00", True, 11.5),
        ("Fri 12:30", False, 12.5),
        ("Sat 01:00", True, 59.5),
        ("Mon 12:30", False, 12.5),
        ("Tue 01:00", True, 11.5),
    ]


def test_a_holiday_joins_the_windows_beside_it_without_a_wake_between() -> None:
    made = inputs(schedule(), date(2026, 11, 26), date(2026, 11, 27))
    found = transitions(made, at=utc(2026, 11, 25, 12), count=1)
    assert [(f"{one.at:%a %H:%M}", one.until, one.hours) for one in found] == [
        ("Wed 19:00", utc(2026, 11, 30, 6, 30), 107.5)
    ]


def test_a_holiday_is_a_whole_day_in_the_zone_of_the_schedule() -> None:
    made = inputs(schedule("Mon 20:00 -> Tue 07:30", zone="Asia/Tokyo"), date(2026, 11, 26))
    found = transitions(made, at=utc(2026, 11, 25, 12), count=2)
    assert [one.at for one in found] == [utc(2026, 11, 25, 15), utc(2026, 11, 26, 15)]


@pytest.mark.parametrize(
    ("day", "minute", "instant"),
    [
        (date(2026, 3, 29), 150, utc(2026, 3, 29, 1)),  # 02:30 is skipped: 03:00
        (date(2026, 3, 29), 120, utc(2026, 3, 29, 1)),
        (date(2026, 3, 29), 180, utc(2026, 3, 29, 1)),
        (date(2026, 10, 25), 150, utc(2026, 10, 25, 0, 30)),  # 02:30 comes twice: the first
        (date(2026, 10, 25), 180, utc(2026, 10, 25, 2)),
        (date(2026, 10, 24), 1440, utc(2026, 10, 24, 22)),
    ],
)
def test_each_edge_is_one_instant(day: date, minute: int, instant: datetime) -> None:
    assert zones.resolve("Europe/Berlin", day, minute) == instant


def test_a_gap_at_midnight_ends_the_day_before_where_the_next_begins() -> None:
    """Cairo skips 00:00 to 01:00 on the last Friday of April."""
    assert zones.resolve("Africa/Cairo", date(2026, 4, 24), 0) == utc(2026, 4, 23, 22)
    assert zones.resolve("Africa/Cairo", date(2026, 4, 23), 1440) == utc(2026, 4, 23, 22)


def test_a_window_inside_the_gap_does_not_come_about() -> None:
    made = schedule("Sun 02:10 -> Sun 02:50")
    assert occurrences(made, utc(2026, 3, 29), utc(2026, 3, 30)) == ()
    assert len(occurrences(made, utc(2026, 3, 22), utc(2026, 4, 6))) == 2


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("Fri 20:00 -> Mon 07:30", 3570),
        ("Sun 22:00 → Mon 06:00", 480),
        ("Mon 00:00 -> Sun 24:00", 10080),
        ("Sat 00:00 -> Sun 24:00", 2880),
        ("Mon 08:00 -> Mon 07:59", 10079),
    ],
)
def test_a_window_reads_as_it_is_written(text: str, minutes: int) -> None:
    found = Window.parse(text)
    assert found.minutes == minutes
    assert Window.parse(found.text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Mon 08:00 -> Mon 08:00",
        "Mon 24:00 -> Tue 08:00",
        "Mon 8:00 -> Tue 08:00",
        "Mon 12:60 -> Tue 08:00",
        "Mon 25:00 -> Tue 08:00",
        "Mon 08:00 -> Tue 24:01",
        "mon 08:00 -> Tue 07:00",
        "Foo 08:00 -> Tue 07:00",
        "Mon 7pm -> Tue 07:00",
        "Mon \u0660\u0668:\u0660\u0660 -> Tue 07:00",
        "Mon 08:00-20:00",
        "",
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(BadSchedule):
        Window.parse(text)


@pytest.mark.parametrize("more", [{"target": -1}, {"wake_to": 0}, {"lead_minutes": 61}, {"zone": "Mars/X"}])
def test_a_schedule_out_of_bounds_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        schedule(**more)


def test_only_an_end_may_be_24_00() -> None:
    assert clock("24:00", end=True) == 1440
    with pytest.raises(BadSchedule, match="23:59"):
        clock("24:00")


@pytest.mark.parametrize(
    ("typed", "near"),
    [("Europe/amsterdam", "Europe/Amsterdam"), ("berlin", "Europe/Berlin"), ("america/new york", "America/New_York")],
)
def test_an_unknown_zone_is_refused_with_the_nearest_name(typed: str, near: str) -> None:
    with pytest.raises(zones.UnknownZone, match=near):
        zones.check(typed)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "/etc/passwd", "localtime", "posixrules", "EST", "Etc/GMT+5"])
def test_a_zone_that_is_no_place_is_not_offered(name: str) -> None:
    with pytest.raises(zones.UnknownZone):
        zones.check(name)


def test_windows_that_share_minutes_are_named_and_counted_once() -> None:
    made = schedule(
        "Mon 20:00 -> Tue 08:00", "Tue 07:00 -> Tue 09:00", "Sun 12:00 -> Mon 21:00", "Wed 01:00 -> Wed 02:00"
    )
    assert [(one.text, other.text) for one, other in made.overlaps()] == [
        ("Mon 20:00 -> Tue 08:00", "Tue 07:00 -> Tue 09:00"),
        ("Mon 20:00 -> Tue 08:00", "Sun 12:00 -> Mon 21:00"),
    ]
    assert made.asleep_minutes_a_week == (12 + 1 + 33 - 1 + 1) * 60
    assert schedule().asleep_minutes_a_week == 105.5 * 60


def test_of_windows_that_overlap_the_one_that_ends_last_is_told() -> None:
    made = schedule("Mon 20:00 -> Tue 08:00", "Mon 22:00 -> Tue 09:00", zone="UTC")
    assert covering(made, utc(2026, 11, 24, 0)).window.text == "Mon 22:00 -> Tue 09:00"


def test_asleep_all_week_has_no_transition_and_no_wake() -> None:
    made = inputs(schedule("Mon 00:00 -> Sun 24:00"))
    assert transitions(made, at=utc(2026, 11, 27)) == ()
    assert awake_again(made, at=utc(2026, 11, 27)) is None


def test_when_it_is_awake_and_asleep_again() -> None:
    made = inputs(schedule())
    assert awake_again(made, at=utc(2026, 11, 28)) == utc(2026, 11, 30, 6, 30)
    assert awake_again(made, at=utc(2026, 11, 30, 12)) == utc(2026, 11, 30, 12)
    assert asleep_again(made, at=utc(2026, 11, 28)) == utc(2026, 11, 30, 19)
    assert asleep_again(inputs(schedule(windows=())), at=utc(2026, 11, 28)) is None


def test_the_strip_has_days_of_23_to_25_hours_and_leaves_no_gap() -> None:
    made = inputs(schedule(), date(2026, 3, 31))
    rows = strip(made, zone="Europe/Berlin", first=date(2026, 3, 23), at=utc(2026, 3, 26))
    assert [row.span.hours for row in rows] == [24.0] * 6 + [23.0] + [24.0] * 7
    assert [row.holiday for row in rows if row.holiday] == ["Company day"]
    assert rows[6].asleep_hours == 23
    assert rows[8].asleep_hours == 24
    for row in rows:
        pieces = [at for one in row.stretches for at in (one.span.start, one.span.end)]
        assert pieces[0] == row.span.start
        assert pieces[-1] == row.span.end
        assert pieces[1:-1:2] == pieces[2::2]


def test_the_wall_of_lord_howe_moves_by_half_an_hour() -> None:
    start, end = utc(2026, 4, 4), utc(2026, 4, 6)
    assert zones.changes("Australia/Lord_Howe", start, end) == (utc(2026, 4, 4, 15),)
    made = schedule("Sat 20:00 -> Sun 07:30", zone="Australia/Lord_Howe")
    assert [one.span.end - one.span.start for one in occurrences(made, start, end)] == [timedelta(hours=12)]
