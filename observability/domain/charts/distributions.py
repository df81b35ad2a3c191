"""Two distributions of one feature on each other: the baseline as an outline, the current side as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from observability.domain.charts.panels import Shape, Word
from observability.domain.charts.paths import bars, steps
from observability.domain.charts.scales import WIDTH, Linear, Tick, decades, number, round_values, top
from observability.domain.compare.align import Numbers, align_numbers
from observability.domain.compare.measures import few_quantiles
from observability.domain.compare.rebin import between
from observability.domain.loops.numeric import Floats
from observability.domain.profile.states import NumericState
from observability.domain.specs.spec import FeatureSpec

BINS: Final = 48
FEW: Final = 40  # so many exact values stand beside each other, each with its name
HEIGHT: Final = 220.0
BELOW: Final = 64.0
EDGES: Final = (0.001, 0.5, 0.999)
SPREAD: Final = 30.0  # a positive range of more than this factor is drawn by its logarithm


class Drawn(StrEnum):
    """How the horizontal axis goes, or that shares are added up."""

    LINEAR = "linear"
    LOG = "log"
    CUMULATIVE = "cumulative"


@dataclass(frozen=True)
class Bin:
    """One bar. Counts are rounded where a bucket was cut; `low` and `high` in the feature's unit."""

    label: str
    low: float
    high: float
    ref: float
    cur: float
    ref_share: float
    cur_share: float

    @property
    def move(self) -> float:
        return self.cur_share - self.ref_share


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """`difference` is drawn below in a box of its own, in percentage points; None where shares are added up."""

    drawn: Drawn
    can_log: bool
    shapes: Sequence[Shape]
    difference: Sequence[Shape] | None
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    words: Sequence[Word]
    lines: Sequence[tuple[float, str]]
    bins: Sequence[Bin]
    most_moved: str
    specials: Sequence[tuple[str, float, float]]
    medians: tuple[float, float] | None
    height: float = HEIGHT
    below: float = BELOW


@dataclass(frozen=True)
class _Axis:
    """Slots of the drawing: where each begins and ends, and what it stands for."""

    at: Floats
    edges: Floats
    labels: tuple[str, ...]
    ticks: tuple[Tick, ...]


def overlay(ref: NumericState, cur: NumericState, spec: FeatureSpec, drawn: Drawn | None = None) -> Overlay | None:
    """None when neither side has a finite value. Without `drawn` the axis is chosen by the reference."""
    pair = align_numbers(ref, cur, spec)
    if not pair.ref_rows and not pair.cur_rows:
        return None
    first = _quantiles(pair, 0 if pair.ref_rows else 1)
    second = _quantiles(pair, 1 if pair.cur_rows else 0)
    low, high = min(first[0], second[0]), max(first[2], second[2])
    is_exact = pair.is_exact and len(pair.low) <= FEW
    can_log = low > 0 and not is_exact
    if drawn is None or (drawn is Drawn.LOG and not can_log):
        drawn = Drawn.LOG if can_log and high / low > SPREAD else Drawn.LINEAR
    is_log = drawn is Drawn.LOG or (drawn is Drawn.CUMULATIVE and can_log and high / low > SPREAD)
    axis = _values(pair) if is_exact else _range(low, high, is_log=is_log, origin=pair.origin)
    bins = _bins(pair, axis, is_exact=is_exact)
    medians = (first[1] + pair.origin, second[1] + pair.origin) if pair.ref_rows and pair.cur_rows else None
    return _draw(pair, axis, bins, drawn, medians, can_log=can_log, is_log=is_log)


def _quantiles(pair: Numbers, side: int) -> list[float]:
    return few_quantiles(pair.low, pair.high, pair.counts[side], pair.below[side], EDGES)


def _values(pair: Numbers) -> _Axis:
    """Each value in a slot of its own, evenly, whatever lies between them."""
    at = np.linspace(0.0, WIDTH, len(pair.low) + 1)
    labels = tuple(f"{value + pair.origin:.6g}" for value in pair.low.tolist())
    step = max(1, math.ceil(len(labels) / 14))
    middles = (at[:-1] + at[1:]) / 20
    ticks = tuple(Tick(round(float(middles[place]), 2), labels[place]) for place in range(0, len(labels), step))
    return _Axis(at, np.append(pair.low, np.inf), labels, ticks)


