"""What is new in a source's store: open prefixes at each poll, older ones swept once a day, in slices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from baristaweb.lib.clock import now
from observability.domain.sources.prefixes import of_object
from observability.domain.sources.template import Template
from observability.ingest.access import access_for, template_of
from observability.ingest.findings import close, say
from observability.ingest.folders import BY_BYTE, Folder, poll_folders, sweep_folders, zone_of
from observability.ingest.land import vanish
from observability.models import LogSource, SourceObject, SourceState
from observability.store.access import StoreError
from observability.store.listing import Listed, Listing, list_folders
from observability.store.sandbox import ChildKilled, ChildLimits
from observability.store.warm import Reader

UNDATED_MOST: Final = 10_000
SWEEP_EVERY: Final = timedelta(hours=24)
SWEEP_SLICE_S: Final = 10.0
LIST_S: Final = 600.0
BATCH: Final = 2_000
STORED: Final = (
    "vanished_at", "seen_at", "size", "mtime_ns", "etag", "changed_at", "tries", "state", "due_at", "is_fresh"
)  # fmt: skip
State = SourceObject.State


def poll(source: LogSource, reader: Reader, *, at: datetime) -> int:
    """List what may be new. Returns how many objects became due; what went wrong is in the source's state."""
    began = now()
    try:
        template, access = template_of(source), access_for(source)
        folders = poll_folders(template, source, at)
        listing: Listing = reader.call(
            list_folders,
            [one.part for one in folders],
            access,
            template.matches,
            source.marker,
            UNDATED_MOST if not template.is_dated else 2_000_000,
            limits=ChildLimits(seconds=LIST_S, cpu_seconds=LIST_S),
        )
        found = take(source, template, listing, folders, at=at)
    except (StoreError, ChildKilled, ValueError) as error:
        _failed(source, str(error), at)
        return 0
    spent = now() - began
    SourceState.objects.filter(source=source).update(
        polled_at=at, failures=0, error="", error_since=None, listed=listing.seen,
        list_ms=int(spent.total_seconds() * 1000),
    )  # fmt: skip
    close(source, "listing_failed", at)
    if listing.unusable:
        said = f"{listing.unusable:,} objects have names that cannot be kept: not valid text, or over 1,000 bytes."
        say(source, "unusable_names", "", said, uri="", at=at)
    return found


def _failed(source: LogSource, why: str, at: datetime) -> None:
    """Asked again after a while that doubles, up to five minutes."""
    with transaction.atomic():
        state = SourceState.objects.select_for_update().get(source=source)
        state.failures += 1
        state.error, state.error_since = why[:500], state.error_since or at
        wait = min(source.poll_s * 2 ** min(state.failures, 10), 300)
        state.next_poll_at = max(at + timedelta(seconds=wait), state.next_poll_at)
        state.save(update_fields=["failures", "error", "error_since", "next_poll_at"])


def sweep(source: LogSource, reader: Reader, *, at: datetime, is_over: Callable[[], bool] = lambda: False) -> bool:
    """Go on with the sweep of older prefixes; True when all of them were listed. `is_over` ends the slice."""
    state = SourceState.objects.get(source=source)
    try:
        template, access = template_of(source), access_for(source)
        folders = sweep_folders(template, source, at)
        rest = [one for one in folders if one.uri > state.sweep_from] if state.sweep_from else folders
        for folder in rest:
            listing = reader.call(
                list_folders, [folder.part], access, template.matches, source.marker,
                limits=ChildLimits(seconds=LIST_S, cpu_seconds=LIST_S),
            )  # fmt: skip
            take(source, template, listing, [folder], at=at)
            SourceState.objects.filter(source=source).update(sweep_from=folder.uri[:1100])
            if is_over():
                return False
    except (StoreError, ChildKilled, ValueError) as error:
        _failed(source, str(error), at)
        return True
    SourceState.objects.filter(source=source).update(sweep_from="", swept_at=at, next_sweep_at=at + SWEEP_EVERY)
    return True


