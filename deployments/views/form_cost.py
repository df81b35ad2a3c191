"""The price beside a form: what the spec that is typed would cost, and the budgets over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from baristaweb.lib.clock import now
from deployments.domain.catalogue import HardwareProfile
from deployments.domain.cost.budgets import Effect
from deployments.domain.cost.change import CostChange
from deployments.domain.spec.spec import Spec
from deployments.forms.spec.form import SpecForm
from deployments.models import Deployment, Revision
from deployments.queries import budgets, costs


@dataclass(frozen=True, kw_only=True)
class FormCost:
    """`cost` None: it cannot be told yet, and `missing` says what for. `budgets`: those it takes over a limit."""

    cost: CostChange | None
    missing: str = ""
    budgets: tuple[Effect, ...] = ()


def of_form(form: SpecForm, *, deployment: Deployment, before: Revision | None) -> FormCost:
    """Of a form of `deployment`, which may be unsaved; fields that cannot be read count as they were."""
    spec = form.candidate
    if spec is None:
        return FormCost(cost=None, missing="Once the size and the number of pods can be read, their price is here.")
    if not 1 <= spec.min_replicas <= spec.max_replicas:
        return FormCost(cost=None, missing="Once the number of pods fits, their price is here.")
    profile = form.profile if spec.profile else None
    if spec.resources is None and profile is None:
        return FormCost(cost=None, missing="Choose a hardware profile: the price follows from it.")
    return of_spec(spec, profile, deployment=deployment, before=before)


def of_spec(
    spec: Spec, profile: HardwareProfile | None, *, deployment: Deployment, before: Revision | None
) -> FormCost:
    """Of a spec that `deployment` would run; it needs its place, and its model where it is saved."""
    at = now()
    prices = costs.Prices.of(deployment if deployment.pk else None, deployment.namespace, at=at)
    cost = prices.change(costs.side_of(before), (spec, profile))
    if not cost.is_moving:
        return FormCost(cost=cost)
    found = budgets.effects(
        deployment, spec=spec.to_json(), profile=profile.to_json() if profile else None, moves=True, at=at
    )
    return FormCost(cost=cost, budgets=tuple(effect for effect in found if effect.warns and effect.raises_or_unknown))


NOWHERE: Final = FormCost(cost=None, missing="Choose a namespace: the price follows from its cluster.")
