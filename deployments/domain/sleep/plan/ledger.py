"""What a sleep released, counted per replica slot and second: each is running or released, never both, never neither.

A slot is a replica that would run without sleep. In seconds of an open sleep a slot is released while no pod fills it;
pods that end, start or wait to be Ready fill theirs. Everything outside a sleep runs. Seconds are whole: instants are
cut to the second, so sums are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

from deployments.domain.sleep.schedule.windows import Span

_CENT: Final = Decimal("0.01")
_HOUR: Final = 3600


class Basis(StrEnum):
    """Where the seconds of an entry come from."""

    ESTIMATE = "estimate"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Slots:
    """From `start` on there are `count` slots."""

    start: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """One sleep that has a record. `key` is the record's; `keep` replicas stay up in it."""

    key: str
    span: Span
    keep: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one sleep released between two instants of one month at one price. `slots` is the most released at once.

    `price` is money per slot and hour; None: not known, so the amount is not known either, and not 0.
    """

    key: str
    span: Span
    released_seconds: int
    slots: int
    basis: Basis
    price: Decimal | None = None
    price_version: str = ""

    @property
    def amount(self) -> Decimal | None:
        """To the cent, so that sums of entries are exact."""
        if self.price is None:
            return None
        return (self.price * self.released_seconds / _HOUR).quantize(_CENT, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Slot seconds of a span of time: `running + released` is exactly slots x time. `beyond`: pods above the slots."""

    slot_seconds: int
    released_seconds: int
    beyond_seconds: int
    entries: tuple[Entry, ...]

    @property
    def running_seconds(self) -> int:
        return self.slot_seconds - self.released_seconds


@dataclass(frozen=True, slots=True)
class Price:
    """From `start` on a slot costs `an_hour`; None: not known."""

    start: datetime
    an_hour: Decimal | None
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum of entries; `unpriced` of them have no known amount and are not in it."""

    amount: Decimal
    released_seconds: int
    entries: int
    unpriced: int


def account(
    *, within: Span, slots: Sequence[Slots], sleeps: Sequence[Sleep], pods: Iterable[Span] | None = None
) -> Account:
    """The account of one deployment in `within`. `slots` are sorted; before the first there are none.

    `pods`: when each pod existed, from its node to its end: measured. None: as if a sleep had no pods but those it
    keeps: an estimate. Sleeps do not overlap; where rows say so, the one that began first counts.
    """
    basis = Basis.ESTIMATE if pods is None else Basis.MEASURED
    known = None if pods is None else sorted(_cut(pod, within) for pod in pods if _touch(pod, within))
    bounds = _bounds(within, slots, sleeps, known or ())
    slot_seconds = beyond = 0
    pieces: dict[str, list[tuple[Span, int]]] = {}
    for start, end in pairwise(bounds):
        length = end - start
        count = _slots_at(slots, start)
        slot_seconds += count * length
        sleep = next((one for one in sleeps if _stamp(one.span.start) <= start < _stamp(one.span.end)), None)
        running = sum(left <= start < right for left, right in known) if known is not None else None
        beyond += max(0, (running or 0) - count) * length
        if sleep is None:
            continue
        released = max(0, count - (sleep.keep if running is None else running))
        if released:
            pieces.setdefault(sleep.key, []).append((Span(_instant(start), _instant(end)), released))
    entries = tuple(_entry(key, found, basis) for key, found in pieces.items())
    return Account(
        slot_seconds=slot_seconds,
        released_seconds=sum(entry.released_seconds for entry in entries),
        beyond_seconds=beyond,
        entries=entries,
    )


def _entry(key: str, pieces: Sequence[tuple[Span, int]], basis: Basis) -> Entry:
    return Entry(
        key=key,
        span=Span(pieces[0][0].start, pieces[-1][0].end),
        released_seconds=sum(span.seconds * count for span, count in pieces),
        slots=max(count for _, count in pieces),
        basis=basis,
    )


def _bounds(
    within: Span, slots: Sequence[Slots], sleeps: Sequence[Sleep], pods: Iterable[tuple[int, int]]
) -> list[int]:
    """Whole seconds at which anything changes, the ends of `within` included."""
    found = {_stamp(within.start), _stamp(within.end)}
    found |= {_stamp(one.start) for one in slots}
    found |= {_stamp(at) for one in sleeps for at in (one.span.start, one.span.end)}
    found |= {at for pod in pods for at in pod}
    return sorted(at for at in found if _stamp(within.start) <= at <= _stamp(within.end))


def _touch(pod: Span, within: Span) -> bool:
    return _stamp(pod.start) < _stamp(within.end) and _stamp(pod.end) > _stamp(within.start)


def _cut(pod: Span, within: Span) -> tuple[int, int]:
    return max(_stamp(pod.start), _stamp(within.start)), min(_stamp(pod.end), _stamp(within.end))


def _slots_at(slots: Sequence[Slots], stamp: int) -> int:
    count = 0
    for one in slots:
        if _stamp(one.start) > stamp:
            break
        count = one.count
    return max(0, count)


def _stamp(at: datetime) -> int:
    return int(at.timestamp() // 1)


def _instant(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def split(
    *,
    within: Span,
    slots: Sequence[Slots],
    sleeps: Sequence[Sleep],
    prices: Sequence[Price],
    pods: Sequence[Span] | None = None,
) -> tuple[Entry, ...]:
    """Priced entries, cut at the months of UTC and where the price changes: each has one month and one price.

    Measured ones are cut where a pod comes or goes, too: each releases the same number of slots from end to end.
    """
    found: list[Entry] = []
    for part in _parts(within, prices, [at for pod in pods or () for at in (pod.start, pod.end)]):
        price = next((one for one in reversed(prices) if one.start <= part.start), None)
        for entry in account(within=part, slots=slots, sleeps=sleeps, pods=pods).entries:
            priced = replace(entry, price=price.an_hour, price_version=price.version) if price else entry
            found.append(priced)
    return tuple(found)


def _parts(within: Span, prices: Sequence[Price], changes: Iterable[datetime]) -> list[Span]:
    months = []
    month = datetime(within.start.year, within.start.month, 1, tzinfo=UTC)
    while month < within.end:
        months.append(month)
        month = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    cuts = {at for at in (*months, *changes, *(one.start for one in prices)) if within.start < at < within.end}
    return [Span(left, right) for left, right in pairwise(sorted({within.start, *cuts, within.end}))]


def total(entries: Iterable[Entry]) -> Total:
    """Their sum to the cent: what a month, a team or a deployment shows is the sum of the entries that it lists."""
    found = list(entries)
    amounts = [entry.amount for entry in found]
    return Total(
        amount=sum((amount for amount in amounts if amount is not None), Decimal(0)),
        released_seconds=sum(entry.released_seconds for entry in found),
        entries=len(found),
        unpriced=sum(amount is None for amount in amounts),
    )
