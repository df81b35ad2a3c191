"""What the database says of the importer when it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import Count, Max, Min, Q, Sum
from prometheus_client.core import GaugeMetricFamily

from baristaweb.lib.clock import now
from observability.models import Blob, LogSource, SourceObject, SourceState
from observability.queries.waiting import due_objects


def of_sources() -> Iterator[GaugeMetricFamily]:
    """Objects that wait and since when, what is parked, listings that fail, bytes that are kept."""
    at = now()
    waiting = due_objects(at).aggregate(
        fresh=Count("pk", filter=Q(is_fresh=True)),
        rest=Count("pk", filter=Q(is_fresh=False)),
        oldest=Min("due_at", filter=Q(is_fresh=True)),
    )
    objects = GaugeMetricFamily("barista_import_waiting", "Objects to be read that nobody reads yet", labels=["kind"])
    objects.add_metric(["fresh"], waiting["fresh"])
    objects.add_metric(["backfill"], waiting["rest"])
    yield objects
    age = (at - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0
    yield GaugeMetricFamily("barista_import_oldest_seconds", "How long the oldest fresh object waits", age)
    parked = SourceObject.objects.filter(state=SourceObject.State.PARKED).count()
    yield GaugeMetricFamily("barista_import_parked", "Objects that could not be read", parked)
    live = SourceState.objects.filter(source__removed_at=None, source__paused_at=None)
    told = live.aggregate(failing=Count("pk", filter=Q(failures__gt=0)), peak=Max("peak_bytes"))
    sources = LogSource.objects.filter(removed_at=None).count()
    yield GaugeMetricFamily("barista_log_sources", "Log sources", sources)
    yield GaugeMetricFamily("barista_log_sources_failing", "Log sources whose last listing failed", told["failing"])
    yield GaugeMetricFamily("barista_import_peak_bytes", "Most memory that a reader used", told["peak"] or 0)
    stored = Blob.objects.aggregate(bytes=Sum("size", default=0))["bytes"]
    yield GaugeMetricFamily("barista_window_bytes", "Bytes of states that are kept", stored)


GAUGES: Final = (of_sources,)
