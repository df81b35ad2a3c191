"""Panels of one time axis: lines, bands and bars, shaded where there is nothing, marked where something changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from observability.domain.charts.frame import Frame, Mark, Shade
from observability.domain.charts.paths import Point, band, bars, line, thinned
from observability.domain.charts.scales import Linear, Log, Tick, Times, share, top

SMALL: Final = 72.0
MAIN: Final = 132.0
FOOT: Final = 6.0  # pixels under the axis line


@dataclass(frozen=True)
class Shape:
    """A path in the stretched part of the chart; `css` names how it is drawn."""

    css: str
    d: str


@dataclass(frozen=True)
class Level:
    """A horizontal line with its words: a threshold, a limit."""

    y: float
    words: str
    css: str = "th"


@dataclass(frozen=True)
class Word:
    """Words at a place in percent and pixels."""

    x: float
    y: float
    text: str
    css: str = ""
    anchor: str = "start"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One chart of a page. `says` is what is to be seen, for those who do not see it."""

    name: str
    value: str = ""
    note: str = ""
    height: float = SMALL
    says: str = ""
    y_ticks: Sequence[Tick] = ()
    x_ticks: Sequence[Tick] = ()
    shapes: Sequence[Shape] = ()
    shades: Sequence[Shade] = ()
    levels: Sequence[Level] = ()
    words: Sequence[Word] = ()
    marks: Sequence[Mark] = ()
    over: float | None = None  # the region above the threshold ends here, in pixels from the top

    @property
    def full_height(self) -> float:
        return self.height + FOOT


def statistic_panel(
    frame: Frame,
    *,
    name: str,
    values: Sequence[Point],
    floors: Sequence[Point],
    threshold: float | None,
    value: str = "",
    note: str = "",
    says: str = "",
    height: float = MAIN,
) -> Panel:
    """A statistic with its threshold, the region above it, and what noise alone would reach."""
    known = [point.value for point in values if point.value is not None]
    scale = Linear(0.0, top([*known, 2 * (threshold or 0.0)], 1e-6), height)
    x = frame.times.x
    noise = thinned(floors)
    ground = [Point(one.start, one.end, None if one.value is None else 0.0) for one in noise]
    shapes = [Shape("noise", band(ground, noise, x, scale.y, frame.gap))]
    shapes.append(Shape("ln1", line(thinned(values), x, scale.y, frame.gap)))
    levels = [Level(scale.y(threshold), f"threshold {threshold:g}")] if threshold is not None else []
    return Panel(
        name=name,
        value=value,
        note=note,
        height=height,
        says=says,
        y_ticks=scale.ticks(),
        x_ticks=frame.times.ticks(),
        shapes=shapes,
        shades=frame.shades(),
        levels=levels,
        marks=frame.marks,
        over=levels[0].y if levels else None,
    )


QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


