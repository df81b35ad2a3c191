"""Setting budgets, and what stands between a change and the limits over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
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
from deployments.models.layers import OfLayer
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
        raise Refused("A budget keeps what it covers and its month. Create another one.")
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
    return _allowed(found, reason=reason, is_maintainer=may_exceed(deployment, by))


def _allowed(found: Sequence[Effect], *, reason: str, is_maintainer: bool) -> tuple[Effect, ...]:
    lacking = [effect.name for effect in found if effect.needs_reason]
    if lacking and (not is_maintainer or not reason.strip()):
        raise OverBudget(lacking, is_maintainer=is_maintainer)
    said = reason.strip()[:LONGEST_REASON]
    return tuple(replace(effect, reason=said) if effect.needs_reason else effect for effect in found)


@contextmanager
def held(of: SleepLayer, *, by: Actor, reason: str, at: datetime, is_unknown: bool = False) -> Iterator[list[Effect]]:
    """Around a write that changes when something sleeps, inside the transaction that saves, which raising undoes.

    The list has the effects afterwards, those that matter. The budgets stay locked until the transaction ends. Raises
    OverBudget at the end of the block.
    """
    rows = queries.over(deployment=of.deployment, team_id=of.team_id)
    before = queries.headings(rows, at=at, lock=True)
    effects: list[Effect] = []
    yield effects
    if not before:
        return
    found = queries.moved(before, queries.headings(rows, at=at), is_unknown=is_unknown)
    allowed = _allowed(found, reason=reason, is_maintainer=_may_exceed_of(of, by))
    effects += [effect for effect in allowed if effect.raises_or_unknown]


def _may_exceed_of(of: SleepLayer, by: Actor) -> bool:
    if of.deployment is not None:
        return may_exceed(of.deployment, by)
    if by.user is None or of.team_id is None:
        return by.user is not None and by.user.is_platform_admin
    return access.may(by.user, Permission.BUDGET_EXCEED, team_id=of.team_id, environment=None)


@dataclass(frozen=True, kw_only=True)
class SleepLayer:
    """Whose sleep changes: a deployment with its namespace, a team, or more than that. `name` is for the log."""

    name: str
    deployment: Deployment | None = None
    team_id: int | None = None

    @classmethod
    def of(cls, row: OfLayer) -> SleepLayer:
        """Of a row that says something of sleep."""
        if row.deployment is not None:
            return cls(name=row.deployment.name, deployment=row.deployment)
        return cls(name=f"the sleep of {row.level.value} {row.layer_name}", team_id=row.team_id)


def may_exceed(deployment: Deployment, by: Actor) -> bool:
    """Whether the reason may be theirs; needs the deployment's namespace."""
    place = deployment.namespace
    return by.user is not None and access.may(
        by.user, Permission.BUDGET_EXCEED, team_id=place.team_id, environment=deployment.environment
    )


def tell(effects: Sequence[Effect], *, deployment: Deployment, by: Actor, revision: int | None) -> None:
    """An event of each budget that this takes over a limit; the caller's own event comes after them."""
    _tell(effects, by=by, of={"deployment": deployment.name, "namespace": deployment.namespace.name}, revision=revision)


def tell_of(of: SleepLayer, effects: Sequence[Effect], *, by: Actor) -> None:
    """The same of a change of when something sleeps."""
    place = {"namespace": of.deployment.namespace.name} if of.deployment is not None else {}
    _tell(effects, by=by, of={"deployment": of.name, **place}, revision=None)


def _tell(effects: Sequence[Effect], *, by: Actor, of: dict[str, Any], revision: int | None) -> None:
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
                **of,
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
