"""Problems in words: wrong input, too small a role, a database that is away."""

from __future__ import annotations

import sys
from collections.abc import Callable

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from baristaweb.lib.numbers import whole
from baristaweb.shell import carried
from deployments.access import TooSmallARole

log = structlog.get_logger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError)


@login_not_required
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        sizes = {"sent": whole(request.META.get("CONTENT_LENGTH")), "most": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}
        return render(request, "400.html", sizes, status=413)
    return render(request, "400.html", status=400)


@login_not_required
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403, with the role that it takes and who has it."""
    problem = exception if isinstance(exception, TooSmallARole) else None
    said = str(exception) if isinstance(exception, PermissionDenied) and problem is None else ""
    return render(request, "403.html", {"problem": problem, "said": said}, status=403)


@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "404.html", status=404)


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], DATABASE_AWAY):
        return away()
    # Without the request: its context would ask the database who is logged in, and fail again.
    context = {"request_id": structlog.contextvars.get_contextvars().get("request_id", "")}
    return HttpResponse(render_to_string("500.html", context), status=500)


def away() -> HttpResponse:
    """The database does not answer; the page needs nothing of it."""
    answer = HttpResponse(render_to_string("503.html"), status=503)
    answer.headers["Retry-After"] = "5"
    return answer


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token is no longer good: say to reload, keep what was typed."""
    return render(request, "403_csrf.html", {"carried": carried.of(request)}, status=403)


class ProblemMiddleware:
    """A database that is away is 503 with Retry-After, not a server error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, DATABASE_AWAY):
            log.warning("database_away", problem=type(exception).__name__)
            return away()
        return None
