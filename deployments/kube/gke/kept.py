"""A value that a slow call makes, for many threads: none of them waits for it longer than it may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import structlog

from deployments.kube.api import ClusterError, Unreachable

log = structlog.get_logger(__name__)
T = TypeVar("T")

DOUBT_S: Final = 60.0  # doubts that come sooner change nothing: the limit of requests is the whole project's
FOR_EVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """A value, from when on a newer one is fetched, and from when on it is no good. Seconds of time.time()."""

    value: T
    stale_at: float
    ends_at: float = FOR_EVER


@dataclass(slots=True)
class _Call:
    done: threading.Event = field(default_factory=threading.Event)
    error: ClusterError | None = None
    ended_at: float = 0.0


class Kept(Generic[T]):
    """`make` is called by one thread at a time, never by the caller's own; it raises ClusterErrors only.

    `pause_s`: so soon after a call nobody calls again, whatever came of it. `is_over`: whether an error says that the
    old value is wrong, not only that there is no newer one.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Made[T]],
        *,
        pause_s: float,
        is_over: Callable[[ClusterError], bool] = lambda error: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._make = make
        self._pause_s = pause_s
        self._is_over = is_over
        self._clock = clock
        self._guard = threading.Lock()
        self._made: Made[T] | None = None
        self._call: _Call | None = None
        self._doubted_at = -DOUBT_S

    def get(self, within_s: float) -> T:
        """The value; one that is stale at once, while a newer one is fetched. Raises what `make` raised, or Unreachable
        when there is none after `within_s` seconds; the call goes on."""
        made, at = self._made, self._clock()
        if made is not None and at < made.ends_at:
            if at >= made.stale_at:
                self._begin()
            return made.value
        return self._wait(within_s)

    def instead_of(self, used: T, within_s: float) -> T:
        """Another value than `used`, which was refused. Many who ask at once cause one call."""
        made = self._made
        if made is not None and made.value != used and self._clock() < made.ends_at:
            return made.value
        return self._wait(within_s)

    def doubt(self) -> None:
        """The value may be wrong: fetch it again, in the background and once a minute at most."""
        at = self._clock()
        with self._guard:
            if at - self._doubted_at < DOUBT_S:
                return
            self._doubted_at = at
        self._begin()

    def _wait(self, within_s: float) -> T:
        call = self._begin()
        if not call.done.wait(within_s):
            raise Unreachable(f"{self._name} did not come in time.")
        if call.error is not None:
            raise _again(call.error)
        made = self._made
        if made is None:
            raise Unreachable(f"{self._name} did not come.")
        return made.value

    def _begin(self) -> _Call:
        with self._guard:
            call = self._call
            if call is not None and (not call.done.is_set() or self._clock() - call.ended_at < self._pause_s):
                return call
            self._call = call = _Call()
        threading.Thread(target=self._run, args=(call,), name=f"renew-{self._name[:40]}", daemon=True).start()
        return call

    def _run(self, call: _Call) -> None:
        try:
            self._made = self._make()
        except ClusterError as error:
            call.error = error
        except Exception:
            log.exception("renewal_broke", what=self._name)
            call.error = Unreachable(f"{self._name} could not be had because of an error of Barista's own.")
        finally:
            call.ended_at = self._clock()
            if call.error is not None:
                log.warning("not_renewed", what=self._name, problem=str(call.error)[:300])
                if self._is_over(call.error):
                    self._made = None
            call.done.set()


def _again(error: ClusterError) -> ClusterError:
    """The same error for another thread: raising one adds to its trace."""
    found = type(error).__new__(type(error), *error.args)
    found.__dict__.update(error.__dict__)
    return found
