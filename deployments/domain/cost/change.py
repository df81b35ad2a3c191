"""What a change of a spec does to its price: two estimates, what drives the difference, and both as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from deployments.domain.catalogue import HardwareProfile
from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.estimate import (
    ALWAYS,
    Calendar,
    Estimate,
    Replicas,
    Three,
    billed,
    drivers,
    estimate,
    of_pod,
)
from deployments.domain.cost.matching import plain
from deployments.domain.cost.own_list import OwnList
from deployments.domain.cost.prices import Part, Quote, RateCard, Request
from deployments.domain.cost.rules import Component
from deployments.domain.spec.spec import Spec, effective_resources

GIB = 2**30
ANY_GPU = "of any type"


def request_of(spec: Spec, profile: HardwareProfile | None) -> Request:
    """What one pod asks for. A GPU without a type has the label ANY_GPU, which no list prices."""
    size = effective_resources(spec, profile)
    gpus = ((size.gpu_type or ANY_GPU, Decimal(size.gpu_count)),) if size.gpu_count else ()
    wanted = Request(cpu=Decimal(size.cpu_request) / 1000, memory_gib=Decimal(size.memory_request) / GIB, gpus=gpus)
    return billed(wanted, profile.price_class if profile else "")


def estimate_of(
    spec: Spec,
    profile: HardwareProfile | None,
    prices: OwnList | None,
    *,
    at: datetime,
    observed: Decimal | None = None,
    calendar: Calendar = ALWAYS,
    why_none: str = "This cluster has no price list.",
) -> Estimate:
    """A month of `spec` by `prices`; unknown with its reason where there are none. `observed`: mean pods, if known."""
    request = request_of(spec, profile)
    labels = [label for label, _ in request.gpus]
    card = (
        prices.card(profile.price_class if profile else "", labels) if prices else RateCard(lines=(), problem=why_none)
    )
    return estimate(
        request,
        card,
        Replicas.of(spec.min_replicas, spec.max_replicas, observed),
        at=at,
        price_version=prices.name if prices else "",
        calendar=calendar,
        version=prices.version if prices else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the three figures, now and after; `moves` is the difference, unknown where either is."""

    name: str
    pods_before: Decimal | None
    pods_after: Decimal
    before: Amount | None
    after: Amount
    moves: Amount

    @property
    def pods(self) -> str:
        """ "1.5 pods", "1 → 3 pods" """
        after = plain(self.pods_after)
        before = after if self.pods_before is None else plain(self.pods_before)
        counts = after if before == after else f"{before} → {after}"
        return f"{counts} pod" if counts == "1" else f"{counts} pods"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverRow:
    """A driver with what it adds a month, and in words what of it has changed."""

    name: str
    adds: Three
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """`before` None: there was nothing. `profiles`: the hardware profiles before and after; `since` dates prices.

    `is_resized`: a pod asks for something else, which a side without a price does not tell.
    """

    before: Estimate | None
    after: Estimate
    profiles: tuple[str, str] = ("", "")
    since: datetime | None = None
    is_observed: bool = False
    is_resized: bool = False

    @property
    def profile_words(self) -> str:
        """ "cpu-small → gpu-l4" where the hardware profile is another one, else nothing."""
        old, new = (name or "sizes of its own" for name in self.profiles)
        return f"{old} → {new}" if self.before and old != new else ""

    @property
    def steps(self) -> tuple[Step, Step, Step]:
        least, usual, most = (self._step(name) for name in ("minimum", "typical", "maximum"))
        return least, usual, most

    def _step(self, name: str) -> Step:
        before = getattr(self.before.month, name) if self.before else None
        after = getattr(self.after.month, name)
        return Step(
            name=name,
            pods_before=getattr(self.before.replicas, name) if self.before else None,
            pods_after=Decimal(getattr(self.after.replicas, name)),
            before=before,
            after=after,
            moves=_difference(before, after),
        )

    @property
    def drivers(self) -> tuple[DriverRow, ...]:
        """What moves the price, largest first; empty where either price is unknown or there was none."""
        found = drivers(self.before, self.after) if self.before else ()
        return tuple(DriverRow(name=driver.name, adds=driver.adds, why=self._why(driver.name)) for driver in found)

    def _why(self, name: str) -> str:
        """What of it is another than before: "1 GPU at 0.56 an hour → none"."""
        if self.before is None or name not in set(Component):
            return ""
        old, new = (_sold(side, name) for side in (self.before, self.after))
        return f"{old} → {new}"

    @property
    def say(self) -> str:
        """The first line: what it comes to at the usual load."""
        usual = self.steps[1]
        if usual.moves.value is None:
            return "How much the price changes is not known" if usual.before else "What this costs is not known"
        if usual.before is None:
            return f"Costs about {usual.after.words} a month at the usual load"
        if not usual.moves.value:
            return f"The price stays at about {usual.after.words} a month at the usual load"
        change = Amount.known(abs(usual.moves.value), usual.moves.currency).words
        return f"Costs about {change} {'more' if usual.moves.value > 0 else 'less'} a month at the usual load"

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why a figure lacks, each reason once; those of before are marked."""
        old = self.before.pod.unknown if self.before else ()
        return (
            *self.after.pod.unknown,
            *(f"Before: {reason}" for reason in old if reason not in self.after.pod.unknown),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "before": to_json(self.before) if self.before else None,
            "after": to_json(self.after),
            "profiles": list(self.profiles),
            "since": self.since.isoformat() if self.since else None,
            "is_observed": self.is_observed,
            "is_resized": self.is_resized,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CostChange:
        before, after = data["profiles"]
        return cls(
            before=from_json(data["before"]) if data["before"] else None,
            after=from_json(data["after"]),
            profiles=(before, after),
            since=_instant(data["since"]),
            is_observed=data["is_observed"],
            is_resized=data.get("is_resized", False),
        )

    @property
    def is_moving(self) -> bool:
        """Whether anything that is paid for differs: also where no price says by how much."""
        if self.before is None or self.is_resized:
            return True
        old, new = self.before, self.after
        return (old.replicas, old.hours, old.pods_asleep) != (new.replicas, new.hours, new.pods_asleep)

    def to_facts(self) -> dict[str, Any]:
        """For the audit log: the typical month before and after in words, the prices used, and all figures as text.

        `cost_moves` is the difference a month at the usual load, with `cost_currency`; neither where it is unknown.
        """
        usual = self.steps[1]
        facts: dict[str, Any] = {
            "estimate_before": _words(usual.before) if usual.before else "nothing",
            "estimate_after": _words(usual.after),
            "price_list": self.after.price_version or "none",
            "cost_figures": {
                "price_version": self.after.version,
                "now": {step.name: _figure(step.before) for step in self.steps} if self.before else None,
                "after": {step.name: _figure(step.after) for step in self.steps},
                "unknown": list(self.unknown),
            },
        }
        if usual.moves.value is None:
            return facts | {"cost_unknown": True}
        return facts | {"cost_moves": f"{usual.moves.value:.4f}", "cost_currency": usual.moves.currency}


def _figure(amount: Amount | None) -> str | None:
    return None if amount is None or amount.value is None else f"{amount.value:.4f}"


def _sold(kept: Estimate, component: str) -> str:
    parts = [part for part in kept.pod.parts if part.component == component]
    return " + ".join(f"{plain(part.quantity)} {part.unit} at {plain(part.rate)} an hour" for part in parts) or "none"


def _difference(before: Amount | None, after: Amount) -> Amount:
    if before is None or after.value is None:
        return after
    if before.value is None:
        return before
    if before.currency != after.currency:
        return Amount.unknown(f"{before.currency} and {after.currency} are not compared")
    return Amount.known(after.value - before.value, after.currency)


def _words(amount: Amount) -> str:
    return f"unknown: {amount.reason}" if amount.value is None else f"{amount.words} a month"


def to_json(kept: Estimate) -> dict[str, Any]:
    """Everything that the figures follow from; decimals as text."""
    return {
        "basis": kept.basis.value,
        "price_version": kept.price_version,
        "version": kept.version,
        "at": kept.at.isoformat(),
        "hours": str(kept.hours),
        "pods_asleep": kept.pods_asleep,
        "replicas": [str(count) for count in kept.replicas.three],
        "currency": kept.pod.currency,
        "unknown": list(kept.pod.unknown),
        "parts": [
            {
                "name": part.name,
                "component": part.component.value,
                "quantity": str(part.quantity),
                "rate": str(part.rate),
                "sku": part.sku,
                "since": part.since.isoformat() if part.since else None,
            }
            for part in kept.pod.parts
        ],
    }


def from_json(data: Mapping[str, Any]) -> Estimate:
    parts = tuple(_part(item) for item in data["parts"])
    hourly = None if data["unknown"] else sum((part.amount for part in parts), Decimal(0))
    pod = Quote(hourly=hourly, currency=data["currency"], parts=parts, unknown=tuple(data["unknown"]))
    least, usual, most = (Decimal(count) for count in data["replicas"])
    return of_pod(
        pod,
        Replicas(minimum=int(least), typical=usual, maximum=int(most)),
        at=datetime.fromisoformat(data["at"]),
        price_version=data["price_version"],
        hours=Decimal(data["hours"]),
        pods_asleep=data.get("pods_asleep", 0),
        version=data.get("version"),
    )


def _part(data: Mapping[str, Any]) -> Part:
    component, quantity, rate = Component(data["component"]), Decimal(data["quantity"]), Decimal(data["rate"])
    return Part(
        name=data["name"],
        component=component,
        quantity=quantity,
        unit=component.unit,
        rate=rate,
        amount=quantity * rate,
        sku=data["sku"],
        since=_instant(data["since"]),
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
