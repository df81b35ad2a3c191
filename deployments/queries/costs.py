"""What deployments cost by estimate: the prices in force, the usual number of pods, what was kept with revisions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Avg

from deployments.domain.catalogue import HardwareProfile
from deployments.domain.cost.change import CostChange, estimate_of
from deployments.domain.cost.own_list import OwnList
from deployments.domain.spec.spec import Spec
from deployments.models import Deployment, PriceVersion, Proposal, Revision, UsageSample

OBSERVED: Final = timedelta(days=7)
_STEP: Final = Decimal("0.01")
NO_LIST: Final = "{cluster} has no price list. The platform team adds one in the admin, under Price lists."


def prices_in_force(clusters: Iterable[int], *, at: datetime) -> dict[int, OwnList]:
    """The price list of each cluster that has one, by the cluster's key; one query for any number of them."""
    found = (
        PriceVersion.objects.filter(cluster_id__in=list(clusters), effective_at__lte=at)
        .order_by("cluster_id", "-effective_at", "-pk")
        .distinct("cluster_id")
    )
    return {version.cluster_id: version.to_domain() for version in found}


def observed_pods(deployment: Deployment | None, *, at: datetime) -> Decimal | None:
    """The mean number of pods measured in the last 7 days, to a hundredth; None while there are no samples."""
    if deployment is None:
        return None
    rows = UsageSample.objects.filter(deployment=deployment, at__gt=at - OBSERVED, at__lte=at)
    mean = rows.aggregate(mean=Avg("pods"))["mean"]
    return None if mean is None else Decimal(str(mean)).quantize(_STEP).normalize()


def change_of(proposal: Proposal, *, before: Revision | None, at: datetime) -> CostChange:
    """What the proposal does to the price, both sides by the prices of now. Needs the proposal's cluster."""
    cluster = proposal.namespace.cluster
    prices = prices_in_force([cluster.pk], at=at).get(cluster.pk)
    observed = observed_pods(proposal.deployment, at=at)
    none = NO_LIST.format(cluster=cluster.name)
    profile = HardwareProfile.from_json(proposal.profile) if proposal.profile else None
    old = before.to_profile() if before else None
    spec = Spec.from_json(proposal.spec)
    return CostChange(
        before=estimate_of(before.to_spec(), old, prices, at=at, observed=observed, why_none=none) if before else None,
        after=estimate_of(spec, profile, prices, at=at, observed=observed, why_none=none),
        profiles=(old.slug if old else "", profile.slug if profile else ""),
        since=prices.since if prices else None,
        is_observed=observed is not None,
    )


def now_of(deployment: Deployment, *, at: datetime) -> CostChange | None:
    """What the current revision costs by the prices of now; None before the first. Needs its cluster."""
    current, cluster = deployment.current, deployment.namespace.cluster
    if current is None:
        return None
    prices = prices_in_force([cluster.pk], at=at).get(cluster.pk)
    observed = observed_pods(deployment, at=at)
    none = NO_LIST.format(cluster=cluster.name)
    profile = current.to_profile()
    return CostChange(
        before=None,
        after=estimate_of(current.to_spec(), profile, prices, at=at, observed=observed, why_none=none),
        since=prices.since if prices else None,
        is_observed=observed is not None,
    )


def kept_with(revision: Revision | None) -> CostChange | None:
    """What the revision was said to cost when it was saved; None for those saved before that was kept."""
    return CostChange.from_json(revision.estimate) if revision is not None and revision.estimate else None


def facts_of(revision: Revision) -> dict[str, str]:
    """The same in words, for the audit log."""
    kept = kept_with(revision)
    return kept.to_facts() if kept else {}
