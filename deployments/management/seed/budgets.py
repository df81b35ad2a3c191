"""The demo's budgets: their limits follow from what its teams are heading for, so that each case is there to see."""

from __future__ import annotations

from decimal import Decimal

from baristaweb.lib.clock import now
from deployments.actions import budgets
from deployments.audit import Actor
from deployments.models import Budget, ServedModel, Team
from deployments.queries.budgets import standings

# What is covered, then the soft and the hard limit as parts of the forecast.
TEAM_LIMITS = (("vision", "0.9", "1.2"), ("search", "1.3", "1.6"), ("ads", "0.7", "0.95"))
MODEL_LIMITS = (("search", "0.95", "1.05"),)
EVERYONES = ("prod", "1.1", "1.5")


def seed(*, by: Actor, note: str) -> None:
    """Once: whatever people did with budgets since stays."""
    if Budget.objects.exists():
        return
    for slug, soft, hard in TEAM_LIMITS:
        _set(Budget(team=Team.objects.get(slug=slug)), soft, hard, by=by, note=note)
    for slug, soft, hard in MODEL_LIMITS:
        model = ServedModel.objects.filter(team__slug=slug, deployments__retired_at=None).order_by("slug").first()
        if model is not None:
            _set(Budget(team=model.team, model=model), soft, hard, by=by, note=note)
    environment, soft, hard = EVERYONES
    _set(Budget(environment=environment), soft, hard, by=by, note=note)


def _set(row: Budget, soft: str, hard: str, *, by: Actor, note: str) -> None:
    row.soft = Decimal(0)
    (found,) = standings([row], at=now())
    row.soft, row.hard = (Decimal(max(round(found.forecast.value * Decimal(part)), 1)) for part in (soft, hard))
    budgets.save(row=row, by=by, note=note)
