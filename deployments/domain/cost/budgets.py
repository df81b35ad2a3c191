"""Budgets of a month: the forecast against their limits, before a change and after it. Instants are arguments.

Forecast = spent so far + run rate to the end of the month. A month is one of the calendar, in UTC. What is unknown, or
in another currency, is counted beside the sum, never in it. Pods that an autoscaler may add are said, not charged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from deployments.domain.cost.amounts import Amount, total

ZERO: Final = Decimal(0)
MOST: Final = Decimal("999999999999.99")


def month_of(at: datetime) -> tuple[datetime, datetime]:
    """The first instant of the calendar month of `at`, and of the next one, in UTC."""
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    later = (first.year + 1, 1) if first.month == 12 else (first.year, first.month + 1)
    return first, first.replace(year=later[0], month=later[1])


class Basis(StrEnum):
    """What "spent so far" is made of."""

    ESTIMATE = "estimate"
    MEASURED = "measured"


class Level(StrEnum):
    """Where a forecast stands against the limits."""

    WITHIN = "within"
    SOFT = "soft"
    HARD = "hard"

    @property
    def label(self) -> str:
        return {"within": "within", "soft": "over the soft limit", "hard": "over the hard limit"}[self.value]

    @property
    def rank(self) -> int:
        return {"within": 0, "soft": 1, "hard": 2}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Both are inclusive: a limit is crossed by what is more. At least one is set; soft is not above hard."""

    currency: str
    soft: Decimal | None = None
    hard: Decimal | None = None

    def __post_init__(self) -> None:
        given = [limit for limit in (self.soft, self.hard) if limit is not None]
        if not given:
            raise ValueError("Give a soft limit, a hard one, or both.")
        if any(not limit.is_finite() or not ZERO <= limit <= MOST for limit in given):
            raise ValueError("A limit is 0 or more, and below a trillion.")
        if len(given) == 2 and given[0] > given[1]:
            raise ValueError("The soft limit is above the hard one.")

    def level(self, value: Decimal) -> Level:
        if self.hard is not None and value > self.hard:
            return Level.HARD
        return Level.SOFT if self.soft is not None and value > self.soft else Level.WITHIN

    @property
    def largest(self) -> Decimal:
        """The limit that a bar is drawn against."""
        return self.hard if self.hard is not None else self.soft or ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one deployment adds to the month: until now, from now on at the usual and at the most pods.

    `measured` is the part of `spent` that was measured, None: nothing was looked at; the rest of it is an estimate.
    `unpriced`: why measured time beside it has no price.
    """

    spent: Amount
    usual: Amount
    most: Amount
    measured: Decimal | None = None
    unpriced: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Sums in one currency over [start, end), as of `at`; `unknown` deployments are in no sum, each with its reason.

    `spent` is what was `measured` and, for the rest of the time so far, an estimate. What is to come is an estimate.
    """

    currency: str
    start: datetime
    at: datetime
    end: datetime
    spent: Decimal
    rest: Decimal
    most: Decimal
    count: int
    unknown: int = 0
    reasons: tuple[str, ...] = ()
    measured: Decimal | None = None

    @property
    def estimated(self) -> Decimal:
        """The part of `spent` that was not measured."""
        return self.spent - (self.measured or ZERO)

    @property
    def bases(self) -> tuple[tuple[Basis, Decimal], ...]:
        """The parts of `spent`, each with its basis; one of nothing is left out beside another."""
        if self.measured is None:
            return ((Basis.ESTIMATE, self.spent),)
        rest = ((Basis.ESTIMATE, self.estimated),) if self.estimated else ()
        return ((Basis.MEASURED, self.measured), *rest)

    @property
    def value(self) -> Decimal:
        """What the month comes to, as far as it is known."""
        return self.spent + self.rest

    @property
    def at_most(self) -> Decimal:
        """The same with every autoscaler at its maximum from now on: said, not charged."""
        return self.spent + self.most

    @property
    def hours_left(self) -> Decimal:
        return Decimal((self.end - self.at).total_seconds()) / 3600

    def amount(self, value: Decimal) -> Amount:
        return Amount.known(value, self.currency)

    @property
    def words(self) -> str:
        """ "12,122.00 USD + 2 unknown" """
        return f"{self.amount(self.value).words}{self.unknown_words}"

    @property
    def unknown_words(self) -> str:
        return f" + {self.unknown} unknown" if self.unknown else ""

    @property
    def spent_words(self) -> str:
        """ "120.00 USD so far (118.00 measured, 2.00 estimate)" """
        bases = self.bases
        named = bases[0][0].value if len(bases) == 1 else ", ".join(f"{value:,.2f} {basis}" for basis, value in bases)
        return f"{self.amount(self.spent).words} so far ({named})"

    @property
    def formula(self) -> str:
        so_far = " + ".join(f"{self.amount(value).words} so far ({basis})" for basis, value in self.bases)
        return (
            f"{so_far} + {self.amount(self.rest).words} in the {self.hours_left:.0f} h to the end of the month "
            f"({Basis.ESTIMATE}) = {self.words}"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "start": self.start.isoformat(),
            "at": self.at.isoformat(),
            "end": self.end.isoformat(),
            "spent": f"{self.spent:.4f}",
            "rest": f"{self.rest:.4f}",
            "most": f"{self.most:.4f}",
            "deployments": self.count,
            "unknown": self.unknown,
            "reasons": list(self.reasons),
            "measured": None if self.measured is None else f"{self.measured:.4f}",
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], currency: str) -> Forecast:
        """Also of those that were kept while all of it was an estimate."""
        start, at, end = (datetime.fromisoformat(data[name]) for name in ("start", "at", "end"))
        return cls(
            currency=currency,
            start=start,
            at=at,
            end=end,
            spent=Decimal(data["spent"]),
            rest=Decimal(data["rest"]),
            most=Decimal(data["most"]),
            count=data["deployments"],
            unknown=data["unknown"],
            reasons=tuple(data["reasons"]),
            measured=_decimal(data.get("measured")),
        )


