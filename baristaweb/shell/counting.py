"""The counts of requests at /metrics, with labels that no client can invent."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django_prometheus.middleware import PrometheusAfterMiddleware

KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"


class CountingMiddleware(PrometheusAfterMiddleware):  # type: ignore[misc]  # django_prometheus is untyped
    """As its parent, which passes the method on as it was sent in one of its labels."""

    def label_metric(self, metric: Any, request: HttpRequest, response: Any = None, **labels: str) -> Any:
        if "method" in labels and labels["method"] not in KNOWN:
            labels["method"] = OTHER
        return super().label_metric(metric, request, response, **labels)
