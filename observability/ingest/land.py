"""What an object contributes replaces what it contributed before, in one transaction.

Landings of one source follow one another; who does not hold the claim any more lands nothing. A window whose own blob
counts the object cannot give it back: it is reopened, its other objects are read again, and until all of them are it
stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Q, Sum

from observability.domain.fold.borders import end_of
from observability.domain.fold.windows import Window
from observability.domain.profile.stored import dump_states, load_states, merge_states
from observability.engines.counting import Cell, Counted
from observability.ingest import claims
from observability.ingest.findings import say, say_schema
from observability.models import Blob, LogSource, ObjectPart, SourceObject, SourceSpec, SourceState, StoredWindow

COLLECTING = 0x0B10B5  # held in common while blobs are pointed at, alone while they are collected
State = SourceObject.State
OUT = (State.LEFT_OUT, State.REMOVED)


@dataclass(eq=False)
class Landing:
    """One replacement: the object, its source, the windows met, and which of them changed."""

    row: SourceObject
    source: LogSource
    at: datetime
    windows: dict[int, StoredWindow] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    specs: dict[int, SourceSpec] = field(default_factory=dict)

    def spec(self, pk: int) -> SourceSpec:
        if pk not in self.specs:
            self.specs[pk] = SourceSpec.objects.get(pk=pk)
        return self.specs[pk]

    def known(self, window: StoredWindow) -> StoredWindow:
        """The one instance of a window in this landing."""
        return self.windows.setdefault(window.pk, window)


@transaction.atomic
def land(row: SourceObject, counted: Counted | None, *, wanted: SourceSpec | None = None, at: datetime) -> bool:
    """Replace; False when somebody else has the object by now. `counted` None takes out what was counted of it.

    `row` is as it was claimed, `wanted` the spec version that it was to be counted by.
    """
    share_blobs()
    SourceState.objects.select_for_update().get(source=row.source_id)
    found = claims.mine(row)
    if found is None:
        return False
    landing = Landing(found, row.source, at)
    if counted is None or wanted is None or found.state in OUT:
        put(landing, ())
        _taken_out(found, row)
    else:
        cells = _kept(counted.cells, row.source, at)
        put(landing, cells)
        _folded(landing, counted, sum(cell.rows for cell in cells if cell.spec_id == wanted.pk), row, wanted)
        say_schema(found, counted, at)
    found.save()
    ends = [landing.windows[pk].end for pk in landing.changed if landing.windows[pk].rows]
    states = SourceState.objects.filter(source=row.source_id)
    states.update(landed_at=at)
    if ends:
        states.filter(Q(newest_event_at=None) | Q(newest_event_at__lt=max(ends))).update(newest_event_at=max(ends))
    return True


def _kept(cells: Sequence[Cell], source: LogSource, at: datetime) -> list[Cell]:
    """Without windows that retention has dropped already."""
    oldest = (at - timedelta(days=source.retention_d)).timestamp()
    return [cell for cell in cells if cell.start >= oldest]


def _folded(landing: Landing, counted: Counted, rows: int, claimed: SourceObject, wanted: SourceSpec) -> None:
    row, seen = landing.row, counted.identity
    row.folded_size, row.folded_mtime_ns, row.folded_etag = seen.size, seen.mtime_ns, seen.tag
    row.rows, row.bad_rows = rows, counted.bad_rows
    row.bad_reasons = [[number, reason[:300]] for number, reason in counted.bad_examples]
    row.schema = dict(counted.schema[:5_000])
    row.reason, row.bad_row, row.tries, row.starts = "", None, 0, 0
    row.folded_at, row.folds = landing.at, row.folds + 1
    row.fold_ms = max(int((landing.at - claimed.begun_at).total_seconds() * 1000), 0) if claimed.begun_at else 0
    row.claim = row.claimed_until = None
    if row.due_at != claimed.due_at:
        return  # a listing or a person asked for it once more, while it was read
    row.size, row.mtime_ns, row.etag = seen.size, seen.mtime_ns, seen.tag
    row.state, row.spec, row.due_at = State.FOLDED, wanted, _look_again(counted, landing.at)


def _taken_out(row: SourceObject, claimed: SourceObject) -> None:
    row.rows, row.bad_rows, row.starts = None, 0, 0
    row.claim = row.claimed_until = row.folded_size = row.folded_mtime_ns = None
    if row.due_at == claimed.due_at:
        row.due_at = None


def _look_again(counted: Counted, at: datetime) -> datetime | None:
    """An object that changed in the second in which it was read may change once more without another time."""
    age_s = at.timestamp() - counted.identity.mtime_ns / 1e9
    return at + timedelta(seconds=3) if -60 < age_s < 2 else None


def put(landing: Landing, cells: Sequence[Cell]) -> None:
    """Make the object's parts those of the cells, and the windows fit."""
    row = landing.row
    parts = ObjectPart.objects.filter(object=row).select_related("window").select_for_update(of=("self",))
    old = {(part.window_id, int(part.start.timestamp())): part for part in parts}
    kept: set[int] = set()
    for cell in cells:
        window = _window_of(landing, cell)
        if claims.is_sabotaged("noreplace"):
            _add(window, landing.spec(cell.spec_id), cell)
            continue
        part = old.get((window.pk, cell.start))
        if part is None:
            blob, start = store_blob(cell.digest, cell.data), _instant(cell.start)
            ObjectPart.objects.create(
                object=row, window=window, start=start, rows=cell.rows, digest=cell.digest, blob=blob
            )
            landing.changed.add(window.pk)
            continue
        kept.add(part.pk)
        if not _is_same(part, cell, window) and (not part.in_base or _reopen(landing, window)):
            part.rows, part.digest, part.blob = cell.rows, cell.digest, store_blob(cell.digest, cell.data)
            part.save(update_fields=["rows", "digest", "blob"])
            landing.changed.add(window.pk)
    for part in old.values():
        if part.pk not in kept and not claims.is_sabotaged("noreplace"):
            _withdraw(landing, part)
    for pk in landing.changed:
        refresh(landing.windows[pk], landing.source, landing.at)