def forecast(shares: Iterable[Share], *, currency: str, at: datetime) -> Forecast:
    """The month of `at`. Of a share, what is known counts; one of which anything is not, or in another currency, is
    among the unknown ones besides."""
    start, end = month_of(at)
    given = list(shares)
    lacking = [Amount.unknown(problem) for share in given if (problem := _problem(share, currency))]
    unknown = total(lacking)
    measured = [
        share.measured
        for share in given
        if share.measured is not None and share.spent.value is not None and share.spent.currency in ("", currency)
    ]
    return Forecast(
        currency=currency,
        start=start,
        at=at,
        end=end,
        spent=_sum((share.spent for share in given), currency),
        rest=_sum((share.usual for share in given), currency),
        most=_sum((share.most for share in given), currency),
        count=len(given),
        unknown=unknown.unknown,
        reasons=unknown.reasons,
        measured=sum(measured, ZERO) if measured else None,
    )


def _sum(amounts: Iterable[Amount], currency: str) -> Decimal:
    return sum((amount.value for amount in amounts if amount.value and amount.currency == currency), ZERO)


def _problem(share: Share, currency: str) -> str:
    for amount in (share.usual, share.spent, share.most):
        if amount.value is None:
            return amount.reason
        if amount.value and amount.currency != currency:
            return f"{amount.currency} is not added to {currency}"
    return share.unpriced


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change does to one budget. `key` and `name` are the budget's; `told` are the people who are shown it.

    `is_unknown`: the price of what is changed is not known after the change, and something of it changes. `is_shared`:
    it covers every team, so its sums are not for everybody who sees the change.
    """

    key: int
    name: str
    limits: Limits
    before: Forecast
    after: Forecast
    is_unknown: bool = False
    is_return: bool = False
    is_shared: bool = False
    told: tuple[str, ...] = ()
    reason: str = ""

    @property
    def level(self) -> Level:
        return self.limits.level(self.after.value)

    @property
    def was(self) -> Level:
        return self.limits.level(self.before.value)

    @property
    def raises(self) -> bool:
        return self.after.value > self.before.value

    @property
    def raises_or_unknown(self) -> bool:
        return self.raises or self.is_unknown

    @property
    def needs_reason(self) -> bool:
        """Whether a maintainer has to say why: it goes over the hard limit, or nobody knows whether it does.

        What makes an exceeded budget no worse passes, and so does every return to an old revision.
        """
        if self.is_return or self.limits.hard is None:
            return False
        return self.is_unknown or (self.raises and self.level is Level.HARD)

    @property
    def warns(self) -> bool:
        """Whether it is worth a line: over a limit afterwards, or not known."""
        return self.is_unknown or self.level is not Level.WITHIN

    def to_json(self) -> dict[str, Any]:
        """All that the answer follows from, for the revision and the audit log."""
        return {
            "budget": self.key,
            "name": self.name,
            "currency": self.limits.currency,
            "soft": _text(self.limits.soft),
            "hard": _text(self.limits.hard),
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "level": self.level.value,
            "unknown": self.is_unknown,
            "is_return": self.is_return,
            "is_shared": self.is_shared,
            "told": list(self.told),
            "reason": self.reason,
        }

    def to_facts(self) -> dict[str, Any]:
        """The same for the audit log, where all of a team read it: without the sums of other teams."""
        hidden = ("before", "after") if self.is_shared else ()
        return {name: value for name, value in self.to_json().items() if name not in hidden}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Effect:
        currency = data["currency"]
        return cls(
            key=data["budget"],
            name=data["name"],
            limits=Limits(currency=currency, soft=_decimal(data["soft"]), hard=_decimal(data["hard"])),
            before=Forecast.from_json(data["before"], currency),
            after=Forecast.from_json(data["after"], currency),
            is_unknown=data["unknown"],
            is_return=data["is_return"],
            is_shared=data["is_shared"],
            told=tuple(data["told"]),
            reason=data["reason"],
        )


def _text(limit: Decimal | None) -> str | None:
    return None if limit is None else f"{limit:f}"


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
