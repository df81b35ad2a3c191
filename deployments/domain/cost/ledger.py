"""The second basis: what ran, priced. Sightings become intervals, intervals usage, usage and prices of the time money.

A pod's time is charged once whatever order its sightings come in, how often they come or which are missing. Usage is
kept in whole units (millicore, byte and GPU microseconds), so that it adds up exactly however it is cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.machines import GIB, Machine
from deployments.domain.cost.prices import RateCard, Request, quote_node, taken_amount, usage_amount
from deployments.domain.cost.rules import Component

MICROSECOND: Final = timedelta(microseconds=1)
HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """Effective requests of a live pod: init containers, sidecars and overhead in it. gpus are (label, number)."""

    millicores: int
    memory_bytes: int
    gpus: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if self.millicores < 0 or self.memory_bytes < 0 or any(count < 0 for _, count in self.gpus):
            raise ValueError("A pod asks for nothing less than nothing.")

    @property
    def request(self) -> Request:
        gpus = tuple((label, Decimal(count)) for label, count in self.gpus)
        return Request(cpu=Decimal(self.millicores) / 1000, memory_gib=Decimal(self.memory_bytes) / GIB, gpus=gpus)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a watch saw of a pod at an instant. `asked` is None when it was missing from a complete list.

    `scheduled_at` is its condition PodScheduled, `ended_at` when its last container ended or it was deleted.
    """

    pod: str
    at: datetime
    asked: Asked | None
    node: str = ""
    scheduled_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A pod asked for the same from `start` to `end`. Where an end was not seen, it lies before `end_by`.

    `is_open`: it was still there when last seen, at `end`.
    """

    pod: str
    node: str
    start: datetime
    end: datetime
    asked: Asked
    is_start_exact: bool = True
    is_end_exact: bool = True
    is_open: bool = False
    end_by: datetime | None = None


def intervals(sightings: Iterable[Sighting]) -> tuple[Interval, ...]:
    """Disjoint intervals of each pod, by pod and time. The same for any order and repetition of the sightings."""
    by_pod: dict[str, set[Sighting]] = defaultdict(set)
    for sighting in sightings:
        by_pod[sighting.pod].add(sighting)
    return tuple(interval for pod in sorted(by_pod) for interval in _of_pod(pod, by_pod[pod]))


def _of_pod(pod: str, sightings: set[Sighting]) -> Iterable[Interval]:
    present: dict[datetime, Asked] = {}
    for seen in sightings:
        if seen.asked is not None:
            # Two watchers that disagree at one instant: the larger, so that the answer has no order.
            present[seen.at] = max(present.get(seen.at, seen.asked), seen.asked)
    if not present:
        return
    node = max((seen.node for seen in sightings), default="")
    scheduled = min((seen.scheduled_at for seen in sightings if seen.scheduled_at), default=None)
    ended = min((seen.ended_at for seen in sightings if seen.ended_at), default=None)
    first, last = min(present), max(present)
    start, end = scheduled or first, ended or last
    # A uid never comes back: missing before it was seen again was a gap of the watch.
    missing = min((seen.at for seen in sightings if seen.asked is None and seen.at > last), default=None)
    steps: list[tuple[datetime, Asked]] = []
    for at in sorted(present):
        if not steps or steps[-1][1] != present[at]:
            steps.append((at, present[at]))
    steps[0] = (start, steps[0][1])
    bounds = [min(max(at, start), end) for at, _ in steps] + [end]
    kept = [
        (since, upto, asked) for (since, upto), (_, asked) in zip(pairwise(bounds), steps, strict=True) if since < upto
    ]
    for index, (since, upto, asked) in enumerate(kept):
        is_last = index == len(kept) - 1
        yield Interval(
            pod=pod,
            node=node,
            start=since,
            end=upto,
            asked=asked,
            is_start_exact=index > 0 or scheduled is not None,
            is_end_exact=not is_last or ended is not None,
            is_open=is_last and ended is None and missing is None,
            end_by=missing if is_last and ended is None else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Requests x time, in whole units: add them, cut them, nothing is lost."""

    microseconds: int = 0
    millicore_us: int = 0
    byte_us: int = 0
    gpu_us: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: Usage) -> Usage:
        gpus = dict(self.gpu_us)
        for label, amount in other.gpu_us:
            gpus[label] = gpus.get(label, 0) + amount
        return Usage(
            microseconds=self.microseconds + other.microseconds,
            millicore_us=self.millicore_us + other.millicore_us,
            byte_us=self.byte_us + other.byte_us,
            gpu_us=tuple(sorted(gpus.items())),
        )

    @property
    def hours(self) -> Request:
        """vCPU, GiB and GPU hours."""
        return Request(
            cpu=Decimal(self.millicore_us) / (1000 * HOUR_US),
            memory_gib=Decimal(self.byte_us) / (GIB * HOUR_US),
            gpus=tuple((label, Decimal(amount) / HOUR_US) for label, amount in self.gpu_us),
        )