def _is_same(part: ObjectPart, cell: Cell, window: StoredWindow) -> bool:
    """Whether nothing is to be done: the same states, and bytes where the window is being made anew."""
    is_wanted = part.in_base and part.blob_id is None and window.state == StoredWindow.State.REOPENED
    return part.digest == cell.digest and not is_wanted


def _withdraw(landing: Landing, part: ObjectPart) -> None:
    window = landing.known(part.window)
    if part.in_base and not _reopen(landing, window):
        return
    part.delete()
    landing.changed.add(window.pk)


def _reopen(landing: Landing, window: StoredWindow) -> bool:
    """Have the other objects of the window's blob read again; False when one of them is gone for good but to be kept:
    then the count stays as it is, and a finding says so. Those to be taken out need no reading: they become due too."""
    if window.state == StoredWindow.State.REOPENED:
        return True
    others = SourceObject.objects.filter(parts__window=window, parts__in_base=True).exclude(pk=landing.row.pk)
    if others.filter(vanished_at__isnull=False).exclude(state__in=OUT).exists():
        say_uncountable(landing.source, window, landing.row.uri, landing.at)
        return False
    window.state = StoredWindow.State.REOPENED
    window.save(update_fields=["state"])
    again = SourceObject.objects.filter(pk__in=list(others.values_list("pk", flat=True)))
    again.filter(state=State.FOLDED).update(state=State.QUEUED, tries=0)
    again.update(due_at=landing.at)
    return True


def say_uncountable(source: LogSource, window: StoredWindow, uri: str, at: datetime) -> None:
    say(
        source,
        "recount_impossible",
        str(window),
        f"An object of the window {window.start:%Y-%m-%d %H:%M} UTC was replaced after another one had vanished from "
        "the store, so that it cannot be counted again: it stays as it was.",
        uri=uri,
        at=at,
    )


def refresh(window: StoredWindow, source: LogSource, at: datetime) -> None:
    """Rows and state of a window whose parts changed; one without parts goes."""
    parts = ObjectPart.objects.filter(window=window)
    if window.state == StoredWindow.State.REOPENED and not parts.filter(in_base=True, blob=None).exists():
        parts.update(in_base=False)
        window.blob, window.blob_rows, window.state = None, 0, StoredWindow.State.PROVISIONAL
    loose = Sum("rows", filter=Q(in_base=False), default=0)
    told = parts.aggregate(loose=loose, objects=Count("object", distinct=True))
    if not told["objects"] and window.blob_id is None:
        window.delete()
        window.rows = 0
        return
    is_late = window.closed_at is not None
    window.rows, window.objects_counted, window.replaced_at = window.blob_rows + told["loose"], told["objects"], at
    if window.state == StoredWindow.State.PROVISIONAL and at >= window.end + timedelta(seconds=source.lateness_s):
        window.state, window.closed_at = StoredWindow.State.CLOSED, window.closed_at or at
    window.late_at = at if is_late else window.late_at
    window.save()


