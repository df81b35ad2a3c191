"""The parts that a time specification of a downscaler is made of, shared by both dialects and by the import."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Dialect(StrEnum):
    """The program that a specification is written for."""

    PY = "py"
    GO = "go"

    @property
    def label(self) -> str:
        return {"py": "py-kube-downscaler", "go": "GoKubeDownscaler"}[self.value]


class SpecError(ValueError):
    """The downscaler would refuse the specification, or fail on it, instead of answering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the program got at its start; None: not set. An empty text is set, and means something in each dialect."""

    zone: str | None = None
    weekframe: str | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """always or never."""

    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """Weekdays (Monday = 0) inclusive, minutes of the day with the end exclusive.

    None: left to the defaults. `wraps`: a start after the end means both ends of one calendar day (Go), else never.
    """

    days: tuple[int, int] | None
    minutes: tuple[int, int]
    zone: str | None
    wraps: bool

    def covers(self, weekday: int, minute: int, days: tuple[int, int]) -> bool:
        return minute_in(self.minutes, minute, wraps=self.wraps) and day_in(days, weekday)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absolute:
    """Nanoseconds since 1970; None: open. Python counts the end in, Go does not."""

    start: int | None
    end: int | None
    end_included: bool

    def covers(self, at: int) -> bool:
        if self.start is not None and at < self.start:
            return False
        return self.end is None or at < self.end or (self.end_included and at == self.end)


Item = Constant | Recurring | Absolute


def day_in(days: tuple[int, int], weekday: int) -> bool:
    """Inclusive, over the weekend when the first is after the last."""
    first, last = days
    return first <= weekday <= last if first <= last else weekday >= first or weekday <= last


def minute_in(minutes: tuple[int, int], minute: int, *, wraps: bool) -> bool:
    start, end = minutes
    if start > end and wraps:
        return minute >= start or minute < end
    return start <= minute < end