def take(
    source: LogSource,
    template: Template,
    listing: Listing,
    folders: Sequence[Folder],
    *,
    at: datetime,
    wanted: tuple[int, int] | None = None,
) -> int:
    """Rows for what was listed: new and changed objects become due, those that are not listed any more are noted.

    Objects of closed prefixes that lay there before the source was connected wait for a backfill, which names the time
    that it wants: then all of that time become due.
    """
    known = _known(source, template, folders)
    fresh: list[SourceObject] = []
    due = 0
    for one in listing.objects:
        row = known.pop(one.uri, None)
        span = of_object(template, one.uri, zone_of(source))
        if span is None or (wanted is not None and span[1] and not (wanted[0] <= span[0] < wanted[1])):
            continue
        is_ready = not source.marker or one.uri.rpartition("/")[0] in listing.markers
        if row is None:
            made = _new(source, span, one, is_ready=is_ready, is_wanted=wanted is not None, at=at)
            if made is not None:
                fresh.append(made)
            continue
        before = SourceObject.objects.filter(pk=row.pk, state=row.state, folds=row.folds)
        if _update(row, one, is_ready=is_ready, is_wanted=wanted is not None, at=at):
            # Somebody who was faster is listed again soon.
            due += before.update(**{name: getattr(row, name) for name in STORED}) and int(row.due_at is not None)
    SourceObject.objects.bulk_create(fresh, batch_size=BATCH, ignore_conflicts=True)
    due += sum(row.due_at is not None for row in fresh)
    return due + _vanished(source, list(known.values()), at)


def _known(source: LogSource, template: Template, folders: Sequence[Folder]) -> dict[str, SourceObject]:
    """Rows of objects that would be listed in these folders if they were there."""
    rows = SourceObject.objects.filter(source=source).only("uri", "folds", *STORED)  # thousands of them, at each poll
    if template.is_dated:
        chosen = Q(pk__in=[])
        for folder in folders:
            since, until = (datetime.fromtimestamp(second, UTC) for second in (folder.start, folder.end))
            placed = Q(placed_at__gte=since, placed_at__lt=until)
            chosen |= placed & Q(by_byte__gt=folder.after) & (Q(by_byte__lte=folder.upto) if folder.upto else Q())
        rows = rows.alias(by_byte=BY_BYTE).filter(chosen)
    return {row.uri: row for row in rows if template.matches(row.uri) and any(one.holds(row.uri) for one in folders)}


def _new(
    source: LogSource, span: tuple[int, int], one: Listed, *, is_ready: bool, is_wanted: bool, at: datetime
) -> SourceObject | None:
    placed = datetime.fromtimestamp(span[0], UTC) if span[1] else None
    is_open = placed is None or span[1] + source.lateness_s > at.timestamp()
    if placed is not None and span[1] < at.timestamp() - source.retention_d * 86_400:
        return None
    is_old = not is_open and one.mtime_ns / 1e9 < source.created_at.timestamp()
    if is_old and not is_wanted:
        return None
    return SourceObject(
        source=source, uri=one.uri, size=one.size, mtime_ns=one.mtime_ns, etag=one.tag, placed_at=placed,
        is_fresh=is_open or not is_wanted, found_at=at, changed_at=at, seen_at=at, due_at=at if is_ready else None,
        state=State.QUEUED if is_ready else State.WAITING,
    )  # fmt: skip


def _update(row: SourceObject, one: Listed, *, is_ready: bool, is_wanted: bool, at: datetime) -> bool:
    """Whether the row changed: another content, back again, its marker there, or wanted by a backfill."""
    is_other = (row.size, row.mtime_ns) != (one.size, one.mtime_ns) or bool(
        one.tag and row.etag and one.tag != row.etag
    )
    is_back = row.vanished_at is not None
    is_unlocked = row.state == State.WAITING and is_ready
    if not (is_other or is_back or is_unlocked or is_wanted):
        return False
    row.vanished_at, row.seen_at = None, at
    if is_other:
        row.size, row.mtime_ns, row.etag, row.changed_at = one.size, one.mtime_ns, one.tag, at
        row.tries = 0
    if row.state != State.LEFT_OUT and is_ready:
        row.is_fresh = not is_wanted or (row.is_fresh and row.due_at is not None)
        row.state, row.due_at = State.QUEUED, at
    return True


def _vanished(source: LogSource, rows: Collection[SourceObject], at: datetime) -> int:
    """What was there and is not listed any more: kept or taken out, as the source says."""
    gone = [row for row in rows if row.vanished_at is None]
    for row in gone:
        vanish(row, source, at=at)
    if gone:
        kept = "What was counted of them is " + (
            "kept." if source.vanished == LogSource.Vanished.KEEP else "taken out."
        )
        said = f"{len(gone):,} objects are not in the store any more. {kept}"
        say(source, "vanished_objects", "", said, uri=gone[0].uri, at=at)
    return len(gone) if source.vanished == LogSource.Vanished.REMOVE else 0