def _window_of(landing: Landing, cell: Cell) -> StoredWindow:
    """The window that holds the cell: a day that its hours became, else its own, made where there is none."""
    spec = landing.spec(cell.spec_id)
    start = _instant(cell.start)
    same = StoredWindow.objects.filter(source=landing.source, spec=spec, version=cell.version, segment=cell.segment)
    found = same.filter(length=spec.window, start=start).first()
    if found is None and spec.window == Window.HOUR:
        found = same.filter(length=Window.DAY, start__lte=start, end__gt=start).first()
    if found is None:
        is_day = spec.window == Window.DAY
        end = _instant(end_of(cell.start, is_day, "" if spec.zone == "UTC" else spec.zone))
        found = StoredWindow.objects.create(
            source=landing.source, spec=spec, version=cell.version, segment=cell.segment, length=spec.window,
            start=start, end=end, created_at=landing.at, replaced_at=landing.at,
        )  # fmt: skip
    return landing.known(found)


def _add(window: StoredWindow, spec: SourceSpec, cell: Cell) -> None:
    """What must not be done: for the trial that shows it to be caught."""
    loaded = spec.to_spec()
    states = [load_states(loaded, cell.data)]
    if window.blob is not None:
        states.append(load_states(loaded, window.blob.data))
    digest, data = dump_states(loaded, merge_states(states))
    window.blob, window.blob_rows = store_blob(digest, data), window.blob_rows + cell.rows
    window.rows = window.blob_rows
    window.save()


def store_blob(digest: str, data: bytes) -> Blob:
    """The row of these bytes; equal ones are stored once. In a transaction that shares the blobs."""
    Blob.objects.bulk_create([Blob(sha256=digest, data=data, size=len(data))], ignore_conflicts=True)
    return Blob.objects.only("pk").get(sha256=digest)


def share_blobs() -> None:
    """Until the transaction ends no blob is collected: one that is found may be pointed at."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [COLLECTING])


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def parts_in_base(row: SourceObject) -> Iterable[int]:
    """Spec versions whose windows count the object in their own blob: a new fold must speak of them too."""
    parts = ObjectPart.objects.filter(object=row, in_base=True)
    return parts.values_list("window__spec_id", flat=True).distinct()


@transaction.atomic
def park(row: SourceObject, reason: str, *, bad_row: int | None = None, at: datetime) -> bool:
    """Give the object up until somebody asks for it again: nothing of it is counted, the rest goes on."""
    share_blobs()
    SourceState.objects.select_for_update().get(source=row.source_id)
    found = claims.mine(row)
    if found is None:
        return False
    put(Landing(found, row.source, at), ())
    is_asked = found.due_at != row.due_at
    _taken_out(found, row)
    if not is_asked:
        found.state, found.reason, found.bad_row = State.PARKED, reason[:500], bad_row
    found.save()
    return True


@transaction.atomic
def vanish(row: SourceObject, source: LogSource, *, at: datetime) -> None:
    """Note that the object is gone: what was counted of it is kept, or due to be taken out, as the source says."""
    SourceState.objects.select_for_update().get(source=source)
    found = SourceObject.objects.select_for_update(of=("self",)).get(pk=row.pk)
    found.vanished_at, found.due_at, found.claim, found.claimed_until = at, None, None, None
    if found.rows is None:
        found.state = State.REMOVED
    elif source.vanished == LogSource.Vanished.REMOVE or found.state == State.LEFT_OUT:
        found.state, found.due_at = State.REMOVED, at
    else:
        found.state = State.FOLDED
        _give_up(Landing(found, source, at))
    found.save()


def _give_up(landing: Landing) -> None:
    """Windows that wait for the object cannot be made anew: they stay as they were."""
    waiting = StoredWindow.objects.filter(
        state=StoredWindow.State.REOPENED, parts__object=landing.row, parts__in_base=True, parts__blob=None
    )
    for window in list(waiting.distinct()):
        ObjectPart.objects.filter(window=window, in_base=True).update(blob=None)
        window.state = StoredWindow.State.CLOSED
        window.save(update_fields=["state"])
        say_uncountable(landing.source, window, landing.row.uri, landing.at)
