"""Charts of money as numbers for SVG: stacked bars over time, lines that add up. No text beyond what is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

ZERO: Final = Decimal(0)
PARTS: Final = ("gpu", "cpu", "memory")  # from the ground up
_STEPS: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
LINES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One span of time: what each part came to, in the order of PARTS; `label` is under it, `title` says all of it."""

    label: str
    title: str
    values: tuple[Decimal, ...]
    is_unknown: bool = False
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened within the bar of this number, at this share of its width."""

    bar: int
    share: float
    text: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    css: str
    x: str
    y: str
    width: str
    height: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    x: str
    y: str
    text: str
    anchor: str = "middle"
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacked:
    """A chart in a box of `width` x `height`; `ticks` are grid lines with their value, `lines` the marks."""

    width: int
    height: int
    left: str
    right: str
    top: str
    ground: str
    rects: tuple[Rect, ...]
    unknown: tuple[Rect, ...]
    ticks: tuple[Word, ...]
    labels: tuple[Word, ...]
    marks: tuple[Word, ...]


def ceiling(highest: Decimal) -> tuple[Decimal, Decimal]:
    """The end of a scale and its step: round numbers, at most LINES of them."""
    if highest <= 0:
        return Decimal(1), Decimal(1)
    size = Decimal(10) ** (highest / LINES).adjusted()
    step = next(factor * size for factor in _STEPS if factor * size * LINES >= highest)
    return (highest / step).to_integral_value(ROUND_CEILING) * step, step


def stacked(
    bars: Sequence[Bar], marks: Sequence[Mark] = (), *, width: int = 1000, height: int = 260, every: int = 1
) -> Stacked:
    """`every` which bar has its label written. A bar that is wholly unknown is a hatched stub, not a gap."""
    left, right, top, ground = 56.0, width - 12.0, 34.0, height - 30.0
    highest = max((sum(bar.values, ZERO) for bar in bars), default=ZERO)
    end, step = ceiling(highest)
    slot = (right - left) / max(1, len(bars))
    thick = min(slot * 0.8, 48.0)

    def y_of(value: Decimal) -> float:
        return ground - float(value / end) * (ground - top)

    rects, unknown, labels = [], [], []
    for number, bar in enumerate(bars):
        x, base = left + slot * (number + 0.5) - thick / 2, ZERO
        for name, value in zip(PARTS, bar.values, strict=True):
            if value > 0:
                low, high = y_of(base), y_of(base + value)
                css = f"r-{name} part" if bar.is_partial else f"r-{name}"
                rects.append(_rect(css, x, high, thick, max(low - high - 0.5, 0.4), bar.title))
                base += value
        if bar.is_unknown:
            unknown.append(_rect("r-unknown", x, y_of(base) - 6, thick, 6, bar.title))
        if number % every == 0:
            labels.append(Word(x=_text(left + slot * (number + 0.5)), y=_text(ground + 18), text=bar.label))
    count = int(end / step)
    ticks = [
        Word(x=_text(left - 8), y=_text(y_of(step * number)), text=f"{(step * number).normalize():f}", anchor="end")
        for number in range(count + 1)
    ]
    return Stacked(
        width=width,
        height=height,
        left=_text(left),
        right=_text(right),
        top=_text(top),
        ground=_text(ground),
        rects=tuple(rects),
        unknown=tuple(unknown),
        ticks=tuple(ticks),
        labels=tuple(labels),
        marks=_placed(marks, left, slot, right),
    )


def _placed(marks: Sequence[Mark], left: float, slot: float, right: float) -> tuple[Word, ...]:
    """Marks from left to right; the words of one that would lie on another's are left to its title and the table."""
    found: list[Word] = []
    free_from = 0.0
    for mark in sorted(marks, key=lambda item: (item.bar, item.share)):
        x = left + slot * (mark.bar + mark.share)
        text = mark.text if x >= free_from else ""
        if text:
            free_from = x + 7.0 * len(text)
        anchor = "end" if x + 7.0 * len(text) > right else "start"
        found.append(Word(x=_text(x), y="14", text=text, anchor=anchor, title=mark.title))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """A month adding up: `line` and `area` of this one, `before` of the last, `ahead` to the forecast at its end."""

    width: int
    height: int
    left: str
    right: str
    ground: str
    line: str
    area: str
    before: str
    ahead: str
    at: Word
    ticks: tuple[Word, ...]
    labels: tuple[Word, ...]


def climb(
    days: Sequence[Decimal],
    before: Sequence[Decimal],
    forecast: Decimal | None,
    *,
    length: int,
    width: int = 1000,
    height: int = 260,
) -> Climb:
    """What each day of this month and the last came to; `length`: days of this month."""
    left, right, top, ground = 64.0, width - 12.0, 14.0, height - 30.0
    sums, old = _running(days), _running(before)
    end, step = ceiling(max((*sums, *old, forecast or ZERO), default=ZERO))
    most = max(length, len(before), 1)

    def point(day: int, value: Decimal) -> str:
        return f"{_text(left + (right - left) * day / most)} {_text(ground - float(value / end) * (ground - top))}"

    line = "M" + "L".join(point(day, value) for day, value in enumerate(sums))
    last = point(len(sums) - 1, sums[-1])
    x = last.split(" ")[0]
    return Climb(
        width=width,
        height=height,
        left=_text(left),
        right=_text(right),
        ground=_text(ground),
        line=line,
        area=f"{line}V{_text(ground)}H{_text(left)}Z",
        before="M" + "L".join(point(day, value) for day, value in enumerate(old)) if len(old) > 1 else "",
        ahead=f"M{last}L{point(length, forecast)}" if forecast is not None else "",
        at=Word(x=x, y=last.split(" ")[1], text=""),
        ticks=tuple(
            Word(
                x=_text(left - 8),
                y=_text(ground - float(step * number / end) * (ground - top)),
                text=f"{step * number:,.0f}" if step >= 1 else f"{(step * number).normalize():f}",
                anchor="end",
            )
            for number in range(int(end / step) + 1)
        ),
        labels=tuple(
            Word(x=point(day - 1, ZERO).split(" ")[0], y=_text(ground + 18), text=str(day))
            for day in range(1, length + 1, 7)
        ),
    )


def _running(values: Sequence[Decimal]) -> list[Decimal]:
    sums = [ZERO]
    for value in values:
        sums.append(sums[-1] + value)
    return sums


def spark(values: Sequence[Decimal | None], *, width: int = 72, height: int = 20) -> str:
    """A line as the `d` of a path on its own scale from 0; broken where a value is unknown, "" with fewer than two."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    end = max(*known, Decimal("0.000001"))
    found, is_down = [], False
    for number, value in enumerate(values):
        if value is None:
            is_down = False
            continue
        x = _text(number * width / (len(values) - 1))
        y = _text(1 + (height - 2) * (1 - float(max(value, ZERO) / end)))
        found.append(f"{'L' if is_down else 'M'}{x} {y}")
        is_down = True
    return "".join(found)


def _rect(css: str, x: float, y: float, width: float, height: float, title: str) -> Rect:
    return Rect(css=css, x=_text(x), y=_text(y), width=_text(width), height=_text(height), title=title)


def _text(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
