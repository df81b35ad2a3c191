"""Calendars of days off: public sets, and .ics files that people upload or that fight back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import icalendar
import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from hypothesis import assume, given
from hypothesis import strategies as st

from deployments.domain.sleep.schedule import repeats
from deployments.domain.sleep.schedule.calendars import BadCalendar, Calendar, Day, countries, subdivisions
from deployments.domain.sleep.schedule.coming import transitions
from deployments.domain.sleep.schedule.ics import MOST_BYTES, Read, feed, read
from deployments.domain.sleep.schedule.layers import Inputs, Layer, Level
from deployments.domain.sleep.schedule.repeats import Budget, Rule
from deployments.domain.sleep.schedule.windows import Schedule, Span, Window

FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)


def file(*events: str) -> bytes:
    inside = "".join(f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT\n" for number, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{inside}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def taken(*events: str) -> Read:
    return read(file(*events), first=FIRST, last=LAST)


def days(*events: str) -> list[str]:
    return [f"{one.day} {one.name}" for one in taken(*events).days]


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("SUMMARY:Founders\nDTSTART;VALUE=DATE:20260504", ["2026-05-04 Founders"]),
        (
            "SUMMARY:Rest\nDTSTART;VALUE=DATE:20261230\nDTEND;VALUE=DATE:20270102",
            ["2026-12-30 Rest", "2026-12-31 Rest", "2027-01-01 Rest"],
        ),
        ("DTSTART;VALUE=DATE:20260504\nDURATION:P2D", ["2026-05-04 Day off", "2026-05-05 Day off"]),
        ("SUMMARY:May\nDTSTART;VALUE=DATE:19700501\nRRULE:FREQ=YEARLY", ["2026-05-01 May", "2027-05-01 May"]),
        (
            "SUMMARY:T\nDTSTART;VALUE=DATE:19971127\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            ["2026-11-26 T", "2027-11-25 T"],
        ),
        ("SUMMARY:L\nDTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY", []),
        ("SUMMARY:D\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=2", ["2026-01-01 D", "2026-01-02 D"]),
        ("SUMMARY:U\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=WEEKLY;UNTIL=20260108", ["2026-01-01 U", "2026-01-08 U"]),
        (
            "SUMMARY:E\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260102",
            ["2026-01-01 E", "2026-01-03 E"],
        ),
        ("SUMMARY:R\nDTSTART;VALUE=DATE:20260101\nRDATE;VALUE=DATE:20260301", ["2026-01-01 R", "2026-03-01 R"]),
        ("SUMMARY:Evil \\n<script>\x07\nDTSTART;VALUE=DATE:20260504", ["2026-05-04 Evil <script>"]),
        ("SUMMARY:Never\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", []),
    ],
)
def test_all_day_events_become_days(event: str, found: list[str]) -> None:
    assert days(event) == found


def test_an_event_with_a_clock_and_a_zone_becomes_a_range() -> None:
    found = taken("SUMMARY:Move\nDTSTART;TZID=Europe/Berlin:20260327T220000\nDTEND;TZID=Europe/Berlin:20260330T060000")
    assert [(one.name, one.span.hours) for one in found.ranges] == [("Move", 55)]


def test_a_repeated_event_with_a_clock_keeps_its_wall_time() -> None:
    event = "DTSTART;TZID=Europe/Berlin:20260322T220000\nDURATION:PT2H\nRRULE:FREQ=WEEKLY;COUNT=2"
    assert [one.span.start for one in taken(event).ranges] == [
        datetime(2026, 3, 22, 21, tzinfo=UTC),
        datetime(2026, 3, 29, 20, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("DTSTART:20260504T100000\nDTEND:20260504T110000", "no time zone"),
        ("DTSTART:20260504T100000Z", "no end"),
        ("DTSTART:20260504T100000Z\nDTEND:20260504T090000Z", "ends before"),
        ("DTSTART;VALUE=DATE:20260504\nDTEND;VALUE=DATE:20290504", "longer than a year"),
        ("SUMMARY:x", "no start"),
        ("DTSTART;VALUE=DATE:20260504\nSTATUS:CANCELLED", "cancelled"),
        ("DTSTART;VALUE=DATE:20300504", "outside"),
        ("DTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY", "outside"),
        ("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=SECONDLY", "repeats in a way"),
        ("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;BYSECOND=1,2,3", "repeats in a way"),
        ("DTSTART;VALUE=DATE:20260504\nDTSTART;VALUE=DATE:20260505", "more than once"),
    ],
)
def test_what_cannot_be_used_is_left_out_with_the_reason(event: str, reason: str) -> None:
    found = taken(event, "SUMMARY:Good\nDTSTART;VALUE=DATE:20260601")
    assert [one.name for one in found.days] == ["Good"]
    assert len(found.skipped) == 1
    assert reason in found.skipped[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no BEGIN:VCALENDAR"),
        (b"<html>login</html>", "no BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "cannot be read"),
        (b"BEGIN:VCALENDAR\r\nno colon here\r\nEND:VCALENDAR\r\n", "cannot be read"),
        (b"\xff\xfe" + file(), "not UTF-8"),
        (b"x" * (MOST_BYTES + 1), "at most"),
        (b"BEGIN:VEVENT\n" * 5001, "more than 5,000 events"),
        (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VALARM\r\n" * 60_000, "nested too deeply"),
        (file(*(f"DTSTART;VALUE=DATE:{1950 + n}0101\nRRULE:FREQ=DAILY;COUNT=999999" for n in range(40))), ""),
    ],
)
def test_a_hostile_file_is_refused_in_words_or_read_within_bounds(data: bytes, reason: str) -> None:
    if reason:
        with pytest.raises(BadCalendar, match=reason):
            read(data, first=FIRST, last=LAST)
    else:
        assert any("repeats too much" in one.reason for one in read(data, first=FIRST, last=LAST).skipped)


def test_a_file_of_too_many_days_is_refused() -> None:
    events = [
        f"DTSTART:20260101T{hour:02}{minute:02}00Z\nDURATION:PT1M\nRRULE:FREQ=DAILY"
        for hour in range(3)
        for minute in range(60)
    ]
    with pytest.raises(BadCalendar, match="more than 5,000 days"):
        taken(*events)


RULES = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])},
    optional={
        "INTERVAL": st.integers(1, 5),
        "COUNT": st.integers(1, 40),
        "WKST": st.sampled_from(["MO", "SU"]),
        "BYMONTH": st.sampled_from(["2", "1,3,12"]),
        "BYMONTHDAY": st.sampled_from(["1", "-1", "29,30", "15,-2"]),
        "BYDAY": st.sampled_from(["MO", "FR,SU", "1MO", "-1FR", "2TU,-1SU", "5TH"]),
        "BYYEARDAY": st.sampled_from(["1", "-1", "60,100"]),
    },
)


@given(RULES, st.dates(date(2019, 12, 1), date(2024, 3, 1)))
def test_repeated_days_are_those_of_the_usual_library(parts: dict[str, object], start: date) -> None:
    """The library goes to the year 9999 for a rule that never comes true, so a day that it always finds is added."""
    assume(parts["FREQ"] in ("MONTHLY", "YEARLY") or not any(char.isdigit() for char in str(parts.get("BYDAY", ""))))
    # RFC 5545 allows the place in a year only to rules by year; the library takes it for all.
    assume(parts["FREQ"] == "YEARLY" or "BYYEARDAY" not in parts)
    rule = Rule.of({name: str(value).split(",") for name, value in parts.items()})
    found = list(repeats.days(rule, start, date(2032, 12, 31), Budget(10**6)))
    assume(found and (rule.count is None or len(found) == rule.count or len(found) > 20))
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    library = rrulestr(text, dtstart=datetime(start.year, start.month, start.day))  # noqa: DTZ001
    later = date(2026, 1, 1)
    cut = list(repeats.days(rule, start, date(2032, 12, 31), Budget(10**6), first=later))
    assert [day for day in cut if day >= later] == [day for day in found if day >= later]
    assert found == [one.date() for one in takewhile(lambda one: one.year <= 2032, library)]


def test_public_holidays_of_a_country_and_its_regions() -> None:
    berlin = Calendar(key="de", version=1, name="Berlin", country="DE", subdivision="BE")
    bavaria = Calendar(key="de", version=1, name="Bavaria", country="DE", subdivision="BY")
    assert berlin.on(date(2026, 12, 25)) == "Christmas Day"
    assert berlin.on(date(2026, 3, 8)) is not None
    assert bavaria.on(date(2026, 3, 8)) is None
    assert bavaria.on(date(2026, 1, 6)) is not None
    assert berlin.on(date(2150, 12, 25)) is None
    assert "DE" in countries()
    assert "BE" in subdivisions("DE")


def test_company_days_come_before_public_ones() -> None:
    made = Calendar(key="u", version=1, name="US", country="US", days=(Day(date(2026, 11, 26), "Big rest"),))
    assert (made.on(date(2026, 11, 26)), made.on(date(2026, 7, 4))) == ("Big rest", "Independence Day")


@pytest.mark.parametrize(("country", "region"), [("XX", ""), ("de", ""), ("DE", "XX"), ("__class__", "")])
def test_an_unknown_country_or_region_is_refused(country: str, region: str) -> None:
    with pytest.raises(BadCalendar):
        Calendar(key="x", version=1, name="X", country=country, subdivision=region)


def test_the_feed_of_coming_sleeps_reads_back_as_the_same_spans() -> None:
    nights = Schedule(
        key="s", version=1, name="Nights", zone="Europe/Berlin", windows=(Window.parse("Fri 20:00 -> Mon 07:30"),)
    )
    made = Inputs(layers=(Layer(level=Level.TEAM, name="Vision", weekly=nights),))
    at = datetime(2026, 11, 26, 12, tzinfo=UTC)
    coming = transitions(made, at=at)
    data = feed(
        name="Vision; nights", sleeps=[("d7", "ranker, staging", one) for one in coming], at=at, host="b.example"
    )
    again = feed(
        name="Vision; nights",
        sleeps=[("d7", "ranker, staging", one) for one in coming],
        at=at + timedelta(hours=1),
        host="b.example",
    )
    events = list(icalendar.Calendar.from_ical(data.decode()).walk("VEVENT"))
    assert [Span(one["DTSTART"].dt, one["DTEND"].dt) for one in events[:2]] == [
        Span(one.at, one.until) for one in coming[:4:2]
    ]
    assert str(events[0]["SUMMARY"]) == "ranker, staging asleep"
    assert [line for line in data.splitlines() if line.startswith(b"UID")] == [
        line for line in again.splitlines() if line.startswith(b"UID")
    ]
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
