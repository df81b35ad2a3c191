"""Problems in words: wrong input, too small a role, a database that is away."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from deployments.access import TooSmallARole

log = structlog.get_logger(__name__)


@login_not_required
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "400.html", status=400)


@login_not_required
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403, with the role that it takes and who has it."""
    problem = exception if isinstance(exception, TooSmallARole) else None
    return render(request, "403.html", {"problem": problem}, status=403)


@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=500)


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token is no longer good: say to reload, keep what was typed."""
    return render(request, "403_csrf.html", status=403)


class ProblemMiddleware:
    """A database that is away is 503 with Retry-After, not a server error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, (OperationalError, InterfaceError)) and not isinstance(exception, PermissionDenied):
            log.warning("database_away", problem=type(exception).__name__)
            answer = HttpResponse(AWAY, status=503)
            answer.headers["Retry-After"] = "5"
            return answer
        return None


# A constant, since any template would ask the database who is logged in.
AWAY = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Barista is restarting</title></head>
<body><h1>The database does not answer</h1><p>Nothing was lost that was saved before. Try again in a few seconds.</p>
</body></html>"""