def usage(interval: Interval, start: datetime, end: datetime) -> Usage:
    """Of the part of an interval within [start, end)."""
    span = (min(interval.end, end) - max(interval.start, start)) // MICROSECOND
    return _during(interval.asked, span) if span > 0 else Usage()


def _during(asked: Asked, span: int) -> Usage:
    return Usage(
        microseconds=span,
        millicore_us=asked.millicores * span,
        byte_us=asked.memory_bytes * span,
        gpu_us=tuple(sorted((label, count * span) for label, count in asked.gpus if count)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStep:
    """Prices in force from `since` until the next step of a timeline; `machine` is None on Autopilot."""

    since: datetime
    version: str
    card: RateCard
    machine: Machine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A piece of an interval under one price version: its usage, and money by component or one unknown."""

    pod: str
    start: datetime
    end: datetime
    version: str
    usage: Usage
    amount: Amount
    by_component: tuple[tuple[Component, Decimal], ...] = ()


def charges(interval: Interval, timeline: Sequence[PriceStep], start: datetime, end: datetime) -> tuple[Charge, ...]:
    """The part of an interval within [start, end), cut where the price version changes.

    `timeline` is in order. Time before its first step has no price and is unknown.
    """
    since, upto = max(interval.start, start), min(interval.end, end)
    found = []
    for piece_start, piece_end, step in _pieces(timeline, since, upto):
        used = _during(interval.asked, (piece_end - piece_start) // MICROSECOND)
        amount, parts = _priced(used, step)
        found.append(
            Charge(
                pod=interval.pod,
                start=piece_start,
                end=piece_end,
                version=step.version if step else "",
                usage=used,
                amount=amount,
                by_component=parts,
            )
        )
    return tuple(found)


def _pieces(
    timeline: Sequence[PriceStep], start: datetime, end: datetime
) -> Iterable[tuple[datetime, datetime, PriceStep | None]]:
    cuts: list[tuple[datetime, PriceStep | None]] = [(start, None)]
    for step in timeline:
        if step.since <= start:
            cuts[0] = (start, step)
        elif step.since < end:
            cuts.append((step.since, step))
    for (since, in_force), upto in zip(cuts, [at for at, _ in cuts[1:]] + [end], strict=True):
        if since < upto:
            yield since, upto, in_force


def _priced(used: Usage, step: PriceStep | None) -> tuple[Amount, tuple[tuple[Component, Decimal], ...]]:
    if step is None:
        return Amount.unknown("No price list was kept for that time."), ()
    return usage_amount(used.hours, step.card, step.machine)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeInterval:
    """A node of one machine type, from when it was first to when it was last seen."""

    node: str
    machine: Machine
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRows:
    """A node's price of a time, split: ours + others + idle = total. Idle holds what no pod can ask for, as local SSD.

    `is_over`: pods asked for more than the node has, so their sightings overlap; they share what it has.
    """

    node: str
    start: datetime
    end: datetime
    version: str
    total: Amount
    ours: Amount
    others: Amount
    idle: Amount
    is_over: bool = False


def node_rows(
    node: NodeInterval,
    ours: Sequence[Interval],
    others: Sequence[Interval],
    timeline: Sequence[PriceStep],
    start: datetime,
    end: datetime,
) -> tuple[NodeRows, ...]:
    """One for each price version in force within [start, end). Pods' time outside the node's is not counted."""
    found = []
    for since, upto, step in _pieces(timeline, max(node.start, start), min(node.end, end)):
        mine, theirs, is_over = _shares(node.machine, ours, others, since, upto)
        hours = Decimal((upto - since) // MICROSECOND) / HOUR_US
        if step is None:
            total = our_part = their_part = idle = _priced(Usage(), None)[0]
        else:
            total = quote_node(node.machine, step.card).amount.times(hours)
            our_part = taken_amount(mine.hours, step.card, node.machine)
            their_part = taken_amount(theirs.hours, step.card, node.machine)
            idle = _rest(total, our_part, their_part)
        found.append(
            NodeRows(
                node=node.node,
                start=since,
                end=upto,
                version=step.version if step else "",
                total=total,
                ours=our_part,
                others=their_part,
                idle=idle,
                is_over=is_over,
            )
        )
    return tuple(found)


def _rest(total: Amount, *taken: Amount) -> Amount:
    for amount in (total, *taken):
        if amount.value is None:
            return amount
    rest = (total.value or Decimal(0)) - sum((amount.value or Decimal(0) for amount in taken), Decimal(0))
    return Amount.known(rest, total.currency)


def _shares(
    machine: Machine, ours: Sequence[Interval], others: Sequence[Interval], start: datetime, end: datetime
) -> tuple[Usage, Usage, bool]:
    """Usage of ours and others; where both ask for more than there is, each is cut in proportion."""
    cuts = {start, end}
    for interval in (*ours, *others):
        cuts |= {at for at in (interval.start, interval.end) if start < at < end}
    capacity = _capacity(machine)
    mine, theirs, is_over = Usage(), Usage(), False
    for since, upto in pairwise(sorted(cuts)):
        our_part = sum((usage(interval, since, upto) for interval in ours), Usage())
        their_part = sum((usage(interval, since, upto) for interval in others), Usage())
        room = _during(capacity, (upto - since) // MICROSECOND)
        fitted, cut = _fit(our_part, their_part, room)
        mine, theirs, is_over = mine + fitted[0], theirs + fitted[1], is_over or cut
    return mine, theirs, is_over


def _capacity(machine: Machine) -> Asked:
    return Asked(
        int(machine.cpu * 1000),
        int(machine.memory_gib * GIB),
        tuple((label, int(count)) for label, count in machine.shown_gpus),
    )


def _fit(ours: Usage, others: Usage, room: Usage) -> tuple[tuple[Usage, Usage], bool]:
    (cpu, our_cpu, their_cpu) = _share(ours.millicore_us, others.millicore_us, room.millicore_us)
    (memory, our_memory, their_memory) = _share(ours.byte_us, others.byte_us, room.byte_us)
    is_over = cpu or memory
    our_gpus, their_gpus = dict(ours.gpu_us), dict(others.gpu_us)
    for label, amount in room.gpu_us:
        cut, mine, theirs = _share(our_gpus.get(label, 0), their_gpus.get(label, 0), amount)
        our_gpus[label], their_gpus[label] = mine, theirs
        is_over = is_over or cut
    return (
        replace(ours, millicore_us=our_cpu, byte_us=our_memory, gpu_us=_items(our_gpus)),
        replace(others, millicore_us=their_cpu, byte_us=their_memory, gpu_us=_items(their_gpus)),
    ), is_over


def _share(ours: int, others: int, room: int) -> tuple[bool, int, int]:
    if ours + others <= room:
        return False, ours, others
    mine = room * ours // (ours + others)
    return True, mine, room - mine


def _items(gpus: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((label, amount) for label, amount in gpus.items() if amount))
