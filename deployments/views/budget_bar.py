"""Where the marks of a budget's bar lie: what was spent, the forecast, the limits. Drawn as SVG by the template."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from deployments.domain.cost.budgets import Forecast, Limits

WIDTH: Final = 400


@dataclass(frozen=True, kw_only=True)
class Bar:
    """In units of WIDTH; None: there is no such mark. `before` is the forecast without the change, if one is shown."""

    spent: int
    forecast: int
    before: int | None
    soft: int | None
    hard: int | None
    words: str
    width: int = WIDTH

    @property
    def rest(self) -> int:
        return max(self.forecast - self.spent, 0)

    @property
    def added(self) -> int:
        """How much longer the change makes it."""
        return max(self.forecast - self.before, 0) if self.before is not None else 0

    @property
    def added_from(self) -> int:
        return self.forecast - self.added


def bar(limits: Limits, forecast: Forecast, *, before: Forecast | None = None) -> Bar:
    largest = max(forecast.value, limits.largest, before.value if before else Decimal(0), Decimal("0.01")) * Decimal(
        "1.04"
    )

    def at(value: Decimal | None) -> int | None:
        return None if value is None else round(value / largest * WIDTH)

    marks = [f"{forecast.amount(forecast.spent).words} so far", f"{forecast.words} forecast"]
    marks += [f"soft limit {limits.soft:,.2f}"] if limits.soft is not None else []
    marks += [f"hard limit {limits.hard:,.2f}"] if limits.hard is not None else []
    return Bar(
        spent=at(forecast.spent) or 0,
        forecast=at(forecast.value) or 0,
        before=at(before.value) if before else None,
        soft=at(limits.soft),
        hard=at(limits.hard),
        words=", ".join(marks),
    )
