"""Who spends what: sums of deployments by team, model, type, environment or cluster, each currency for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from deployments.domain.cost.amounts import Amount

ZERO: Final = Decimal(0)


class By(StrEnum):
    """What the page is divided by; from DEPLOYMENT one goes to the deployment's own page."""

    TEAM = "team"
    MODEL = "model"
    TYPE = "type"
    ENVIRONMENT = "environment"
    CLUSTER = "cluster"
    DEPLOYMENT = "deployment"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def inner(self) -> By:
        """Into what one drills."""
        return By.DEPLOYMENT if self in (By.MODEL, By.DEPLOYMENT) else By.MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Of one deployment, one team's time and one currency. `places` has its key and name for each By.

    `last_week` and `week_before` are sums of whole days, of which `week_days` and `before_days` were measured.
    """

    places: Mapping[By, tuple[str, str]]
    deployment: int
    currency: str
    month: Decimal = ZERO
    last_month: Decimal = ZERO
    same_days: Decimal = ZERO
    last_week: Decimal = ZERO
    week_before: Decimal = ZERO
    week_days: int = 0
    before_days: int = 0


@dataclass(slots=True)
class Row:
    """A bar of the page. `unknown` are deployments that ran without a price this month: in no sum."""

    key: str
    name: str
    currency: str
    month: Decimal = ZERO
    last_month: Decimal = ZERO
    same_days: Decimal = ZERO
    a_day: Decimal = ZERO
    by_environment: dict[str, Decimal] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    deployments: set[int] = field(default_factory=set)

    def forecast(self, days_left: Decimal) -> Decimal:
        return self.month + self.a_day * days_left

    @property
    def against(self) -> Decimal | None:
        """Percent more than the same days of the last month; None where there is nothing to compare with."""
        return 100 * (self.month / self.same_days - 1) if self.same_days else None


def rows_by(spent: Iterable[Spent], by: By, unknown: Iterable[tuple[Mapping[By, tuple[str, str]], int]]) -> list[Row]:
    """The largest first within a currency. `unknown`: places and keys of deployments that ran without a price."""
    found: dict[tuple[str, str], Row] = {}
    for item in spent:
        key, name = item.places[by]
        row = found.setdefault((key, item.currency), Row(key, name, item.currency))
        row.month += item.month
        row.last_month += item.last_month
        row.same_days += item.same_days
        row.a_day += item.last_week / item.week_days if item.week_days else ZERO
        row.deployments.add(item.deployment)
        environment = item.places[By.ENVIRONMENT][0]
        row.by_environment[environment] = row.by_environment.get(environment, ZERO) + item.month
    for places, deployment in unknown:
        key, name = places[by]
        mine = [row for (place, _), row in found.items() if place == key]
        row = mine[0] if mine else found.setdefault((key, ""), Row(key, name, ""))
        row.unknown.add(deployment)
    return sorted(found.values(), key=lambda row: (row.currency == "", row.currency, -row.month, row.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A deployment whose days came to something else in the last week than in the week before."""

    spent: Spent
    before: Decimal
    after: Decimal

    @property
    def by(self) -> Decimal:
        return self.after - self.before

    @property
    def amount(self) -> Amount:
        return Amount.known(self.by, self.spent.currency)


def movers(spent: Iterable[Spent], *, most: int = 8) -> list[Moved]:
    """Those that moved most by the day, up or down; each needs a whole day in both weeks, and a cent."""
    found = [
        Moved(spent=item, before=item.week_before / item.before_days, after=item.last_week / item.week_days)
        for item in spent
        if item.week_days and item.before_days
    ]
    moved = [item for item in found if abs(item.by) >= Decimal("0.01")]
    return sorted(moved, key=lambda item: (-abs(item.by), item.spent.deployment))[:most]


def currencies(spent: Sequence[Spent]) -> list[str]:
    """The one with the largest sum this month first."""
    sums: dict[str, Decimal] = {}
    for item in spent:
        sums[item.currency] = sums.get(item.currency, ZERO) + item.month
    return sorted(sums, key=lambda name: (-sums[name], name))
