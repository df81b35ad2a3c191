"""Calendars of holidays: public ones of a country, company days, ranges between two instants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

import holidays

from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.windows import BadSchedule, Span

MOST_DAYS: Final = 5_000
FIRST_YEAR, LAST_YEAR = 2000, 2099


class BadCalendar(BadSchedule):
    """The calendar cannot be read or is out of bounds; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """A day off, 00:00 to 24:00 in the zone of the schedule that it is used with."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Range:
    """A planned rest between two instants, for what is not a matter of days."""

    span: Span
    name: str

    def __post_init__(self) -> None:
        if self.span.start >= self.span.end:
            raise BadCalendar(f"{self.name[:60]!r} ends before it starts.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """One version of a named set. `country` is an ISO 3166 code, or empty; `subdivision` one of `subdivisions()`."""

    key: str
    version: int
    name: str
    country: str = ""
    subdivision: str = ""
    days: tuple[Day, ...] = ()
    ranges: tuple[Range, ...] = ()
    _by_day: dict[date, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.days) > MOST_DAYS or len(self.ranges) > MOST_DAYS:
            raise BadCalendar(f"A calendar has at most {MOST_DAYS} days.")
        if self.country:
            public_days(self.country, self.subdivision, 2026)
        object.__setattr__(self, "_by_day", {one.day: one.name for one in self.days})

    def on(self, day: date) -> str | None:
        """The name of the holiday on `day`; None on an ordinary day. Company days come before public ones."""
        if (name := self._by_day.get(day)) is not None:
            return name
        if not self.country or not FIRST_YEAR <= day.year <= LAST_YEAR:
            return None
        return public_days(self.country, self.subdivision, day.year).get(day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """What a layer says about holidays. `zone`: where no weekly schedule gives one; no calendars: work as usual."""

    key: str
    version: int
    calendars: tuple[Calendar, ...]
    zone: str = ""
    target: int = 0


@dataclass(frozen=True, slots=True)
class Rest:
    """One holiday or range that is asleep, with its name and calendar."""

    span: Span
    name: str
    calendar: Calendar


def rests(of: Holidays, zone: str, start: datetime, end: datetime) -> tuple[Rest, ...]:
    """Those that share time with [start, end), by their starts; days are read in `zone`."""
    return tuple(sorted(_rests(of, zone, start, end), key=lambda one: (one.span, one.name)))


def _rests(of: Holidays, zone: str, start: datetime, end: datetime) -> Iterator[Rest]:
    for calendar in of.calendars:
        for one in calendar.ranges:
            if one.span.start < end and one.span.end > start:
                yield Rest(one.span, one.name, calendar)
    day, last = zones.local_day(zone, start) - timedelta(days=1), zones.local_day(zone, end) + timedelta(days=1)
    while day <= last:
        found = next(((name, one) for one in of.calendars if (name := one.on(day)) is not None), None)
        if found is not None:
            span = Span(zones.resolve(zone, day, 0), zones.resolve(zone, day, 1440))
            if span.start < span.end and span.start < end and span.end > start:
                yield Rest(span, *found)
        day += timedelta(days=1)


@lru_cache(maxsize=4096)
def public_days(country: str, subdivision: str, year: int) -> dict[date, str]:
    """Public holidays with their days in lieu, names in English where the set has them; raises `BadCalendar`."""
    if country not in countries():
        raise BadCalendar(f"There is no set of public holidays for {country[:20]!r}. Choose a country of the list.")
    if subdivision and subdivision not in subdivisions(country):
        raise BadCalendar(f"{subdivision[:20]!r} is not a region of {country}. Choose one of the list.")
    kind = getattr(holidays, country)
    language = "en_US" if "en_US" in kind.supported_languages else None
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year, language=language))


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """Codes that have a set."""
    return frozenset(holidays.list_supported_countries(include_aliases=False))


def subdivisions(country: str) -> tuple[str, ...]:
    """Codes of regions with days of their own; empty for most small countries."""
    return tuple(holidays.list_supported_countries(include_aliases=False).get(country, ()))
