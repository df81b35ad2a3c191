"""What becomes of windows with time: closed, their objects' parts made one blob, hours made days, and dropped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum

from observability.domain.fold.borders import end_of, start_of
from observability.domain.fold.windows import Window
from observability.domain.profile.states import State as FeatureState
from observability.domain.profile.stored import dump_states, load_states, merge_states
from observability.domain.specs.spec import Spec
from observability.ingest.land import COLLECTING, share_blobs, store_blob
from observability.models import Blob, LogSource, ObjectPart, SourceObject, SourceState, StoredWindow

QUIET = timedelta(seconds=20)  # a window to which objects still come is compacted when they have come
AT_ONCE: Final = 64
COLLECT_AFTER: Final = timedelta(minutes=10)
State = StoredWindow.State


def close(source: LogSource, at: datetime) -> int:
    """Close windows whose lateness has passed."""
    late = at - timedelta(seconds=source.lateness_s)
    rows = StoredWindow.objects.filter(source=source, state=State.PROVISIONAL, end__lte=late)
    return rows.update(state=State.CLOSED, closed_at=at)


def compactable(source: LogSource, at: datetime) -> QuerySet[StoredWindow]:
    """Closed windows with parts that stand alone."""
    loose = ObjectPart.objects.filter(window=OuterRef("pk"), in_base=False)
    rows = StoredWindow.objects.filter(Exists(loose), source=source, state=State.CLOSED)
    return rows.filter(replaced_at__lte=at - QUIET).order_by("start")


def compact(window: StoredWindow) -> bool:
    """Make one blob of the window's own and its loose parts'; False when something changed meanwhile."""
    parts = list(ObjectPart.objects.filter(window=window, in_base=False).order_by("pk").values_list("pk", "blob_id"))
    if not parts:
        return False
    spec = window.spec.to_spec()
    blobs = [blob for _, blob in parts] + ([window.blob_id] if window.blob_id else [])
    digest, data = dump_states(spec, _merged(spec, blobs))
    with transaction.atomic():
        share_blobs()
        SourceState.objects.select_for_update().get(source=window.source_id)
        now_there = list(
            ObjectPart.objects.filter(window=window, in_base=False).order_by("pk").values_list("pk", "blob_id")
        )
        same = StoredWindow.objects.filter(pk=window.pk, blob=window.blob_id, state=State.CLOSED)
        if now_there != parts or not same.exists():
            return False
        moved = ObjectPart.objects.filter(window=window)
        rows = moved.filter(in_base=False).aggregate(rows=Sum("rows"))["rows"]
        moved.update(in_base=True, blob=None)
        same.update(blob=store_blob(digest, data), blob_rows=F("blob_rows") + rows)
    return True


def _merged(spec: Spec, blobs: Sequence[int]) -> dict[str, FeatureState]:
    """The states of all these blobs, a few of them held at a time. One that is there twice counts twice."""
    merged: dict[str, FeatureState] = {}
    for place in range(0, len(blobs), AT_ONCE):
        some = blobs[place : place + AT_ONCE]
        data = dict(Blob.objects.filter(pk__in=some).values_list("pk", "data"))
        states = {pk: load_states(spec, found) for pk, found in data.items()}
        merged = merge_states([*([merged] if merged else []), *(states[pk] for pk in some)])
    return merged


def make_days(source: LogSource, at: datetime) -> int:
    """Hours that are older than BARISTA_DAILY_AFTER_D days become days of their zone; how many days were made."""
    before = at - timedelta(days=settings.BARISTA.daily_after_d)
    hours = StoredWindow.objects.filter(source=source, length=Window.HOUR, end__lte=before).select_related("spec")
    days: dict[tuple[Any, ...], list[StoredWindow]] = {}
    for row in hours.order_by("start")[:2_000]:
        zone = "" if row.spec.zone == "UTC" else row.spec.zone
        start = start_of(int(row.start.timestamp()), True, zone)
        days.setdefault((row.spec_id, row.version, row.segment, start, end_of(start, True, zone)), []).append(row)
    made = 0
    for (*_, start, end), rows in days.items():
        is_whole = end <= before.timestamp()
        if is_whole and all(row.state == State.CLOSED for row in rows):
            made += _make_day(source, rows, start, end, at)
    return made


def _make_day(source: LogSource, rows: list[StoredWindow], start: int, end: int, at: datetime) -> int:
    first = rows[0]
    spec = first.spec.to_spec()
    digest, data = dump_states(spec, _merged(spec, [row.blob_id for row in rows if row.blob_id is not None]))
    with transaction.atomic():
        share_blobs()
        SourceState.objects.select_for_update().get(source=source)
        pks = [row.pk for row in rows]
        same = {row.pk: row.blob_id for row in StoredWindow.objects.filter(pk__in=pks, state=State.CLOSED)}
        is_loose = ObjectPart.objects.filter(window__in=pks, in_base=False).exists()
        if is_loose or same != {row.pk: row.blob_id for row in rows}:
            return 0
        counted = sum(row.blob_rows for row in rows)
        day = StoredWindow.objects.create(
            source=source, spec=first.spec, version=first.version, segment=first.segment, length=Window.DAY,
            start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC), state=State.CLOSED,
            rows=counted, blob_rows=counted, blob=store_blob(digest, data), created_at=first.created_at,
            replaced_at=max(row.replaced_at for row in rows), closed_at=at,
        )  # fmt: skip
        parts = ObjectPart.objects.filter(window__in=pks)
        objects = parts.values("object").distinct().count()
        parts.update(window=day)
        StoredWindow.objects.filter(pk=day.pk).update(objects_counted=objects)
        StoredWindow.objects.filter(pk__in=pks).delete()
    return 1


def drop(source: LogSource, at: datetime) -> int:
    """Windows and objects beyond the retention."""
    oldest = at - timedelta(days=source.retention_d)
    with transaction.atomic():
        SourceState.objects.select_for_update().get(source=source)
        old = list(StoredWindow.objects.filter(source=source, end__lte=oldest).values_list("pk", flat=True)[:500])
        ObjectPart.objects.filter(window__in=old).delete()
        StoredWindow.objects.filter(pk__in=old).delete()
        has_parts = ObjectPart.objects.filter(object=OuterRef("pk"))
        past = SourceObject.objects.filter(~Exists(has_parts), source=source, placed_at__lt=oldest - timedelta(days=1))
        gone = SourceObject.objects.filter(source=source, state=SourceObject.State.REMOVED, due_at=None)
        forgotten = Q(pk__in=past.values("pk")[:500]) | Q(pk__in=gone.filter(vanished_at__lt=oldest).values("pk")[:500])
        SourceObject.objects.filter(forgotten).delete()
    return len(old)


def collect(at: datetime) -> int:
    """Delete blobs that nothing points at, unless somebody is about to point at one: then another time."""
    used = ObjectPart.objects.filter(blob=OuterRef("pk"))
    merged = StoredWindow.objects.filter(blob=OuterRef("pk"))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [COLLECTING])
            if not cursor.fetchone()[0]:
                return 0
        loose = Blob.objects.filter(~Exists(used), ~Exists(merged), created_at__lt=at - COLLECT_AFTER)
        return Blob.objects.filter(pk__in=list(loose.values_list("pk", flat=True)[:2_000])).delete()[0]
