"""One slice of an import worker's time: list what is due, count objects one after the other, keep the windows."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from django.conf import settings
from django.db.models import Q

from baristaweb.lib.clock import now
from deployments.models import QueueState
from observability import dispatch
from observability.engines.counting import Counted, Identity, count, identify
from observability.engines.spread import Outcome
from observability.ingest import backfills, claims, compact, discover, land, spread
from observability.ingest.access import access_for, options_for
from observability.ingest.claims import Lost
from observability.ingest.orders import orders_of
from observability.models import LogSource, SourceObject, SourceState
from observability.queries import waiting
from observability.store.access import GoneError, StoreError
from observability.store.files import Limits, SourceError
from observability.store.sandbox import ChildLimits
from observability.store.warm import Reader, ReaderDied

log = structlog.get_logger(__name__)

SLICE_S: Final = 20.0
TRIES: Final = 3
KEEP_EVERY_S = 30.0
REMOVED_POLL_S: Final = 3600
TELL_EVERY_S: Final = 5.0
State = SourceObject.State


class Importer:
    """One per worker process: its reading child stays warm between slices."""

    def __init__(self) -> None:
        self.reader = Reader()
        self._kept_at: dict[int, float] = {}
        self._told_at = 0.0

    def work(self, source_id: int, *, seconds: float = SLICE_S) -> int:
        """Look at one source, then count objects of any source until time is up. Returns how many were counted."""
        until = time.monotonic() + seconds

        def is_over() -> bool:
            # Who waits for a sample goes before objects, of which each slice counts one at least.
            return time.monotonic() > until or waiting.questions(now()).exists()

        source = (
            LogSource.objects.select_related("root__credential", "spec", "deployment__namespace__team")
            .filter(pk=source_id)
            .first()
        )
        if source is not None:
            self.look(source, is_over)
        done = 0
        while not (done and is_over()):
            row = claims.claim_next(at=now())
            if row is None:
                break
            self.handle(row)
            self.tell()
            done += 1
        return done

    def tell(self) -> None:
        """That this worker works: one large object may take longer than a queue may stand still."""
        if time.monotonic() - self._told_at > TELL_EVERY_S:
            self._told_at = time.monotonic()
            QueueState.objects.filter(name=dispatch.IMPORTS).update(worked_at=now())

    def look(self, source: LogSource, is_over: Callable[[], bool] = lambda: False) -> None:
        """List it when that is due, and keep its windows."""
        at = now()
        if claim_poll(source, at) and not source.is_paused and source.removed_at is None and source.spec is not None:
            discover.poll(source, self.reader, at=at)
            if backfills.find(source, self.reader, at=at, is_over=is_over):
                backfills.progress(source, at)
            if SourceState.objects.filter(source=source, next_sweep_at__lte=at).exists():
                discover.sweep(source, self.reader, at=at, is_over=is_over)
        if time.monotonic() - self._kept_at.get(source.pk, -KEEP_EVERY_S) >= KEEP_EVERY_S:
            self._kept_at[source.pk] = time.monotonic()
            keep(source, at, is_over)

    def handle(self, row: SourceObject) -> None:
        """Count a claimed object, or take it out; of a backfill on Spark many at once. Whatever happens, claims end."""
        if not spread.is_for(row):
            self._settle(row, lambda: self._handle(row))
            return
        rows = spread.with_others(row)
        try:
            found = spread.count_all(rows, self.tell)
        except StoreError as error:
            for one in rows:
                _wait(one, str(error))
            return
        for one, outcome in zip(rows, found, strict=True):
            self._settle(one, partial(self._take, one, outcome))

    def _settle(self, row: SourceObject, do: Callable[[], None]) -> None:
        try:
            do()
        except Lost:
            log.info("import_lost", object=row.pk)
        except GoneError:
            land.vanish(row, row.source, at=now())
        except StoreError as error:
            _wait(row, str(error))
        except ReaderDied as error:
            _fail(row, str(error), is_certain=False)
        except SourceError as error:
            _fail(row, str(error), is_certain=True)

    def _handle(self, row: SourceObject) -> None:
        if row.state in land.OUT:
            land.land(row, None, at=now())
            return
        if row.starts > claims.STARTS:
            land.park(row, f"{claims.STARTS} workers ended while they read it, one after the other.", at=now())
            return
        if row.state == State.FOLDED and self._is_as_folded(row):
            SourceObject.objects.filter(pk=row.pk, claim=row.claim).update(
                due_at=None, claim=None, claimed_until=None, starts=0
            )
            return
        self._land(row, self.count(row))

    def _take(self, row: SourceObject, outcome: Outcome) -> None:
        if isinstance(outcome, Exception):
            raise outcome
        self._land(row, outcome)

    def _land(self, row: SourceObject, counted: Counted) -> None:
        if counted.is_changed:
            _changed(row, counted.identity)
            return
        if not land.land(row, counted, wanted=row.spec or row.source.spec, at=now()):
            raise Lost
        backfills.progress_of(row, counted, now())
        states = SourceState.objects.filter(source=row.source_id)
        states.filter(Q(peak_bytes=None) | Q(peak_bytes__lt=self.reader.peak)).update(peak_bytes=self.reader.peak)

    def count(self, row: SourceObject) -> Counted:
        """Raises what the reader raises, and Lost when the claim is gone meanwhile."""
        source = row.source
        orders = orders_of(row)
        limits = ChildLimits.for_bytes(row.size)
        is_looked_at = not claims.is_sabotaged("norestat")
        found: Counted = self.reader.call(
            count, row.uri, access_for(source), orders, options_for(source), is_looked_at, limits=limits,
            meanwhile=self._renewing(row),
        )  # fmt: skip
        return found

    def _renewing(self, row: SourceObject) -> Callable[[], None]:
        every = settings.BARISTA.import_lease_s / 3
        last = time.monotonic()

        def renew() -> None:
            nonlocal last
            if time.monotonic() - last > every:
                last = time.monotonic()
                if not claims.renew(row):
                    raise Lost
            self.tell()

        return renew

    def _is_as_folded(self, row: SourceObject) -> bool:
        limits = Limits(file_bytes=1 << 62)
        found: Identity = self.reader.call(identify, row.uri, access_for(row.source), limits)
        return (found.size, found.mtime_ns, found.tag) == (row.folded_size, row.folded_mtime_ns, row.folded_etag)

    def close(self) -> None:
        self.reader.close()


def _changed(row: SourceObject, seen: Identity) -> None:
    """It grows, or was replaced, while it is read: once more in a moment, and in longer moments if it goes on."""
    at = now()
    age = max((at - row.changed_at).total_seconds(), 1.0)
    SourceObject.objects.filter(pk=row.pk, claim=row.claim).update(
        size=seen.size, mtime_ns=seen.mtime_ns, etag=seen.tag, claim=None, claimed_until=None, state=State.QUEUED,
        starts=0, due_at=at + timedelta(seconds=min(age, 30.0)), reason="It changed while it was read.",
    )  # fmt: skip


def _wait(row: SourceObject, why: str) -> None:
    """The store's fault: tried again in a while, as often as it takes."""
    at = now()
    wait = min(5.0 * 2 ** min(row.starts, 6), 300.0)
    SourceObject.objects.filter(pk=row.pk, claim=row.claim).update(
        claim=None, claimed_until=None, due_at=at + timedelta(seconds=wait), state=State.RETRYING, reason=why[:500],
        starts=min(row.starts, claims.STARTS - 2),
    )  # fmt: skip
    SourceState.objects.filter(source=row.source_id, error="").update(error=why[:500], error_since=at)


