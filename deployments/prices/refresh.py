"""Reading Google's catalog once a day, for clusters on Google: a new price list where prices are others.

On any fault the last list stays in force. A list that a person made is never replaced.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db.models import Exists, QuerySet

from baristaweb.lib.clock import now
from deployments.actions import prices
from deployments.audit import Actor
from deployments.domain.cost.from_catalog import derive, held
from deployments.domain.cost.matching import PriceBook
from deployments.domain.cost.own_list import SPOT
from deployments.domain.cost.versions import keep
from deployments.models import Cluster, HardwareProfile, OpenNode, PricePull, PriceVersion
from deployments.prices.api import Busy, PriceListError, Pull, Source
from deployments.prices.google_catalog import pull

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(days=1)
AGAIN: Final = timedelta(hours=1)
LEASE: Final = timedelta(minutes=15)  # longer than a pull may take
ROW: Final = 1
BY: Final = Actor.system("prices")


def on_google() -> list[Cluster]:
    """Clusters whose prices are in the catalog, if their place is known."""
    return list(_on_google())


def _on_google() -> QuerySet[Cluster]:
    return Cluster.objects.filter(is_active=True, provider=Cluster.Provider.GKE).exclude(location="")


def waiting() -> QuerySet[Cluster]:
    """Clusters on Google while the catalog is due."""
    pulled = PricePull.objects.filter(pk=ROW, next_at__gt=now())
    return _on_google().filter(~Exists(pulled))


def claim(*, at: datetime) -> list[int]:
    """The row's key when the catalog is due, claimed for the lease; nothing while no cluster asks for it."""
    if PricePull.objects.filter(pk=ROW, next_at__gt=at).exists() or not on_google():
        return []
    PricePull.objects.get_or_create(pk=ROW, defaults={"next_at": at})
    return [ROW] if PricePull.objects.filter(pk=ROW, next_at__lte=at).update(next_at=at + LEASE) else []


def catalog(pull_id: int, *, accept: bool = False) -> None:
    """Read the catalog and publish what is new. `accept`: also prices that moved by more than the bound."""
    at = now()
    source = Source(endpoint=settings.BARISTA.billing_endpoint, api_key=settings.BARISTA.billing_key)
    row = {"tried_at": at}
    try:
        problems = _publish(pull(source), at=at, accept=accept)
    except PriceListError as problem:
        wait = AGAIN
        if isinstance(problem, Busy) and problem.retry_after_s:
            wait = max(AGAIN, timedelta(seconds=min(problem.retry_after_s, EVERY.total_seconds())))
        log.warning("prices_not_read", problem=str(problem))
        PricePull.objects.update_or_create(pk=pull_id, defaults={**row, "next_at": at + wait, "fault": str(problem)})
        return
    log.info("prices_read", problems=len(problems))
    PricePull.objects.update_or_create(
        pk=pull_id, defaults={**row, "next_at": at + EVERY, "read_at": at, "fault": "\n".join(problems)}
    )


def _publish(found: Pull, *, at: datetime, accept: bool) -> list[str]:
    """One list for each cluster that has none by a person; what was not taken over, in words."""
    clusters = {cluster: _region(cluster) for cluster in on_google()}
    book = PriceBook(keep(found.skus, clusters.values()).skus)
    profiles = [row.to_domain() for row in HardwareProfile.objects.filter(is_active=True)]
    classes = {profile.price_class for profile in profiles if profile.price_class}
    problems: list[str] = []
    for cluster, region in clusters.items():
        last = PriceVersion.objects.filter(cluster=cluster, effective_at__lte=at).first()
        if last is not None and last.source != PriceVersion.Source.GOOGLE:
            continue
        derived = derive(book, classes | _seen(cluster), region=region)
        problems += [f"{cluster.name}: {problem}" for problem in derived.problems]
        before = prices.without_terms(last)
        waits = () if accept else held(before, derived.lines)
        if waits:
            problems.append(f"{cluster.name}: not taken over until somebody accepts it: {'; '.join(waits)}.")
        elif derived.lines and list(derived.lines) != before:
            version = PriceVersion(
                cluster=cluster,
                name=f"Google list prices, {region}",
                source=PriceVersion.Source.GOOGLE,
                currency=derived.currency,
                effective_at=at,
                lines=[line.to_json() for line in derived.lines],
            )
            prices.publish(version=version, by=BY)
    return problems


def _seen(cluster: Cluster) -> set[str]:
    """Machine types of the nodes that there are: what runs has a price, whatever it was meant to run on."""
    found = OpenNode.objects.filter(cluster=cluster).exclude(machine="").values_list("machine", "is_spot").distinct()
    return {f"{SPOT}{machine}" if is_spot else machine for machine, is_spot in found}


def _region(cluster: Cluster) -> str:
    """Of a region or a zone: us-central1-a is in us-central1."""
    return re.sub(r"-[a-z]$", "", cluster.location)