def _range(low: float, high: float, *, is_log: bool, origin: int) -> _Axis:
    if not math.isfinite(high - low):
        low, high = max(low, -1e300), min(high, 1e300)
    if high <= low:
        low, high = low - abs(low) * 0.01 - 0.5, high + abs(high) * 0.01 + 0.5
        is_log = is_log and low > 0
    at = np.linspace(0.0, WIDTH, BINS + 1)
    edges = np.geomspace(low, high, BINS + 1) if is_log else np.linspace(low, high, BINS + 1)
    values = decades(low, high) if is_log else round_values(low + origin, high + origin, 6)
    ticks = []
    for value in values:
        part = math.log(value / low) / math.log(high / low) if is_log else (value - origin - low) / (high - low)
        if -0.001 <= part <= 1.001:
            ticks.append(Tick(round(part * 100, 2), number(value)))
    labels = [
        f"{a + origin:.5g} to {b + origin:.5g}" for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    labels[0], labels[-1] = f"up to {edges[1] + origin:.5g}", f"{edges[-2] + origin:.5g} and more"
    return _Axis(at, edges, tuple(labels), tuple(ticks))


def _bins(pair: Numbers, axis: _Axis, *, is_exact: bool) -> list[Bin]:
    """What lies beyond the drawn range is in the first and the last bar, so that all rows are there."""
    if is_exact:
        sides = [pair.ref.astype(float), pair.cur.astype(float)]
    else:
        edged = between(pair, axis.edges)
        sides = [edged.ref.copy(), edged.cur.copy()]
        middle = (pair.low + pair.high) / 2
        for side, counts in zip(sides, (pair.ref, pair.cur), strict=True):
            missing = float(counts.sum()) - float(side.sum())
            above = min(float(counts[middle > axis.edges[-1]].sum()), max(missing, 0.0))
            side[-1] += above
            side[0] += max(missing - above, 0.0)
    n, m = max(pair.ref_rows, 1), max(pair.cur_rows, 1)
    highs = axis.edges[1:].tolist()
    return [
        Bin(label, low + pair.origin, high + pair.origin, a, b, a / n, b / m)
        for label, low, high, a, b in zip(
            axis.labels, axis.edges[:-1].tolist(), highs, sides[0].tolist(), sides[1].tolist(), strict=True
        )
    ]


def _draw(
    pair: Numbers,
    axis: _Axis,
    bins: list[Bin],
    drawn: Drawn,
    medians: tuple[float, float] | None,
    *,
    can_log: bool,
    is_log: bool,
) -> Overlay:
    slots = list(zip(axis.at[:-1].tolist(), axis.at[1:].tolist(), strict=True))
    ref, cur = [one.ref_share for one in bins], [one.cur_share for one in bins]
    if drawn is Drawn.CUMULATIVE:
        ref, cur = np.cumsum(ref).tolist(), np.cumsum(cur).tolist()
    scale = Linear(0.0, 1.0 if drawn is Drawn.CUMULATIVE else top([*ref, *cur], 1e-6), HEIGHT)
    shapes = [
        Shape("cur", bars([(a, b, value) for (a, b), value in zip(slots, cur, strict=True)], float, scale.y, HEIGHT)),
        Shape("base", steps([(a, b, value) for (a, b), value in zip(slots, ref, strict=True)], float, scale.y, HEIGHT)),
    ]
    largest = max(bins, key=lambda one: abs(one.move))
    return Overlay(
        drawn=drawn,
        can_log=can_log,
        shapes=shapes,
        difference=None if drawn is Drawn.CUMULATIVE else _difference(slots, bins),
        x_ticks=axis.ticks,
        y_ticks=scale.ticks(4, is_share=True),
        words=(),
        lines=_lines(axis, medians, is_log=is_log, origin=pair.origin) if len(axis.edges) == BINS + 1 else (),
        bins=bins,
        most_moved=largest.label,
        specials=[
            (one.name, one.ref / max(_rows(pair, 0), 1), one.cur / max(_rows(pair, 1), 1)) for one in pair.specials
        ],
        medians=medians,
    )


def _rows(pair: Numbers, side: int) -> int:
    """All rows of a side, those without a finite value too."""
    return (pair.cur_rows if side else pair.ref_rows) + sum(one.cur if side else one.ref for one in pair.specials)


def _lines(axis: _Axis, medians: tuple[float, float] | None, *, is_log: bool, origin: int) -> list[tuple[float, str]]:
    """Where the two medians stand, in percent."""
    if medians is None:
        return []
    low, high = float(axis.edges[0]), float(axis.edges[-1])
    found = []
    for value, css in zip(medians, ("base", "now"), strict=True):
        here = min(max(value - origin, low), high)
        part = math.log(here / low) / math.log(high / low) if is_log else (here - low) / (high - low)
        found.append((round(part * 100, 2), css))
    return found


def _difference(slots: list[tuple[float, float]], bins: list[Bin]) -> list[Shape]:
    """Where rows went up, where they went down, around a middle line."""
    largest = max((abs(one.move) for one in bins), default=0.0) or 1.0
    half = BELOW / 2
    up = Linear(0.0, largest, half, 2.0)
    down = [(a, b, -one.move) for (a, b), one in zip(slots, bins, strict=True) if one.move < 0]
    gain = bars([(a, b, one.move) for (a, b), one in zip(slots, bins, strict=True) if one.move > 0], float, up.y, half)
    lost = bars(down, float, lambda value: BELOW - up.y(value), half)
    return [Shape("gain", gain), Shape("lost", lost)]
