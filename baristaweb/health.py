"""Is the process up, can it serve, and how far behind are the workers."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.models import Count, F, Min, Q
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from baristaweb.lib.clock import now
from deployments.models import AuditEvent, ClusterHealth, DeploymentState


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        answer = JsonResponse({"status": "database away"}, status=503)
        answer.headers["Retry-After"] = "5"
        return answer
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: the site's requests, and the workers' lag read from the database at scrape time."""
    token = settings.BARISTA.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        return HttpResponseForbidden("Send the metrics token as a bearer token.\n", content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(_Lag())
    return HttpResponse(_requests() + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _requests() -> bytes:
    """Of all processes that serve the site together, else of this one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class _Lag:
    """What the database says when it is asked. No gauges: those would be kept, and told, of each process."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        # What somebody paused waits on purpose: it must wake nobody.
        pending = ~Q(observed_generation=F("deployment__generation")) & Q(deployment__paused_at=None)
        facts = DeploymentState.objects.aggregate(
            pending=Count("pk", filter=pending), oldest=Min("deployment__changed_at", filter=pending)
        )
        waits = "Deployments whose saved change no cluster has accepted yet"
        yield GaugeMetricFamily("barista_pending_deployments", waits, facts["pending"])
        age = (now() - facts["oldest"]).total_seconds() if facts["oldest"] else 0
        yield GaugeMetricFamily("barista_oldest_pending_seconds", "Age of the oldest change not yet accepted", age)
        head = AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        yield GaugeMetricFamily("barista_audit_head", "Sequence number of the newest audit event", head)
        phases = GaugeMetricFamily("barista_deployments", "Deployments by phase", labels=["phase"])
        for row in DeploymentState.objects.values("phase").annotate(number=Count("pk")):
            phases.add_metric([row["phase"]], row["number"])
        yield phases
        reachable = GaugeMetricFamily("barista_cluster_reachable", "1 when the cluster answers", labels=["cluster"])
        silence = GaugeMetricFamily(
            "barista_watch_silence_seconds", "Since the watch last heard from the cluster", labels=["cluster"]
        )
        for health in ClusterHealth.objects.select_related("cluster"):
            reachable.add_metric([health.cluster.slug], health.state == ClusterHealth.State.OK)
            if health.watched_at:
                silence.add_metric([health.cluster.slug], (now() - health.watched_at).total_seconds())
        yield reachable
        yield silence
