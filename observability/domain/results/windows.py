"""Which windows of a log are compared, alone or joined, and which part of the reference they are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from observability.domain.compare.instants import Span
from observability.domain.fold.borders import HOUR, slot_of, start_of
from observability.domain.profile.profile import Cell
from observability.domain.profile.states import State, merge
from observability.domain.results.log import LONG, WindowedLog

MOST_JOINED: Final = 7
DAY: Final = 86_400
WEEK: Final = 7 * DAY
SLACK: Final = 0.01  # of a window: the last row may be so far from its end
GAPS: Final = 10  # ... or so many mean distances between rows


@dataclass(eq=False)
class Slice:
    """What is judged at once: one window, or small ones joined. `starts` are its windows; no rows: a gap."""

    start: int
    end: int
    version: str
    starts: tuple[int, ...]
    rows: int
    is_partial: bool = False
    states: dict[str, State] = field(default_factory=dict)

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


def slices(log: WindowedLog, version: str, least: int, since: int | None = None) -> Iterator[Slice]:
    """The windows of one version in order, from `since` on. Windows of fewer rows than `least` join the next ones, up
    to 7 at once; a window that has not ended joins nothing."""
    pending: list[int] = []
    starts = [start for start in log.starts if Cell(version, start) in log.rows and (since is None or start >= since)]
    last, is_open = log.starts[-1], is_unfinished(log)
    for start in starts:
        is_partial = is_open and start == last
        if is_partial or (pending and start > _end_after(log, pending[0], MOST_JOINED - 1)):
            yield from _closed(log, version, pending)
            pending = []
        pending.append(start)
        rows = sum(log.rows[Cell(version, one)] for one in pending)
        if is_partial or rows >= least or len(pending) == MOST_JOINED:
            yield _slice(log, version, pending, is_partial=is_partial)
            pending = []
    yield from _closed(log, version, pending)


def _end_after(log: WindowedLog, start: int, windows: int) -> int:
    """The start of the last window that may join the one that starts here."""
    for _ in range(windows):
        start = log.end(start)
    return start


def _closed(log: WindowedLog, version: str, pending: Sequence[int]) -> list[Slice]:
    return [_slice(log, version, pending)] if pending else []


def _slice(log: WindowedLog, version: str, starts: Sequence[int], *, is_partial: bool = False) -> Slice:
    cells = [Cell(version, start) for start in starts]
    gathered: dict[str, list[State]] = {}
    for cell in cells:
        for name, state in log.states.get(cell, {}).items():
            gathered.setdefault(name, []).append(state)
    states = {name: parts[0] if len(parts) == 1 else merge(parts) for name, parts in gathered.items()}
    rows = sum(log.rows[cell] for cell in cells)
    return Slice(starts[0], log.end(starts[-1]), version, tuple(starts), rows, is_partial, states)


def is_unfinished(log: WindowedLog) -> bool:
    """Whether the log stops before its newest window ends: by more than a hundredth of the window, ten mean distances
    between its rows, and twice what the hours or days before it left empty at their ends (by quarters of an hour)."""
    if not log.starts:
        return False
    start = log.starts[-1]
    end = log.end(start)
    rows = sum(count for cell, count in log.rows.items() if cell.window == start)
    left = end - log.last
    if left <= max(SLACK * (end - start), GAPS * (end - start) / max(rows, 1)):
        return False
    latest = log.latest
    usual = max((log.end(one) - latest.get(one, log.end(one)) for one in log.starts[:-1]), default=0)
    return left > 2 * usual


class Reference:
    """The reference's states: of all its rows, and of the same hour or day of the week where it spans a week."""

    def __init__(self, cells: Mapping[Cell, Mapping[str, State]], step: int, *, is_day: bool, zone: str) -> None:
        """`step` is the length of the cells' windows in seconds, 0 where they have no time."""
        self._cells, self._is_day, self._zone = cells, is_day, zone
        self._slots: dict[int, list[Cell]] = {}
        self._merged: dict[tuple[tuple[int, ...] | None, str], State | None] = {}
        starts = [cell.window for cell in cells if cell.window is not None]
        self.span = Span(min(starts), max(starts) + step) if starts and step else None
        self.has_season = (is_day or step == HOUR) and self.span is not None and self._dates() >= 7
        self._looked_at = self._covered() if self.has_season else set()
        if self.has_season:
            for cell in cells:
                if cell.window is not None:
                    self._slots.setdefault(slot_of(cell.window, is_day, zone), []).append(cell)

    def _dates(self) -> int:
        """Days from the first to the last, both counted: a log that sleeps at night does not span all hours of them."""
        if self.span is None:
            return 0
        first, last = (start_of(int(at), True, self._zone) for at in (self.span.start, self.span.end - 1))
        return round((last - first) / DAY) + 1

    def _covered(self) -> set[int]:
        """Hours or days of the week that lie between the first and the last window, with rows or without."""
        if self.span is None:
            return set()
        step = DAY if self._is_day else HOUR
        ends = min(int(self.span.end), int(self.span.start) + WEEK)
        return {slot_of(at, self._is_day, self._zone) for at in range(int(self.span.start), ends, step)}

    def state(self, name: str) -> State | None:
        """Of all rows; None when the reference does not have the feature."""
        return self._merge(None, name)

    def seasonal(self, name: str, starts: Sequence[int], least: int) -> State | None:
        """Of the same hours or days of the week as these windows; where these have fewer rows than `least`, of the same
        hours of every day; None where those are too few as well."""
        if not self.has_season:
            return None
        slots = sorted({slot_of(start, self._is_day, self._zone) for start in starts})
        found = self._merge(tuple(slots), name)
        if not self._is_day and (found is None or found.rows < least):
            found = self._merge(tuple(sorted({slot % 24 + 24 * day for slot in slots for day in range(7)})), name)
        return found if found is not None and found.rows >= least else None

    def is_silent(self, start: int) -> bool:
        """Whether the reference looked at this hour or day of the week, and never has a row in it."""
        slot = slot_of(start, self._is_day, self._zone)
        return slot in self._looked_at and slot not in self._slots

    def _merge(self, slots: tuple[int, ...] | None, name: str) -> State | None:
        key = (slots, name)
        if key not in self._merged:
            cells = self._cells if slots is None else [cell for slot in slots for cell in self._slots.get(slot, ())]
            parts = [self._cells[cell][name] for cell in cells if name in self._cells[cell]]
            self._merged[key] = merge(parts) if parts else None
        return self._merged[key]


def gaps(log: WindowedLog) -> list[tuple[int, ...]]:
    """Runs of windows without any row between the first and the last, but for long ones."""
    found: list[tuple[int, ...]] = []
    for before, after in pairwise(log.starts):
        at, run = log.end(before), []
        while at < after <= before + LONG:
            run.append(at)
            at = log.end(at)
        if run:
            found.append(tuple(run))
    return found


def long_gaps(log: WindowedLog) -> list[Span]:
    """Gaps of more than a month: an outage, or a wrong time far from all others."""
    return [Span(log.end(before), after) for before, after in pairwise(log.starts) if after > before + LONG]
