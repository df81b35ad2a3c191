"""Where a deployment can be promoted to, and what that would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from deployments.domain.catalogue import Environment
from deployments.domain.changes import promotion
from deployments.domain.changes.promotion import Setting
from deployments.domain.changes.standing import Standing, standing
from deployments.domain.spec.spec import Spec, effective_image
from deployments.domain.status.running_image import Pin, pin
from deployments.domain.status.states import Summary
from deployments.models import Deployment, Namespace, Revision
from deployments.queries.detail import view_of
from deployments.queries.shown import summary_of


@dataclass(frozen=True, kw_only=True)
class Target:
    """A deployment of the same model in the next environment, or a namespace in which one would be created."""

    namespace: Namespace
    deployment: Deployment | None = None

    @property
    def key(self) -> str:
        return self.deployment.slug if self.deployment else f"new-{self.namespace.pk}"

    @property
    def label(self) -> str:
        place = f"{self.namespace.name} in {self.namespace.cluster.name}"
        return f"{self.deployment.name} in {place}" if self.deployment else f"a new deployment in {place}"

    @property
    def environment(self) -> Environment:
        return Environment(self.namespace.environment)

    @property
    def current(self) -> Revision | None:
        return self.deployment.current if self.deployment else None


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """How a revision does where it is promoted from. `completed_at`: when all its pods were seen ready, if ever."""

    deployment: Deployment
    number: int
    summary: Summary
    saved_at: datetime | None
    completed_at: datetime | None
    standing: Standing

    @property
    def is_broken(self) -> bool:
        return self.standing is Standing.BROKEN

    @property
    def is_current(self) -> bool:
        return self.deployment.current is not None and self.deployment.current.number == self.number

    @property
    def headline(self) -> str:
        """One sentence: whether it serves there."""
        where = f"Revision {self.number} of {self.deployment.name} in {self.deployment.namespace.environment}"
        if self.standing is Standing.SERVES:
            return f"{where} serves: {self.summary.ready} of {self.summary.desired or 0} ready."
        if not self.is_current:
            current = self.deployment.current.number if self.deployment.current else 0
            done = "It served once." if self.completed_at else "It was never seen to serve."
            return f"{where} was replaced by revision {current} since. {done}"
        if self.is_broken and self.completed_at is None:
            return f"{where} does not serve, and never did: {self.summary.state.label.lower()}."
        if self.is_broken:
            return f"{where} does not serve: {self.summary.state.label.lower()}."
        return f"{where} served once, and is {self.summary.state.label.lower()} now."


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """The difference between two deployments of a model, seen from the one that is promoted."""

    source: Deployment
    revision: Revision
    target: Target

    @cached_property
    def pin(self) -> Pin:
        """The digest that the source runs."""
        image = effective_image(self.revision.to_spec(), self.revision.to_runtime())
        return pin(image, view_of(self.source))

    @cached_property
    def offered(self) -> Spec:
        """The source's spec, its image pinned to what runs if that can be told."""
        spec = self.revision.to_spec()
        return replace(spec, image_override=self.pin.image) if self.pin.image else spec

    @cached_property
    def base(self) -> Spec | None:
        return self.target.current.to_spec() if self.target.current else None

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        return promotion.settings(self.offered, self.base, environment=self.target.environment)

    def carried(self, keys: set[str]) -> Spec:
        """The target's spec with these settings; keys that are not offered count for nothing."""
        known = {setting.key for setting in self.settings}
        fixed = {setting.key for setting in self.settings if setting.is_fixed}
        return promotion.carry(self.offered, self.base, (keys & known) | fixed)


def state_of(source: Deployment, number: int, *, at: datetime) -> SourceState:
    """How revision `number` of the source does. Needs the source with its relations (`.related()`)."""
    rollout = source.rollouts.filter(revision=number).first()
    revision = source.revisions.filter(number=number).values_list("saved_at", flat=True).first()
    summary = summary_of(source, at=at)
    completed_at = rollout.completed_at if rollout else None
    is_current = source.current is not None and source.current.number == number
    return SourceState(
        deployment=source,
        number=number,
        summary=summary,
        saved_at=revision,
        completed_at=completed_at,
        standing=standing(summary.state, was_complete=completed_at is not None, is_current=is_current),
    )


def promoted_in(promotes: Mapping[str, Any] | None, *, at: datetime) -> SourceState | None:
    """How the source of a promotion does now, by what its proposal keeps; None when it promotes nothing."""
    if not promotes:
        return None
    source = Deployment.objects.related().filter(pk=promotes["deployment"]).first()
    return state_of(source, promotes["revision"], at=at) if source is not None else None


def targets_of(source: Deployment) -> list[Target]:
    """Those in the nearest later environment in which the team has a namespace; the same name first."""
    later = promotion.LATER[source.environment]
    places = list(
        Namespace.objects.select_related("team", "cluster").filter(
            team=source.team, environment__in=[item.value for item in later], cluster__is_active=True
        )
    )
    nearest = next((item for item in later if any(place.environment == item for place in places)), None)
    places = [place for place in places if place.environment == nearest]
    found = Deployment.objects.related().filter(
        namespace__in=places, model_id=source.model_id, current__isnull=False, retired_at=None
    )
    served = sorted(found, key=lambda row: (row.name != source.name, row.slug))
    taken = {row.namespace_id for row in served}
    return [
        *(Target(namespace=row.namespace, deployment=row) for row in served),
        *(Target(namespace=place) for place in places if place.pk not in taken),
    ]


def next_environment(deployment: Deployment) -> Environment | None:
    """Where a promotion goes; None when the team has no namespace in a later environment."""
    later = promotion.LATER[deployment.environment]
    if not later:
        return None
    names = set(
        Namespace.objects.filter(
            team=deployment.team, environment__in=[item.value for item in later], cluster__is_active=True
        ).values_list("environment", flat=True)
    )
    return next((item for item in later if item.value in names), None)
