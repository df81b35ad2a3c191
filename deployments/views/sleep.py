"""When and why a deployment sleeps, who keeps it awake, and its own schedule: shown first, then saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from baristaweb.lib.clock import now
from deployments import access
from deployments.actions import sleep_layers, sleep_schedules
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.domain.sleep.schedule import coming, zones
from deployments.domain.sleep.schedule.coming import Transition
from deployments.domain.sleep.schedule.decisions import decide
from deployments.domain.sleep.schedule.layers import Inputs, Level, OpenSleep
from deployments.forms.sleep import HolidaysForm, SleepForm
from deployments.models import Deployment, SleepDecision, SleepHolidays, SleepSchedule, User
from deployments.queries import replicas, sleep_keys
from deployments.queries import sleep as queries
from deployments.queries.sleep_layers import Said, layers_of, said
from deployments.views import detail, sleep_weeks

_SAYS = ("zone", "windows", "target", "wake_to", "lead_minutes", "grace_minutes", "priority", "is_mirrored")


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """POST shows what a schedule would do (`do=preview`), saves it, removes it, or saves which holidays it keeps."""
    permission = Permission.SLEEP_EDIT if request.method == "POST" else Permission.DEPLOYMENT_VIEW
    deployment = access.get_deployment(request, slug, permission)
    known = said(at=now())
    own = known.own(deployment)
    if request.method != "POST":
        return _page(request, deployment, known, SleepForm(initial=_initial(own, queries.zone_of(deployment))))
    if request.POST.get("do") == "remove":
        return _remove(request, deployment, known, own)
    if request.POST.get("do") == "holidays":
        return _keep_holidays(request, deployment, known)
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


def _remove(request: HttpRequest, deployment: Deployment, known: Said, own: SleepSchedule | None) -> HttpResponse:
    try:
        if own is None:
            raise Refused("It has no schedule of its own.")
        sleep_schedules.remove(row=own, by=Actor.of(request), note=request.POST.get("note", ""))
    except Refused as problem:
        form = SleepForm(initial=_initial(own))
        return _page(request, deployment, known, form, refusal=str(problem), status=409)
    messages.success(request, f"{deployment.name} has no schedule of its own any more.")
    return redirect("deployment-sleep", deployment.slug)


def _keep_holidays(request: HttpRequest, deployment: Deployment, known: Said) -> HttpResponse:
    form = HolidaysForm(request.POST, known=known.calendars.values())
    blank = SleepForm(initial=_initial(known.own(deployment), queries.zone_of(deployment)))
    if not form.is_valid():
        return _page(request, deployment, known, blank, holidays=form, status=422)
    own, data, by = known.holidays.get((Level.DEPLOYMENT, deployment.pk)), form.cleaned_data, Actor.of(request)
    try:
        if data["keep"] == "inherit":
            sleep_layers.remove_holidays(deployment=deployment, by=by, note=data["reason"])
        else:
            row = own or SleepHolidays(deployment=deployment)
            row.calendars = "\n".join(data["calendars"]) if data["keep"] == "own" else ""
            sleep_layers.save_holidays(row=row, by=by, note=data["reason"])
    except Refused as problem:
        return _page(request, deployment, known, blank, holidays=form, refusal=str(problem), status=409)
    messages.success(request, f"The holidays of {deployment.name} are saved.")
    return redirect("deployment-sleep", deployment.slug)


def _page(
    request: HttpRequest,
    deployment: Deployment,
    known: Said,
    form: SleepForm,
    *,
    preview: SleepSchedule | None = None,
    holidays: HolidaysForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    at = now()
    kept = queries.keep_awakes_of([deployment.pk], at=at).get(deployment.pk, [])
    record = deployment.sleep_for_plan
    inputs = queries.inputs_of(deployment, known, kept)
    sleeping = record.open_sleep if record else None
    zone = queries.zone_in(inputs)
    lines = sleep_weeks.day_lines(inputs, zone, at=at, sleeping=sleeping)
    context: dict[str, Any] = detail.shell_of(request, deployment, "sleep") | {
        "form": form,
        "holidays_form": holidays or _holidays_form(known, deployment),
        "own": known.own(deployment) if preview is None else preview,
        "has_own": known.own(deployment) is not None,
        "refusal": refusal,
        "layers": _layers(deployment, known, inputs),
        "grants": queries.own_grants(deployment, at=at),
        "decision": decide(inputs, at=at, sleeping=sleeping),
        "transitions": _on_the_wall(coming.transitions(inputs, at=at, sleeping=sleeping), zone),
        "zone": zone,
        "lines": lines,
        "clock_changes": sleep_weeks.clock_changes(zone, lines),
        "lead": queries.lead_of(deployment.pk, inputs),
        "replicas": replicas.replicas_of(deployment, at=at),
        "keys": _keys(request, deployment),
        "downscalers": _downscalers(deployment),
        **_why(request, deployment, zone),
    }
    if preview is not None:
        context |= _previewed(deployment, known, inputs, preview, sleeping, at)
    return render(request, "deployments/sleep.html", context, status=status)


def _previewed(
    deployment: Deployment,
    known: Said,
    before: Inputs,
    preview: SleepSchedule,
    sleeping: OpenSleep | None,
    at: datetime,
) -> dict[str, Any]:
    kept = queries.keep_awakes_of([deployment.pk], at=at).get(deployment.pk, [])
    schedule = preview.to_schedule()
    after = queries.inputs_of(deployment, known, kept, own=schedule)
    lines = sleep_weeks.day_lines(after, preview.zone, at=at, sleeping=sleeping)
    old = sum(line.hours for line in sleep_weeks.day_lines(before, queries.zone_in(before), at=at, sleeping=sleeping))
    return {
        "preview": _on_the_wall(coming.transitions(after, at=at, sleeping=sleeping), preview.zone),
        "preview_zone": preview.zone,
        "preview_lines": lines,
        "preview_changes": sleep_weeks.clock_changes(preview.zone, lines),
        "preview_hours": sum(line.hours for line in lines),
        "hours_before": old,
        "overlaps": schedule.overlaps(),
        "previewed": _signature(preview),
    }


def _layers(deployment: Deployment, known: Said, inputs: Inputs) -> list[dict[str, Any]]:
    """What each layer says by kind, and which decides."""
    weekly, holidays = inputs.weekly()[0], inputs.holidays()[0]
    rows = []
    for key, name in layers_of(deployment):
        rows.append(
            {
                "level": key[0],
                "name": name,
                "weekly": known.weekly.get(key),
                "decides": bool(weekly and weekly.level is key[0]),
                "holidays": known.holidays.get(key),
                "decides_holidays": bool(holidays and holidays.level is key[0]),
                "exemptions": known.exemptions.get(key, []),
            }
        )
    return rows


def _holidays_form(known: Said, deployment: Deployment) -> HolidaysForm:
    own = known.holidays.get((Level.DEPLOYMENT, deployment.pk))
    keep = "inherit" if own is None else "own" if own.keys else "none"
    initial = {"keep": keep, "calendars": own.keys if own else []}
    return HolidaysForm(initial=initial, known=known.calendars.values())


def _why(request: HttpRequest, deployment: Deployment, zone: str) -> dict[str, Any]:
    """What was decided at an instant that the address names, as it was stored then."""
    text = request.GET.get("when", "")
    if not text:
        return {}
    try:
        typed = datetime.strptime(text[:16], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
        at = coming.to_utc(zone, typed.date(), typed.hour * 60 + typed.minute)
    except (ValueError, OverflowError):
        return {"when": text[:40], "when_problem": "Give a date and time, like 2026-11-20T03:00."}
    found = queries.decided_at(deployment, at)
    return {"when": text, "then": found, "then_decision": _stored(found)}


def _stored(found: SleepDecision | None) -> Any:
    try:
        return found.to_decision() if found is not None else None
    except (KeyError, TypeError, ValueError):
        return None


def _keys(request: HttpRequest, deployment: Deployment) -> Mapping[str, str]:
    """Addresses for programs, with keys of the person who looks."""
    user = request.user
    if not isinstance(user, User):
        return {}
    feed = reverse("deployment-sleep-feed", args=[deployment.slug])
    return {
        "feed": request.build_absolute_uri(f"{feed}?key={sleep_keys.make(user, sleep_keys.FEED, deployment)}"),
        "wake": request.build_absolute_uri(reverse("deployment-wake-now", args=[deployment.slug])),
        "wake_key": sleep_keys.make(user, sleep_keys.WAKE, deployment),
    }


def _downscalers(deployment: Deployment) -> list[str]:
    """Other programs on its cluster that act on annotations."""
    health = getattr(deployment.namespace.cluster, "health", None)
    return sorted({str(one["program"]) for one in (health.downscalers or ())}) if health else []


def _on_the_wall(transitions: Iterable[Transition], zone: str) -> list[tuple[str, Transition]]:
    """With the time that a clock of the zone shows."""
    return [(f"{one.at.astimezone(zones.load(zone)):%a %d %b %Y %H:%M}", one) for one in transitions]


def _initial(own: SleepSchedule | None, zone: str = "UTC") -> dict[str, Any]:
    if own is None:
        return {"zone": zone}
    return {name: getattr(own, name) for name in _SAYS}


def _signature(row: SleepSchedule) -> str:
    """What was shown: only that is saved."""
    rules = (row.target, row.wake_to, row.lead_minutes, row.grace_minutes, row.is_mirrored)
    return "; ".join([row.zone, *row.windows.splitlines(), *map(str, rules), row.priority])
