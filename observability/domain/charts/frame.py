"""What all panels of a box share: the times, what is shaded and why, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from observability.domain.charts.scales import Times


@dataclass(frozen=True)
class Shade:
    """Hours about which nothing is drawn: `kind` is `gap`, `asleep`, `other` (a spec that does not compare), `base`."""

    x: float
    width: float
    kind: str
    words: str = ""

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)

    @property
    def is_hatched(self) -> bool:
        return self.kind != "base"

    @property
    def has_room(self) -> bool:
        """Whether the words fit at the usual width: about 0.9 % a letter."""
        return self.width >= 0.9 * len(self.words)


@dataclass(frozen=True)
class Mark:
    """A vertical line of a change: `strong` for what changed the model, dotted for what changed around it."""

    x: float
    is_strong: bool = False
    is_seam: bool = False


class Because(StrEnum):
    """Why a time has no line."""

    GAP = "gap"
    ASLEEP = "asleep"
    OTHER = "other"
    BASE = "base"


@dataclass(frozen=True)
class Stretch:
    start: float
    end: float
    because: Because
    words: str = ""


@dataclass(frozen=True)
class Frame:
    """What all panels of a box share: the times, what is shaded, what changed, and how far apart windows may lie."""

    times: Times
    stretches: Sequence[Stretch] = ()
    marks: Sequence[Mark] = field(default=())
    gap: float = 0.0

    def shades(self) -> list[Shade]:
        found = []
        for one in self.stretches:
            left, right = self.times.percent(one.start), self.times.percent(one.end)
            if right > left:
                found.append(Shade(left, round(right - left, 2), one.because.value, one.words))
        return found
