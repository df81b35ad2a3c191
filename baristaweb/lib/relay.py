"""The loop that enqueues: finds every row that needs work, whoever lost the nudge. Safe to run twice.

Once a second one statement asks what is due at all; then each errand says which rows, workers are nudged, and the
chores whose time has come are done. When the queue is away, or no worker takes anything up, it runs the errands
itself, a few at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

import structlog
from django.conf import settings
from django.db import Error as DatabaseProblem
from django.db import connection, connections

from baristaweb.lib import queue
from baristaweb.lib.clock import now
from baristaweb.lib.registry import Chore, Errand, Key

log = structlog.get_logger(__name__)

TICK_S: Final = 1.0
LONG_QUEUE: Final = 200
LONG_LEASE_S: Final = 20.0
ASK_AGAIN_S: Final = 2.0
ASK_AGAIN_LIMIT_S: Final = 60.0
QUEUE_EVERY_S: Final = 5.0
# Asked for so long and nothing taken up: the workers of that queue do not work, whatever their processes do.
STALLED_S: Final = 15.0
# A killed worker needs several seconds to be back: after so long the relay works beside it.
HELPS_S: Final = 3.0
HANDS: Final = 4


class Book(Protocol):
    """Where it is written whether workers work, for pages and for whoever is woken."""

    def worked_at(self, name: str) -> datetime | None:
        """When a worker last took up a task of the queue."""

    def note(self, name: str, *, stalled_since: datetime | None, waiting: int, rejected: int) -> None:
        """Called when one of these changed."""


class Relay:
    """`run` returns soon after `stopping` is set."""

    def __init__(
        self,
        stopping: threading.Event,
        errands: Sequence[Errand],
        chores: Sequence[Chore] = (),
        book: Book | None = None,
    ) -> None:
        self.stopping = stopping
        self.errands, self.chores = errands, chores
        self._hands = ThreadPoolExecutor(HANDS, thread_name_prefix="hands")
        self._in_hand: set[tuple[str, Key]] = set()
        self._asked: dict[str, dict[Key, tuple[float, float]]] = {}
        self._next: dict[str, float] = {}
        self._watches = {errand.queue: QueueWatch(errand.queue, book) for errand in errands}

    def run(self) -> None:
        while not self.stopping.is_set():
            began = time.monotonic()
            self.tick()
            self.stopping.wait(max(0.05, TICK_S - (time.monotonic() - began)))
        self._hands.shutdown(wait=True, cancel_futures=True)
        connections.close_all()

    def tick(self) -> None:
        """One round. A part that fails does not keep the others from running."""
        if self._is_due("queue", QUEUE_EVERY_S):
            lengths = queue.lengths(list(self._watches))
            for name, watch in self._watches.items():
                self._guard(f"queue {name}", partial(watch.count, lengths.get(name)))
        due: set[str] = set()
        self._guard("look", lambda: due.update(due_at_all([*self.errands, *self.chores])))
        for errand in self.errands:
            if errand.task in due:
                self._guard(errand.task, partial(self._enqueue, errand))
            else:
                self._asked.pop(errand.task, None)
        for chore in self.chores:
            if chore.name in due and self._is_due(chore.name, chore.every_s):
                self._guard(chore.name, chore.do)

    def _guard(self, part: str, work: Callable[[], object]) -> None:
        try:
            work()
        except DatabaseProblem as error:
            log.warning("database_away", part=part, problem=str(error)[:200])
            connections.close_all()
        except Exception:
            log.exception("relay_broke", part=part)

    def _is_due(self, name: str, every_s: float) -> bool:
        clock = time.monotonic()
        if self._next.get(name, 0.0) > clock:
            return False
        self._next[name] = clock + every_s
        return True

    def _enqueue(self, errand: Errand) -> None:
        """Nudge for what is due: a leased row each time it is claimed, others less and less often."""
        watch = self._watches[errand.queue]
        keys = errand.due(LONG_LEASE_S if watch.waiting > LONG_QUEUE else settings.BARISTA.relay_lease_s)
        if not errand.is_leased:
            keys = self._to_ask(errand, keys)
        if not keys:
            return
        if not watch.are_workers_well():
            # One message, by which we see them come back; thousands would only have to be thrown away then.
            queue.nudge(errand.task, keys[0])
            for key in keys:
                self._take(errand, key)
            return
        # From before the first: an idle worker has taken it up before the last is sent.
        asked_at = now()
        are_late = watch.are_workers_late()
        for key in keys:
            if not queue.nudge(errand.task, key) or are_late:
                self._take(errand, key)
        watch.asked(asked_at)

    def _to_ask(self, errand: Errand, keys: Sequence[Key]) -> list[Key]:
        clock, before = time.monotonic(), self._asked.get(errand.task, {})
        asked = {key: before[key] for key in keys if key in before}
        chosen = []
        for key in keys:
            due, pause_s = asked.get(key, (0.0, ASK_AGAIN_S))
            if due <= clock:
                asked[key] = (clock + pause_s, min(pause_s * 2, ASK_AGAIN_LIMIT_S))
                chosen.append(key)
        self._asked[errand.task] = asked
        return chosen

    def _take(self, errand: Errand, key: Key) -> None:
        """Do it here, unless it is in hand already."""
        if (errand.task, key) not in self._in_hand:
            self._in_hand.add((errand.task, key))
            self._hands.submit(self._do, errand, key)

    def _do(self, errand: Errand, key: Key) -> None:
        try:
            self._guard(errand.task, partial(errand.do, key))
        finally:
            self._in_hand.discard((errand.task, key))
            connections.close_all()


class QueueWatch:
    """Whether the workers of one queue work: told by what they take up, not by their processes."""

    def __init__(self, name: str, book: Book | None) -> None:
        self.name, self.book = name, book
        self.waiting = self.rejected = 0
        self._asked_at: datetime | None = None
        self._stalled_since: datetime | None = None
        self._noted: tuple[datetime | None, int, int] | None = None

    def asked(self, at: datetime) -> None:
        """Nudges went into the queue: from that instant on a worker has to show that it works."""
        if self.book is not None and self._asked_at is None:
            self._asked_at = at

    def are_workers_well(self) -> bool:
        """False when nothing was taken up for STALLED_S although it was asked for."""
        if self.book is None or self._asked_at is None:
            return True
        worked_at = self.book.worked_at(self.name)
        if worked_at is not None and worked_at >= self._asked_at:
            if self._stalled_since is not None:
                log.info("workers_work", queue=self.name)
            self._asked_at = self._stalled_since = None
        elif now() - self._asked_at > timedelta(seconds=STALLED_S) and self._stalled_since is None:
            self._stalled_since = self._asked_at
            log.error("workers_stalled", queue=self.name, since=self._asked_at.isoformat())
        self._note()
        return self._stalled_since is None

    def are_workers_late(self) -> bool:
        """Whether nothing had been taken up for HELPS_S when `are_workers_well` looked."""
        return self._asked_at is not None and now() - self._asked_at > timedelta(seconds=HELPS_S)

    def count(self, found: tuple[int, int] | None) -> None:
        """Messages that wait and were rejected; None when the queue does not answer."""
        if found is None:
            # Not the workers' fault; the errands are done here anyway.
            self._asked_at = None
            return
        self.waiting, self.rejected = found
        self.are_workers_well()
        self._note()

    def _note(self) -> None:
        # How many wait moves all the time: only whether they are few or many is worth a write.
        told = (
            self._stalled_since,
            self.waiting if self.waiting > LONG_QUEUE or self._stalled_since else 0,
            self.rejected,
        )
        if self.book is not None and told != self._noted:
            self.book.note(self.name, stalled_since=told[0], waiting=told[1], rejected=told[2])
            self._noted = told


def due_at_all(parts: Sequence[Errand | Chore]) -> set[str]:
    """Names of those that have anything to do, asked in one statement; who does not say how to ask always has."""
    asking, due = [], set()
    for part in parts:
        name = part.task if isinstance(part, Errand) else part.name
        if part.waiting is None:
            due.add(name)
        else:
            asking.append((name, *part.waiting().values("pk")[:1].query.sql_with_params()))
    if asking:
        with connection.cursor() as cursor:
            columns = ", ".join(f"EXISTS ({sql})" for _, sql, _ in asking)
            cursor.execute(f"SELECT {columns}", [value for *_, values in asking for value in values])
            due |= {name for (name, *_), is_due in zip(asking, cursor.fetchone(), strict=True) if is_due}
    return due
