"""How many pods a deployment has by our rows and by the cluster, and what an apply would do to a number set by hand."""

from __future__ import annotations

from datetime import datetime

from deployments.domain.changes.diff import FieldChange
from deployments.domain.replicas import Replicas, effective_replicas
from deployments.domain.spec.fields.field import SCALING
from deployments.domain.spec.spec import Spec
from deployments.models import Deployment


def replicas_of(deployment: Deployment, *, at: datetime) -> Replicas | None:
    """Desired, effective and live; None before the first revision. Live is what the cluster last said it wants."""
    if deployment.current is None:
        return None
    spec = deployment.current.to_spec()
    seen = deployment.observation
    return Replicas(
        desired=spec.min_replicas,
        effective=effective_replicas(spec, at=at, sleep=deployment.sleep_for_plan),
        live=seen.desired if seen.observed_at and deployment.state.applied_at else None,
    )


def scaled_back(deployment: Deployment, *, at: datetime, after: Spec | None = None) -> tuple[FieldChange, ...]:
    """The change that an apply makes to a number that somebody else set in the cluster; empty when nobody did.

    `after` is the spec that is applied, None for the current one.
    """
    now = replicas_of(deployment, at=at)
    if now is None or not now.is_scaled_by_hand or deployment.is_retired:
        return ()
    sleep = deployment.sleep_for_plan
    wanted = now.effective if after is None else effective_replicas(after, at=at, sleep=sleep)
    if wanted.held in (None, now.live):
        return ()
    before = f"{now.live}, set outside of Barista"
    return (FieldChange("replicas.live", "Pods in the cluster", SCALING, before, str(wanted.held)),)