def quantile_panel(
    frame: Frame,
    *,
    name: str,
    series: Sequence[Sequence[Point]],
    value: str = "",
    note: str = "",
    says: str = "",
    height: float = MAIN,
) -> Panel:
    """Bands of 5 to 95 and 25 to 75 percent and the median; `series` are the five quantiles of the same windows.

    A logarithmic axis where all values are positive and spread over more than a factor of thirty.
    """
    known = [point.value for one in series for point in one if point.value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    scale: Linear | Log = Linear(low, high if high > low else low + 1.0, height)
    if low > 0 and high / low > 30:
        scale = Log(low, high, height)
    x, few = frame.times.x, [thinned_together(one, series) for one in series]
    shapes = [
        Shape("b1", band(few[0], few[4], x, scale.y, frame.gap)),
        Shape("b2", band(few[1], few[3], x, scale.y, frame.gap)),
        Shape("ln", line(few[2], x, scale.y, frame.gap)),
    ]
    ends = [(few[4], "95%"), (few[2], "median"), (few[0], "5%")]
    words = [
        Word(100.0, scale.y(last), label, "em" if label == "median" else "", "start")
        for one, label in ends
        if (last := next((point.value for point in reversed(one) if point.value is not None), None)) is not None
    ]
    return Panel(
        name=name,
        value=value,
        note=note,
        height=height,
        says=says,
        y_ticks=scale.ticks(),
        x_ticks=frame.times.ticks(),
        shapes=shapes,
        shades=frame.shades(),
        marks=frame.marks,
        words=_apart(words),
    )


def thinned_together(one: Sequence[Point], series: Sequence[Sequence[Point]]) -> list[Point]:
    """The same windows of every series, chosen by the median's extremes, so that bands stay bands."""
    if len(one) <= 400:
        return list(one)
    middle = series[len(series) // 2]
    kept = {point.start for point in thinned(middle)}
    return [point for point in one if point.start in kept]


def _apart(words: Sequence[Word], least: float = 12.0) -> list[Word]:
    """Words at the right end moved apart, in order from the top, so that none covers another."""
    found: list[Word] = []
    for word in sorted(words, key=lambda one: one.y):
        y = max(word.y, found[-1].y + least) if found else word.y
        found.append(Word(word.x, round(y, 1), word.text, word.css, word.anchor))
    return found


def share_panel(
    frame: Frame,
    *,
    name: str,
    values: Sequence[tuple[str, Sequence[Point]]],
    note: str = "",
    says: str = "",
    height: float = MAIN,
) -> Panel:
    """Shares of values over time, stacked; at most nine, the rest is for the caller to add up."""
    scale, x = Linear(0.0, 1.0, height), frame.times.x
    shapes, words = [], []
    few = [(label, thinned_together(points, [points for _, points in values])) for label, points in values]
    below = (
        [Point(point.start, point.end, 0.0 if point.value is not None else None) for point in few[0][1]] if few else []
    )
    for place, (label, points) in enumerate(few):
        above = [
            Point(b.start, b.end, None if b.value is None or p.value is None else b.value + p.value)
            for b, p in zip(below, points, strict=True)
        ]
        css = "unseen" if label == "new values" else f"c{place % 8}"
        shapes.append(Shape(css, band(below, above, x, scale.y, frame.gap)))
        ends = [
            (low.value or 0.0, high.value) for low, high in zip(below, above, strict=True) if high.value is not None
        ]
        if ends and ends[-1][1] - ends[-1][0] > 0.04:
            words.append(Word(100.0, scale.y(sum(ends[-1]) / 2), label[:18]))
        below = above
    return Panel(
        name=name,
        note=note,
        height=height,
        says=says,
        y_ticks=scale.ticks(2, is_share=True),
        x_ticks=frame.times.ticks(),
        shapes=shapes,
        shades=frame.shades(),
        marks=frame.marks,
        words=_apart(words),
    )


def volume_panel(
    frame: Frame,
    *,
    name: str,
    versions: Sequence[tuple[str, Sequence[Point]]],
    value: str = "",
    note: str = "",
    says: str = "",
    height: float = SMALL,
) -> Panel:
    """Rows as bars, versions on top of each other; the newest is the accent, older ones fade."""
    totals: dict[float, float] = {}
    for _, points in versions:
        for point in points:
            totals[point.start] = totals.get(point.start, 0.0) + (point.value or 0.0)
    scale, x = Linear(0.0, top(list(totals.values()), 1.0), height), frame.times.x
    below: dict[float, float] = {}
    shapes = []
    for place, (_, points) in enumerate(versions):
        parts = []
        for low, high, value_ in grouped(points, frame.times):
            base = below.get(low, 0.0)
            below[low] = base + value_
            parts.append(bars([(low, high, base + value_)], x, scale.y, scale.y(base)))
        age = len(versions) - 1 - place
        shapes.append(Shape(f"f{min(age, 2)}" if len(versions) > 1 else "bar", "".join(parts)))
    return Panel(
        name=name,
        value=value,
        note=note,
        height=height,
        says=says,
        y_ticks=scale.ticks(2),
        x_ticks=frame.times.ticks(),
        shapes=shapes,
        shades=frame.shades(),
        marks=frame.marks,
    )


MOST_BARS: Final = 240


def grouped(points: Sequence[Point], times: Times) -> list[tuple[float, float, float]]:
    """Bars wide enough to be seen: of neighbours the largest, where there are more windows than pixels to show them."""
    known = [(point.start, point.end, point.value or 0.0) for point in points]
    if len(known) <= MOST_BARS:
        return known
    slot = (times.end - times.start) / MOST_BARS
    found: dict[int, tuple[float, float, float]] = {}
    for start, _end, value in known:
        place = int((start - times.start) // slot)
        held = found.get(place)
        low = times.start + place * slot
        found[place] = (low, low + slot, max(value, held[2] if held else 0.0))
    return [found[place] for place in sorted(found)]


def rate_panel(
    frame: Frame,
    *,
    name: str,
    values: Sequence[Point],
    limit: float | None = None,
    value: str = "",
    note: str = "",
    says: str = "",
    height: float = 48.0,
) -> Panel:
    """A share over time as bars, like the rows without a value."""
    known = [point.value for point in values if point.value is not None]
    scale, x = Linear(0.0, min(top(known, 0.01), 1.0), height), frame.times.x
    shown = [point for point in values if point.value is not None]
    shapes = [Shape("bar", bars(grouped(shown, frame.times), x, scale.y, height))]
    levels = [Level(scale.y(limit), f"limit {share(limit)}")] if limit is not None and limit <= scale.high else []
    return Panel(
        name=name,
        value=value,
        note=note,
        height=height,
        says=says,
        y_ticks=scale.ticks(2, is_share=True),
        x_ticks=frame.times.ticks(),
        shapes=shapes,
        shades=frame.shades(),
        levels=levels,
        marks=frame.marks,
    )


def lines_panel(
    frame: Frame,
    *,
    name: str,
    series: Sequence[tuple[str, Sequence[Point]]],
    value: str = "",
    note: str = "",
    says: str = "",
    height: float = SMALL,
    is_share: bool = False,
) -> Panel:
    """Up to three lines with their names at their ends: the newest solid, the one before dashed, older ones dotted."""
    known = [point.value for _, points in series for point in points if point.value is not None]
    scale = Linear(0.0 if is_share else min(known, default=0.0), top(known, 1e-6), height)
    shapes, words = [], []
    for place, (label, points) in enumerate(series):
        age = min(len(series) - 1 - place, 2)
        shapes.append(Shape(f"v{age}", line(thinned(points), frame.times.x, scale.y, frame.gap)))
        last = next((point.value for point in reversed(points) if point.value is not None), None)
        if last is not None and label:
            words.append(Word(100.0, scale.y(last), label[:18], f"t{age}"))
    return Panel(
        name=name,
        value=value,
        note=note,
        height=height,
        says=says,
        y_ticks=scale.ticks(2, is_share=is_share),
        x_ticks=frame.times.ticks(),
        shapes=shapes,
        shades=frame.shades(),
        marks=frame.marks,
        words=_apart(words),
    )
