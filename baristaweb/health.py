"""Is the process up, can it serve, and how far behind are the workers."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from baristaweb.lib import registry
from deployments.queries import workers


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, else 503. `workers` is "ok" or says why changes are late; pages are served."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        trouble = workers.trouble()
    except DatabaseError:
        answer = JsonResponse({"status": "database away"}, status=503)
        answer.headers["Retry-After"] = "5"
        return answer
    said = "ok" if trouble is None else f"Barista {trouble.sentence}"
    since = {} if trouble is None else {"since": trouble.since.isoformat()}
    return JsonResponse({"status": "ok", "workers": said, **since})


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: the site's requests, and the workers' lag read from the database at scrape time."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if not any(hmac.compare_digest(given, token.encode()) for token in settings.BARISTA.metrics_tokens):
        return HttpResponseForbidden("Send the metrics token as a bearer token.\n", content_type="text/plain")
    told = CollectorRegistry()
    told.register(_Gauges())
    return HttpResponse(_requests() + generate_latest(told), content_type=CONTENT_TYPE_LATEST)


def _requests() -> bytes:
    """Of all processes that serve the site together, else of this one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    gathered = CollectorRegistry()
    multiprocess.MultiProcessCollector(gathered)  # type: ignore[no-untyped-call]
    return generate_latest(gathered)


class _Gauges:
    """Those of every app, read when they are asked for."""

    def collect(self) -> Iterator[Any]:
        for gauges in registry.gauges():
            yield from gauges()
