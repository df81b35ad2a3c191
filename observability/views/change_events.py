"""Changes from outside: what was told, a form to tell more, and taking one back."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access import get_deployment
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.roles import Permission
from observability.actions import changes as actions
from observability.forms.changes import ChangeForm
from observability.models import ChangeEvent
from observability.views.frame import open_page


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """POST tells of one; the same one twice is one."""
    permission = Permission.CHANGE_POST if request.method == "POST" else Permission.DATA_VIEW
    deployment, _, context = open_page(request, slug, "changes", permission)
    form, status = ChangeForm(), 200
    if request.method == "POST":
        form, status = ChangeForm(request.POST), 422
        if form.is_valid():
            try:
                made = actions.post(deployment=deployment, by=Actor.of(request), **form.cleaned_data)
            except Wrong as problem:
                for field, message in problem.errors.items():
                    form.add_error(field, message)
            else:
                messages.success(request, f"“{made.title}” is marked on the charts.")
                return redirect("deployment-change-events", slug)
    events = ChangeEvent.objects.filter(deployment=deployment)[:100]
    return render(request, "observability/changes.html", context | {"form": form, "events": events}, status=status)


@require_POST
def withdraw(request: HttpRequest, slug: str, event_id: int) -> HttpResponse:
    deployment = get_deployment(request, slug, Permission.CHANGE_POST)
    found = ChangeEvent.objects.filter(deployment=deployment, pk=event_id).first()
    if found is None:
        raise Http404
    found.deployment = deployment
    try:
        actions.withdraw(event=found, by=Actor.of(request), note=request.POST.get("note", "")[:300])
    except Refused as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"“{found.title}” is no longer marked.")
    return redirect("deployment-change-events", slug)