def _fail(row: SourceObject, why: str, *, is_certain: bool) -> None:
    """The object's fault, or its reader's end: after three certain tries it is parked."""
    at, tries = now(), row.tries + is_certain
    told = re.search(r"\brow ([\d,]+)", why)
    bad_row = int(told[1].replace(",", "")) if told else None
    if tries >= TRIES or row.starts > claims.STARTS:
        SourceObject.objects.filter(pk=row.pk, claim=row.claim).update(tries=tries)
        land.park(row, why, bad_row=bad_row, at=at)
        return
    SourceObject.objects.filter(pk=row.pk, claim=row.claim).update(
        claim=None, claimed_until=None, tries=tries, state=State.RETRYING, reason=why[:500], bad_row=bad_row,
        due_at=at + timedelta(seconds=2.0 * 2**tries), starts=0 if is_certain else row.starts,
    )  # fmt: skip


def claim_poll(source: LogSource, at: datetime) -> bool:
    """Whether it is ours to list: then it is due again after its pause."""
    wait = REMOVED_POLL_S if source.removed_at is not None else source.poll_s
    rows = SourceState.objects.filter(source=source, next_poll_at__lte=at)
    return rows.update(next_poll_at=at + timedelta(seconds=wait)) == 1


def keep(source: LogSource, at: datetime, is_over: Callable[[], bool] = lambda: False) -> None:
    """Close, compact, make days and drop, until time is up."""
    compact.close(source, at)
    for window in compact.compactable(source, at).select_related("spec").iterator():
        compact.compact(window)
        if is_over():
            return
    compact.make_days(source, at)
    compact.drop(source, at)
    compact.collect(at)


_importer: list[Importer] = []


def importer() -> Importer:
    """This process's own."""
    if not _importer:
        _importer.append(Importer())
    return _importer[0]


def close() -> None:
    """End this process's reader."""
    with contextlib.suppress(IndexError):
        _importer.pop().close()
