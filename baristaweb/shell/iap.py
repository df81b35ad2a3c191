"""Logging in by Google's Identity-Aware Proxy, where BARISTA_IAP_AUDIENCE names this site to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings
from django.contrib.auth import login, logout
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from baristaweb.lib.iap import SUBJECT, Identity, Keys, Untrusted, identity
from deployments.actions import logins

log = structlog.get_logger(__name__)

HEADER: Final = "X-Goog-IAP-JWT-Assertion"


class IapMiddleware:
    """The session is of whom the proxy names; a session of somebody else ends. Without the header nothing is done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.BARISTA.iap_audience:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.keys = Keys(settings.BARISTA.iap_keys)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if token := request.headers.get(HEADER):
            try:
                found = identity(token, audience=settings.BARISTA.iap_audience, keys=self.keys)
            except Untrusted as problem:
                log.warning("iap_refused", problem=str(problem))
                return render(request, "403_iap.html", status=403)
            if not _enter(request, found):
                return render(request, "403_iap.html", {"email": found.email}, status=403)
        return self.get_response(request)


def _enter(request: HttpRequest, found: Identity) -> bool:
    if request.user.is_authenticated and request.session.get(SUBJECT) == found.subject:
        return True
    if request.user.is_authenticated:
        logout(request)
    user = logins.of_google(subject=found.subject, email=found.email)
    if user is None:
        return False
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session[SUBJECT] = found.subject
    request.session["began"] = request.session["seen"] = int(time.time())
    return True
