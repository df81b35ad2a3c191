"""From what a watch sees, one sighting after another, to pieces of time that never overlap and are never taken back.

A piece lies within one day of UTC, so that a day can be priced by itself. What runs is held open from the end of its
last piece; a change of its facts, midnight, its end or its absence close pieces. `ledger.intervals` is the same of all
sightings at once, for any order of them; here they come one by one, and what comes late changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Generic, TypeVar

F = TypeVar("F")


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(Generic[F]):
    """What was there when last seen. Charged up to `start`; the time since is not closed yet."""

    start: datetime
    facts: F
    is_start_exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece(Generic[F]):
    """Closed time [start, end) within one day. Where the end was not seen, it lies before `end_by`."""

    start: datetime
    end: datetime
    facts: F
    is_start_exact: bool = True
    is_end_exact: bool = True
    end_by: datetime | None = None

    @property
    def is_exact(self) -> bool:
        return self.is_start_exact and self.is_end_exact


def begin(facts: F, *, at: datetime, since: datetime | None, charged_to: datetime | None = None) -> Open[F]:
    """First sight of something. `since`: when it began, if that is known; `charged_to`: the end of earlier pieces."""
    start = since or at
    if charged_to is not None and charged_to > start:
        return Open(start=charged_to, facts=facts)
    return Open(start=start, facts=facts, is_start_exact=since is not None)


def seen(open_: Open[F], facts: F, *, at: datetime) -> tuple[list[Piece[F]], Open[F]]:
    """It is there at `at` with these facts: what that closes, and what stays open. An old sighting changes nothing."""
    if at <= open_.start:
        return [], open_
    if facts != open_.facts:
        return list(_pieces(open_, at)), Open(start=at, facts=facts)
    midnight = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    if midnight <= open_.start:
        return [], open_
    return list(_pieces(open_, midnight)), Open(start=midnight, facts=facts)


def ended(open_: Open[F], *, at: datetime) -> list[Piece[F]]:
    """It ended at `at`, and that was seen."""
    return list(_pieces(open_, at))


def lost(open_: Open[F], *, last_seen: datetime, missing_at: datetime) -> list[Piece[F]]:
    """It is missing, and its end was not seen: charged as far as it was seen, and flagged."""
    return list(_pieces(open_, min(last_seen, missing_at), missing_at))


def _pieces(open_: Open[F], end: datetime, missing_at: datetime | None = None) -> Iterator[Piece[F]]:
    start, is_first = open_.start, True
    while start < end:
        day = start.astimezone(UTC).date()
        upto = min(end, datetime.combine(day, time(), UTC) + timedelta(days=1))
        is_last = upto == end
        yield Piece(
            start=start,
            end=upto,
            facts=open_.facts,
            is_start_exact=open_.is_start_exact or not is_first,
            is_end_exact=missing_at is None or not is_last,
            end_by=missing_at if is_last else None,
        )
        start, is_first = upto, False
