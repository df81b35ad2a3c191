"""Calendars as iCalendar files: days off read from one, coming sleeps written as one (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import icalendar

from deployments.domain.sleep.schedule import repeats
from deployments.domain.sleep.schedule.calendars import MOST_DAYS, BadCalendar, Day, Range
from deployments.domain.sleep.schedule.coming import Transition
from deployments.domain.sleep.schedule.repeats import Budget, NotRead, Rule
from deployments.domain.sleep.schedule.windows import Span

MOST_BYTES: Final = 1024 * 1024
MOST_EVENTS: Final = 5_000
LONGEST: Final = timedelta(days=366)
_EARLIEST: Final = date(1900, 1, 1)
# Days looked at to expand all the rules of a file: about a second.
_MOST_WORK: Final = 200_000
_MOST_PARTS: Final = 3 * MOST_EVENTS
_DEEPEST: Final = 10


@dataclass(frozen=True, slots=True)
class Skipped:
    """An event that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a file gave: whole days, ranges between instants, and what was left out."""

    days: tuple[Day, ...] = ()
    ranges: tuple[Range, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class _Skip(Exception):
    """The event at hand cannot be used."""


def read(data: bytes, *, first: date, last: date) -> Read:
    """Days off from `first` to `last` of the events of a file; raises `BadCalendar` where it is no calendar at all.

    All-day events become days. Events with a clock and a zone become ranges; without a zone they are left out. Repeated
    events are expanded; a repeated one with a clock keeps its wall time.
    """
    if len(data) > MOST_BYTES:
        raise BadCalendar(f"The file has {len(data):,} bytes; at most {MOST_BYTES:,} are read.")
    if data.upper().count(b"BEGIN:VEVENT") > MOST_EVENTS:
        raise BadCalendar(f"The file has more than {MOST_EVENTS:,} events.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadCalendar(f"The file is not UTF-8: byte {error.start:,} cannot be read.") from None
    events = _events(text)
    days: dict[date, str] = {}
    ranges: list[Range] = []
    skipped: list[Skipped] = []
    budget = Budget(_MOST_WORK)
    for event in events:
        name = _name(event)
        try:
            _collect(event, name, _starts(event, first, last, budget), first, last, days, ranges)
        except _Skip as reason:
            skipped.append(Skipped(name, str(reason)))
        if len(days) + len(ranges) > MOST_DAYS:
            raise BadCalendar(f"The file gives more than {MOST_DAYS:,} days between {first} and {last}.")
    return Read(days=tuple(Day(day, days[day]) for day in sorted(days)), ranges=tuple(ranges), skipped=tuple(skipped))


def _events(text: str) -> list[Any]:
    if "BEGIN:VCALENDAR" not in text.upper():
        raise BadCalendar("The file is not an iCalendar file: it has no BEGIN:VCALENDAR.")
    _check_nesting(text)
    try:
        found = icalendar.Calendar.from_ical(text, multiple=True)
        return [event for one in found for event in one.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadCalendar(f"The file cannot be read as iCalendar: {str(error)[:200]}") from None


def _check_nesting(text: str) -> None:
    """The library takes seconds for thousands of parts in each other, and reads a file that was cut off as empty."""
    depth = parts = 0
    for line in text.split("\n"):
        word = line[:6].upper()
        depth += word == "BEGIN:"
        depth -= word.startswith("END:")
        parts += word == "BEGIN:"
        if depth > _DEEPEST or parts > _MOST_PARTS:
            raise BadCalendar("The file cannot be read as iCalendar: it is nested too deeply or has too many parts.")
    if depth:
        raise BadCalendar("The file cannot be read as iCalendar: a BEGIN is without its END. Was it cut off?")


def _name(event: Any) -> str:
    text = "".join(char if char.isprintable() else " " for char in str(event.get("SUMMARY", "")))
    return " ".join(text.split())[:120] or "Day off"


def _value(event: Any, key: str) -> Any:
    found = event.get(key)
    if isinstance(found, list):
        raise _Skip(f"it has {key} more than once")
    try:
        return None if found is None else found.dt
    except AttributeError:
        raise _Skip(f"its {key} cannot be read") from None


def _starts(event: Any, first: date, last: date, budget: Budget) -> list[Any]:
    """When the event begins, each time up to `last`."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        raise _Skip("it is cancelled")
    start = _value(event, "DTSTART")
    if not isinstance(start, date):
        raise _Skip("it has no start")
    if isinstance(start, datetime) and start.utcoffset() is None:
        raise _Skip("its time has no time zone: make it an all-day event or give a TZID")
    day = start.date() if isinstance(start, datetime) else start
    if day < _EARLIEST or day > last:
        raise _Skip(f"it starts on {day}, outside {first} to {last}")
    rule = event.get("RRULE")
    if rule is None:
        return [start, *_listed(event, "RDATE")]
    found = _repeated(rule, start, first, last, budget)
    out = {_key(one) for one in _listed(event, "EXDATE")}
    return [one for one in [*found, *_listed(event, "RDATE")] if _key(one) not in out]


