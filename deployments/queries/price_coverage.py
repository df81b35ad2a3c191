"""Which hardware profiles, nodes, SKUs and deployments of each cluster have no price, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from deployments.domain.catalogue import HardwareProfile as Profile
from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.change import ANY_GPU, GIB
from deployments.domain.cost.estimate import billed
from deployments.domain.cost.machines import LABEL_GPU
from deployments.domain.cost.own_list import OwnLine, OwnList
from deployments.domain.cost.placed import card_of, price_classes
from deployments.domain.cost.prices import Request, quote_request
from deployments.models import Cluster, Deployment, HardwareProfile, OpenNode, PricePull
from deployments.queries.costs import prices_in_force
from deployments.queries.fleet_costs import Size, months_of, sizes

NO_LIST: Final = "The cluster has no price list."


@dataclass(frozen=True, kw_only=True)
class Priced:
    """Something with a size and the price of one hour of it; `is_of` says what it is."""

    name: str
    size: str
    hour: Amount
    is_of: str = "hardware profile"


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """One cluster. `missing`: why deployments have no price, with how many; `priced`: how many have one.

    `unsold`: what of Google's catalog no SKU, or more than one, fits; as the last reading left it.
    """

    cluster: Cluster
    prices: OwnList | None
    profiles: tuple[Priced, ...]
    pools: tuple[Priced, ...]
    nodes: tuple[Priced, ...]
    unsold: tuple[tuple[str, str], ...]
    priced: int
    missing: tuple[tuple[str, int], ...]

    @property
    def unknown(self) -> int:
        """Profiles, pools and nodes without a price, and what no SKU fits."""
        return sum(item.hour.value is None for item in self.rows) + len(self.unsold)

    @property
    def rows(self) -> tuple[Priced, ...]:
        return (*self.profiles, *self.pools, *self.nodes)

    @property
    def lines(self) -> tuple[OwnLine, ...]:
        """Of the list in force, by their words."""
        return tuple(sorted(self.prices.lines, key=lambda line: line.words)) if self.prices else ()


def coverage(*, at: datetime) -> list[Coverage]:
    """Every active cluster, those with the most deployments without a price first."""
    clusters = list(Cluster.objects.select_related("health").filter(is_active=True))
    prices = prices_in_force([cluster.pk for cluster in clusters], at=at)
    profiles = [row.to_domain() for row in HardwareProfile.objects.filter(is_active=True)]
    rows = sizes(Deployment.objects.live())
    months = months_of(rows, at=at)
    nodes, faults = _nodes_by_cluster(), _faults()
    found = [
        _of(cluster, prices.get(cluster.pk), profiles, rows, months, nodes.get(cluster.pk, []), faults)
        for cluster in clusters
    ]
    return sorted(found, key=lambda item: (-sum(number for _, number in item.missing), item.cluster.name))


def _of(
    cluster: Cluster,
    prices: OwnList | None,
    profiles: list[Profile],
    rows: list[Size],
    months: dict[int, Amount],
    nodes: list[OpenNode],
    faults: list[str],
) -> Coverage:
    mine = [months[row.pk] for row in rows if row.cluster_id == cluster.pk and row.pk in months]
    missing = Counter(month.reason for month in mine if month.value is None)
    health = getattr(cluster, "health", None)
    return Coverage(
        cluster=cluster,
        prices=prices,
        profiles=tuple(_profile(profile, prices) for profile in profiles),
        pools=tuple(_pool(pool, prices) for pool in (health.capacity if health else [])),
        nodes=tuple(_nodes(nodes, prices)),
        unsold=_unsold(cluster, faults),
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
    name, machine = str(pool["pool"]), str(pool.get("machine") or "")
    is_of = f"all nodes of the pool{f', {machine}' if machine else ''}"
    return Priced(name=name, size=name, hour=_hour(request, name, prices), is_of=is_of)


def _nodes_by_cluster() -> dict[int, list[OpenNode]]:
    found: dict[int, list[OpenNode]] = defaultdict(list)
    for row in OpenNode.objects.order_by("machine", "pool", "node"):
        found[row.cluster_id].append(row)
    return found


def _nodes(rows: list[OpenNode], prices: OwnList | None) -> Iterator[Priced]:
    """One of each kind of node, with how many there are: priced as a measured node is."""
    alike: dict[tuple[object, ...], list[OpenNode]] = defaultdict(list)
    for row in rows:
        alike[(row.machine, row.pool, row.gpu, row.is_spot, row.millicores, row.memory)].append(row)
    for some in alike.values():
        facts, request = some[0].to_facts, some[0].to_facts.size.request
        classes = price_classes(profile="", machine=facts.machine, pool=facts.pool, is_spot=facts.is_spot)
        if prices is None:
            used, hour = "", Amount.unknown(NO_LIST)
        else:
            used, card = card_of(prices, classes, [label for label, _ in request.gpus], is_spot=facts.is_spot)
            hour = quote_request(request, card).amount
        count = "one node" if len(some) == 1 else f"one of {len(some)} nodes"
        words = f"{count}{', Spot' if facts.is_spot else ''}{f', {facts.gpu}' if facts.gpu else ''}"
        yield Priced(name=facts.machine or facts.pool or some[0].node, size=used, hour=hour, is_of=words)


def _faults() -> list[str]:
    """Lines of the last reading of Google's catalog."""
    pull = PricePull.objects.first()
    return pull.fault.splitlines() if pull is not None else []


def _unsold(cluster: Cluster, faults: list[str]) -> tuple[tuple[str, str], ...]:
    """By class: what the reading said of this cluster."""
    mine = (line.removeprefix(f"{cluster.name}: ") for line in faults if line.startswith(f"{cluster.name}: "))
    parts = (line.partition(": ") for line in mine)
    return tuple((name, reason) for name, _, reason in parts if reason)


def _hour(request: Request, price_class: str, prices: OwnList | None) -> Amount:
    if prices is None:
        return Amount.unknown(NO_LIST)
    return quote_request(request, prices.card(price_class, [label for label, _ in request.gpus])).amount
