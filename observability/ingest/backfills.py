"""Backfills: their objects are found a day at a time, counted after fresh windows, and added up for the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet, Sum

from observability.engines.counting import Counted
from observability.ingest.access import access_for, template_of
from observability.ingest.discover import LIST_S, take
from observability.ingest.folders import day_folders, zone_of
from observability.models import Backfill, LogSource, SourceObject
from observability.store.access import StoreError
from observability.store.listing import list_folders
from observability.store.sandbox import ChildKilled, ChildLimits
from observability.store.warm import Reader


def running(source: LogSource) -> Backfill | None:
    return Backfill.objects.filter(source=source, finished_at=None, cancelled_at=None).first()


def find(source: LogSource, reader: Reader, *, at: datetime, is_over: Callable[[], bool]) -> bool:
    """List what a new backfill wants and make it due; True when one is running."""
    backfill = running(source)
    if backfill is None or backfill.listed_at is not None:
        return backfill is not None
    span = (int(backfill.since.timestamp()), int(backfill.until.timestamp()))
    Backfill.objects.filter(pk=backfill.pk, started_at=None).update(started_at=at)
    try:
        template, access = template_of(source), access_for(source)
        for folder in day_folders(template, *span, zone_of(source)):
            listing = reader.call(
                list_folders, [folder.part], access, template.matches, source.marker,
                limits=ChildLimits(seconds=LIST_S, cpu_seconds=LIST_S),
            )  # fmt: skip
            take(source, template, listing, [folder], at=at, wanted=span)
    except (StoreError, ChildKilled, ValueError) as error:
        Backfill.objects.filter(pk=backfill.pk).update(error=str(error)[:500])
        return True
    rows = wanted(source, backfill)
    rows.update(spec=backfill.spec)
    told = rows.aggregate(objects=Count("pk"), bytes=Sum("size", default=0))
    Backfill.objects.filter(pk=backfill.pk).update(
        listed_at=at, error="", objects_all=told["objects"], bytes_all=told["bytes"]
    )
    return True


def wanted(source: LogSource, backfill: Backfill) -> QuerySet[SourceObject]:
    """The objects that a backfill reads."""
    placed = Q(placed_at__gte=backfill.since, placed_at__lt=backfill.until) | Q(placed_at=None)
    return SourceObject.objects.filter(placed, source=source).exclude(state=SourceObject.State.LEFT_OUT)


def progress_of(row: SourceObject, counted: Counted, at: datetime) -> None:
    """One more object of a running backfill."""
    if row.is_fresh:
        return
    rows = Backfill.objects.filter(source=row.source_id, finished_at=None, cancelled_at=None, listed_at__isnull=False)
    rows.update(
        objects_done=F("objects_done") + 1,
        bytes_done=F("bytes_done") + counted.identity.size,
        rows_done=F("rows_done") + sum(cell.rows for cell in counted.cells),
    )


def progress(source: LogSource, at: datetime) -> None:
    """Finish a backfill that has nothing left to read."""
    backfill = running(source)
    if backfill is None or backfill.listed_at is None:
        return
    if not wanted(source, backfill).filter(due_at__isnull=False, is_fresh=False).exists():
        Backfill.objects.filter(pk=backfill.pk, finished_at=None).update(finished_at=at)
