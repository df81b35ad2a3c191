"""Is the process up, can it serve, and how far behind are the workers."""

from __future__ import annotations

import hmac
import os

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.models import Count, F, Min, Q
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest, multiprocess
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
    return HttpResponse(_requests() + generate_latest(_lag()), content_type=CONTENT_TYPE_LATEST)


def _requests() -> bytes:
    """Of all processes that serve the site together, else of this one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _lag() -> CollectorRegistry:
    registry = CollectorRegistry()
    # What somebody paused waits on purpose: it must wake nobody.
    pending = ~Q(observed_generation=F("deployment__generation")) & Q(deployment__paused_at=None)
    facts = DeploymentState.objects.aggregate(
        pending=Count("pk", filter=pending), oldest=Min("deployment__changed_at", filter=pending)
    )
    _gauge(registry, "barista_pending_deployments", "Deployments whose saved change no cluster has accepted yet").set(
        facts["pending"]
    )
    oldest = facts["oldest"]
    _gauge(registry, "barista_oldest_pending_seconds", "Age of the oldest change not yet accepted").set(
        (now() - oldest).total_seconds() if oldest else 0
    )
    _gauge(registry, "barista_audit_head", "Sequence number of the newest audit event").set(
        AuditEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    )
    phases = _gauge(registry, "barista_deployments", "Deployments by phase", "phase")
    for row in DeploymentState.objects.values("phase").annotate(number=Count("pk")):
        phases.labels(row["phase"]).set(row["number"])
    reachable = _gauge(registry, "barista_cluster_reachable", "1 when the cluster answers", "cluster")
    silence = _gauge(
        registry, "barista_watch_silence_seconds", "Since the watch last heard from the cluster", "cluster"
    )
    for health in ClusterHealth.objects.select_related("cluster"):
        reachable.labels(health.cluster.slug).set(health.state == ClusterHealth.State.OK)
        if health.watched_at:
            silence.labels(health.cluster.slug).set((now() - health.watched_at).total_seconds())
    return registry


def _gauge(registry: CollectorRegistry, name: str, help_text: str, *labels: str) -> Gauge:
    return Gauge(name, help_text, labels, registry=registry)
