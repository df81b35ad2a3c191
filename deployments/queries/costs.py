"""What deployments cost by estimate: the prices in force, the usual number of pods, what was kept with revisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Avg, QuerySet

from deployments.domain.catalogue import HardwareProfile
from deployments.domain.cost.change import CostChange, estimate_of, request_of
from deployments.domain.cost.estimate import Calendar, Estimate
from deployments.domain.cost.own_list import OwnList
from deployments.domain.spec.spec import Spec
from deployments.models import Deployment, Namespace, PriceVersion, Proposal, Revision, UsageSample
from deployments.queries import awake

OBSERVED: Final = timedelta(days=7)
_STEP: Final = Decimal("0.01")
NO_LIST: Final = "{cluster} has no price list. The platform team adds one in the admin, under Price lists."


def prices_in_force(clusters: Iterable[int], *, at: datetime) -> dict[int, OwnList]:
    """The price list of each cluster that has one, by the cluster's key; one query for any number of them."""
    return {version.cluster_id: version.to_domain() for version in versions_in_force(clusters, at=at)}


def versions_in_force(clusters: Iterable[int], *, at: datetime) -> QuerySet[PriceVersion]:
    """The rows of the same."""
    return (
        PriceVersion.objects.filter(cluster_id__in=list(clusters), effective_at__lte=at)
        .order_by("cluster_id", "-effective_at", "-pk")
        .distinct("cluster_id")
    )


def observed_pods(deployment: Deployment | None, *, at: datetime) -> Decimal | None:
    """The mean number of pods measured in the last 7 days, to a hundredth; None while there are no samples."""
    if deployment is None:
        return None
    # While it sleeps it has no usual number; those hours are not paid for as if it were awake.
    rows = UsageSample.objects.filter(deployment=deployment, at__gt=at - OBSERVED, at__lte=at, pods__gt=0)
    mean = rows.aggregate(mean=Avg("pods"))["mean"]
    return None if mean is None else Decimal(str(mean)).quantize(_STEP).normalize()


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a deployment, or one that is to be made in `namespace`, is priced with: asked once for both sides."""

    list: OwnList | None
    why_none: str
    observed: Decimal | None
    calendar: Calendar
    at: datetime

    @classmethod
    def of(cls, deployment: Deployment | None, namespace: Namespace, *, at: datetime) -> Prices:
        """Needs the namespace's team and cluster."""
        cluster = namespace.cluster
        return cls(
            list=prices_in_force([cluster.pk], at=at).get(cluster.pk),
            why_none=NO_LIST.format(cluster=cluster.name),
            observed=observed_pods(deployment, at=at),
            calendar=awake.usual_of(deployment, namespace, at=at),
            at=at,
        )

    def month(self, spec: Spec, profile: HardwareProfile | None) -> Estimate:
        return estimate_of(
            spec,
            profile,
            self.list,
            at=self.at,
            observed=self.observed,
            calendar=self.calendar,
            why_none=self.why_none,
        )

    def change(self, before: Side | None, after: Side) -> CostChange:
        """From one spec with its hardware profile to another; `before` None: there is nothing yet."""
        return CostChange(
            before=self.month(*before) if before else None,
            after=self.month(*after),
            profiles=(_slug(before), _slug(after)),
            since=self.list.since if self.list else None,
            is_observed=self.observed is not None,
            is_resized=before is not None and _asked(*before) != _asked(*after),
        )


Side = tuple[Spec, HardwareProfile | None]


def side_of(revision: Revision | None) -> Side | None:
    return (revision.to_spec(), revision.to_profile()) if revision else None


def _slug(side: Side | None) -> str:
    return side[1].slug if side and side[1] else ""


def _asked(spec: Spec, profile: HardwareProfile | None) -> tuple[object, ...]:
    return request_of(spec, profile), profile.price_class if profile else ""


def change_of(proposal: Proposal, *, before: Revision | None, at: datetime) -> CostChange:
    """What the proposal does to the price, both sides by the prices of now. Needs the proposal's cluster."""
    profile = HardwareProfile.from_json(proposal.profile) if proposal.profile else None
    prices = Prices.of(proposal.deployment, proposal.namespace, at=at)
    return prices.change(side_of(before), (Spec.from_json(proposal.spec), profile))


def return_to(deployment: Deployment, target: Revision, *, at: datetime) -> CostChange:
    """What going back to an old revision does to the price. Needs the deployment's place."""
    prices = Prices.of(deployment, deployment.namespace, at=at)
    return prices.change(side_of(deployment.current), (target.to_spec(), target.to_profile()))


def now_of(deployment: Deployment, *, at: datetime) -> CostChange | None:
    """What the current revision costs by the prices of now; None before the first. Needs its cluster."""
    current = side_of(deployment.current)
    return Prices.of(deployment, deployment.namespace, at=at).change(None, current) if current else None


def kept_with(revision: Revision | None) -> CostChange | None:
    """What the revision was said to cost when it was saved; None for those saved before that was kept."""
    return CostChange.from_json(revision.estimate) if revision is not None and revision.estimate else None


def price_key(cost: CostChange) -> str:
    """Names the price list that the figures are by, to tell whether what a person saw still holds."""
    return str(cost.after.version or "none")
