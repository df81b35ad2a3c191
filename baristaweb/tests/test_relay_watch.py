"""Whether workers work is told by what they take up, also when they are faster than the relay."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
import time_machine

from baristaweb.lib import queue
from baristaweb.lib.clock import now
from baristaweb.lib.registry import Errand
from baristaweb.lib.relay import HELPS_S, STALLED_S, Relay


class Book:
    """What workers and the relay write, without a database."""

    def __init__(self) -> None:
        self.worked: datetime | None = None
        self.stalled: datetime | None = None

    def worked_at(self, name: str) -> datetime | None:
        return self.worked

    def note(self, name: str, *, stalled_since: datetime | None, waiting: int, rejected: int) -> None:
        self.stalled = stalled_since


def looked_at_later(book: Book, monkeypatch: pytest.MonkeyPatch, *, is_taken_up: bool) -> None:
    """One nudge, and a look at the workers when they should long have answered."""
    with time_machine.travel(datetime.fromisoformat("2026-11-28T12:00:00+00:00"), tick=False) as clock:

        def nudge(task: str, key: object) -> bool:
            if is_taken_up:
                book.worked = now()
            clock.shift(timedelta(milliseconds=50))
            return True

        monkeypatch.setattr(queue, "nudge", nudge)
        errand = Errand(task="reconcile", due=lambda lease_s: [1], do=lambda key: None, is_leased=True)
        relay = Relay(threading.Event(), [errand], book=book)
        relay._enqueue(errand)
        clock.shift(timedelta(seconds=STALLED_S + 5))
        relay._watches["reconcile"].count((0, 0))


def test_a_worker_that_is_faster_than_the_relay_does_not_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book()
    looked_at_later(book, monkeypatch, is_taken_up=True)
    assert book.stalled is None


def test_workers_that_take_nothing_up_have_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book()
    looked_at_later(book, monkeypatch, is_taken_up=False)
    assert book.stalled is not None


@pytest.mark.parametrize(("after_s", "done"), [(HELPS_S - 1, []), (HELPS_S + 1, [1])], ids=["soon", "late"])
def test_the_relay_works_beside_workers_that_are_late(
    after_s: float, done: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[object] = []
    book = Book()
    with time_machine.travel(datetime.fromisoformat("2026-11-28T12:00:00+00:00"), tick=False) as clock:
        monkeypatch.setattr(queue, "nudge", lambda task, key: True)
        errand = Errand(task="reconcile", due=lambda lease_s: [1], do=found.append, is_leased=True)
        relay = Relay(threading.Event(), [errand], book=book)
        relay._enqueue(errand)
        clock.shift(timedelta(seconds=after_s))
        relay._enqueue(errand)
        relay._hands.shutdown(wait=True)
    assert found == done
    assert book.stalled is None, "working beside them raises no alarm yet"
