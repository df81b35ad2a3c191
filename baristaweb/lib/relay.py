"""The loop that enqueues: finds every row that needs work, whoever lost the nudge. Safe to run twice.

Once a second it asks each errand what is due and nudges workers, and does the chores whose time has come. When the
queue is away it runs the errands itself, one at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import structlog
from django.conf import settings
from django.db import Error as DatabaseProblem
from django.db import connections

from baristaweb.lib import queue
from baristaweb.lib.registry import Chore, Errand, Key

log = structlog.get_logger(__name__)

TICK_S: Final = 1.0
LONG_QUEUE: Final = 200
LONG_LEASE_S: Final = 20.0
ASK_AGAIN_S: Final = 2.0
ASK_AGAIN_LIMIT_S: Final = 60.0
QUEUE_EVERY_S: Final = 5.0


class Relay:
    """`run` returns soon after `stopping` is set."""

    def __init__(self, stopping: threading.Event, errands: Sequence[Errand], chores: Sequence[Chore] = ()) -> None:
        self.stopping = stopping
        self.errands, self.chores = errands, chores
        self._hands = ThreadPoolExecutor(1, thread_name_prefix="hands")
        self._in_hand: set[tuple[str, Key]] = set()
        self._asked: dict[str, dict[Key, tuple[float, float]]] = {}
        self._next: dict[str, float] = {}
        self._queue_length = 0

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
            self._queue_length = queue.length()
        for errand in self.errands:
            self._guard(errand.task, partial(self._enqueue, errand))
        for chore in self.chores:
            if self._is_due(chore.name, chore.every_s):
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
        lease_s = LONG_LEASE_S if self._queue_length > LONG_QUEUE else settings.BARISTA.relay_lease_s
        keys = errand.due(lease_s)
        if errand.is_leased:
            for key in keys:
                self._nudge(errand, key)
            return
        clock, before = time.monotonic(), self._asked.get(errand.task, {})
        asked = {key: before[key] for key in keys if key in before}
        for key in keys:
            due, pause_s = asked.get(key, (0.0, ASK_AGAIN_S))
            if due <= clock:
                asked[key] = (clock + pause_s, min(pause_s * 2, ASK_AGAIN_LIMIT_S))
                self._nudge(errand, key)
        self._asked[errand.task] = asked

    def _nudge(self, errand: Errand, key: Key) -> None:
        """Ask a worker; without a queue, do it here."""
        if queue.nudge(errand.task, key) or (errand.task, key) in self._in_hand:
            return
        self._in_hand.add((errand.task, key))
        self._hands.submit(self._do, errand, key)

    def _do(self, errand: Errand, key: Key) -> None:
        try:
            self._guard(errand.task, partial(errand.do, key))
        finally:
            self._in_hand.discard((errand.task, key))
            connections.close_all()
