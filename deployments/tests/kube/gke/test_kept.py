"""A value that is slow to make is made once, and holds nobody up longer than they may wait."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployments.kube.api import Throttled, Unauthorized, Unreachable
from deployments.kube.gke.kept import DOUBT_S, Kept, Made


class Maker:
    """Makes "1", "2", ...; each goes stale after 100 s and ends after 200."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.calls = 0
        self.error: Exception | None = None
        self.free = threading.Event()
        self.free.set()
        self.called = threading.Semaphore(0)
        self.kept: Kept[str] = Kept("A value", self.make, pause_s=10, clock=lambda: self.now, is_over=self.is_over)

    def is_over(self, error: Exception) -> bool:
        return isinstance(error, Unauthorized)

    def make(self) -> Made[str]:
        self.called.release()
        assert self.free.wait(30)
        self.calls += 1
        if self.error is not None:
            raise self.error
        return Made(str(self.calls), self.now + 100, self.now + 200)

    def settle(self) -> None:
        """Until the call under way is over."""
        call = self.kept._call
        assert call is not None
        assert call.done.wait(30)


def test_many_who_ask_at_once_cause_one_call() -> None:
    maker = Maker()
    maker.free.clear()
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(maker.kept.get, 30) for _ in range(16)]
        assert maker.called.acquire(timeout=30)
        maker.free.set()
        assert {found.result(30) for found in asked} == {"1"}
    assert maker.calls == 1


def test_nobody_waits_longer_than_they_may_and_the_call_goes_on() -> None:
    maker = Maker()
    maker.free.clear()
    with pytest.raises(Unreachable, match="did not come in time"):
        maker.kept.get(0.01)
    maker.free.set()
    assert maker.kept.get(30) == "1"
    assert maker.calls == 1


def test_a_stale_value_is_given_at_once_while_a_newer_one_is_made() -> None:
    maker = Maker()
    maker.kept.get(30)
    maker.now += 150
    maker.free.clear()
    assert maker.kept.get(0) == "1"
    maker.free.set()
    maker.settle()
    assert maker.kept.get(0) == "2"


def test_a_stale_value_serves_through_failures_and_they_are_not_repeated_at_once() -> None:
    maker = Maker()
    maker.kept.get(30)
    maker.now += 150
    maker.error = Unreachable("away")
    for _ in range(5):
        assert maker.kept.get(0) == "1"
        maker.settle()
    assert maker.calls == 2
    maker.now += 20
    maker.kept.get(0)
    maker.settle()
    assert maker.calls == 3


def test_a_value_that_has_ended_is_never_given() -> None:
    maker = Maker()
    maker.kept.get(30)
    maker.now += 250
    maker.error = Unreachable("away")
    with pytest.raises(Unreachable, match="away"):
        maker.kept.get(30)


def test_what_failed_is_told_to_all_without_another_call() -> None:
    maker = Maker()
    maker.error = Throttled("slow down", status=429, retry_after_s=7)
    for _ in range(3):
        with pytest.raises(Throttled) as error:
            maker.kept.get(30)
        assert (str(error.value), error.value.status, error.value.retry_after_s) == ("slow down", 429, 7)
    assert maker.calls == 1


def test_an_error_that_says_the_value_is_wrong_ends_it() -> None:
    maker = Maker()
    maker.kept.get(30)
    maker.now += 150
    maker.error = Unauthorized("gone")
    maker.kept.get(0)
    maker.settle()
    with pytest.raises(Unauthorized, match="gone"):
        maker.kept.get(0)


def test_of_many_whose_value_was_refused_one_fetches_another() -> None:
    maker = Maker()
    maker.kept.get(30)
    maker.now += 20
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: maker.kept.instead_of("1", 30), range(8)))
    assert set(found) == {"2"}
    assert maker.calls == 2


def test_a_value_refused_right_after_it_was_made_is_not_made_again() -> None:
    maker = Maker()
    maker.kept.get(30)
    assert maker.kept.instead_of("1", 30) == "1"
    assert maker.calls == 1


def test_doubts_cause_one_call_a_minute() -> None:
    maker = Maker()
    maker.kept.get(30)
    for _ in range(3):
        maker.now += 15
        maker.kept.doubt()
        maker.settle()
    assert maker.calls == 2
    maker.now += DOUBT_S
    maker.kept.doubt()
    maker.settle()
    assert maker.calls == 3


def test_an_error_of_our_own_is_no_endless_wait() -> None:
    maker = Maker()
    maker.error = ZeroDivisionError()
    with pytest.raises(Unreachable, match="an error of Barista's own"):
        maker.kept.get(30)
