"""Permitting and no longer permitting. What runs keeps for a while what a deleted permit covered."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from baristaweb.lib.clock import now
from deployments.actions import records
from deployments.audit import Actor
from deployments.domain.permits import KEPT_DAYS, PermitKind, covers
from deployments.domain.spec.checks.permits import check, restricted_values
from deployments.models import Deployment, Permit
from deployments.queries import rules


@transaction.atomic
def delete(*, row: Permit, by: Actor, note: str = "") -> int:
    """Delete the permit. Returns how many values running deployments keep for KEPT_DAYS because of it."""
    deployments = _users_of(row) if row.deployment_id is None else []
    records.delete(row=row, by=by, note=note)
    return sum(_keep(deployment, row, by=by, note=note) for deployment in deployments)


def _users_of(row: Permit) -> list[Deployment]:
    live = Deployment.objects.live().exclude(current=None).select_related("current", "namespace")
    if row.namespace_id is not None:
        live = live.filter(namespace_id=row.namespace_id)
    return [item for item in live if _used(item, row)]


def _used(deployment: Deployment, row: Permit) -> list[str]:
    """Values of the deployment that the permit covers, as a deployment keeps them."""
    kind = PermitKind(row.kind)
    if deployment.current is None:
        return []
    return [
        value
        for found, value in sorted(restricted_values(deployment.current.to_spec()))
        if found is kind and covers(kind, row.value, value.partition("/")[0] if kind is PermitKind.HOST else value)
    ]


def _keep(deployment: Deployment, row: Permit, *, by: Actor, note: str) -> int:
    if deployment.current is None:
        return 0
    errors: dict[str, str] = {}
    allowed = rules.permits(deployment.namespace, deployment_id=deployment.pk, at=now())
    check(deployment.current.to_spec(), deployment.current.to_profile(), allowed, errors)
    if not errors:
        return 0  # another permit covers it
    kept = 0
    for value in _used(deployment, row):
        until = now() + timedelta(days=KEPT_DAYS)
        own = Permit.objects.filter(kind=row.kind, value=value, deployment=deployment).first()
        permit = own or Permit(kind=row.kind, value=value, deployment=deployment)
        permit.expires_at, permit.note = until, f"Kept when the permit of {row.value} was deleted."[:200]
        records.save(row=permit, by=by, note=note)
        kept += 1
    return kept
