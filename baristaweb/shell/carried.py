"""What was typed into the form of a spec, carried over a login that ended or a token that changed.

Typing keeps a draft only with script. Without it the text exists in the request alone that was just refused: the
answer holds it in hidden fields, and its button returns to the form. It proposes nothing, so a forged request that
somebody carries on shows a form and changes nothing.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from deployments.actions.drafts import NOT_KEPT

FORMS = ("deployment-edit", "deployment-new")


def of(request: HttpRequest) -> list[tuple[str, str]]:
    """Name and value of each field of a refused form of a spec; none of any other request."""
    match = request.resolver_match
    if request.method != "POST" or match is None or match.url_name not in FORMS or "HX-Request" in request.headers:
        return []
    return [(name, value) for name, values in request.POST.lists() if name not in NOT_KEPT for value in values]


class KeepTyped(LoginRequiredMiddleware):
    """As Django's, but a form of a spec sent after the login has ended is kept on the page that says so."""

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        refusal: HttpResponseBase | None = super().process_view(request, *view)
        fields = of(request) if refusal is not None else []
        if not fields:
            return refusal
        answer = render(request, "401.html", {"carried": fields}, status=401)
        answer.headers["Cache-Control"] = "no-store"
        return answer
