"""What a replica slot costs an hour over time, by the price lists that were in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from deployments.domain.cost.change import estimate_of
from deployments.domain.cost.own_list import OwnList
from deployments.domain.sleep.plan.ledger import Price
from deployments.domain.spec.spec import effective_resources
from deployments.models import Deployment, PriceVersion, Revision

NO_LIST = "The cluster had no price list."


@dataclass(frozen=True, kw_only=True)
class SlotPrices:
    """Prices by their start, the currency of each version, and why one is not known; what one slot requests."""

    prices: tuple[Price, ...]
    currencies: dict[str, str]
    unpriced: dict[str, str]
    cpu_m: int | None = None
    memory: int | None = None
    gpus: int | None = None


def revision_at(deployment: Deployment, at: datetime) -> Revision | None:
    """The newest revision that was saved up to `at`, else the first there is."""
    rows = Revision.objects.filter(deployment=deployment).order_by("-number")
    return rows.filter(saved_at__lte=at).first() or rows.last()


def slot_prices(deployment: Deployment, revision: Revision, start: datetime, end: datetime) -> SlotPrices:
    """Of [start, end) for pods of `revision`. Before the first list nothing is known."""
    rows = PriceVersion.objects.filter(cluster=deployment.namespace.cluster_id, effective_at__lt=end)
    by_start = sorted(rows, key=lambda row: (row.effective_at, row.pk))
    past = [row for row in by_start if row.effective_at <= start]
    lists = [(start, past[-1].to_domain())] if past else []
    lists += [(row.effective_at, row.to_domain()) for row in by_start if row.effective_at > start]
    prices, currencies, unpriced = [], {}, {"": NO_LIST}
    for since, listed in lists:
        hourly, reason, currency = _hour(revision, listed, since)
        prices.append(Price(since, hourly, listed.name))
        currencies[listed.name] = currency
        unpriced[listed.name] = reason
    return SlotPrices(prices=tuple(prices), currencies=currencies, unpriced=unpriced, **_requests(revision))


def _hour(revision: Revision, listed: OwnList, at: datetime) -> tuple[Decimal | None, str, str]:
    """An hour of a pod, else why that is not known; and the currency."""
    pod = estimate_of(revision.to_spec(), revision.to_profile(), listed, at=at).pod
    return pod.hourly, "; ".join(pod.unknown)[:300], pod.currency or listed.currency


def _requests(revision: Revision) -> dict[str, int]:
    size = effective_resources(revision.to_spec(), revision.to_profile())
    return {"cpu_m": size.cpu_request, "memory": size.memory_request, "gpus": size.gpu_count or 0}
