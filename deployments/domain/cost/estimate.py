"""The first basis: what a spec will cost by list prices, its replicas and its calendar. No clock: `at` is an argument.

"A month" is 730 hours, of which the calendar's awake share is paid for. Hours are real durations between UTC instants,
so that a night in which clocks change has 7 or 9 of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.machines import Machine
from deployments.domain.cost.own_list import POD, SPOT
from deployments.domain.cost.prices import Quote, RateCard, Request, quote_request
from deployments.domain.cost.rules import HOURS_PER_MONTH, PodClass

# A schedule repeats by the week; four of them let a calendar with holidays show one or two.
SHARE_WINDOW: Final = timedelta(days=28)
_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR_US: Final = 3_600_000_000
_HOURS_STEP: Final = Decimal("1e-9")


class Basis(StrEnum):
    """Where a figure comes from. Figures of two bases are never added."""

    ESTIMATE = "estimate"
    MEASURED = "measured"
    BILLED = "billed"

    @property
    def label(self) -> str:
        return {
            "estimate": "estimate: spec x list price",
            "measured": "measured: pod hours seen x list price",
            "billed": "billed: Google's export",
        }[self.value]


class Calendar(Protocol):
    """When a deployment is awake. The sleep schedules implement it; they know time zones, this module does not."""

    @property
    def pods_asleep(self) -> int:
        """How many pods go on while it sleeps; it never runs more asleep than awake."""

    def awake(self, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        """Awake intervals [from, to) within [start, end), disjoint and in order; all instants are aware."""


class Always:
    """Never asleep."""

    @property
    def pods_asleep(self) -> int:
        return 0

    def awake(self, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        return ((start, end),) if start < end else ()


ALWAYS: Final[Calendar] = Always()


def awake_hours(calendar: Calendar, start: datetime, end: datetime) -> Decimal:
    """Real hours awake between two aware instants, to a billionth."""
    spans = sum(((upto - since) // _MICROSECOND for since, upto in calendar.awake(start, end)), 0)
    return (Decimal(spans) / _HOUR_US).quantize(_HOURS_STEP)


def hours_a_month(calendar: Calendar, at: datetime) -> Decimal:
    """730 x the share of the four weeks from `at` that is awake."""
    window = Decimal(SHARE_WINDOW // _MICROSECOND) / _HOUR_US
    return (HOURS_PER_MONTH * awake_hours(calendar, at, at + SHARE_WINDOW) / window).quantize(_HOURS_STEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """Pods while awake: the least, the usual number (a mean, so a fraction) and the most the autoscaler may run."""

    minimum: int
    typical: Decimal
    maximum: int

    def __post_init__(self) -> None:
        if not 0 <= self.minimum <= self.typical <= self.maximum:
            raise ValueError(f"Replicas must grow: {self.minimum}, {self.typical}, {self.maximum}.")

    @classmethod
    def of(cls, minimum: int, maximum: int, observed: Decimal | None = None) -> Replicas:
        """`observed`, the mean of some days, held within the bounds; without it the least is taken for usual."""
        typical = Decimal(minimum) if observed is None else min(max(observed, Decimal(minimum)), Decimal(maximum))
        return cls(minimum=minimum, typical=typical, maximum=maximum)

    @property
    def three(self) -> tuple[Decimal, Decimal, Decimal]:
        return Decimal(self.minimum), self.typical, Decimal(self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Three:
    """The same figure at the least, the usual and the most replicas."""

    minimum: Amount
    typical: Amount
    maximum: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a spec costs a month, with all that went into it. `pod` is one hour of one pod, `hours` those awake.

    `version` is the key of the price version, None where there is no list.
    """

    pod: Quote
    replicas: Replicas
    hours: Decimal
    month: Three
    price_version: str
    at: datetime
    pods_asleep: int = 0
    version: int | None = None
    basis: Basis = Basis.ESTIMATE

    @property
    def asleep_hours(self) -> Decimal:
        return HOURS_PER_MONTH - self.hours

    def pod_hours(self, count: Decimal) -> Decimal:
        """Hours of pods a month that runs `count` of them while awake."""
        return pod_hours(count, self.hours, self.asleep_hours, self.pods_asleep)

    @property
    def formula(self) -> str:
        """Why this number, at the usual load."""
        if self.pod.hourly is None:
            return "; ".join(self.pod.unknown)
        return (
            f"{self.replicas.typical:f} pods x {self.pod.hourly:f} {self.pod.currency} an hour x {self.hours:.2f} h "
            f"of {HOURS_PER_MONTH} h a month{self._asleep_words} "
            f"= {self.month.typical.value:.2f} {self.pod.currency}"
        )

    @property
    def _asleep_words(self) -> str:
        pods = min(self.replicas.typical, Decimal(self.pods_asleep))
        if not (pods and self.asleep_hours):
            return ""
        return (
            f" + {pods:f} {'pod' if pods == 1 else 'pods'} x {self.pod.hourly:f} {self.pod.currency} an hour "
            f"x {self.asleep_hours:.2f} h asleep"
        )


def pod_hours(count: Decimal, awake: Decimal, asleep: Decimal, pods_asleep: int) -> Decimal:
    """Hours of pods: `count` of them while awake, and what goes on while asleep, which is never more."""
    return count * awake + min(count, Decimal(pods_asleep)) * asleep


def estimate(
    request: Request,
    card: RateCard,
    replicas: Replicas,
    *,
    at: datetime,
    price_version: str,
    calendar: Calendar = ALWAYS,
    machine: Machine | None = None,
    version: int | None = None,
) -> Estimate:
    """By the month from `at`. `machine` is the type of the pods' nodes on Standard, None on Autopilot."""
    return of_pod(
        quote_request(request, card, machine),
        replicas,
        at=at,
        price_version=price_version,
        hours=hours_a_month(calendar, at),
        pods_asleep=calendar.pods_asleep,
        version=version,
    )


