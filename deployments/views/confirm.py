"""The page that says what will happen before it is done, and keeps what was typed when it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from deployments.domain.catalogue import Environment
from deployments.domain.changes.diff import FieldChange
from deployments.domain.cost.budgets import Effect
from deployments.domain.cost.change import CostChange
from deployments.models import Deployment

USUAL_HOURS = 4


@dataclass(frozen=True, kw_only=True)
class Confirm:
    """What a page of this kind says before it is done.

    `reason`: "required", "optional" or empty for none. `kubectl`: empty where no one line does the same.
    `durations`: hours and their words, 0 for no end; empty where nothing ends by itself. `ends`: names of instants and
    their words, "date" for one that is typed, as a wall time of `zone`. `cost`, `effects`: what it
    does to the price and to the budgets.
    """

    title: str
    say: str
    points: tuple[str, ...]
    button: str
    kubectl: str = ""
    reason: str = "optional"
    icon: str = "info-circle"
    is_grave: bool = False
    type_to_confirm: str = ""
    durations: tuple[tuple[int, str], ...] = ()
    ends: tuple[tuple[str, str], ...] = ()
    zone: str = ""
    changes: tuple[FieldChange, ...] = ()
    cost: CostChange | None = None
    effects: tuple[Effect, ...] = ()


def page(
    request: HttpRequest,
    deployment: Deployment,
    confirm: Confirm,
    *,
    refusal: str = "",
    note: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "deployment": deployment,
        "environment": deployment.environment,
        "confirm": confirm,
        "refusal": refusal,
        "note": note,
        "typed_name": request.POST.get("typed_name", ""),
        "until": request.POST.get("until", ""),
        "until_date": request.POST.get("until_date", ""),
        "hours": request.POST.get("hours", str(USUAL_HOURS)),
    }
    return render(request, "deployments/confirm.html", context, status=status)


def at(deployment: Deployment) -> dict[str, str]:
    cluster = deployment.namespace.cluster
    return {"name": deployment.name, "namespace": deployment.namespace.name, "context": cluster.context}


def is_prod(deployment: Deployment) -> bool:
    return deployment.environment is Environment.PROD


def reason_of(deployment: Deployment) -> str:
    return "required" if is_prod(deployment) else "optional"


def where(deployment: Deployment) -> str:
    return f"{deployment.environment.label.lower()} ({deployment.namespace.name})"


def pods_of(deployment: Deployment) -> str:
    seen = deployment.observation
    count = max(seen.ready, seen.desired)
    if seen.observed_at is None or count == 0:
        return "every pod"
    return "the only pod" if count == 1 else f"all {count} pods"
