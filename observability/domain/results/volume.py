"""Findings about how many rows came: against the same hour of earlier weeks, or of earlier days in a young log.

A window is unusual when it lies beyond all it is held against by a factor and by more than chance at these counts.
What was unusual is no measure for what follows, until it has lasted three times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from observability.domain.fold.borders import HOUR, QUARTER, slot_of, start_of
from observability.domain.results.log import LONG, Finding, WindowedLog

HIGH: Final = 1.5
LOW: Final = 0.5
GONE: Final = 0.2  # an hour of a day is said to be missing below this share of the least it had
NEVER: Final = math.log(1e-8)
LASTS: Final = 3
WEEKS: Final = 4
DAYS: Final = 7
YOUNG: Final = 3.0  # factor where only other hours are there to compare with
LATE: Final = 3  # hours after a missing one in which its rows may be found


@dataclass(eq=False)
class _Past:
    """Earlier counts that may be compared with, newest last."""

    counts: list[int] = field(default_factory=list)
    streak: int = 0

    def add(self, count: int, *, is_unusual: bool) -> None:
        self.streak = self.streak + 1 if is_unusual else 0
        if not is_unusual or self.streak >= LASTS:
            self.counts.append(count)


@dataclass(frozen=True)
class Unusual:
    """A window's rows and what was expected."""

    start: int
    rows: int
    expected: float

    @property
    def is_low(self) -> bool:
        return self.rows < self.expected


def unusual(counts: Mapping[int, int], *, is_day: bool, zone: str, low: float = LOW) -> dict[int, Unusual]:
    """Windows (by start, in order) whose rows are far from those of the same slot before."""
    weekly: dict[int, _Past] = {}
    daily: dict[int, _Past] = {}
    every = _Past()
    found: dict[int, Unusual] = {}
    for start, rows in counts.items():
        slot = slot_of(start, is_day, zone)
        week, day = weekly.setdefault(slot, _Past()), daily.setdefault(slot % 24 if not is_day else 0, _Past())
        if len(week.counts) >= 2:
            past, factor = week.counts[-WEEKS:], 1.0
        elif len(day.counts) >= (LASTS if is_day else 2):
            past, factor = day.counts[-DAYS:], 1.0
        else:
            past, factor = every.counts[-24:], YOUNG
        one = _judged(start, rows, past, factor, low) if len(past) >= (2 if factor == 1.0 else LASTS) else None
        if one is not None:
            found[start] = one
        for kept in (week, day, every):
            kept.add(rows, is_unusual=one is not None)
    return found


def _judged(start: int, rows: int, past: Sequence[int], factor: float, low: float) -> Unusual | None:
    most, least = max(past), min(past)
    if not most:  # traffic that begins is not unusual traffic
        return None
    is_high = rows > most * HIGH * factor and _chance(rows, most) < NEVER
    is_low = rows < least * low / factor and _chance(rows, least) < NEVER
    return Unusual(start, rows, float(median(past))) if is_high or is_low else None


def _chance(rows: int, mean: int) -> float:
    """Logarithm of a bound on how often a Poisson count of this mean lies as far off (Chernoff)."""
    return rows - mean - (rows * math.log(rows / mean) if rows else 0.0)


def hourly(log: WindowedLog) -> dict[int, int]:
    """Rows per hour of the zone, the empty ones included but for those of long gaps."""
    found: dict[int, int] = {}
    before = 0
    for quarter in sorted(log.quarters):
        start = start_of(quarter * QUARTER, False, log.zone)
        if found and before + HOUR < start <= before + LONG:
            found |= dict.fromkeys(range(before + HOUR, start, HOUR), 0)
        found[start] = found.get(start, 0) + log.quarters[quarter]
        before = start
    return found


def findings(log: WindowedLog, windows: Sequence[int]) -> dict[int, list[Finding]]:
    """By the start of their window; `windows` are all that have ended, the empty ones among them, in order."""
    hours = hourly(log)
    ended = max((log.end(start) for start in windows), default=0)
    found: dict[int, list[Finding]] = {}
    if log.is_day:
        totals = dict.fromkeys(windows, 0)
        for cell, rows in log.rows.items():
            if cell.window in totals:
                totals[cell.window] += rows
        odd = unusual(totals, is_day=True, zone=log.zone)
    else:
        odd = unusual({hour: rows for hour, rows in hours.items() if hour < ended}, is_day=False, zone=log.zone)
    for start, one in odd.items():
        found.setdefault(start, []).append(_said(one))
    if log.is_day:
        gone = unusual(
            {hour: rows for hour, rows in hours.items() if hour < ended}, is_day=False, zone=log.zone, low=GONE
        )
        empty = {start for start, one in odd.items() if one.is_low}
    else:
        gone, empty = odd, set()
    for hour, one in gone.items():
        window = start_of(hour, log.is_day, log.zone)
        if not one.is_low or window in empty:
            continue
        said = f"{one.rows:,} rows in the hour, about {one.expected:,.0f} expected"
        later = _late(one, gone, hours)
        if later is not None:
            into = start_of(later.start, log.is_day, log.zone)
            said = f"{said}; {later.rows:,} in a later hour"
            found.setdefault(into, []).append(Finding("late", "", said, float(one.rows), one.expected))
        elif log.is_day:
            found.setdefault(window, []).append(Finding("missing_hour", "", said, float(one.rows), one.expected))
    return found


def _late(one: Unusual, odd: Mapping[int, Unusual], hours: Mapping[int, int]) -> Unusual | None:
    """The hour soon after that has the rows which this one lacks."""
    lacking = one.expected - one.rows
    for step in range(1, LATE + 1):
        at = one.start + step * HOUR
        usual = odd[at].expected if at in odd else hours.get(at - 24 * HOUR, 0)
        if usual and hours.get(at, 0) - usual > 0.6 * lacking:
            return Unusual(at, hours[at], float(usual))
    return None


def _said(one: Unusual) -> Finding:
    if not one.rows:
        return Finding("missing_window", "", f"no rows, about {one.expected:,.0f} expected", 0.0, one.expected)
    said = f"{one.rows:,} rows, {one.rows / max(one.expected, 1.0):.2g} times what is usual (about {one.expected:,.0f})"
    return Finding("volume", "", said, float(one.rows), one.expected)
