"""From SKUs and rules to what a node, a pod on a node, or a pod on Autopilot costs in an hour.

A price is found or it is unknown with a reason, never 0 and never a choice between two. Rates are for one unit (vCPU,
GiB, GPU) and one hour, in the catalog's currency, rounded to matching.PRECISION; amounts are their exact products.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from deployments.domain.cost.amounts import Amount, total
from deployments.domain.cost.machines import EXTENDED_ABOVE, Machine
from deployments.domain.cost.matching import Lookup, Offers, PriceBook, Unknown, plain
from deployments.domain.cost.rules import NODE_BOUND, Component, PodClass, spellings

__all__ = ["Lookup", "PriceBook", "Unknown"]

ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a pod asks for, or is billed for on Autopilot: vCPUs, GiB, (accelerator label, number)."""

    cpu: Decimal
    memory_gib: Decimal
    gpus: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLine:
    """One price that a quote needs: of `component`, named `part`; `label` is the accelerator's. Or why there is none.

    `rate` is for one billed unit and hour; `share` is how many billed units one requested unit is.
    """

    component: Component
    part: str
    rate: Decimal | None
    currency: str = ""
    sku: str = ""
    since: datetime | None = None
    label: str = ""
    share: Decimal = ONE
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """All rates of a machine in a region, or of a class of pods: from the catalog, an own list, or both mixed.

    Overrides and negotiated discounts replace lines here (`with_line`), so that quotes need not know of them.
    """

    lines: tuple[RateLine, ...]
    problem: str = ""

    def with_line(self, line: RateLine) -> RateCard:
        """With one price instead of the catalog's of the same component, part and accelerator, or added to them."""
        key = (line.component, line.part, line.label)
        others = tuple(old for old in self.lines if (old.component, old.part, old.label) != key)
        return replace(self, lines=(*others, line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A row of a quote: `quantity` of `unit` at `rate` an hour is `amount` an hour."""

    name: str
    component: Component
    quantity: Decimal
    unit: str
    rate: Decimal
    amount: Decimal
    sku: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price of one hour. `hourly` is the sum of `parts`, or None when anything in `unknown` is missing in it."""

    hourly: Decimal | None
    currency: str
    parts: tuple[Part, ...]
    unknown: tuple[str, ...] = ()

    @property
    def amount(self) -> Amount:
        return (
            Amount.unknown("; ".join(self.unknown)) if self.hourly is None else Amount.known(self.hourly, self.currency)
        )


def node_rates(book: PriceBook, machine: Machine, lookup: Lookup) -> RateCard:
    """What Compute Engine charges for a machine of this type; local SSD only where it always comes with the machine."""
    rules, family = book.rules, machine.family
    rows = [row for row in rules.families if row.family == family]
    if not rows and family not in rules.bundled:
        return RateCard(lines=(), problem=f"There is no price rule for the machine family {family}.")
    if machine.memory_gib > EXTENDED_ABOVE.get(family, machine.memory_gib) * machine.cpu:
        rows += [row for row in rules.families if row.family == f"{family}-ext"]
    lines = []
    for row in rows:
        part = row.part or {"cpu": "core", "memory": "memory"}.get(row.component.value, "machine")
        found = book.find(spellings(row.name), row.component, lookup)
        share = machine.cpu_share if row.component is Component.CPU else ONE
        lines.append(_line(row.component, part, found, share=share))
    lines += [_gpu_line(book, label, lookup, machine.gpu_share) for label, _ in machine.gpus]
    if machine.local_ssd_gib and family not in rules.bundled:
        of_family = [row for row in rules.ssds if row.family == family] or [row for row in rules.ssds if not row.family]
        names = [name for row in of_family for name in spellings(row.name)]
        found = book.find(names, Component.LOCAL_SSD, replace(lookup, spot_by_words=True))
        lines.append(_line(Component.LOCAL_SSD, "local SSD", found))
    return RateCard(lines=tuple(lines))


def _gpu_line(book: PriceBook, label: str, lookup: Lookup, share: Decimal) -> RateLine:
    rows = [row for row in book.rules.gpus if row.label == label]
    found: Offers | Unknown
    if rows:
        by_words = any(row.spot_by_words for row in rows)
        names = [name for row in rows for name in spellings(row.name)]
        found = book.find(names, Component.GPU, replace(lookup, spot_by_words=by_words))
    else:
        found = Unknown(f"There is no price rule for the accelerator {label}.")
    return _line(Component.GPU, f"GPU {label}", found, label=label, share=share)


def pod_rates(book: PriceBook, pod_class: PodClass, gpus: Sequence[str], lookup: Lookup) -> RateCard:
    """What Autopilot charges for what a pod of this class requests; `gpus` are accelerator labels."""
    if pod_class is PodClass.ACCELERATOR and not gpus:
        return RateCard(lines=(), problem="The accelerator class is priced by its GPU, and none is named.")
    if pod_class is not PodClass.ACCELERATOR and gpus:
        return RateCard(lines=(), problem=f"Autopilot has no GPU in the class {pod_class}; accelerator has.")
    if len(gpus) > 1:
        return RateCard(lines=(), problem="A pod of Autopilot has GPUs of one type.")
    label = gpus[0] if gpus else ""
    if label and label not in book.rules.pod_gpus:
        return RateCard(
            lines=(),
            problem=f"Autopilot bills {label} by the node and a premium, not by the pod, or does not have it.",
        )
    lookup = replace(lookup, is_pod=True, spot_by_words=True)
    lines = []
    for component, part in ((Component.CPU, "core"), (Component.MEMORY, "memory"), (Component.GPU, f"GPU {label}")):
        rows = [row for row in book.rules.pods if (row.pod_class, row.component) == (pod_class, component)]
        if component is Component.GPU and not label:
            continue
        found: Offers | Unknown = Unknown(f"There is no price rule for the {part} of {pod_class} pods.")
        for order in sorted({row.order for row in rows}):
            names = [
                row.name.replace("{gpu}", book.rules.pod_gpus.get(label, "")) for row in rows if row.order == order
            ]
            tried = book.find([text for name in names for text in spellings(name)], component, lookup)
            if order == 0 or not (isinstance(tried, Unknown) and tried.is_absent):
                found = tried
            if not (isinstance(tried, Unknown) and tried.is_absent):
                break
        lines.append(_line(component, part, found, label=label if component is Component.GPU else ""))
    return RateCard(lines=tuple(lines))


def _line(
    component: Component, part: str, found: Offers | Unknown, *, label: str = "", share: Decimal = ONE
) -> RateLine:
    if isinstance(found, Unknown):
        return RateLine(component=component, part=part, rate=None, label=label, share=share, reason=found.reason)
    return RateLine(
        component=component,
        part=part,
        rate=found.rate,
        currency=found.currency,
        sku=found.sku.sku_id,
        since=found.since,
        label=label,
        share=share,
    )


def quote_node(machine: Machine, card: RateCard) -> Quote:
    """One hour of a whole node. Unknown also when it comes to more than any machine costs."""
    quote = _quote(machine.cpu, machine.memory_gib, machine.shown_gpus, machine.local_ssd_gib, card, machine)
    if quote.hourly is not None and quote.currency == "USD" and quote.hourly >= NODE_BOUND:
        reason = f"{plain(quote.hourly)} USD an hour is more than a node can cost; the bound is {NODE_BOUND}."
        return replace(quote, hourly=None, unknown=(reason,))
    return quote


def quote_request(request: Request, card: RateCard, machine: Machine | None = None) -> Quote:
    """One hour of what a pod asks for. `machine` is the node's type on Standard, None on Autopilot.

    What the node has beyond its pods' requests, and its local SSD, is nobody's request: it is idle of the node.
    """
    if machine is not None and not card.problem:
        sold = {line.component for line in card.lines}
        if Component.MACHINE in sold:
            reason = f"{machine.name} is sold as a whole: what a pod takes of it has no price of its own."
            return Quote(hourly=None, currency="", parts=(), unknown=(reason,))
        if Component.CPU not in sold and not request.gpus:
            reason = f"{machine.name} is priced by its GPUs alone, and the pod asks for none."
            return Quote(hourly=None, currency="", parts=(), unknown=(reason,))
    return _quote(request.cpu, request.memory_gib, request.gpus, Decimal(0), card, machine)


def _quote(
    cpu: Decimal,
    memory: Decimal,
    gpus: tuple[tuple[str, Decimal], ...],
    ssd: Decimal,
    card: RateCard,
    machine: Machine | None,
) -> Quote:
    if card.problem:
        return Quote(hourly=None, currency="", parts=(), unknown=(card.problem,))
    parts, unknown = [], []
    missing = {label for label, _ in gpus} - {line.label for line in card.lines if line.component is Component.GPU}
    unknown += [f"The accelerator {label} is not one of the machine's." for label in sorted(missing)]
    extended = _extended(machine, memory)
    for line in card.lines:
        quantity = {
            Component.CPU: cpu * line.share,
            Component.MEMORY: {"memory": memory - extended, "extended memory": extended}.get(line.part, memory),
            Component.GPU: line.share * sum((count for label, count in gpus if label == line.label), Decimal(0)),
            Component.LOCAL_SSD: ssd,
            Component.MACHINE: ONE,
        }[line.component]
        if not quantity:
            continue
        if line.rate is None:
            unknown.append(line.reason)
            continue
        parts.append(
            Part(
                name=line.part,
                component=line.component,
                quantity=quantity,
                unit=line.component.unit,
                rate=line.rate,
                amount=quantity * line.rate,
                sku=line.sku,
                since=line.since,
            )
        )
    return _summed(parts, unknown, {line.currency for line in card.lines if line.rate is not None})


def _extended(machine: Machine | None, memory: Decimal) -> Decimal:
    """How much of `memory` GiB is of the extended kind: what a custom machine has above its family's limit."""
    if machine is None or machine.family not in EXTENDED_ABOVE or not machine.memory_gib:
        return Decimal(0)
    above = machine.memory_gib - EXTENDED_ABOVE[machine.family] * machine.cpu
    return max(Decimal(0), above * memory / machine.memory_gib)


def _summed(parts: Sequence[Part], unknown: Iterable[str], currencies: set[str]) -> Quote:
    reasons = list(dict.fromkeys(unknown))
    if len(currencies) > 1:
        reasons.append(f"The prices are in {' and '.join(sorted(currencies))}, which are not added.")
    if not parts and not reasons:
        reasons.append("Nothing is asked for that has a price.")
    currency = currencies.pop() if len(currencies) == 1 else ""
    summed = total(Amount.known(part.amount, currency) for part in parts).amount
    return Quote(
        hourly=None if reasons else summed.value,
        currency=currency,
        parts=tuple(parts),
        unknown=tuple(reasons),
    )


def usage_amount(
    hours: Request, card: RateCard, machine: Machine | None
) -> tuple[Amount, tuple[tuple[Component, Decimal], ...]]:
    """What vCPU, GiB and GPU hours come to, and by component."""
    quote = quote_request(hours, card, machine)
    by_component: dict[Component, Decimal] = {}
    for part in quote.parts:
        by_component[part.component] = by_component.get(part.component, Decimal(0)) + part.amount
    return quote.amount, tuple(by_component.items()) if quote.hourly is not None else ()


def taken_amount(hours: Request, card: RateCard, machine: Machine) -> Amount:
    """What pods take of a node's price. 0 for what the node's price does not hold, as vCPUs of a GPU slice."""
    requested = (Component.CPU, Component.MEMORY, Component.GPU)
    priced = replace(card, lines=tuple(line for line in card.lines if line.component in requested))
    quote = _quote(hours.cpu, hours.memory_gib, hours.gpus, Decimal(0), priced, machine)
    if quote.parts or card.problem or any(line.rate is None for line in priced.lines):
        return quote.amount
    currencies = sorted({line.currency for line in card.lines if line.rate is not None})
    return Amount.known(Decimal(0), currencies[0] if currencies else "")
