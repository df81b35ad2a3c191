"""What keeping a deployment awake until then costs: the sleep that it gives up, at the prices in force. An estimate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from deployments.domain.cost.amounts import Amount
from deployments.domain.sleep.schedule.given_up import given_up
from deployments.models import Deployment, KeepAwake
from deployments.queries import fleet_costs
from deployments.queries import sleep as sleeps
from deployments.queries.sleep_layers import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class AwakePrice:
    """`hours` that it would have slept, and what the pods that it would have released cost in them."""

    hours: Decimal
    amount: Amount

    @property
    def words(self) -> str:
        """ "about 1.20 USD for 13.5 h that it would sleep (estimate)" """
        if not self.hours:
            return "nothing: it would not sleep in that time"
        hours = f"{self.hours:.1f} h that it would sleep"
        if self.amount.value is None:
            return f"not known for {hours}: {self.amount.reason}"
        return f"about {self.amount.words} for {hours} (estimate)"


def hour_of(row: Deployment, *, at: datetime) -> Amount:
    """One hour of one of its pods. One query; needs what `.related()` brings."""
    return fleet_costs.hours_of([fleet_costs.Size.of(row)], at=at)[row.pk]


def price(row: Deployment, known: Said, hour: Amount, *, at: datetime, until: datetime) -> AwakePrice:
    """Of a keep-awake from `at` to `until`, whatever else keeps it awake; pods as the ledger counts them."""
    asked = KeepAwake(pk=0, deployment=row, since=at, until=until, by="whoever asks", reason="its price")
    slots = row.current.to_spec().min_replicas if row.current else 0
    pieces = given_up(sleeps.inputs_of(row, known, [asked]), at, until)
    asleep = sum(piece.span.seconds for piece in pieces)
    released = sum(piece.span.seconds * max(0, slots - piece.target) for piece in pieces)
    return AwakePrice(hours=Decimal(asleep) / 3600, amount=hour.times(Decimal(released) / 3600))
