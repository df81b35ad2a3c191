"""Logs of all pods or one: asked for by POST, fetched by a worker, shown by a page that polls until they are there."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from baristaweb.lib.clock import now
from deployments.access import current_user, get_deployment, get_log_request
from deployments.actions import logs as actions
from deployments.domain.manifests.pod_template import CONTAINER
from deployments.domain.roles import Permission
from deployments.domain.status.pods import PodRow, pod_rows
from deployments.models import Deployment, LogRequest
from deployments.queries.detail import view_of
from deployments.views import log_words
from deployments.views.detail import shell_of

SINCE = ((300, "5 minutes"), (3600, "1 hour"), (21_600, "6 hours"), (86_400, "24 hours"), (604_800, "7 days"))
TAILS = (100, 500, 2000, 5000)
SLOW_AFTER = timedelta(seconds=15)
GIVE_UP_AFTER = timedelta(minutes=5)


@require_http_methods(["GET", "HEAD", "POST"])
def logs(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; a POST asks a worker and goes on to the page that waits for the lines."""
    deployment = get_deployment(request, slug, Permission.LOGS_VIEW)
    pods = pod_rows(view_of(deployment))
    given = _given(request)
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
    return _answer(request, get_log_request(request, slug, request_id))


@require_POST
def newer(request: HttpRequest, slug: str, request_id: uuid.UUID) -> HttpResponse:
    """Ask for the lines written since. `follow` "on" or "off" begins or ends doing so again and again."""
    row = get_log_request(request, slug, request_id)
    follow = request.POST.get("follow", "")
    if follow in ("on", "off"):
        actions.follow(row, is_on=follow == "on")
    if follow != "off":
        actions.ask_newer(row)
    row = get_log_request(request, slug, request_id)
    if request.htmx:  # type: ignore[attr-defined]
        return _answer(request, row)
    chosen = {name: value for name, value in (("q", _search(request)), ("level", _severity(request))) if value}
    address = reverse("deployment-log-lines", args=[slug, row.pk])
    return HttpResponseRedirect(f"{address}?{urlencode(chosen)}" if chosen else address)


@require_safe
def download(request: HttpRequest, slug: str, request_id: uuid.UUID) -> HttpResponse:
    """The fetched lines as a text file."""
    row = get_log_request(request, slug, request_id)
    answer = HttpResponse(log_words.as_text(row), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{log_words.file_name(row)}"'
    return answer


def _answer(request: HttpRequest, row: LogRequest) -> HttpResponse:
    waited = now() - row.created_at
    is_waiting = row.answer == "waiting"
    search, severity = _search(request), _severity(request)
    lines = {
        "row": row,
        "lines": log_words.shown(row, search=search, severity=severity),
        "search": search,
        "severity": severity,
        "is_waiting": is_waiting and waited < GIVE_UP_AFTER,
        "is_slow": is_waiting and waited > SLOW_AFTER,
        "has_given_up": is_waiting and waited >= GIVE_UP_AFTER,
        "is_followed": actions.is_followed(row),
        "was_followed": row.followed_at is not None and not actions.is_followed(row),
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


def _search(request: HttpRequest) -> str:
    return _given(request).get("q", "").strip()[: log_words.SEARCH_MAX]


def _severity(request: HttpRequest) -> str:
    wanted = _given(request).get("level", "")
    return wanted if wanted in log_words.SEVERITIES else ""


def _given(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


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
        "containers": _container_choices(pods),
        "choice": choice,
        "sinces": SINCE,
        "tails": TAILS,
    }


def _container_choices(pods: tuple[PodRow, ...]) -> list[tuple[str, str]]:
    """[name, words], the model's own first; one that fails somewhere says so."""
    fail = {row.failing_container for row in pods}
    names = dict.fromkeys(name for row in pods for name in row.container_names)
    ordered = sorted(names, key=lambda name: (name != CONTAINER, name))
    return [(name, f"{name} (failing)" if name in fail else name) for name in ordered]
