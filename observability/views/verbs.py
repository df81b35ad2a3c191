"""What is done to a source besides editing it: pause, resume, remove, again, backfill, cancel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from baristaweb.lib import passing
from baristaweb.lib.clock import now
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.views import confirm
from deployments.views.confirm import Confirm, reason_of
from observability.actions import objects, sources
from observability.models import LogSource, SourceObject
from observability.views.sources import get_source

VERBS: Final = ("pause", "resume", "remove", "cancel")
OBJECT_VERBS: Final = ("again", "leave-out")


@require_http_methods(["GET", "HEAD", "POST"])
def perform(request: HttpRequest, slug: str, name: str, verb: str) -> HttpResponse:
    """Says what will happen; a POST does it."""
    row = get_source(request, slug, name, Permission.SOURCE_EDIT)
    if request.method != "POST":
        return confirm.page(request, row.deployment, _words(row, verb))
    note = request.POST.get("note", "").strip()[:300]
    try:
        _act(row, verb, Actor.of(request), note)
    except Refused as problem:
        return confirm.page(request, row.deployment, _words(row, verb), refusal=str(problem), note=note, status=409)
    messages.success(request, _DONE[verb].format(name=row.name, deployment=row.deployment.name))
    return redirect("deployment-sources", slug) if verb == "remove" else redirect("source", slug, name)


_DONE: Final = {
    "pause": "Nothing of {name} is read until somebody resumes.",
    "resume": "{name} is read again.",
    "remove": "The log source {name} of {deployment} is removed.",
    "cancel": "The backfill is cancelled; what it counted stays.",
}


def _act(row: LogSource, verb: str, by: Actor, note: str) -> None:
    if verb == "pause":
        sources.pause(source=row, by=by, note=note)
    elif verb == "resume":
        sources.resume(source=row, by=by, note=note)
    elif verb == "remove":
        sources.remove(source=row, by=by, note=note)
    else:
        running = row.backfills.filter(finished_at=None, cancelled_at=None).first()
        if running is None:
            raise Refused("No backfill runs.")
        objects.cancel(backfill=running, by=by, note=note)


def _words(row: LogSource, verb: str) -> Confirm:
    where = f"{row.name} of {row.deployment.name}"
    reason = reason_of(row.deployment)
    if verb == "pause":
        return Confirm(
            title=f"Pause reading {row.name}",
            say=f"Nothing of {where} is listed or read until somebody resumes.",
            points=("What was counted stays. What lands meanwhile is read after the resume.",),
            button=f"Pause reading {row.name}",
            reason=reason,
            icon="player-pause",
        )
    if verb == "resume":
        why = f"{row.paused_by} paused it: {row.paused_reason or 'no reason was given'}." if row.is_paused else ""
        return Confirm(
            title=f"Resume reading {row.name}",
            say=f"{where} is read again, from what landed since.",
            points=(why,) if why else (),
            button=f"Resume reading {row.name}",
            reason=reason,
            icon="player-play",
        )
    if verb == "remove":
        return Confirm(
            title=f"Remove the log source {row.name}",
            say=f"Nothing of {where} is read any more.",
            points=(
                f"Windows that were counted stay until their {row.retention_d} days are over.",
                "The objects themselves are not touched.",
            ),
            button=f"Remove {row.name}",
            reason=reason,
            icon="trash",
            is_grave=True,
        )
    return Confirm(
        title=f"Cancel the backfill of {row.name}",
        say="No more objects of its range are read.",
        points=("What it has counted stays.",),
        button="Cancel the backfill",
        reason=reason,
        icon="x",
    )


@require_POST
def object_verb(request: HttpRequest, slug: str, name: str, object_id: int, verb: str) -> HttpResponse:
    """Read one object again, or leave it out."""
    row = get_source(request, slug, name, Permission.SOURCE_EDIT)
    found = SourceObject.objects.filter(source=row, pk=object_id).select_related("source").first()
    if found is None:
        raise Http404
    act = objects.again if verb == "again" else objects.leave_out
    try:
        act(row=found, by=Actor.of(request), note=request.POST.get("note", "").strip()[:300])
    except Refused as problem:
        messages.error(request, str(problem))
    else:
        passing.say(request, "The object is read again." if verb == "again" else "The object is left out.")
    return redirect("source", slug, name)


@require_POST
def backfill(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Read a range of days again; the days are of the source's zone, both of them counted."""
    row = get_source(request, slug, name, Permission.SOURCE_EDIT)
    try:
        since, until = _range(row, request.POST.get("since", ""), request.POST.get("until", ""))
        note = request.POST.get("note", "").strip()[:300]
        objects.backfill(source=row, since=since, until=until, by=Actor.of(request), note=note)
    except Refused as problem:
        messages.error(request, str(problem))
    else:
        passing.say(request, "The backfill has begun. Fresh windows go first.")
    return redirect("source", slug, name)


def _range(row: LogSource, first: str, last: str) -> tuple[datetime, datetime]:
    """[midnight of the first day, midnight after the last). Raises Refused."""
    zone = ZoneInfo(row.spec.zone if row.spec else "UTC")
    try:
        since, until = (datetime.strptime(text[:10], "%Y-%m-%d").replace(tzinfo=zone) for text in (first, last))
        until += timedelta(days=1)
        since, until = since.astimezone(UTC), until.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("Say the first and the last day, like 2026-11-01.") from None
    oldest = now() - timedelta(days=row.retention_d + 1)
    if since < oldest:
        raise Refused(f"Only the last {row.retention_d} days are kept. Choose a later first day, or keep more.")
    return since, min(until, now())