def _key(at: date) -> object:
    return at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo else at


def _listed(event: Any, key: str) -> Iterator[Any]:
    found = event.get(key, [])
    for one in found if isinstance(found, list) else [found]:
        for each in getattr(one, "dts", []):
            yield each.dt


def _repeated(rule: Any, start: Any, first: date, last: date, budget: Budget) -> list[Any]:
    if isinstance(rule, list):
        raise _Skip("it has more than one rule of repetition")
    parts = {str(key).upper(): value if isinstance(value, list) else [value] for key, value in rule.items()}
    until = next(iter(parts.pop("UNTIL", [])), None)
    try:
        made = replace(Rule.of(parts), until=_until(until, start))
        day = start.date() if isinstance(start, datetime) else start
        found = list(repeats.days(made, day, last, budget, first=max(first - LONGEST, _EARLIEST)))
    except NotRead as reason:
        raise _Skip(str(reason)) from None
    if isinstance(start, datetime):
        return [datetime.combine(one, start.timetz()) for one in found]
    return list(found)


def _until(until: Any, start: date) -> date | None:
    """The last day that an event may start on."""
    if not isinstance(until, datetime):
        return until if isinstance(until, date) else None
    at: datetime = until.astimezone(start.tzinfo) if until.tzinfo and isinstance(start, datetime) else until
    before = isinstance(start, datetime) and at.time() < start.time()
    return at.date() - timedelta(days=1) if before else at.date()


def _collect(
    event: Any,
    name: str,
    starts: Iterable[Any],
    first: date,
    last: date,
    days: dict[date, str],
    ranges: list[Range],
) -> None:
    length = _length(event)
    for start in starts:
        if isinstance(start, datetime):
            span = Span(start.astimezone(UTC), (start + length).astimezone(UTC))
            if span.start.date() <= last and span.end.date() >= first:
                ranges.append(Range(span, name))
            continue
        for passed in range(max(1, length.days)):
            day = start + timedelta(days=passed)
            if first <= day <= last:
                days.setdefault(day, name)


def _length(event: Any) -> timedelta:
    start, end, lasts = _value(event, "DTSTART"), _value(event, "DTEND"), _value(event, "DURATION")
    if end is None and lasts is None:
        if isinstance(start, datetime):
            raise _Skip("it has no end")
        return timedelta(days=1)
    try:
        length = lasts if end is None else end - start
    except TypeError:
        raise _Skip("its start and end are of different kinds") from None
    if not isinstance(length, timedelta) or length <= timedelta(0):
        raise _Skip("it ends before it starts")
    if length > LONGEST:
        raise _Skip("it is longer than a year")
    return length


def feed(*, name: str, sleeps: Iterable[tuple[str, str, Transition]], at: datetime, host: str) -> bytes:
    """Coming sleeps as a calendar to subscribe to. `sleeps`: a stable key, who sleeps, and when it falls asleep.

    A sleep without a known end is an event of a moment. The same sleep keeps its UID when the feed is read again.
    """
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Barista//Sleep//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for key, who, sleep in sleeps:
        if not sleep.asleep:
            continue
        event = icalendar.Event()
        event.add("uid", f"{key}-{sleep.at:%Y%m%dT%H%M%SZ}@{host}")
        event.add("dtstamp", at.astimezone(UTC))
        event.add("dtstart", sleep.at.astimezone(UTC))
        event.add("dtend", (sleep.until or sleep.at).astimezone(UTC))
        event.add("summary", f"{who} asleep" if not sleep.target else f"{who} asleep at {sleep.target} replicas")
        event.add("description", sleep.decision.words)
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
