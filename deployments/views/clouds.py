"""Clusters on Google: looked for in a project, registered by name, and any connection tried step by step.

For platform admins. A worker answers; the page polls its row.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from baristaweb.lib.clock import now
from deployments.access import TooSmallARole, current_user
from deployments.actions import clouds as actions
from deployments.actions import clusters
from deployments.audit import Actor
from deployments.domain.gke.steps import Outcome, Step
from deployments.forms.clouds import LookForm, RegisterForm
from deployments.models import CloudRequest, Cluster, User
from deployments.queries import clouds
from deployments.queries.clusters import find as find_cluster

SLOW_AFTER = timedelta(seconds=15)
GIVE_UP_AFTER = timedelta(minutes=5)


@require_http_methods(["GET", "HEAD", "POST"])
def look(request: HttpRequest) -> HttpResponse:
    """Where to look; a POST asks a worker and goes on to the page that waits for the list."""
    user = _platform(request)
    form = LookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("cloud-request", actions.look(by=user, **form.cleaned_data).pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "clusters/google.html", {"form": form}, status=status)


@require_POST
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Have a worker try the connection to a cluster step by step."""
    found = find_cluster(current_user(request), slug)
    if found is None:
        raise Http404
    return redirect("cloud-request", actions.check(cluster=found, by=_platform(request)).pk)


@require_safe
def answer(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """The answer, or the wait for it."""
    row = _row(request, request_id)
    return _page(request, row, RegisterForm(found=_keys(row)))


@require_POST
def register(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """Register one of the clusters that a worker found."""
    row = _row(request, request_id)
    form = RegisterForm(request.POST, found=_keys(row))
    if not form.is_valid():
        return _page(request, row, form, status=422)
    data = form.cleaned_data
    location, _, name = data["cluster"].partition("/")
    made = Cluster(
        slug=data["slug"],
        name=data["name"],
        access=Cluster.Access.GKE,
        provider=Cluster.Provider.GKE,
        project=row.project,
        location=location,
        cloud_name=name,
        endpoint=data["endpoint"],
        service_account=row.service_account,
    )
    clusters.save(row=made, by=Actor.of(request), note=data["reason"])
    messages.success(request, f"{made} is registered. Its connection is tried now; then give teams namespaces in it.")
    return redirect("cloud-request", actions.check(cluster=made, by=current_user(request)).pk)


def _platform(request: HttpRequest) -> User:
    user = current_user(request)
    if not user.is_platform_admin:
        raise TooSmallARole.platforms()
    return user


def _row(request: HttpRequest, request_id: uuid.UUID) -> CloudRequest:
    row = clouds.find(_platform(request), request_id)
    if row is None:
        raise Http404
    return row


def _keys(row: CloudRequest) -> list[str]:
    return [item.key for item in clouds.listed(row) if item.known is None]


def _page(request: HttpRequest, row: CloudRequest, form: RegisterForm, status: int = 200) -> HttpResponse:
    waited = now() - row.created_at
    is_waiting = row.answer == "waiting"
    steps = [Step.from_json(item) for item in row.result.get("steps", [])]
    context: dict[str, Any] = {
        "row": row,
        "form": form,
        "steps": steps,
        "is_whole": bool(steps) and all(step.outcome is Outcome.WORKS for step in steps),
        "listed": clouds.listed(row),
        "is_waiting": is_waiting and waited < GIVE_UP_AFTER,
        "is_slow": is_waiting and waited > SLOW_AFTER,
        "has_given_up": is_waiting and waited >= GIVE_UP_AFTER,
    }
    is_part = request.htmx and request.htmx.target == "answer"  # type: ignore[attr-defined]
    template = "clusters/answer.html#answer" if is_part else "clusters/answer.html"
    return render(request, template, context, status=status)
