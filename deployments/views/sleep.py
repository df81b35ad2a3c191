"""When and why a deployment sleeps, who keeps it awake, and its own schedule: shown first, then saved."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from baristaweb.lib.clock import now
from deployments import access
from deployments.actions import sleep_schedules
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.domain.sleep.schedule import coming, zones
from deployments.domain.sleep.schedule.coming import Transition
from deployments.domain.sleep.schedule.decisions import decide
from deployments.domain.sleep.schedule.layers import Inputs
from deployments.forms.sleep import SleepForm
from deployments.models import Deployment, SleepSchedule
from deployments.queries import sleep as queries
from deployments.queries.sleep import Schedules
from deployments.views import detail


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """POST shows what a schedule would do (`do=preview`), saves it, or removes it."""
    permission = Permission.SLEEP_EDIT if request.method == "POST" else Permission.DEPLOYMENT_VIEW
    deployment = access.get_deployment(request, slug, permission)
    known = queries.schedules()
    own = known.deployments.get(deployment.pk)
    if request.method != "POST":
        return _page(request, deployment, known, SleepForm(initial=_initial(own, queries.zone_of(deployment))))
    if request.POST.get("do") == "remove":
        return _remove(request, deployment, known, own)
    form = SleepForm(request.POST)
    if not form.is_valid():
        return _page(request, deployment, known, form, status=422)
    row = form.row(copy(own) if own else SleepSchedule(deployment=deployment))
    if request.POST.get("do") != "save" or request.POST.get("previewed") != _signature(row):
        return _page(request, deployment, known, form, preview=row)
    try:
        sleep_schedules.save(row=row, by=Actor.of(request), note=form.cleaned_data["note"])
    except Refused as problem:
        return _page(request, deployment, known, form, preview=row, refusal=str(problem), status=409)
    messages.success(request, f"The schedule of {deployment.name} is saved.")
    return redirect("deployment-sleep", deployment.slug)


def _remove(request: HttpRequest, deployment: Deployment, known: Schedules, own: SleepSchedule | None) -> HttpResponse:
    try:
        if own is None:
            raise Refused("It has no schedule of its own.")
        sleep_schedules.remove(row=own, by=Actor.of(request), note=request.POST.get("note", ""))
    except Refused as problem:
        form = SleepForm(initial=_initial(own))
        return _page(request, deployment, known, form, refusal=str(problem), status=409)
    messages.success(request, f"{deployment.name} has no schedule of its own any more.")
    return redirect("deployment-sleep", deployment.slug)


def _page(
    request: HttpRequest,
    deployment: Deployment,
    known: Schedules,
    form: SleepForm,
    *,
    preview: SleepSchedule | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    at = now()
    kept = queries.keep_awakes_of([deployment.pk], at=at).get(deployment.pk, [])
    record = deployment.sleep_for_plan
    inputs = queries.inputs_of(deployment, known, kept)
    sleeping = record.open_sleep if record else None
    layer, _ = inputs.weekly()
    zone = queries.zone_of(deployment)
    context: dict[str, Any] = detail.shell_of(request, deployment, "sleep") | {
        "form": form,
        "own": known.deployments.get(deployment.pk) if preview is None else preview,
        "has_own": deployment.pk in known.deployments,
        "refusal": refusal,
        "layers": [
            (level, name, row, bool(layer and layer.level is level)) for level, name, row in known.of(deployment)
        ],
        "decision": decide(inputs, at=at, sleeping=sleeping),
        "transitions": _on_the_wall(coming.transitions(inputs, at=at, sleeping=sleeping), zone),
        "zone": zone,
    }
    if preview is not None:
        with_it: Inputs = queries.inputs_of(deployment, known, kept, own=preview.to_schedule())
        context |= {
            "preview": _on_the_wall(coming.transitions(with_it, at=at, sleeping=sleeping), preview.zone),
            "preview_zone": preview.zone,
            "previewed": _signature(preview),
        }
    return render(request, "deployments/sleep.html", context, status=status)


def _on_the_wall(transitions: Iterable[Transition], zone: str) -> list[tuple[str, Transition]]:
    """With the time that a clock of the zone shows."""
    return [(f"{one.at.astimezone(zones.load(zone)):%a %d %b %Y %H:%M}", one) for one in transitions]


def _initial(own: SleepSchedule | None, zone: str = "UTC") -> dict[str, Any]:
    if own is None:
        return {"zone": zone}
    return {"zone": own.zone, "windows": own.windows, "target": own.target, "priority": own.priority}


def _signature(row: SleepSchedule) -> str:
    """What was shown: only that is saved."""
    return "; ".join([row.zone, *row.windows.splitlines(), str(row.target), row.priority])
