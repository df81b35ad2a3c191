"""An evaluation of schedules that shares nothing with the product's: it walks minute by minute over the wall clock.

An edge that is resolved once is passed when the wall first shows its time or a later one. So what counts is the
highest wall time shown so far: it jumps over a gap, and stands while the clocks repeat an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.windows import Window

Minutes = NDArray[np.int64]
# From when each offset holds; the first is the start of the years looked at.
Changes = tuple[tuple[datetime, timedelta], ...]
# Long before what is looked at, so that no repeated hour is cut at the front.
BEFORE = 26 * 60


def walls(zone: str, start: datetime, minutes: int) -> Minutes:
    """The highest wall time, in minutes since the year 1, shown so far in each minute from `start`.

    The wall is read twice a quarter of an hour, and between the two it must have run on as a clock does.
    """
    info = zones.load(zone)
    stamp = int((start - timedelta(minutes=BEFORE)).timestamp())
    shown = np.empty(minutes + BEFORE, dtype=np.int64)
    quarter = np.arange(15)
    for passed in range(0, minutes + BEFORE, 15):
        first, last = (_wall(stamp + 60 * minute, info) for minute in (passed, passed + 14))
        assert last - first == 14, f"{zone} changes its clocks inside a quarter of an hour"
        shown[passed : passed + 15] = (first + quarter)[: len(shown) - passed]
    return np.maximum.accumulate(shown)[BEFORE:]


def _wall(stamp: int, info: ZoneInfo) -> int:
    wall = datetime.fromtimestamp(stamp, info)
    return wall.toordinal() * 1440 + wall.hour * 60 + wall.minute


def in_windows(wall: Minutes, windows: Iterable[Window]) -> NDArray[np.bool_]:
    """Whether each wall time lies in a window of its week, the one before, or the one before that."""
    asleep = np.zeros(len(wall), dtype=bool)
    # Ordinal 1 is a Monday: minutes since then modulo a week are minutes since Monday 00:00.
    of_week = (wall - 1440) % 10080
    for window in windows:
        start = window.start_day * 1440 + window.start_minute
        asleep |= (of_week - start) % 10080 < window.minutes
    return asleep


def on_days(wall: Minutes, is_off: Callable[[date], bool]) -> NDArray[np.bool_]:
    days, place = np.unique(wall // 1440, return_inverse=True)
    off = np.array([is_off(date.fromordinal(int(day))) for day in days], dtype=bool)
    return off[place]


def painted(spans: Iterable[tuple[datetime, datetime]], start: datetime, minutes: int) -> NDArray[np.bool_]:
    """The product's spans as one answer a minute; an edge between two whole minutes is an error."""
    asleep = np.zeros(minutes, dtype=bool)
    for left, right in spans:
        low, high = ((at - start) / timedelta(minutes=1) for at in (left, right))
        assert low == int(low), f"{left} is not a whole minute"
        assert high == int(high), f"{right} is not a whole minute"
        asleep[max(0, int(low)) : max(0, int(high))] = True
    return asleep


def zones_by_behaviour(first: int, last: int) -> dict[Changes, str]:
    """One zone for each series of offset changes in the years `first` to `last`; every zone of the set is looked at."""
    found: dict[Changes, str] = {}
    start, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    data = resources.files("tzdata").joinpath("zoneinfo")
    files = {data.joinpath(*name.split("/")).read_bytes(): name for name in sorted(zones.every_name(), reverse=True)}
    for name in files.values():
        changes = zones.changes(name, start, end)
        info = zones.load(name)
        found.setdefault(tuple((at, zones.offset_at(info, at)) for at in (start, *changes)), name)
    return found
