"""The search for the one SKU that a rule names, in a region, at an instant: exactly one, or a reason."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from deployments.domain.cost.rules import RULES, Component, Heading, RuleBook, heading
from deployments.domain.cost.skus import COMPUTE_ENGINE, KUBERNETES_ENGINE, Rate, Sku

# A thousandth of the catalog's nanos: rates for a month or a second divide without end.
PRECISION: Final = Decimal("1e-12")
NAMED: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Where and when: `region` as Google spells it, `at` None for the last price listed."""

    region: str
    is_spot: bool = False
    at: datetime | None = None
    is_pod: bool = False
    spot_by_words: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """No price, and why. `is_absent` when nothing of that name is sold there at all."""

    reason: str
    is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Offers:
    """The one price found: `rate` for one unit of the component and one hour."""

    sku: Sku
    rate: Decimal
    currency: str
    since: datetime | None


class PriceBook:
    """SKUs ready to be searched. Made once for a price version; it does not change."""

    def __init__(self, skus: Iterable[Sku], rules: RuleBook = RULES) -> None:
        self.rules = rules
        self.count = 0
        self._by_name: dict[str, list[tuple[Sku, Heading]]] = defaultdict(list)
        self._excluded = re.compile("|".join(rf"\b(?:{row.pattern})\b" for row in rules.excluded) or r"(?!)")
        for sku in skus:
            self.count += 1
            taken = heading(sku.description)
            self._by_name[taken.name].append((sku, taken))

    def find(self, names: Sequence[str], component: Component, lookup: Lookup) -> Offers | Unknown:
        """The price of what is sold under one of these names (lower case, each another spelling of one thing)."""
        if not names:
            return Unknown(f"There is no price rule for {component}.")
        sold = [
            sku
            for name in dict.fromkeys(names)
            for sku, taken in self._by_name.get(name, ())
            if self._is_offered(sku, taken, component, lookup)
        ]
        what = f'"{names[0]}"{" on Spot" if lookup.is_spot else ""} in {lookup.region}'
        if not sold:
            return Unknown(f"No SKU matches {what}.", is_absent=True)
        for sku in sold:
            if sku.problem:
                return Unknown(f"{sku.words} cannot be read: {sku.problem}.")
        in_force = [(sku, rate) for sku in sold if (rate := sku.at(lookup.at)) is not None]
        if not in_force:
            return Unknown(_not_in_force(sold, what))
        # Google lists what is reserved already at 0: no offer, but also no reason to call a price unknown.
        priced = [(sku, rate) for sku, rate in in_force if rate.price] or in_force
        if len(priced) > 1:
            named = ", ".join(sku.words for sku, _ in priced[:NAMED])
            more = f" and {len(priced) - NAMED} more" if len(priced) > NAMED else ""
            return Unknown(f"{len(priced)} SKUs match {what}: {named}{more}.")
        return self._hourly(*priced[0], component, lookup)

    def _is_offered(self, sku: Sku, taken: Heading, component: Component, lookup: Lookup) -> bool:
        if lookup.region not in sku.regions or self._excluded.search(taken.rest):
            return False
        if sku.service and sku.service != (KUBERNETES_ENGINE if lookup.is_pod else COMPUTE_ENGINE):
            return False
        if not lookup.is_pod:
            families = ("Compute", "Storage") if component is Component.LOCAL_SSD else ("Compute",)
            if sku.family not in families or self.rules.groups.get(sku.group, component) is not component:
                return False
        is_spot = self.rules.usage.get(sku.usage)
        if is_spot is None:
            return False
        if taken.says_spot and not is_spot:
            # Called Spot and filed under OnDemand: no on-demand price, and a Spot price only where Google does that.
            return lookup.is_spot and lookup.spot_by_words
        return is_spot is lookup.is_spot

    def _hourly(self, sku: Sku, rate: Rate, component: Component, lookup: Lookup) -> Offers | Unknown:
        if not rate.price:
            return Unknown(f"{sku.words} is listed at 0.")
        hours = self._hours(rate.unit, component)
        if hours is None:
            return Unknown(f'{sku.words} is priced per "{rate.unit}", which is no unit of {component}.')
        # The words decide: displayQuantity is "for display only", and Arm pods are priced for a whole vCPU already.
        factor = 1000 if re.search(r"\bmcpu\b", f"{sku.description} {rate.unit}".lower()) else 1
        hourly = (rate.price * factor / hours).quantize(PRECISION, rounding=ROUND_HALF_EVEN)
        in_usd = hourly / rate.conversion
        for bound in self.rules.bounds:
            applies = (bound.component, bound.is_pod) == (component, lookup.is_pod)
            if applies and not bound.low < in_usd < bound.high:
                return Unknown(
                    f"{sku.words} would be {plain(hourly)} {rate.currency} for one {component.unit} and hour, "
                    f"outside {plain(bound.low)} to {plain(bound.high)} USD."
                )
        return Offers(sku=sku, rate=hourly, currency=rate.currency, since=rate.since)

    def _hours(self, unit: str, component: Component) -> Decimal | None:
        """Hours in a usageUnit such as "h", "GiBy.h" or "GiBy.mo"; None when it is no unit of that component."""
        amount, _, time = unit.rpartition(".")
        in_gib = component in (Component.MEMORY, Component.LOCAL_SSD)
        wanted = ("GiBy",) if in_gib else ("", "mCPU") if component is Component.CPU else ("",)
        return self.rules.times.get(time) if amount in wanted else None


def _not_in_force(sold: Sequence[Sku], what: str) -> str:
    starts = [sku.rates[0].since for sku in sold if sku.rates and sku.rates[0].since]
    later = f" The first is of {min(starts):%Y-%m-%d %H:%M} UTC." if starts else ""
    return f"No price of {what} was in force then.{later}"


def plain(value: Decimal) -> str:
    """Without exponent and without zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
