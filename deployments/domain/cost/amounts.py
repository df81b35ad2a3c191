"""Sums that hide nothing: an amount without a price stays unknown with its reason, and currencies are never added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

CENT: Final = Decimal("0.005")  # half of one: from there on it is rounded up


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money, or why it is not known: `value` is None exactly when there is a `reason`."""

    value: Decimal | None
    currency: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise ValueError("An amount is a value or a reason.")

    @classmethod
    def known(cls, value: Decimal, currency: str) -> Amount:
        return cls(value=value, currency=currency)

    @classmethod
    def unknown(cls, reason: str) -> Amount:
        return cls(value=None, reason=reason)

    @property
    def sure(self) -> Decimal:
        """The value where the caller has made sure that there is one; ValueError with the reason where not."""
        if self.value is None:
            raise ValueError(f"The amount is unknown: {self.reason}")
        return self.value

    @property
    def words(self) -> str:
        """ "306.20 USD", "unknown"; what is less than a cent says so instead of 0.00."""
        if self.value is None:
            return "unknown"
        small = self.value and abs(self.value) < CENT
        text = "less than 0.01" if small else f"{abs(self.value):,.2f}"
        minus = "\N{MINUS SIGN}" if self.value < 0 and not small else ""
        return f"{minus}{text} {self.currency}".rstrip()

    @property
    def short(self) -> str:
        """For lists: whole units from ten on."""
        if self.value is None or abs(self.value) < 10:
            return self.words
        return f"{self.value:,.0f} {self.currency}".replace("-", "\N{MINUS SIGN}").rstrip()

    @property
    def signed(self) -> str:
        """A difference: "+306.20 USD", "no change"."""
        if self.value is None:
            return "unknown"
        return f"+{self.words}" if self.value > 0 else self.words if self.value else "no change"

    def times(self, factor: Decimal | int) -> Amount:
        """The same for more pods or hours; unknown stays unknown, also times 0."""
        return self if self.value is None else Amount(value=self.value * factor, currency=self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What amounts come to, one sum for each currency, and how many are in none of them."""

    sums: tuple[tuple[str, Decimal], ...]
    unknown: int
    reasons: tuple[str, ...] = ()

    @property
    def amount(self) -> Amount:
        """As one amount, where that is possible: nothing is unknown and there is at most one currency."""
        if self.unknown:
            return Amount.unknown("; ".join(self.reasons))
        if len(self.sums) > 1:
            return Amount.unknown(f"{' and '.join(currency for currency, _ in self.sums)} are not added")
        return Amount.known(self.sums[0][1], self.sums[0][0]) if self.sums else Amount.known(Decimal(0), "")

    @property
    def words(self) -> str:
        """ "306.20 USD + 2 unknown" """
        pieces = [f"{value:,.2f} {currency}".rstrip() for currency, value in self.sums]
        if self.unknown:
            pieces.append(f"{self.unknown} unknown")
        return " + ".join(pieces) or "0.00"


def total(amounts: Iterable[Amount]) -> Total:
    """Reasons are listed once each, in the order they were met; currencies by name."""
    sums: dict[str, Decimal] = {}
    reasons: dict[str, None] = {}
    unknown = 0
    for amount in amounts:
        if amount.value is None:
            unknown += 1
            reasons.setdefault(amount.reason)
        else:
            sums[amount.currency] = sums.get(amount.currency, Decimal(0)) + amount.value
    return Total(sums=tuple(sorted(sums.items())), unknown=unknown, reasons=tuple(reasons))
