"""The date in an object's name: a month, day or hour on the wall of a zone, and the instants it covers."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from observability.domain.fold.borders import HOUR, QUARTER, zone_of

DAY: Final = timedelta(days=1)


def step_of(fields: Set[str]) -> str:
    """hour, day, month or "": the smallest part of a date that these fields name."""
    return next((step for name, step in (("hh", "hour"), ("dd", "day"), ("mm", "month")) if name in fields), "")


@dataclass(frozen=True, order=True)
class Stamp:
    """A wall date as far as a name tells it; zeros are parts that it does not have, -1 an hour that it does not."""

    yyyy: int = 0
    mm: int = 0
    dd: int = 0
    hh: int = -1

    @classmethod
    def valid(cls, yyyy: int = 0, mm: int = 0, dd: int = 0, hh: int = -1) -> Stamp | None:
        """None for what is no date: month 13, 30 February, hour 24."""
        found = cls(yyyy, mm, dd, hh)
        if not yyyy:
            return found
        try:
            date(yyyy, mm or 1, dd or 1)
        except ValueError:
            return None
        return found if hh < 24 and yyyy < 9999 else None

    @classmethod
    def of(cls, local: datetime, step: str) -> Stamp:
        """Of a wall time, cut to hour, day or month."""
        return cls(local.year, local.month, local.day if step != "month" else 0, local.hour if step == "hour" else -1)

    def text(self, name: str) -> str:
        value: int = getattr(self, name)
        return f"{value:04d}" if name == "yyyy" else f"{value:02d}"

    def span(self, zone: str) -> tuple[int, int]:
        """(first second, first second after). The hour that clocks skip is empty, the hour they repeat lasts two."""
        return _span(self, zone)


@lru_cache(maxsize=65_536)
def _span(stamp: Stamp, zone: str) -> tuple[int, int]:
    first = date(stamp.yyyy, stamp.mm or 1, stamp.dd or 1)
    if stamp.hh < 0:
        after = first + DAY if stamp.dd else (first.replace(day=28) + 4 * DAY).replace(day=1)
        return midnight(first, zone), midnight(after, zone)
    usual = int(datetime(stamp.yyyy, stamp.mm, stamp.dd, stamp.hh, tzinfo=zone_of(zone)).timestamp())
    edges = [wall(usual + seconds, zone).hour == stamp.hh for seconds in (-QUARTER, 0, 3 * QUARTER, HOUR)]
    if edges == [False, True, True, False] and wall(usual, zone).minute == 0:
        return usual, usual + HOUR
    inside = [at for at in _quarters(first, zone) if wall(at, zone).hour == stamp.hh]
    if not inside:
        start = next(
            (at for at in _quarters(first, zone) if wall(at, zone).hour > stamp.hh), midnight(first + DAY, zone)
        )
        return start, start
    return inside[0], inside[-1] + QUARTER


def midnight(day: date, zone: str) -> int:
    """The first instant of a day of the zone, also where clocks skip or repeat midnight."""
    guess = int(datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)).timestamp())
    while wall(guess - QUARTER, zone).date() >= day:
        guess -= QUARTER
    while wall(guess, zone).date() < day:
        guess += QUARTER
    return guess


def _quarters(day: date, zone: str) -> range:
    return range(midnight(day, zone), midnight(day + DAY, zone), QUARTER)


def wall(at: int, zone: str) -> datetime:
    """The wall time of an instant in the zone."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone_of(zone))
