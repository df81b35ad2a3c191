"""Where windows begin and end in a named zone: hours and days of the wall clock, days of 23 to 25 hours among them.

Instants are whole seconds since 1970 UTC. Every zone of today moves by quarters of an hour, so that a quarter lies in
one window.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from observability.domain.loops.numeric import Ints

QUARTER: Final = 900
HOUR: Final = 3_600


class ZoneError(ValueError):
    """A zone that nobody knows."""


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of a name of the tz database; "" is UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (OSError, ValueError, LookupError):
        raise ZoneError(f"no time zone {name[:60]!r}; expected a name such as UTC or Europe/Amsterdam") from None


@lru_cache(maxsize=65_536)
def start_of(at: int, is_day: bool, zone: str) -> int:
    """The start of the hour or day of the zone in which the instant lies."""
    local = datetime.fromtimestamp(at, UTC).astimezone(zone_of(zone))
    if is_day:
        return int(datetime(local.year, local.month, local.day, tzinfo=local.tzinfo).timestamp())
    return at - (local.minute * 60 + local.second)


@lru_cache(maxsize=65_536)
def end_of(start: int, is_day: bool, zone: str) -> int:
    """Where the window that starts here ends, and the next begins."""
    if not is_day:
        return start + HOUR
    local = datetime.fromtimestamp(start, UTC).astimezone(zone_of(zone))
    day = local.date() + timedelta(days=1)
    return int(datetime(day.year, day.month, day.day, tzinfo=local.tzinfo).timestamp())


def window_starts(seconds: Ints, is_day: bool, zone: str) -> Ints:
    """`start_of` of every instant, looked up once per quarter of an hour."""
    quarters, inverse = np.unique(seconds // QUARTER, return_inverse=True)
    starts = [start_of(quarter * QUARTER, is_day, zone) for quarter in quarters.tolist()]
    return np.array(starts, dtype=np.int64)[inverse]


def slot_of(start: int, is_day: bool, zone: str) -> int:
    """The hour of the week, or the day of the week, of the zone: what a season repeats."""
    local = datetime.fromtimestamp(start, UTC).astimezone(zone_of(zone))
    return local.weekday() if is_day else local.weekday() * 24 + local.hour
