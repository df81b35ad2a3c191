"""Logs of all pods or one: asked for by POST, fetched by a worker, shown by a page that polls until they are there."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from baristaweb.lib.clock import now
from deployments.access import current_user, get_deployment, get_log_request
from deployments.actions import logs as actions
from deployments.domain.pods import PodRow, pod_rows
from deployments.domain.roles import Permission
from deployments.models import Deployment, LogRequest
from deployments.queries.detail import view_of
from deployments.views.detail import shell_of

SINCE = ((300, "5 minutes"), (3600, "1 hour"), (21_600, "6 hours"), (86_400, "24 hours"), (604_800, "7 days"))
TAILS = (100, 500, 2000, 5000)
SLOW_AFTER = timedelta(seconds=15)
GIVE_UP_AFTER = timedelta(minutes=5)
COLOURS = 6
# How loggers of serving runtimes begin a line that matters; a traceback goes on until the next plain line.
LEVELS = (
    ("bad", re.compile(r"\b(ERROR|FATAL|CRITICAL|PANIC)\b|^Traceback |^\w+(Error|Exception): |^[EF]\d{4} ")),
    ("warn", re.compile(r"\bWARN(ING)?\b|^W\d{4} ")),
)


@require_http_methods(["GET", "HEAD", "POST"])
def logs(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; a POST asks a worker and goes on to the page that waits for the lines."""
    deployment = get_deployment(request, slug, Permission.LOGS_VIEW)
    pods = pod_rows(view_of(deployment))
    given = request.POST if request.method == "POST" else request.GET
    choice = _choice(given.get("pod", ""), given.get("container", ""), given.get("previous", ""), pods)
    choice |= {"since_s": _one_of(given.get("since", ""), [value for value, _ in SINCE], 3600)}
    choice |= {"tail": _one_of(given.get("tail", ""), list(TAILS), 500)}
    if request.method == "POST":
        row = actions.request(deployment=deployment, by=current_user(request), **choice)
        return HttpResponseRedirect(reverse("deployment-log-lines", args=[slug, row.pk]))
    context = shell_of(request, deployment, "logs") | _form(deployment, pods, choice)
    return render(request, "deployments/logs.html", context)


@require_safe
def log_lines(request: HttpRequest, slug: str, request_id: uuid.UUID) -> HttpResponse:
    """The answer to one request, or the wait for it. The right to read is checked anew at every poll."""
    row = get_log_request(request, slug, request_id)
    waited = now() - row.created_at
    is_waiting = row.answer == "waiting"
    lines = {
        "row": row,
        "lines": _shown(row),
        "is_waiting": is_waiting and waited < GIVE_UP_AFTER,
        "is_slow": is_waiting and waited > SLOW_AFTER,
        "has_given_up": is_waiting and waited >= GIVE_UP_AFTER,
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "deployments/logs.html#lines", lines | {"deployment": row.deployment})
    choice = {
        "pod": row.pod,
        "container": row.container,
        "previous": row.previous,
        "since_s": row.since_s,
        "tail": row.tail,
    }
    pods = pod_rows(view_of(row.deployment))
    context = shell_of(request, row.deployment, "logs") | _form(row.deployment, pods, choice) | lines
    return render(request, "deployments/logs.html", context)


def _choice(pod: str, container: str, previous: str, pods: tuple[PodRow, ...]) -> dict[str, Any]:
    """Only pods and containers that were seen may be asked for: a name from the address never reaches a worker."""
    names = {row.name: row for row in pods}
    containers = {name for row in pods for name in row.container_names}
    return {
        "pod": pod if pod in names else "",
        "container": container if container in containers else "",
        "previous": previous == "on",
    }


def _one_of(raw: str, allowed: list[int], default: int) -> int:
    return next((value for value in allowed if str(value) == raw), default)


def _form(deployment: Deployment, pods: tuple[PodRow, ...], choice: dict[str, Any]) -> dict[str, Any]:
    return {
        "pods": pods,
        "containers": sorted({name for row in pods for name in row.container_names}),
        "choice": choice,
        "sinces": SINCE,
        "tails": TAILS,
    }


def _shown(row: LogRequest) -> list[dict[str, Any]]:
    """Lines with a short pod name and a colour that stays the same for one pod."""
    names = sorted({pod for _, pod, _, _ in row.lines})
    shown = []
    for instant, pod, container, text in row.lines:
        at = datetime.fromisoformat(instant) if instant else None
        shown.append(
            {
                "at": at.strftime("%H:%M:%S.%f")[:-3] if at else "",
                "instant": instant,
                "pod": pod,
                "short": pod.removeprefix(f"{row.deployment.name}-"),
                "container": container,
                "text": text,
                "colour": names.index(pod) % COLOURS,
                "level": next((level for level, pattern in LEVELS if pattern.search(text)), ""),
            }
        )
    return shown
