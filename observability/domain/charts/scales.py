"""Scales and ticks. Every chart is 1,000 units wide, whatever the screen; heights are in pixels, 0 at the top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WIDTH: Final = 1_000.0
DAY: Final = 86_400
STEPS_H: Final = (1, 3, 6, 12)
STEPS_D: Final = (1, 2, 7, 14, 28, 91, 182, 364)
MOST_TICKS: Final = 8


@dataclass(frozen=True)
class Tick:
    """`at` is in percent of the width of a horizontal axis, in pixels from the top of a vertical one."""

    at: float
    label: str


@dataclass(frozen=True)
class Linear:
    """Values from `low` to `high` over `height` pixels; `high` lies `pad` pixels below the top."""

    low: float
    high: float
    height: float
    pad: float = 6.0

    def y(self, value: float) -> float:
        span = self.high - self.low
        share = (min(max(value, self.low), self.high) - self.low) / span if span > 0 and math.isfinite(span) else 0.5
        return round(self.height - share * (self.height - self.pad), 1)

    def ticks(self, wanted: int = 3, *, is_share: bool = False) -> list[Tick]:
        values = round_values(self.low, self.high, wanted)
        return [Tick(self.y(value), share(value) if is_share else number(value)) for value in values]


@dataclass(frozen=True)
class Log:
    """Positive values by their logarithm."""

    low: float
    high: float
    height: float
    pad: float = 6.0

    def y(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        span = math.log(self.high) - math.log(self.low)
        part = (math.log(value) - math.log(self.low)) / span if span > 0 else 0.5
        return round(self.height - part * (self.height - self.pad), 1)

    def ticks(self, *, is_share: bool = False) -> list[Tick]:
        values = decades(self.low, self.high)
        return [Tick(self.y(value), share(value) if is_share else number(value)) for value in values]


def round_values(low: float, high: float, wanted: int) -> list[float]:
    """About so many multiples of 1, 2 or 5 times a power of ten, from `low` to `high`."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    step = 10.0 ** math.floor(math.log10(span / max(wanted, 1)))
    for factor in (1.0, 2.0, 5.0, 10.0):
        if span / (step * factor) <= wanted + 0.5:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, min(last, first + 50) + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten in the range, thinned out; with 3 between where there are few of them."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = max(1, math.ceil((last - first) / 4))
    found = [10.0**power for power in range(first, last + 1, step)]
    if len(found) < 3:
        thirds = [3 * 10.0**power for power in range(first - 1, last + 1)]
        found = sorted([*found, *(value for value in thirds if low <= value <= high)])
    return found or [low, high]


@dataclass(frozen=True)
class Times:
    """From `start` to `end`, seconds since 1970, over the width; days and hours are those of the zone."""

    start: int
    end: int
    zone: str = "UTC"

    def x(self, at: float) -> float:
        span = self.end - self.start
        return round((min(max(at, self.start), self.end) - self.start) / span * WIDTH, 1) if span > 0 else 0.0

    def percent(self, at: float) -> float:
        return round(self.x(at) / WIDTH * 100, 2)

    def ticks(self) -> list[Tick]:
        zone = ZoneInfo(self.zone or "UTC")
        span = self.end - self.start
        if span < 2 * DAY:
            hours = next((step for step in STEPS_H if span / 3_600 / step <= MOST_TICKS), 24)
            return [Tick(self.percent(at), label) for at, label in self._steps(zone, timedelta(hours=hours), "%H:%M")]
        days = next((step for step in STEPS_D if span / DAY / step <= MOST_TICKS), STEPS_D[-1])
        words = "%a %d" if days < 7 else "%d %b" if days < 91 else "%b %Y"
        return [Tick(self.percent(at), label) for at, label in self._steps(zone, timedelta(days=days), words)]

    def _steps(self, zone: ZoneInfo, step: timedelta, words: str) -> list[tuple[float, str]]:
        """Wall-clock steps, so that a day is a day where clocks change."""
        at = datetime.fromtimestamp(self.start, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        if step >= timedelta(days=7):
            at -= timedelta(days=at.weekday())
        found: list[tuple[float, str]] = []
        for _ in range(2_000):
            if at.timestamp() > self.end:
                break
            if at.timestamp() >= self.start:
                found.append((at.timestamp(), f"{at:{words}}"))
            at = (at.replace(tzinfo=None) + step).replace(tzinfo=zone)
        return found


def number(value: float) -> str:
    """Short: 950, 1.2k, 3.4M, 0.002."""
    size = abs(value)
    if size >= 1e15:
        return f"{value:.2g}"
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            return f"{value / (limit if letter != 'k' else 1e3):.3g}{letter}"
    return f"{value:,.0f}" if size >= 1e3 else f"{value:.3g}"


def share(value: float) -> str:
    """A share as percent with one decimal, and never 0 % for what is not nothing."""
    if 0 < abs(value) < 0.0005:
        return "<0.1%"
    text = f"{value * 100:.1f}"
    return f"{text.removesuffix('.0')}%"


def points(value: float) -> str:
    """A move of a share, in percentage points, with a true minus."""
    shown = f"{abs(value) * 100:.1f}"
    sign = "" if shown == "0.0" else "+" if value > 0 else "\u2212"
    return f"{sign}{shown} pt"


def top(values: Sequence[float], least: float = 0.0) -> float:
    """A little above the largest finite value, so that lines do not touch the edge."""
    largest = max((value for value in values if math.isfinite(value)), default=0.0)
    return max(largest * 1.08, least) or 1.0
