"""Negotiated terms of a cluster's prices: percentages off the list, and prices that stand in for the list's.

They are worked into the lines of a price version, so that whatever names a version knows them: a new version is made
where terms begin or end. An override wins over the list and over discounts. Of two discounts on one price the nearer
one counts (its class and component, its class, its component, everything), of equals the newer: they do not add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from deployments.domain.cost.matching import PRECISION, plain
from deployments.domain.cost.own_list import OwnLine
from deployments.domain.cost.rules import Component


class Kind(StrEnum):
    DISCOUNT = "discount"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """`value` is a percentage (0 to 100, both left out) off the list, or the price of one unit and hour.

    An empty `component`, `price_class` or `gpu` of a discount is every one; of an override they are the line's own, as
    in a price list. `order` tells which of two equals is the newer.
    """

    order: int
    kind: Kind
    value: Decimal
    since: datetime
    until: datetime | None = None
    component: str = ""
    price_class: str = ""
    gpu: str = ""

    def __post_init__(self) -> None:
        if not self.value.is_finite() or self.value <= 0:
            raise ValueError("Give a number above 0.")
        if self.kind is Kind.DISCOUNT and self.value >= 100:
            raise ValueError("A discount is below 100 percent: nothing is free.")
        if self.kind is Kind.OVERRIDE and not self.component:
            raise ValueError("Say of which component the price is.")
        if self.gpu and self.component not in ("", Component.GPU.value):
            raise ValueError("Only the price of a GPU names an accelerator.")
        if self.kind is Kind.OVERRIDE and (self.component == Component.GPU) != bool(self.gpu):
            raise ValueError("The price of a GPU names the accelerator.")
        if self.until is not None and self.until <= self.since:
            raise ValueError("It ends after it begins.")

    def holds_at(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.component, self.price_class, self.gpu

    def fits(self, line: OwnLine) -> bool:
        return all(not own or own == theirs for own, theirs in zip(self.key, line.key, strict=True))

    @property
    def nearness(self) -> tuple[bool, bool, bool, int]:
        return bool(self.price_class), bool(self.gpu), bool(self.component), self.order


def listed(lines: Iterable[OwnLine]) -> tuple[OwnLine, ...]:
    """As the list has them, without any terms."""
    return tuple(
        replace(line, per_hour=line.listed or line.per_hour, listed=None, terms="")
        for line in lines
        if not line.terms or line.listed is not None
    )


def applied(lines: Iterable[OwnLine], terms: Iterable[Term], *, at: datetime) -> tuple[OwnLine, ...]:
    """The lines of a list with the terms that hold at an instant; with none the list as it is."""
    in_force = [term for term in terms if term.holds_at(at)]
    overrides = {term.key: term for term in sorted(in_force, key=_order) if term.kind is Kind.OVERRIDE}
    discounts = sorted((term for term in in_force if term.kind is Kind.DISCOUNT), key=_nearness)
    found = []
    for line in listed(lines):
        override = overrides.pop(line.key, None)
        fitting = [term for term in discounts if term.fits(line)]
        if override is not None:
            line = replace(line, per_hour=override.value, listed=line.per_hour, terms="negotiated")
        elif fitting:
            percent = fitting[-1].value
            price = (line.per_hour * (100 - percent) / 100).quantize(PRECISION, rounding=ROUND_HALF_EVEN)
            # A price is never 0; below what is written of one, the list's stands.
            if price > 0:
                line = replace(line, per_hour=price, listed=line.per_hour, terms=f"less {plain(percent)} %")
        found.append(line)
    found += [
        OwnLine(
            component=Component(term.component),
            per_hour=term.value,
            price_class=term.price_class,
            gpu=term.gpu,
            terms="negotiated",
        )
        for term in overrides.values()
    ]
    return tuple(found)


def _order(term: Term) -> int:
    return term.order


def _nearness(term: Term) -> tuple[bool, bool, bool, int]:
    return term.nearness
