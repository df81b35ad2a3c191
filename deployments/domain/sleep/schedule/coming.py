"""What comes next: stretches of one decision, the next transitions, and a strip of days for the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final

from deployments.domain.sleep.schedule import calendars, windows, zones
from deployments.domain.sleep.schedule.calendars import Holidays
from deployments.domain.sleep.schedule.decisions import Decision, decide
from deployments.domain.sleep.schedule.layers import Broken, Inputs, OpenSleep
from deployments.domain.sleep.schedule.windows import Schedule, Span

# Most questions are answered within a weekend.
_FIRST_CHUNK: Final = timedelta(days=3)
_CHUNK: Final = timedelta(days=14)
HORIZON: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Time in which one decision holds."""

    span: Span
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """It falls asleep or wakes, or sleeps at another number of replicas, at `at`; `until` is the next one, if known."""

    at: datetime
    asleep: bool
    target: int | None
    decision: Decision
    until: datetime | None = None

    @property
    def hours(self) -> float | None:
        """How long it lasts, in real hours."""
        return (self.until - self.at).total_seconds() / 3600 if self.until else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One local day of the strip: 23 to 25 real hours, its holiday and its stretches cut at its ends."""

    day: date
    span: Span
    holiday: str
    stretches: tuple[Stretch, ...]

    @property
    def asleep_hours(self) -> float:
        return sum(one.span.hours for one in self.stretches if one.decision.asleep)


def edges(inputs: Inputs, start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Every instant in (start, end) at which the decision can change, sorted."""
    return tuple(sorted({at for span in _spans(inputs, start, end) for at in span if at and start < at < end}))


def _spans(inputs: Inputs, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    _, weekly = inputs.weekly()
    if isinstance(weekly, Schedule):
        yield from ((one.span.start, one.span.end) for one in windows.occurrences(weekly, start, end))
    _, holidays = inputs.holidays()
    zone = inputs.holiday_zone()
    if isinstance(holidays, Holidays) and zone:
        yield from ((one.span.start, one.span.end) for one in calendars.rests(holidays, zone, start, end))
    asked = (inputs.keep_awake, inputs.forced_sleep, *(layer.exemptions for layer in inputs.layers))
    for grants in asked:
        if not isinstance(grants, Broken):
            yield from ((one.span.start, one.span.end) for one in grants)
    if not isinstance(inputs.freezes, Broken):
        yield from ((one.start, one.end) for one in inputs.freezes)


def stretches(
    inputs: Inputs, start: datetime, end: datetime, *, sleeping: OpenSleep | None = None
) -> tuple[Stretch, ...]:
    """[start, end) as stretches without gaps, as it will be if nothing is edited; `sleeping` is open at `start`."""
    found: list[Stretch] = []
    if start >= end:
        return ()
    bounds = [start, *edges(inputs, start, end), *([sleeping.due_at] if sleeping and sleeping.due_at else []), end]
    bounds = sorted({at for at in bounds if start <= at <= end})
    for left, right in pairwise(bounds):
        decision = decide(inputs, at=left, sleeping=sleeping)
        sleeping = _after(decision, left, sleeping)
        if found and found[-1].decision.signature == decision.signature:
            found[-1] = Stretch(span=Span(found[-1].span.start, right), decision=found[-1].decision)
        else:
            found.append(Stretch(span=Span(left, right), decision=decision))
    return tuple(found)


def _after(decision: Decision, at: datetime, sleeping: OpenSleep | None) -> OpenSleep | None:
    """The sleep that is open while `decision` holds."""
    if not decision.asleep:
        return None
    target = decision.target or 0
    if sleeping is None:
        return OpenSleep(since=at, due_at=decision.end, target=target)
    later = max((one for one in (sleeping.due_at, decision.end) if one), default=None)
    return OpenSleep(since=sleeping.since, due_at=later, target=target)


def transitions(
    inputs: Inputs, *, at: datetime, sleeping: OpenSleep | None = None, count: int = 5
) -> tuple[Transition, ...]:
    """The next `count` after `at`, as far as 400 days ahead. What joins without a wake between is one sleep."""
    found: list[Transition] = []
    state: tuple[bool, int | None] | None = None
    for one in _ahead(inputs, at, sleeping):
        now = (one.decision.asleep, one.decision.target)
        if state is not None and now != state:
            if found:
                found[-1] = _closed(found[-1], one.span.start)
            if len(found) == count:
                return tuple(found)
            found.append(Transition(at=one.span.start, asleep=now[0], target=now[1], decision=one.decision))
        state = now
    return tuple(found)


def _closed(one: Transition, until: datetime) -> Transition:
    return Transition(at=one.at, asleep=one.asleep, target=one.target, decision=one.decision, until=until)


def _ahead(inputs: Inputs, at: datetime, sleeping: OpenSleep | None) -> Iterator[Stretch]:
    start, length = at, _FIRST_CHUNK
    while start < at + HORIZON:
        end, length = start + length, _CHUNK
        for one in stretches(inputs, start, end, sleeping=sleeping):
            sleeping = _after(one.decision, one.span.start, sleeping)
            yield one
        start = end


def awake_again(inputs: Inputs, *, at: datetime, sleeping: OpenSleep | None = None) -> datetime | None:
    """When it is awake next, `at` itself if it is; None when it sleeps for the 400 days that are looked at."""
    return next((one.span.start for one in _ahead(inputs, at, sleeping) if not one.decision.asleep), None)


def asleep_again(inputs: Inputs, *, at: datetime, sleeping: OpenSleep | None = None) -> datetime | None:
    """When a sleep begins next, after `at`; None when none does in 400 days."""
    return next((one.at for one in transitions(inputs, at=at, sleeping=sleeping, count=2) if one.asleep), None)


def strip(
    inputs: Inputs, *, zone: str, first: date, days: int = 14, at: datetime, sleeping: OpenSleep | None = None
) -> tuple[DayRow, ...]:
    """`days` local days from `first`. `sleeping` is open at `at`; days before it are told without it."""
    bounds = [zones.resolve(zone, first + timedelta(days=passed), 0) for passed in range(days + 1)]
    start, end = bounds[0], bounds[-1]
    whole = stretches(inputs, start, min(at, end)) + stretches(inputs, max(at, start), end, sleeping=sleeping)
    _, said = inputs.holidays()
    names = said.calendars if isinstance(said, Holidays) else ()
    rows = []
    for passed, (left, right) in enumerate(pairwise(bounds)):
        day = first + timedelta(days=passed)
        cut = [
            Stretch(span=Span(max(one.span.start, left), min(one.span.end, right)), decision=one.decision)
            for one in whole
            if one.span.start < right and one.span.end > left
        ]
        holiday = next((name for calendar in names if (name := calendar.on(day)) is not None), "")
        rows.append(DayRow(day=day, span=Span(left, right), holiday=holiday, stretches=tuple(cut)))
    return tuple(rows)


def asleep_seconds(inputs: Inputs, start: datetime, end: datetime) -> int:
    """Real seconds asleep in [start, end) if nothing is asked for by hand in it: what a form shows as saved."""
    return sum(one.span.seconds for one in stretches(inputs, start, end) if one.decision.asleep)


def to_utc(zone: str, day: date, minute: int) -> datetime:
    """A wall time that a person typed, as an instant: the same rule as for every edge of a window."""
    return zones.resolve(zone, day, minute).astimezone(UTC)
