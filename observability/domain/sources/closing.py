"""When windows end and are closed, which of them lack objects, and whether a source delivers.

A window is an hour or a day of a zone; it is closed once `lateness` has passed since its end. Instants are whole
seconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from baristaweb.lib.looks import Look, Shown, Tone
from observability.domain.fold.borders import end_of, start_of
from observability.domain.fold.windows import Window
from observability.domain.sources.prefixes import Prefix

MOST: Final = 200_000


@dataclass(frozen=True)
class Calendar:
    """A source's windows: their length, their zone ("" is UTC), and how long late rows are waited for, in seconds."""

    window: Window
    zone: str = ""
    lateness: int = 0

    @property
    def is_day(self) -> bool:
        return self.window is Window.DAY

    def start(self, at: int) -> int:
        """Of the window that holds the instant."""
        return start_of(at, self.is_day, self.zone)

    def end(self, start: int) -> int:
        return end_of(start, self.is_day, self.zone)

    def closes(self, start: int) -> int:
        """From when on no rows are waited for."""
        return self.end(start) + self.lateness

    def is_closed(self, start: int, at: int) -> bool:
        return at >= self.closes(start)

    def between(self, start: int, end: int) -> Iterator[int]:
        """Starts of the windows that overlap [start, end), at most 200,000."""
        here = self.start(start)
        for _ in range(MOST):
            if here >= end:
                return
            yield here
            here = self.end(here)

    def newest_closed(self, at: int) -> int:
        """The start of the newest window that is closed at `at`."""
        here = self.start(at - self.lateness)
        return here if self.is_closed(here, at) else self.start(here - 1)


@dataclass(frozen=True)
class Gap:
    """A run of prefixes, or windows, without an object: [start, end) and how many."""

    start: int
    end: int
    count: int


def gaps(expected: Iterable[Prefix], found: Collection[str]) -> list[Gap]:
    """Runs of prefixes that have no object between the first and the last that have. `found` holds prefixes' URIs."""
    spans = [(one.start, one.end, one.uri in found) for one in sorted(expected) if one.end]
    return _runs(spans)


def window_gaps(calendar: Calendar, starts: Collection[int]) -> list[Gap]:
    """Runs of windows without rows between the first and the last that have some."""
    if not starts:
        return []
    every = calendar.between(min(starts), max(starts) + 1)
    return _runs([(start, calendar.end(start), start in starts) for start in every])


def _runs(spans: Sequence[tuple[int, int, bool]]) -> list[Gap]:
    present = [place for place, span in enumerate(spans) if span[2]]
    found: list[Gap] = []
    for before, after in pairwise(present):
        if after > before + 1:
            found.append(Gap(spans[before][1], spans[after][0], after - before - 1))
    return found


class Delivery(Shown):
    """Whether a source delivers."""

    UNKNOWN = "unknown"
    WAITING = "waiting"
    DELIVERING = "delivering"
    STOPPED = "stopped"
    NOT_EXPECTED = "not-expected"
    PAUSED = "paused"

    @property
    def look(self) -> Look:
        return _LOOKS[self]


_LOOKS: Final = {
    Delivery.UNKNOWN: Look("Not looked at yet", Tone.BUSY, "clock", settled=False, severity=1),
    Delivery.WAITING: Look("Waiting for the first object", Tone.BUSY, "clock", settled=False, severity=2),
    Delivery.DELIVERING: Look("Delivering", Tone.OK, "circle-check"),
    Delivery.STOPPED: Look("Stopped delivering", Tone.BAD, "alert-triangle", severity=5),
    Delivery.NOT_EXPECTED: Look("Expected no data", Tone.SLEEP, "moon"),
    Delivery.PAUSED: Look("Paused", Tone.QUIET, "player-pause", severity=1),
}


def delivery(
    calendar: Calendar,
    *,
    at: int,
    newest: int | None,
    since: int,
    is_looked_at: bool = True,
    is_paused: bool = False,
    expected_since: int | None = 0,
) -> Delivery:
    """What to say of a source at `at`.

    `newest`: the end of the latest event time, or dated prefix, that has rows; None where none ever came. `since`: when
    the source began to be read. `expected_since`: since when its deployment has replicas; None while it has none. A
    source has stopped when a whole window has ended without rows, and its lateness has passed too.
    """
    if is_paused:
        return Delivery.PAUSED
    if expected_since is None:
        return Delivery.NOT_EXPECTED
    if not is_looked_at:
        return Delivery.UNKNOWN
    if at < due_at(calendar, max(newest or since, expected_since)):
        return Delivery.WAITING if newest is None else Delivery.DELIVERING
    return Delivery.STOPPED


def due_at(calendar: Calendar, newest: int) -> int:
    """From when on silence is said: the window after the one that ends with `newest` has ended, and is closed."""
    return calendar.closes(calendar.end(calendar.start(newest - 1)))
