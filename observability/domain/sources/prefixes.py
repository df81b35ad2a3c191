"""Which prefixes of a dated template are listed: those that may still grow, and those of a range of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from observability.domain.sources.placeholders import Stamp, wall
from observability.domain.sources.template import Template

CLOCKS: Final = 300  # seconds by which a writer's clock may be ahead of ours
MOST: Final = 100_000


class TooMany(ValueError):
    """A range of more prefixes than one listing asks for."""


@dataclass(frozen=True, order=True)
class Prefix:
    """One prefix to list and the time its objects are of: [start, end) in seconds; 0, 0 where it has no date."""

    start: int
    end: int
    uri: str

    def is_open(self, at: int, lateness: int) -> bool:
        """Whether new objects are still expected below it."""
        return not self.end or (self.start - CLOCKS <= at < self.end + lateness)


def open_prefixes(template: Template, *, at: int, lateness: int, zone: str) -> list[Prefix]:
    """Oldest first. An undated template has one, always open."""
    return [
        prefix
        for prefix in between(template, start=at - lateness, end=at + CLOCKS + 1, zone=zone)
        if prefix.is_open(at, lateness)
    ]


def between(template: Template, *, start: int, end: int, zone: str) -> list[Prefix]:
    """Prefixes whose time overlaps [start, end), oldest first, each once. Raises TooMany."""
    if not template.is_dated:
        return [Prefix(0, 0, template.prefix(None))]
    found: list[Prefix] = []
    for stamp in _stamps(template.step, start, end, zone):
        first, after = stamp.span(zone)
        if after > start and first < end and first < after:
            found.append(Prefix(first, after, template.prefix(stamp)))
        if len(found) > MOST:
            raise TooMany(f"More than {MOST:,} prefixes lie in this range. Choose a shorter one.")
    return found


def of_object(template: Template, uri: str, zone: str) -> tuple[int, int] | None:
    """The time that an object's name says it is of; (0, 0) where names have no date; None for another name."""
    stamp = template.stamp(uri)
    if stamp is None:
        return None
    return stamp.span(zone) if template.is_dated else (0, 0)


def _stamps(step: str, start: int, end: int, zone: str) -> Iterator[Stamp]:
    """Wall dates from the one of `start` to the one of `end`; hours that the zone skips among them."""
    day, last = wall(start, zone).date(), wall(max(end - 1, start), zone).date()
    seen: Stamp | None = None
    while day <= last:
        for stamp in _of_day(day, step):
            if stamp != seen:
                yield stamp
            seen = stamp
        if day == date.max:
            return
        day += timedelta(days=1)


def _of_day(day: date, step: str) -> Sequence[Stamp]:
    if step != "hour":
        return [Stamp(day.year, day.month, day.day if step == "day" else 0)]
    return [Stamp(day.year, day.month, day.day, hour) for hour in range(24)]
