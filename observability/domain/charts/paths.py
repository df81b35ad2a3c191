"""Paths of SVG out of points; long series are thinned to what a screen can show without losing an extreme."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MOST_POINTS: Final = 400  # a panel is about 1,000 pixels wide: two points a slot


@dataclass(frozen=True)
class Point:
    """One window: from `start` to `end`; `value` None is a break, never 0."""

    start: float
    end: float
    value: float | None

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


def thinned(found: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most about `most` points: of each run of neighbours the least and the largest in their order, and one break
    where there was any."""
    if len(found) <= most:
        return list(found)
    size = math.ceil(len(found) / (most / 2))
    kept: list[Point] = []
    for first in range(0, len(found), size):
        run = found[first : first + size]
        known = [place for place, point in enumerate(run) if _finite(point.value) is not None]
        if known:
            ends = {min(known, key=lambda at: run[at].value or 0.0), max(known, key=lambda at: run[at].value or 0.0)}
            kept += [run[place] for place in sorted(ends)]
        if len(known) < len(run):
            kept.append(Point(run[-1].start, run[-1].end, None))
    return kept


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def line(found: Iterable[Point], x: Callable[[float], float], y: Callable[[float], float], gap: float = 0.0) -> str:
    """A line through the middles of windows. It breaks at values that are None, and where two windows lie further
    apart than `gap` seconds (0: never)."""
    parts: list[str] = []
    before: Point | None = None
    for point in found:
        value = _finite(point.value)
        if value is None:
            before = None
            continue
        is_new = before is None or (gap and point.start - before.end > gap)
        parts.append(f"{'M' if is_new else 'L'}{_short(x(point.middle))} {_short(y(value))}")
        before = point
    return "".join(_with_dots(parts))


def _with_dots(parts: Sequence[str]) -> Iterable[str]:
    """A point between two breaks would be invisible: it gets a line of its own length."""
    for place, part in enumerate(parts):
        yield part
        if part[0] == "M" and (place + 1 == len(parts) or parts[place + 1][0] == "M"):
            yield "h2"


def band(
    low: Sequence[Point],
    high: Sequence[Point],
    x: Callable[[float], float],
    y: Callable[[float], float],
    gap: float = 0.0,
) -> str:
    """The area between two series of the same windows, broken where either has no value."""
    found: list[str] = []
    run: list[tuple[float, float, float]] = []
    end: float | None = None
    for below, above in zip(low, high, strict=True):
        least, most = _finite(below.value), _finite(above.value)
        is_far = end is not None and gap and below.start - end > gap
        if least is None or most is None or is_far:
            found += _closed(run)
            run = []
        if least is not None and most is not None:
            run.append((x(below.middle), y(least), y(most)))
            end = below.end
    return "".join([*found, *_closed(run)])


def _closed(run: Sequence[tuple[float, float, float]]) -> list[str]:
    if not run:
        return []
    there = "L".join(f"{_short(x)} {_short(above)}" for x, _, above in run)
    back = "L".join(f"{_short(x)} {_short(below)}" for x, below, _ in reversed(run))
    return [f"M{there}L{back}Z"] if len(run) > 1 else [f"M{there}h2L{back}Z"]


def bars(
    found: Iterable[tuple[float, float, float]],
    x: Callable[[float], float],
    y: Callable[[float], float],
    base: float,
    space: float = 0.6,
) -> str:
    """Rectangles from `base` pixels up: (from, to, value)."""
    parts = []
    for low, high, value in found:
        left, right, above = x(low), x(high), y(value)
        if value and right > left:
            width = max(right - left - space, 0.4)
            parts.append(f"M{_short(left)} {_short(base)}V{_short(above)}h{_short(width)}V{_short(base)}Z")
    return "".join(parts)


def steps(
    found: Sequence[tuple[float, float, float]], x: Callable[[float], float], y: Callable[[float], float], base: float
) -> str:
    """The outline of bars: (from, to, value), next to each other."""
    if not found:
        return ""
    parts = [f"M{_short(x(found[0][0]))} {_short(base)}"]
    parts += [f"V{_short(y(value))}H{_short(x(high))}" for _, high, value in found]
    return "".join([*parts, f"V{_short(base)}"])


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
