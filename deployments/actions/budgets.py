"""Setting budgets, and what stands between a change and the limits over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from baristaweb.lib.clock import now
from deployments import access, audit
from deployments.actions import records
from deployments.actions.errors import OverBudget, Refused, Wrong
from deployments.audit import Actor
from deployments.domain.cost.budgets import Effect, Level
from deployments.domain.roles import Permission
from deployments.models import Budget, Deployment
from deployments.queries import budgets as queries

LONGEST_REASON = 500


@transaction.atomic
def save(*, row: Budget, by: Actor, note: str = "") -> Budget:
    """Insert or change; what it covers and its month stay. Raises Wrong, Refused."""
    try:
        row.limits  # noqa: B018 it checks them
    except ValueError as problem:
        raise Wrong({"hard": str(problem)}) from problem
    before = Budget.objects.select_for_update(of=("self",)).filter(pk=row.pk).first() if row.pk else None
    if row.pk and before is None:
        raise Refused("This budget was deleted meanwhile.")
    if before is not None and (before.scope, before.month) != (row.scope, row.month):
        raise Refused("A budget keeps what it covers and its month. Make another one.")
    if queries.is_past(row.month, at=now()):
        raise Refused("The month is over: nothing can be held to its budget any more.")
    if before is None or _says(before) != _says(row):
        row.changed_at, row.changed_by = now(), by.name[:120]
    try:
        with transaction.atomic():
            return records.save(row=row, by=by, note=note)
    except IntegrityError as problem:
        raise Refused("There is such a budget already. Change that one.") from problem


@transaction.atomic
def delete(*, row: Budget, by: Actor, note: str = "") -> None:
    """Nothing is held to it any more. Raises Refused."""
    found = Budget.objects.select_for_update(of=("self",)).filter(pk=row.pk).first()
    if found is None:
        raise Refused("This budget was deleted already.")
    records.delete(row=found, by=by, note=note)


def check(
    deployment: Deployment,
    *,
    spec: dict[str, Any],
    profile: dict[str, Any] | None,
    moves: bool,
    by: Actor,
    reason: str,
    is_return: bool = False,
) -> tuple[Effect, ...]:
    """What running this spec does to the budgets over `deployment`, which are locked until the transaction ends.

    Call it inside the transaction that saves, after the deployment's own lock. Raises OverBudget.
    """
    found = queries.effects(
        deployment, spec=spec, profile=profile, moves=moves, at=now(), is_return=is_return, lock=True
    )
    lacking = [effect.name for effect in found if effect.needs_reason]
    if lacking:
        is_maintainer = may_exceed(deployment, by)
        if not is_maintainer or not reason.strip():
            raise OverBudget(lacking, is_maintainer=is_maintainer)
    said = reason.strip()[:LONGEST_REASON]
    return tuple(replace(effect, reason=said) if effect.needs_reason else effect for effect in found)


def may_exceed(deployment: Deployment, by: Actor) -> bool:
    """Whether the reason may be theirs; needs the deployment's namespace."""
    place = deployment.namespace
    return by.user is not None and access.may(
        by.user, Permission.BUDGET_EXCEED, team_id=place.team_id, environment=deployment.environment
    )


def tell(effects: Sequence[Effect], *, deployment: Deployment, by: Actor, revision: int | None) -> None:
    """An event of each budget that this takes over a limit; the caller's own event comes after them."""
    crossed = [
        effect for effect in effects if effect.is_unknown or (effect.level is not Level.WITHIN and _news(effect))
    ]
    rows = {row.pk: row for row in Budget.objects.related().filter(pk__in=[effect.key for effect in crossed])}
    for effect in crossed:
        audit.record(
            "budget.crossed",
            rows[effect.key],
            by=by,
            note=effect.reason,
            facts={
                "deployment": deployment.name,
                "namespace": deployment.namespace.name,
                "revision": revision,
                "what": "is of unknown price under" if effect.is_unknown else f"is {effect.level.label} of",
                "forecast": "" if effect.is_shared else f"with a forecast of {effect.after.words}",
                "budgets": [effect.to_facts()],
            },
        )


def _news(effect: Effect) -> bool:
    """Over a limit that it was not over before, or further over the hard one."""
    return effect.raises and (effect.level is not effect.was or effect.level is Level.HARD)


def _says(row: Budget) -> tuple[object, ...]:
    return row.currency, row.soft, row.hard, row.told
