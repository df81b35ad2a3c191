"""IANA time zones of the pinned `tzdata` package, never of the host: the same schedule means the same everywhere.

Instants are aware datetimes in UTC. A wall time is a date and minutes after midnight (0 to 1440, 1440 = 24:00).
"""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

_AREAS: Final = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Arctic/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)
MINUTE: Final = timedelta(minutes=1)


class UnknownZone(ValueError):
    """The text is no zone that can be chosen; its message names the nearest ones."""


@lru_cache(maxsize=1)
def every_name() -> frozenset[str]:
    """All names of the pinned set, legacy ones too (598 in 2026f)."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("ascii").split())


@lru_cache(maxsize=1)
def offered() -> tuple[str, ...]:
    """Names that a schedule may use, sorted: places, and UTC. `EST` or `Etc/GMT+5` have no summer time and mislead."""
    return ("UTC", *sorted(name for name in every_name() if name.startswith(_AREAS)))


@lru_cache(maxsize=1)
def _offered_set() -> frozenset[str]:
    return frozenset(offered())


def check(name: str) -> str:
    """`name` when it is offered; raises `UnknownZone` otherwise."""
    if name in _offered_set():
        return name
    near = nearest(name)
    hint = f" Did you mean {' or '.join(near)}?" if near else " Choose one of the list, such as Europe/Berlin."
    raise UnknownZone(f"{name[:60]!r} is not a time zone that a schedule can use.{hint}")


def nearest(name: str, limit: int = 3) -> tuple[str, ...]:
    """Offered names that look like `name`, best first."""
    by_lower = {found.lower(): found for found in offered()}
    wanted = name[:60].strip().lower().replace(" ", "_")
    if wanted in by_lower:
        return (by_lower[wanted],)
    places = [full for full in by_lower if full.rsplit("/", 1)[-1] == wanted]
    close = places or difflib.get_close_matches(wanted, by_lower, n=limit, cutoff=0.75)
    return tuple(by_lower[found] for found in close[:limit])


@lru_cache(maxsize=1024)
def load(name: str) -> ZoneInfo:
    """The zone of that exact name in the pinned set; raises `UnknownZone`."""
    if name not in every_name():
        raise UnknownZone(f"{name[:60]!r} is not in the pinned set of time zones.")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def offset_at(zone: ZoneInfo, at: datetime) -> timedelta:
    """The offset from UTC that holds at the instant `at`."""
    found = at.astimezone(zone).utcoffset()
    return found if found is not None else timedelta()


@lru_cache(maxsize=200_000)
def resolve(name: str, day: date, minute: int) -> datetime:
    """The one instant of a wall time: the first of two when clocks go back, the end of the gap when it is skipped."""
    zone = load(name)
    wall = datetime(day.year, day.month, day.day) + minute * MINUTE  # noqa: DTZ001 - a wall time has no offset yet
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # Skipped: fold 0 answers with the offset before the change and lands after it, fold 1 the other way round.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    after = offset_at(zone, high)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (low, middle) if offset_at(zone, middle) == after else (middle, high)
    return high


def local_day(name: str, at: datetime) -> date:
    """The date on the wall at the instant `at`."""
    return at.astimezone(load(name)).date()


def changes(name: str, start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Instants in (start, end] at which the offset changes, to the second."""
    return tuple(at for at in _changes_of_year_span(name, start.year, end.year) if start < at <= end)


@lru_cache(maxsize=4096)
def _changes_of_year_span(name: str, first: int, last: int) -> tuple[datetime, ...]:
    zone, found = load(name), []
    low, stop = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    before = offset_at(zone, low)
    while low < stop:
        high = min(low + timedelta(days=7), stop)
        after = offset_at(zone, high)
        if before != after:
            left, right = low, high
            while right - left > timedelta(seconds=1):
                middle = left + timedelta(seconds=int((right - left).total_seconds()) // 2)
                left, right = (middle, right) if offset_at(zone, middle) == before else (left, middle)
            found.append(right)
        low, before = high, after
    return tuple(found)
