"""A price list of one's own, for clusters that Google does not bill: read from CSV, turned into a rate card.

A line prices one vCPU, GiB or GPU for an hour, everywhere or for one price class (a node pool or hardware profile). The
line of a pod's own class wins; a price that is in no line is unknown, never 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from deployments.domain.cost.matching import PRECISION, plain
from deployments.domain.cost.prices import RateCard, RateLine
from deployments.domain.cost.rules import RULES, Component

COLUMNS: Final = ("component", "price_class", "gpu", "per_hour")
SOLD: Final = (Component.CPU, Component.MEMORY, Component.GPU)
MOST_LINES: Final = 500
LONGEST: Final = 63
# What a price class may begin with: a Spot machine, and a class of Autopilot, which may be Spot too.
SPOT: Final = "spot:"
POD: Final = "pod:"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLine:
    """`per_hour` is for one unit; `price_class` empty: everywhere; `gpu` is the accelerator label.

    `terms` says what was negotiated ("less 12 %"), `listed` what the list has in its place; None: it has no such line.
    """

    component: Component
    per_hour: Decimal
    price_class: str = ""
    gpu: str = ""
    sku: str = ""  # of Google's catalog, for a line that was made from it
    listed: Decimal | None = None
    terms: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.component.value, self.price_class, self.gpu)

    @property
    def words(self) -> str:
        """ "cpu in e2-standard", "gpu nvidia-l4" """
        name = f"{self.component.value} {self.gpu}".strip()
        return f"{name} in {self.price_class}" if self.price_class else name

    def to_json(self) -> dict[str, str]:
        data = dict(zip(COLUMNS, (*self.key, plain(self.per_hour)), strict=True))
        beside = {"sku": self.sku, "listed": plain(self.listed) if self.listed is not None else "", "terms": self.terms}
        return {**data, **{name: value for name, value in beside.items() if value}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OwnLine:
        return cls(
            component=Component(data["component"]),
            price_class=data["price_class"],
            gpu=data["gpu"],
            per_hour=Decimal(data["per_hour"]),
            sku=data.get("sku", ""),
            listed=Decimal(data["listed"]) if "listed" in data else None,
            terms=data.get("terms", ""),
        )

    @property
    def source(self) -> str:
        """Which price it is: "cpu in e2-standard, SKU 2922-40C5-B19F, less 12 % of 0.031611" """
        sku = f", SKU {self.sku}" if self.sku else ""
        if not self.terms:
            return f"{self.words}{sku}"
        before = plain(self.listed) if self.listed is not None else ""
        what = f"{self.terms} of {before}" if self.terms.startswith("less") else self.terms
        return f"{self.words}{sku}, {what}"


class WrongList(Exception):
    """What is wrong, line by line: `problems`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


def read_csv(text: str, *, currency: str) -> tuple[OwnLine, ...]:
    """The lines below a heading with the four COLUMNS. Raises WrongList with every line that does not fit."""
    rows = [row for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))) if any(cell.strip() for cell in row)]
    if not rows or [cell.strip().lower() for cell in rows[0]] != list(COLUMNS):
        raise WrongList([f"The first line must be {','.join(COLUMNS)}."])
    if len(rows) == 1:
        raise WrongList(["There is no price below the first line."])
    if len(rows) > MOST_LINES + 1:
        raise WrongList([f"At most {MOST_LINES} prices fit into one list."])
    lines: dict[tuple[str, str, str], OwnLine] = {}
    problems = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            line = _line([cell.strip() for cell in row], currency)
        except ValueError as problem:
            problems.append(f"Line {number}: {problem}")
            continue
        if line.key in lines:
            problems.append(f"Line {number}: {line.words} has a price already.")
        lines[line.key] = line
    if problems:
        raise WrongList(problems)
    return tuple(lines.values())


def to_csv(lines: Iterable[OwnLine]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((*line.key, plain(line.per_hour)) for line in lines)
    return out.getvalue()


def _line(cells: list[str], currency: str) -> OwnLine:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"it has {len(cells)} columns instead of {len(COLUMNS)}.")
    name, price_class, gpu, price = cells
    if name not in {component.value for component in SOLD}:
        raise ValueError(f'"{name[:40]}" is none of cpu, memory, gpu.')
    component = Component(name)
    if (component is Component.GPU) != bool(gpu):
        raise ValueError("a gpu line names the accelerator, and no other line does.")
    if max(len(price_class), len(gpu)) > LONGEST:
        raise ValueError(f"a name has more than {LONGEST} characters.")
    try:
        rate = Decimal(price)
    except InvalidOperation:
        raise ValueError(f'"{price[:40]}" is no price.') from None
    if not rate.is_finite() or rate <= 0:
        raise ValueError("a price is more than 0; leave a line out whose price is not known.")
    if rate != rate.quantize(PRECISION) or rate >= 10**6:
        raise ValueError("a price has at most 12 digits after the point and is below 1,000,000.")
    check_bounds(component, rate, currency)
    return OwnLine(component=component, price_class=price_class, gpu=gpu, per_hour=rate)


def check_bounds(component: Component, rate: Decimal, currency: str) -> None:
    """A price for a month, or for a thousandth of a vCPU, must not pass for one of an hour. Raises ValueError."""
    bound = next((row for row in RULES.bounds if row.component is component and not row.is_pod), None)
    if currency == "USD" and bound and not bound.low < rate < bound.high:
        unit, within = component.unit, f"{plain(bound.low)} to {plain(bound.high)}"
        raise ValueError(f"{plain(rate)} USD an hour for one {unit} is outside of {within}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnList:
    """One version of a list: `name` says which, `since` from when its prices count. `version` is its key, if stored."""

    name: str
    currency: str
    since: datetime
    lines: tuple[OwnLine, ...]
    version: int | None = None

    def card(self, price_class: str, gpus: Iterable[str]) -> RateCard:
        """The prices of a pod of this class that asks for these accelerators; what lacks is a line with its reason."""
        wanted = [(Component.CPU, ""), (Component.MEMORY, ""), *((Component.GPU, label) for label in gpus)]
        return RateCard(lines=tuple(self._rate(component, label, price_class) for component, label in wanted))

    def _rate(self, component: Component, label: str, price_class: str) -> RateLine:
        part = f"GPU {label}" if component is Component.GPU else component.value
        by_key = {line.key: line for line in self.lines}
        found = by_key.get((component.value, price_class, label)) or by_key.get((component.value, "", label))
        if found is None:
            what = f"{part} in {price_class}" if price_class else part
            reason = f"{self.name} has no price for {what}."
            return RateLine(component=component, part=part, rate=None, label=label, reason=reason)
        return RateLine(
            component=component,
            part=part,
            rate=found.per_hour,
            currency=self.currency,
            sku=found.source,
            since=self.since,
            label=label,
        )
