"""A price list of a cluster on Google's machines, made from the catalog: one class for each machine type in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from deployments.domain.cost.machines import machine
from deployments.domain.cost.matching import PRECISION, Lookup, PriceBook
from deployments.domain.cost.own_list import POD, SPOT, OwnLine
from deployments.domain.cost.prices import RateCard, node_rates, pod_rates
from deployments.domain.cost.rules import Component, PodClass
from deployments.domain.cost.versions import BOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """`lines` of the classes that have prices; `problems` say which class or part has none, and why."""

    lines: tuple[OwnLine, ...]
    currency: str
    problems: tuple[str, ...]


def derive(book: PriceBook, classes: Iterable[str], *, region: str) -> Derived:
    """A class is a machine type, like g2-standard-8, or one of Autopilot: pod:general, pod:accelerator:nvidia-l4; with
    "spot:" before it for Spot. Rates are for what pods see: a vCPU of e2-small is a part of a billed one."""
    lines: list[OwnLine] = []
    problems: list[str] = []
    currencies: set[str] = set()
    for name in sorted(set(classes)):
        card = _card(book, name, region)
        if card.problem:
            problems.append(f"{name}: {card.problem}")
            continue
        for line in card.lines:
            if line.component is Component.LOCAL_SSD or line.part == "extended memory":
                continue
            if line.rate is None:
                problems.append(f"{name}: {line.reason}")
                continue
            currencies.add(line.currency)
            rate = (line.rate * line.share).quantize(PRECISION)
            lines.append(
                OwnLine(component=line.component, per_hour=rate, price_class=name, gpu=line.label, sku=line.sku)
            )
    if len(currencies) > 1:
        return Derived(
            lines=(), currency="", problems=(*problems, f"Prices are in {' and '.join(sorted(currencies))}.")
        )
    return Derived(lines=tuple(lines), currency="".join(currencies), problems=tuple(problems))


def _card(book: PriceBook, name: str, region: str) -> RateCard:
    """The rates of a class, or a card that holds nothing but its problem."""
    plain_name, lookup = name.removeprefix(SPOT), Lookup(region=region, is_spot=name.startswith(SPOT))
    if plain_name.startswith(POD):
        text, _, gpu = plain_name.removeprefix(POD).partition(":")
        if text not in {item.value for item in PodClass}:
            known = ", ".join(item.value for item in PodClass)
            return RateCard(lines=(), problem=f"Autopilot has no such class; it has {known}.")
        return pod_rates(book, PodClass(text), [gpu] if gpu else [], lookup)
    found = machine(plain_name)
    if found is None:
        return RateCard(lines=(), problem="no machine type of that name is known.")
    card = node_rates(book, found, lookup)
    sold = {line.component for line in card.lines}
    if not card.problem and (Component.CPU not in sold or Component.MACHINE in sold):
        return RateCard(lines=(), problem="it is sold as a whole, not by vCPU and GiB.")
    return card


def held(before: Iterable[OwnLine], after: Iterable[OwnLine], *, bound: Decimal = BOUND) -> tuple[str, ...]:
    """Prices that moved by more than the bound, in words: those wait for a person."""
    old: Mapping[tuple[str, str, str], OwnLine] = {line.key: line for line in before}
    moved = []
    for line in after:
        was = old.get(line.key)
        if was is not None and abs(line.per_hour / was.per_hour - 1) > bound:
            share = 100 * (line.per_hour / was.per_hour - 1)
            moved.append(f"{line.words} moved by {share:+.0f} %")
    return tuple(moved)
