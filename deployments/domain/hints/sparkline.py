"""Small charts as SVG path data: use over time against what is reserved. No styles, no clock, no text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

# The scale of `use_bar`: the request is at two thirds, so that being over it is seen.
HEADROOM = Decimal("1.5")
# A step may come late by half of itself before the line is broken.
GAP_STEPS = 1.6


@dataclass(frozen=True, slots=True)
class Point:
    """`used` and `reserved` in the same unit; `reserved` 0 means unknown and draws no line."""

    at: datetime
    used: int
    reserved: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """`line`, `area` and `request` are the `d` of a path in a box of `width` x `height`; `top` is the scale's end."""

    width: int
    height: int
    top: int
    line: str
    area: str
    request: str


def shared_top(series: Sequence[Sequence[Point]]) -> int:
    """The end of the scale that charts of one kind share, so that what is small looks small."""
    points = [point for items in series for point in items]
    reserved = max((point.reserved for point in points), default=0)
    used = max((point.used for point in points), default=0)
    return max(int(reserved * HEADROOM), used, 1)


def sparkline(
    points: Sequence[Point],
    *,
    start: datetime,
    end: datetime,
    step: timedelta,
    top: int,
    width: int = 400,
    height: int = 64,
) -> Sparkline:
    """`points` in order of time, one each `step`; where some are missing the line is broken, never joined."""
    runs = _runs([point for point in points if start <= point.at <= end], step)
    span = (end - start).total_seconds() or 1.0

    def x(point: Point) -> str:
        return _text((point.at - start).total_seconds() / span * width)

    def y(value: int) -> str:
        return _text(height - min(max(value, 0), top) / top * height)

    known = _runs([point for run in runs for point in run if point.reserved], step)
    return Sparkline(
        width=width,
        height=height,
        top=top,
        line=" ".join(_line(run, x, lambda point: y(point.used)) for run in runs),
        area=" ".join(_area(run, x, lambda point: y(point.used), height) for run in runs if len(run) > 1),
        request=" ".join(_steps(run, x, lambda point: y(point.reserved)) for run in known),
    )


Scale = Callable[[Point], str]


def _runs(points: Sequence[Point], step: timedelta) -> list[list[Point]]:
    runs: list[list[Point]] = []
    for point in points:
        if runs and point.at - runs[-1][-1].at <= step * GAP_STEPS:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _line(run: Sequence[Point], x: Scale, y: Scale) -> str:
    first, *rest = run
    # A lone point is a line of almost no length, which round ends draw as a dot.
    return f"M{x(first)} {y(first)}" + ("".join(f"L{x(point)} {y(point)}" for point in rest) or "h.1")


def _area(run: Sequence[Point], x: Scale, y: Scale, height: int) -> str:
    return f"{_line(run, x, y)}V{height}H{x(run[0])}Z"


def _steps(run: Sequence[Point], x: Scale, y: Scale) -> str:
    """What is reserved holds until it changes: no slopes."""
    first, *rest = run
    return f"M{x(first)} {y(first)}" + ("".join(f"H{x(point)}V{y(point)}" for point in rest) or "h.1")


def _text(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
