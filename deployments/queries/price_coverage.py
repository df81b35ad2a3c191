"""Which hardware profiles, node pools and deployments of each cluster have no price, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from deployments.domain.catalogue import HardwareProfile as Profile
from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.change import ANY_GPU, GIB
from deployments.domain.cost.estimate import billed
from deployments.domain.cost.machines import LABEL_GPU
from deployments.domain.cost.own_list import OwnList
from deployments.domain.cost.prices import Request, quote_request
from deployments.models import Cluster, Deployment, HardwareProfile
from deployments.queries.costs import prices_in_force
from deployments.queries.fleet_costs import Size, months_of, sizes

NO_LIST: Final = "The cluster has no price list."


@dataclass(frozen=True, kw_only=True)
class Priced:
    """Something with a size and the price of one hour of it."""

    name: str
    size: str
    hour: Amount


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """One cluster. `missing`: why deployments have no price, with how many; `priced`: how many have one."""

    cluster: Cluster
    prices: OwnList | None
    profiles: tuple[Priced, ...]
    pools: tuple[Priced, ...]
    priced: int
    missing: tuple[tuple[str, int], ...]

    @property
    def unknown(self) -> int:
        """Profiles and pools without a price."""
        return sum(item.hour.value is None for item in (*self.profiles, *self.pools))


def coverage(*, at: datetime) -> list[Coverage]:
    """Every active cluster, those with the most deployments without a price first."""
    clusters = list(Cluster.objects.select_related("health").filter(is_active=True))
    prices = prices_in_force([cluster.pk for cluster in clusters], at=at)
    profiles = [row.to_domain() for row in HardwareProfile.objects.filter(is_active=True)]
    rows = sizes(Deployment.objects.live())
    months = months_of(rows, at=at)
    found = [_of(cluster, prices.get(cluster.pk), profiles, rows, months) for cluster in clusters]
    return sorted(found, key=lambda item: (-sum(number for _, number in item.missing), item.cluster.name))


def _of(
    cluster: Cluster, prices: OwnList | None, profiles: list[Profile], rows: list[Size], months: dict[int, Amount]
) -> Coverage:
    mine = [months[row.pk] for row in rows if row.cluster_id == cluster.pk and row.pk in months]
    missing = Counter(month.reason for month in mine if month.value is None)
    health = getattr(cluster, "health", None)
    return Coverage(
        cluster=cluster,
        prices=prices,
        profiles=tuple(_profile(profile, prices) for profile in profiles),
        pools=tuple(_pool(pool, prices) for pool in (health.capacity if health else [])),
        priced=sum(month.value is not None for month in mine),
        missing=tuple(missing.most_common()),
    )


def _profile(profile: Profile, prices: OwnList | None) -> Priced:
    gpus = ((profile.gpu_type or ANY_GPU, Decimal(profile.gpu_count)),) if profile.gpu_count else ()
    request = Request(
        cpu=Decimal(profile.cpu_request) / 1000, memory_gib=Decimal(profile.memory_request) / GIB, gpus=gpus
    )
    request = billed(request, profile.price_class)
    return Priced(name=profile.name, size=profile.price_class, hour=_hour(request, profile.price_class, prices))


def _pool(pool: dict[str, Any], prices: OwnList | None) -> Priced:
    """All nodes of a pool together; their accelerator is the label's."""
    label = (pool.get("labels") or {}).get(LABEL_GPU) or ANY_GPU
    count = int(pool.get("gpus") or 0)
    request = Request(
        cpu=Decimal(pool["cpu_m"]) / 1000,
        memory_gib=Decimal(pool["memory_b"]) / GIB,
        gpus=((label, Decimal(count)),) if count else (),
    )
    return Priced(
        name=str(pool["pool"]), size=str(pool.get("machine") or ""), hour=_hour(request, str(pool["pool"]), prices)
    )


def _hour(request: Request, price_class: str, prices: OwnList | None) -> Amount:
    if prices is None:
        return Amount.unknown(NO_LIST)
    return quote_request(request, prices.card(price_class, [label for label, _ in request.gpus])).amount
