"""The rail of changes above the panels of a box: pills that never cover each other, each with a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from observability.domain.charts.frame import Mark
from observability.domain.charts.scales import Times

LETTER: Final = 0.72  # percent of the width that a letter of a pill takes at the usual width
PAD: Final = 1.4


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that happened: `label` stands in the pill, `title` says what, who and when."""

    at: float
    label: str
    title: str
    url: str = ""
    is_strong: bool = False
    is_outside: bool = False


@dataclass(frozen=True)
class Pill:
    """A change, or several that lie too close together: then `label` is their number."""

    x: float
    label: str
    title: str
    url: str
    is_strong: bool
    is_outside: bool
    count: int = 1

    @property
    def width(self) -> int:
        """In pixels."""
        return 14 + 7 * len(self.label)

    @property
    def left(self) -> int:
        return -self.width // 2


def rail(changes: Sequence[Change], times: Times, *, many_url: str = "") -> tuple[list[Pill], list[Mark]]:
    """Pills and the lines below them. Changes whose pills would overlap become one that counts them."""
    inside = sorted((one for one in changes if times.start <= one.at <= times.end), key=lambda one: one.at)
    marks = [Mark(times.percent(one.at), one.is_strong) for one in inside]
    pills: list[Pill] = []
    for one in inside:
        x = times.percent(one.at)
        if pills and x - _half(one.label) < pills[-1].x + _half(pills[-1].label):
            pills[-1] = _joined(pills[-1], one, x, many_url)
        else:
            pills.append(Pill(x, one.label, one.title, one.url, one.is_strong, one.is_outside))
    return pills, _thinned(marks)


def _half(label: str) -> float:
    return (PAD + LETTER * len(label)) / 2


def _joined(pill: Pill, one: Change, x: float, url: str) -> Pill:
    count = pill.count + 1
    title = f"{pill.title}; {one.title}" if count <= 6 else pill.title
    middle = round((pill.x * pill.count + x) / count, 2)
    is_strong = pill.is_strong or one.is_strong
    return Pill(middle, f"{count} changes", title, url or one.url, is_strong, pill.is_outside and one.is_outside, count)


def _thinned(marks: Sequence[Mark], least: float = 0.15) -> list[Mark]:
    """Lines that would lie on each other are one; a strong one stays."""
    found: list[Mark] = []
    for mark in marks:
        if found and mark.x - found[-1].x < least:
            found[-1] = Mark(found[-1].x, found[-1].is_strong or mark.is_strong)
        else:
            found.append(mark)
    return found
