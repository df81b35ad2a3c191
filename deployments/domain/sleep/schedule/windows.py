"""Weekly windows, anchored to the evening that they begin on: "Fri 20:00 -> Mon 07:30" is one window of 59.5 hours.

Each edge of each occurrence becomes one instant (`zones.resolve`), so a window is an hour shorter or longer when the
clocks change inside it, and neither edge is lost or comes twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

from deployments.domain.sleep.schedule import zones

DAY_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY: Final = 1440
WEEK: Final = 7 * DAY
MOST_WINDOWS: Final = 50
MOST_REPLICAS: Final = 1000
LONGEST_LEAD_MINUTES: Final = 60
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|(24):(00)", re.ASCII)
_WINDOW: Final = re.compile(r"([A-Z][a-z]{2}) (\d\d:\d\d) *(?:->|→) *([A-Z][a-z]{2}) (\d\d:\d\d)", re.ASCII)


class BadSchedule(ValueError):
    """The schedule cannot be used; the message says what to change."""


def clock(text: str, *, end: bool = False) -> int:
    """Minutes after midnight of HH:MM; 24:00 only as an end. Raises `BadSchedule`."""
    found = _CLOCK.fullmatch(text)
    if found is None or (found[3] and not end):
        allowed = "00:00 to 24:00" if end else "00:00 to 23:59"
        raise BadSchedule(f"{text[:20]!r} is not a time of day. Write HH:MM, {allowed}.")
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4])


def clock_text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From a weekday (Monday = 0) and minute to the next such end, at most a week later. An end may be 24:00."""

    start_day: int
    start_minute: int
    end_day: int
    end_minute: int

    def __post_init__(self) -> None:
        if not (0 <= self.start_day <= 6 and 0 <= self.end_day <= 6):
            raise BadSchedule("A window starts and ends on a day of the week.")
        if not (0 <= self.start_minute < DAY and 0 <= self.end_minute <= DAY):
            raise BadSchedule("A window starts between 00:00 and 23:59 and ends between 00:00 and 24:00.")
        if self.minutes == 0:
            raise BadSchedule(f"The window starts and ends on {self.start_text}: change one of the two.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of "Fri 20:00 -> Mon 07:30"; raises `BadSchedule`."""
        found = _WINDOW.fullmatch(text.strip())
        if found is None or found[1] not in DAY_NAMES or found[3] not in DAY_NAMES:
            raise BadSchedule(f"{text[:40]!r} is not a window. Write it like: Fri 20:00 -> Mon 07:30.")
        return cls(
            start_day=DAY_NAMES.index(found[1]),
            start_minute=clock(found[2]),
            end_day=DAY_NAMES.index(found[3]),
            end_minute=clock(found[4], end=True),
        )

    @property
    def minutes(self) -> int:
        """Its length on the wall, without changes of the clocks."""
        past = (self.end_day * DAY + self.end_minute - self.start_day * DAY - self.start_minute) % WEEK
        return past or (WEEK if self.end_minute == DAY else 0)

    @property
    def start_text(self) -> str:
        return f"{DAY_NAMES[self.start_day]} {clock_text(self.start_minute)}"

    @property
    def text(self) -> str:
        return f"{self.start_text} -> {DAY_NAMES[self.end_day]} {clock_text(self.end_minute)}"


class WakeOrder(StrEnum):
    """Who wakes first when not all may wake at once."""

    FIRST = "first"
    NORMAL = "normal"
    LAST = "last"

    @property
    def rank(self) -> int:
        return ("first", "normal", "last").index(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One version of a schedule. No windows: awake all week, which is an answer too.

    `wake_to` None: to what it was; a number: to that, without an autoscaler. `lead_minutes` None: as long as its wakes
    took (`plan.waves.lead`); a number: that many minutes before the due time.
    """

    key: str
    version: int
    name: str
    zone: str
    windows: tuple[Window, ...] = ()
    target: int = 0
    wake_to: int | None = None
    lead_minutes: int | None = None
    order: WakeOrder = WakeOrder.NORMAL

    def __post_init__(self) -> None:
        zones.load(self.zone)
        if len(self.windows) > MOST_WINDOWS:
            raise BadSchedule(f"A schedule has at most {MOST_WINDOWS} windows; this one has {len(self.windows)}.")
        if not 0 <= self.target <= MOST_REPLICAS:
            raise BadSchedule(f"The replicas while asleep are between 0 and {MOST_REPLICAS}.")
        if self.wake_to is not None and not 1 <= self.wake_to <= MOST_REPLICAS:
            raise BadSchedule(f"A number to wake to is between 1 and {MOST_REPLICAS}.")
        if self.lead_minutes is not None and not 0 <= self.lead_minutes <= LONGEST_LEAD_MINUTES:
            raise BadSchedule(f"It starts at most {LONGEST_LEAD_MINUTES} minutes early.")

    @property
    def asleep_minutes_a_week(self) -> int:
        """On the wall, windows that overlap counted once."""
        return len(self.minutes_of_week())

    def minutes_of_week(self) -> frozenset[int]:
        """Minutes after Monday 00:00 that are asleep, without changes of the clocks."""
        return frozenset(
            (window.start_day * DAY + window.start_minute + passed) % WEEK
            for window in self.windows
            for passed in range(window.minutes)
        )

    def overlaps(self) -> tuple[tuple[Window, Window], ...]:
        """Pairs that share a minute: harmless, as all have one target, but rarely meant."""
        pairs = [(one, other) for place, one in enumerate(self.windows) for other in self.windows[place + 1 :]]
        return tuple((one, other) for one, other in pairs if _share_a_minute(one, other))


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """[start, end) in UTC."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def hours(self) -> float:
        """Real hours: a night in which the clocks go back has one more."""
        return self.seconds / 3600

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that a window comes about."""

    span: Span
    window: Window


def occurrences(schedule: Schedule, start: datetime, end: datetime) -> tuple[Occurrence, ...]:
    """Those that share time with [start, end), by their starts. One that lies in a gap does not come about."""
    day, last = _monday(zones.local_day(schedule.zone, start)), zones.local_day(schedule.zone, end)
    found = list(_around(schedule.zone, schedule.windows, day))
    while day <= last:
        day += timedelta(days=7)
        found += _of_week(schedule.zone, schedule.windows, day)
    return tuple(one for one in found if one.span.start < end and one.span.end > start)


def covering(schedule: Schedule, at: datetime) -> Occurrence | None:
    """The occurrence that `at` is in; of several the one that ends last."""
    monday = _monday(zones.local_day(schedule.zone, at))
    inside = [one for one in _around(schedule.zone, schedule.windows, monday) if one.span.covers(at)]
    return max(inside, key=lambda one: one.span.end, default=None)


@lru_cache(maxsize=20_000)
def _around(zone: str, windows: tuple[Window, ...], monday: date) -> tuple[Occurrence, ...]:
    """Those that can cover an instant of the week of `monday`: a window lasts a week, changes of clocks add hours."""
    weeks = [_of_week(zone, windows, monday + timedelta(days=7 * passed)) for passed in (-2, -1, 0)]
    return tuple(one for week in weeks for one in week)


@lru_cache(maxsize=50_000)
def _of_week(zone: str, windows: tuple[Window, ...], monday: date) -> tuple[Occurrence, ...]:
    found = []
    for window in windows:
        day = monday + timedelta(days=window.start_day)
        days, minute = divmod(window.start_minute + window.minutes, DAY)
        span = Span(
            zones.resolve(zone, day, window.start_minute), zones.resolve(zone, day + timedelta(days=days), minute)
        )
        if span.start < span.end:
            found.append(Occurrence(span, window))
    return tuple(sorted(found, key=lambda one: one.span))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _share_a_minute(one: Window, other: Window) -> bool:
    apart = (other.start_day * DAY + other.start_minute - one.start_day * DAY - one.start_minute) % WEEK
    return apart < one.minutes or WEEK - apart < other.minutes
