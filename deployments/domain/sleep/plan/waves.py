"""When waking starts so that a model is Ready in time, and who wakes first when not all may at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from deployments.domain.sleep.plan.cases import Due
from deployments.domain.sleep.schedule.windows import WakeOrder

FEW_WAKES: Final = 5
LAST_WAKES: Final = 20
LEAD_OF_FEW: Final = timedelta(minutes=10)
LONGEST_LEAD: Final = timedelta(minutes=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """How long before it is due a wake starts, and the words for it."""

    time: timedelta
    words: str


def p90(seconds: Sequence[float]) -> float:
    """The nearest rank: nine of ten took no longer. Of no values 0."""
    return sorted(seconds)[ceil(len(seconds) * 9 / 10) - 1] if seconds else 0.0


def lead(took_seconds: Sequence[float], *, fixed_minutes: int | None = None) -> Lead:
    """`took_seconds`: from the write to Ready of wakes that worked, oldest first. The schedule's own number wins."""
    if fixed_minutes is not None:
        time = min(timedelta(minutes=fixed_minutes), LONGEST_LEAD)
        return Lead(time=time, words=f"{fixed_minutes} min, as its schedule says")
    last = took_seconds[-LAST_WAKES:]
    if len(last) < FEW_WAKES:
        return Lead(time=LEAD_OF_FEW, words=f"10 min until it has woken {FEW_WAKES} times; {len(last)} so far")
    minutes = min(ceil(max(0.0, p90(last)) / 60), int(LONGEST_LEAD / timedelta(minutes=1)))
    return Lead(time=timedelta(minutes=minutes), words=f"{minutes} min: p90 of its last {len(last)} wakes")


def due(due_at: datetime | None, lead: Lead) -> Due | None:
    """Of the instant at which it must be Ready; None when no wake is in sight."""
    return None if due_at is None else Due(due_at=due_at, start_at=due_at - lead.time)


def is_worth_it(start: datetime, due: Due | None) -> bool:
    """A sleep that would end before it begins is left out: the window is shorter than the time to wake."""
    return due is None or start < due.start_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One that wants to wake. `start_at` orders those of one rank; the key orders the rest, so that all agree."""

    key: str
    order: WakeOrder
    start_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """One that is waking. After `gives_way_at` it has failed and no longer keeps the others waiting."""

    key: str
    gives_way_at: datetime


def next_wave(
    waiting: Iterable[Waiting], underway: Iterable[Underway], *, at: datetime, at_once: int
) -> tuple[str, ...]:
    """The keys that may start now, at most `at_once` (at least 1) together with those still under way."""
    busy = sum(at < one.gives_way_at for one in underway)
    free = max(0, max(1, at_once) - busy)
    line = sorted(
        (one for one in waiting if one.start_at <= at), key=lambda one: (one.order.rank, one.start_at, one.key)
    )
    return tuple(one.key for one in line[:free])
