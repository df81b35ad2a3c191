"""Small charts of lists: a statistic against its own threshold, and days of health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from observability.domain.charts.paths import Point, line, thinned

WIDTH: Final = 112.0
HEIGHT: Final = 26.0
MOST: Final = 2.0  # thresholds: every sparkline runs from 0 to twice its own, so that noise looks flat in a list


@dataclass(frozen=True)
class Spark:
    """`line` in a box of 112 x 26; the threshold lies in its middle for all of a list."""

    line: str
    end_x: float
    end_y: float
    is_over: bool
    threshold_y: float = HEIGHT / 2


def spark(ratios: Sequence[Point], times: tuple[float, float]) -> Spark | None:
    """Of statistic / threshold per window; None without any value."""
    known = [point for point in ratios if point.value is not None]
    if not known:
        return None
    start, end = times
    span = max(end - start, 1.0)

    def x(at: float) -> float:
        return round((at - start) / span * WIDTH, 1)

    def y(value: float) -> float:
        return round(HEIGHT - 1 - min(max(value, 0.0), MOST) / MOST * (HEIGHT - 2), 1)

    last = known[-1]
    gap = 1.5 * max((point.end - point.start for point in known), default=0.0)
    few = thinned(ratios, 112)
    drawn = line(few, x, y, gap if len(few) == len(ratios) else 0.0)
    newest = last.value or 0.0
    return Spark(drawn, x(last.middle), y(newest), newest >= 1.0)


@dataclass(frozen=True)
class Bar:
    """One day of a strip: `css` names the state, its height says it without colour."""

    x: float
    y: float
    height: float
    css: str
    title: str


HEALTH: Final = {
    "ok": (3.0, "hs-o"),
    "moved": (8.0, "hs-s"),
    "drift": (14.0, "hs-b"),
    "broken": (14.0, "hs-b"),
    "few": (3.0, "hs-n"),
    "asleep": (1.5, "hs-a"),
    "none": (1.5, "hs-x"),
}


def strip(days: Sequence[tuple[str, str]], width: float = 5.0, height: float = 14.0) -> list[Bar]:
    """(state, title) a day, oldest first."""
    found = []
    for place, (state, title) in enumerate(days):
        tall, css = HEALTH.get(state, HEALTH["none"])
        found.append(Bar(place * (width + 1), height - tall, tall, css, title))
    return found
