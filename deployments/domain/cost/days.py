"""A day priced: pods' time summed by price version and class, and what nodes came to with who asked for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from deployments.domain.cost.amounts import Amount, total
from deployments.domain.cost.ledger import (
    HOUR_US,
    MICROSECOND,
    Interval,
    NodeInterval,
    PriceStep,
    Usage,
    node_rows,
    usage,
)
from deployments.domain.cost.machines import Machine
from deployments.domain.cost.own_list import OwnList
from deployments.domain.cost.placed import NodeFacts, card_of, price_classes
from deployments.domain.cost.prices import RateCard, taken_amount, usage_amount
from deployments.domain.cost.rules import Component

NO_LIST: Final = "No price list was kept for that time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A version of a price list, with the key of its row; in force from `prices.since` until the next."""

    key: int
    prices: OwnList


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSpan:
    """Time of a pod of one deployment. `classes` as placed.price_classes gives them."""

    deployment: int
    team: int
    interval: Interval
    classes: tuple[str, ...]
    is_spot: bool
    is_exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """Of a team's pods by one version and class; `version` None: no list was in force. `pods` counts them."""

    team: int
    version: int | None
    price_class: str
    usage: Usage
    amount: Amount
    by_component: Mapping[Component, Decimal]
    pods: int
    is_exact: bool


def price_day(spans: Iterable[PodSpan], lists: Sequence[Listed], start: datetime, end: datetime) -> tuple[DayRow, ...]:
    """What one deployment's pods came to within [start, end); `lists` in order of time.

    Usage is summed in whole units before it is priced, so that the order of spans and how they are cut change nothing.
    """
    sums: dict[tuple[int, int, tuple[str, ...], bool, tuple[str, ...]], Usage] = {}
    pods: dict[object, set[str]] = {}
    inexact: set[object] = set()
    for span in spans:
        labels = tuple(label for label, count in span.interval.asked.gpus if count)
        for number, since, upto in _in_force(lists, max(span.interval.start, start), min(span.interval.end, end)):
            key = (span.team, number, span.classes, span.is_spot, labels)
            sums[key] = sums.get(key, Usage()) + usage(span.interval, since, upto)
            pods.setdefault(key, set()).add(span.interval.pod)
            if not span.is_exact:
                inexact.add(key)
    found = []
    for key, used in sorted(sums.items()):
        team, number, classes, is_spot, labels = key
        version, name, amount, parts = _priced(lists, number, used, classes, labels, is_spot)
        found.append(
            DayRow(
                team=team,
                version=version,
                price_class=name or (classes[0] if classes else ""),
                usage=used,
                amount=amount,
                by_component=parts,
                pods=len(pods[key]),
                is_exact=key not in inexact,
            )
        )
    return tuple(found)


def _priced(
    lists: Sequence[Listed], number: int, used: Usage, classes: Sequence[str], labels: Sequence[str], is_spot: bool
) -> tuple[int | None, str, Amount, dict[Component, Decimal]]:
    if number < 0:
        return None, "", Amount.unknown(NO_LIST), {}
    name, card = card_of(lists[number].prices, classes, labels, is_spot=is_spot)
    if not (used.millicore_us or used.byte_us or used.gpu_us):
        return lists[number].key, name, Amount.known(Decimal(0), lists[number].prices.currency), {}
    amount, parts = usage_amount(used.hours, card, None)
    return lists[number].key, name, amount, dict(parts)


def _in_force(lists: Sequence[Listed], start: datetime, end: datetime) -> Iterable[tuple[int, datetime, datetime]]:
    """The number in `lists`, -1 for none, and the part of [start, end) that it is in force."""
    number = -1
    for index, item in enumerate(lists):
        if item.prices.since > start:
            break
        number = index
    since = start
    while since < end:
        following = lists[number + 1].prices.since if number + 1 < len(lists) else end
        upto = min(end, following)
        if since < upto:
            yield number, since, upto
        since, number = upto, number + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpan:
    """Time of a node with what pods that are not ours asked for on it."""

    facts: NodeFacts
    others: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSum:
    """What a node came to: ours + others + idle = total; `shares` of ours by deployment."""

    hours: Decimal
    total: Amount
    ours: Amount
    others: Amount
    idle: Amount
    shares: Mapping[int, Decimal]
    is_over: bool


def price_node(
    name: str,
    times: Sequence[NodeSpan],
    pods: Sequence[PodSpan],
    lists: Sequence[Listed],
    start: datetime,
    end: datetime,
) -> NodeSum:
    """Of one node within [start, end); `pods` are those of ours on it."""
    ours = [span.interval for span in pods]
    rows, shares, spent = [], dict[int, Decimal](), 0
    for span in times:
        facts, during = span.facts, span.others
        since, upto = max(during.start, start), min(during.end, end)
        spent += max(0, (upto - since) // MICROSECOND)
        classes = price_classes(profile="", machine=facts.machine, pool=facts.pool, is_spot=facts.is_spot)
        labels = [label for label, _ in facts.size.gpus]
        cards = {str(item.key): card_of(item.prices, classes, labels, is_spot=facts.is_spot)[1] for item in lists}
        machine = facts.as_machine
        steps = [
            PriceStep(since=item.prices.since, version=str(item.key), card=cards[str(item.key)], machine=machine)
            for item in lists
        ]
        node = NodeInterval(node=name, machine=machine, start=during.start, end=during.end)
        for row in node_rows(node, ours, [during], steps, start, end):
            rows.append(row)
            if row.ours.value is not None:
                for owner, share in _by_owner(pods, cards[row.version], machine, row.start, row.end):
                    shares[owner] = shares.get(owner, Decimal(0)) + share
    return NodeSum(
        hours=Decimal(spent) / HOUR_US,
        total=total(row.total for row in rows).amount,
        ours=total(row.ours for row in rows).amount,
        others=total(row.others for row in rows).amount,
        idle=total(row.idle for row in rows).amount,
        shares=shares,
        is_over=any(row.is_over for row in rows),
    )


def _by_owner(
    pods: Sequence[PodSpan], card: RateCard, machine: Machine, start: datetime, end: datetime
) -> Iterable[tuple[int, Decimal]]:
    used: dict[int, Usage] = {}
    for span in pods:
        used[span.deployment] = used.get(span.deployment, Usage()) + usage(span.interval, start, end)
    for owner, hours in used.items():
        if hours.microseconds:
            amount = taken_amount(hours.hours, card, machine)
            if amount.value is not None:
                yield owner, amount.value