def of_pod(
    pod: Quote,
    replicas: Replicas,
    *,
    at: datetime,
    price_version: str,
    hours: Decimal,
    pods_asleep: int,
    version: int | None,
) -> Estimate:
    """A month of pods whose price is known already; `hours` are those awake of 730."""
    counted = (pod_hours(count, hours, HOURS_PER_MONTH - hours, pods_asleep) for count in replicas.three)
    least, usual, most = (pod.amount.times(number) for number in counted)
    return Estimate(
        pod=pod,
        replicas=replicas,
        hours=hours,
        month=Three(minimum=least, typical=usual, maximum=most),
        price_version=price_version,
        at=at,
        pods_asleep=pods_asleep,
        version=version,
    )


def between(quote: Quote, replicas: Decimal, start: datetime, end: datetime, *, calendar: Calendar = ALWAYS) -> Amount:
    """What so many pods cost from `start` to `end`, asleep by the calendar: a forecast, not a month of 730 h."""
    awake = awake_hours(calendar, start, end)
    whole = max((end - start) // _MICROSECOND, 0)
    asleep = (Decimal(whole) / _HOUR_US).quantize(_HOURS_STEP) - awake
    return quote.amount.times(pod_hours(replicas, awake, asleep, calendar.pods_asleep))


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One reason why a change moves the price, with what it adds a month; the drivers of a change add up to it."""

    name: str
    adds: Three


def drivers(before: Estimate, after: Estimate) -> tuple[Driver, ...]:
    """What moves the price from `before` to `after`, largest first at the usual load; empty if either is unknown.

    Each part's new price is put on the old replicas and hours, then the new replicas on the old hours, then the hours.
    """
    if before.pod.hourly is None or after.pod.hourly is None or before.pod.currency != after.pod.currency:
        return ()
    new_price, currency = after.pod.hourly, after.pod.currency
    counts = list(zip(before.replicas.three, after.replicas.three, strict=True))
    found = []
    for component in dict.fromkeys(part.component for part in (*before.pod.parts, *after.pod.parts)):
        moved = _of(after.pod, component) - _of(before.pod, component)
        found.append(_driver(component.value, currency, [moved * before.pod_hours(old) for old, _ in counts]))
    by_replicas = [(before.pod_hours(new) - before.pod_hours(old)) * new_price for old, new in counts]
    by_hours = [(after.pod_hours(new) - before.pod_hours(new)) * new_price for _, new in counts]
    found += [_driver("replicas", currency, by_replicas), _driver("awake hours", currency, by_hours)]
    moving = [driver for driver in found if any(amount.value for amount in _each(driver.adds))]
    return tuple(sorted(moving, key=lambda driver: -abs(driver.adds.typical.value or Decimal(0))))


def _of(quote: Quote, component: str) -> Decimal:
    return sum((part.amount for part in quote.parts if part.component == component), Decimal(0))


def _driver(name: str, currency: str, three: list[Decimal]) -> Driver:
    least, usual, most = (Amount.known(value, currency) for value in three)
    return Driver(name=name, adds=Three(minimum=least, typical=usual, maximum=most))


def _each(three: Three) -> tuple[Amount, Amount, Amount]:
    return three.minimum, three.typical, three.maximum


@dataclass(frozen=True, slots=True)
class Admission:
    """What Autopilot makes of a request: at least these, and GiB for each vCPU between these."""

    cpu: Decimal
    memory_gib: Decimal
    least_gib: Decimal
    most_gib: Decimal


# Google's documented minimums and ratios. A live pod says what it was really given, and wins.
ADMISSION: Final[dict[PodClass, Admission]] = {
    PodClass.GENERAL: Admission(Decimal("0.05"), Decimal(52) / 1024, Decimal(1), Decimal("6.5")),
    PodClass.BALANCED: Admission(Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(8)),
    PodClass.SCALE_OUT_X86: Admission(Decimal("0.25"), Decimal(1), Decimal(4), Decimal(4)),
    PodClass.SCALE_OUT_ARM: Admission(Decimal("0.25"), Decimal(1), Decimal(4), Decimal(4)),
}
DEFAULT_CPU: Final = Decimal("0.5")
DEFAULT_MEMORY_GIB: Final = Decimal(2)


def admitted(pod_class: PodClass, cpu: Decimal | None, memory_gib: Decimal | None) -> Request:
    """What Autopilot will bill for a pod that does not run yet: defaults, minimums, and the class's ratio.

    Too little memory for the vCPUs is raised, too much raises the vCPUs. Only an estimate needs it.
    """
    cpu = DEFAULT_CPU if cpu is None else cpu
    memory = DEFAULT_MEMORY_GIB if memory_gib is None else memory_gib
    rule = ADMISSION.get(pod_class)
    if rule is not None:
        cpu, memory = max(cpu, rule.cpu), max(memory, rule.memory_gib)
        memory = max(memory, cpu * rule.least_gib)
        cpu = max(cpu, memory / rule.most_gib)
    return Request(cpu=cpu, memory_gib=memory)


def billed(request: Request, price_class: str) -> Request:
    """What is paid for of a request under a price class: on Autopilot what admission makes of it, else itself."""
    name = price_class.removeprefix(SPOT)
    if not name.startswith(POD):
        return request
    text = name.removeprefix(POD).partition(":")[0]
    rule = PodClass(text) if text in {item.value for item in PodClass} else PodClass.ACCELERATOR
    return replace(admitted(rule, request.cpu, request.memory_gib), gpus=request.gpus)
