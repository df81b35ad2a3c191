"""Changes that CI tells of, with a token of the platform team's instead of a login."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from baristaweb.lib.clock import now
from deployments.actions.errors import Wrong
from deployments.audit import Actor
from deployments.models import Deployment
from observability.actions import changes
from observability.forms.changes import ChangeForm
from observability.models import ChangeEvent
from observability.queries import change_tokens

MOST_BYTES = 16 << 10
HINT = "Send it as “Authorization: Bearer …”. The platform team makes tokens in the admin."


@csrf_exempt
@login_not_required
@require_POST
def post(request: HttpRequest, slug: str) -> JsonResponse:
    """201 with what is marked on the charts, 200 where it was told before. Without `occurred_at` it happened now."""
    at = now()
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    token = change_tokens.token_of(shown.strip(), at) if scheme.lower() == "bearer" else None
    if token is None:
        return JsonResponse({"error": f"The token is missing, wrong or expired. {HINT}"}, status=401)
    deployment = Deployment.objects.related().filter(slug=slug, namespace__team=token.team_id).first()
    if deployment is None:
        return JsonResponse({"error": f"{token.team} has no such deployment."}, status=404)
    if change_tokens.is_spent(token, at):
        said = f"This token told of {change_tokens.AN_HOUR} changes within an hour. Try again later."
        return JsonResponse({"error": said}, status=429, headers={"Retry-After": "600"})
    given = _given(request)
    if given is None:
        return JsonResponse({"error": "The body is no JSON object of texts, nor fields of a form."}, status=400)
    form = ChangeForm({"kind": ChangeEvent.Kind.OTHER, "occurred_at": f"{at:%Y-%m-%dT%H:%M:%S%z}"} | given)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    try:
        made = changes.post(deployment=deployment, by=Actor.system(token.name, via="api"), **form.cleaned_data)
    except Wrong as problem:
        return JsonResponse({"errors": {name: [said] for name, said in problem.errors.items()}}, status=422)
    page = reverse("deployment-change-events", args=[slug])
    told = {
        "id": made.pk,
        "title": made.title,
        "occurred_at": made.occurred_at.astimezone(UTC).isoformat(),
        "page": page,
    }
    return JsonResponse(told, status=201 if made.posted_at >= at else 200)


def _given(request: HttpRequest) -> dict[str, str] | None:
    """The fields of a JSON object, or of a form; None for anything else."""
    if request.content_type != "application/json":
        return {name: str(value) for name, value in request.POST.items()}
    if len(request.body) > MOST_BYTES:
        return None
    try:
        found: Any = json.loads(request.body)
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            return None
        "".join(found.values()).encode()
    except (ValueError, RecursionError):  # half of a surrogate pair is a ValueError, too
        return None
    return found
