"""How long a session lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

TOUCH_EVERY_S: Final = 60


class SessionLimitMiddleware:
    """Ends a session after an hour without a request, and 12 hours after login in any case."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            at = int(time.time())
            seen = request.session.get("seen", at)
            began = request.session.get("began", at)
            if at - seen > settings.SESSION_IDLE_S or at - began > settings.SESSION_COOKIE_AGE:
                logout(request)
            elif at - seen > TOUCH_EVERY_S or "seen" not in request.session:
                request.session["seen"], request.session["began"] = at, began
        answer = self.get_response(request)
        if request.user.is_authenticated:
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer
