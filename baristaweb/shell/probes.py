"""Questions of machines, answered before anybody looks at the host.

A kubelet, a load balancer and a scraper ask by the address of a process, which is no name of the site: ALLOWED_HOSTS
would answer 400, and the redirect to HTTPS would send them to a port that nobody serves. Nothing here depends on the
host, the session or the language.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from baristaweb import health

ANSWERS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": health.healthz,
    "/readyz": health.readyz,
    "/metrics": health.metrics,
}


class ProbesMiddleware:
    """The first of all middleware, so that no other asks for the host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = ANSWERS.get(request.path_info)
        return answer(request) if answer else self.get_response(request)
