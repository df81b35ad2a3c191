"""One page for every verb: it says what will happen, then a POST does it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from baristaweb.lib import passing
from deployments import access
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.views import confirm
from deployments.views.verb import Verb


@require_http_methods(["GET", "HEAD", "POST"])
def perform(request: HttpRequest, slug: str, verb: Verb) -> HttpResponse:
    """Ask; act, say that it was done, and show the deployment. A refusal keeps what was typed."""
    deployment = access.get_deployment(request, slug, verb.permission)
    if request.method != "POST":
        return confirm.page(request, deployment, verb.words(deployment))
    try:
        verb.act(deployment, Actor.of(request), request.POST)
    except Refused as problem:
        return confirm.page(
            request,
            deployment,
            verb.words(deployment),
            refusal=" ".join(problem.errors.values()) if isinstance(problem, Wrong) else str(problem),
            note=request.POST.get("note", ""),
            status=422 if isinstance(problem, Wrong) else 409,
        )
    passing.say(request, verb.done.format(name=deployment.name))
    return redirect("deployment-detail", deployment.slug)
