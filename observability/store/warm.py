"""One child process that reads for a worker, job after job: hostile bytes can end only it, and no job pays its start.

The parent watches the child's memory, CPU and time as store.sandbox does for a process of one job.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from observability.store.access import GoneError, StoreError
from observability.store.children import Child, spawned
from observability.store.files import SourceError
from observability.store.sandbox import ChildKilled, ChildLimits, die_with, ending, resident

POLL_S: Final = 0.2
KEPT_BYTES: Final = 600 << 20  # a child that holds more between jobs is ended, so that memory stays flat
KEPT_JOBS: Final = 2_000
TICK: Final = 1 / os.sysconf("SC_CLK_TCK")


class ReaderDied(SourceError):
    """The child ended without an answer although it was within its limits: killed from outside, or crashed."""


class Reader:
    """`call` runs one function at a time. Not for several threads."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._pipe: Connection | None = None
        self._jobs = 0
        self.peak = 0  # most bytes resident in any job so far

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    def call(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        limits: ChildLimits | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Any:
        """`function(*arguments)` in the child. Its SourceErrors and ValueErrors come back; ChildKilled names the limit
        that was reached. `meanwhile` is called a few times a second; what it raises ends the child."""
        chosen = limits or ChildLimits()
        pipe = self._ready()
        try:
            self._send(pipe, (function, arguments))
            outcome = self._watch(pipe, chosen, meanwhile)
        except BaseException:
            self.close()
            raise
        self._jobs += 1
        if self._jobs >= KEPT_JOBS or resident(self.pid or 0) > KEPT_BYTES:
            self.close()
        is_good, value = outcome
        if is_good:
            return value
        raise value

    def close(self) -> None:
        """End the child; the next call starts another."""
        child, pipe, self._child, self._pipe, self._jobs = self._child, self._pipe, None, None, 0
        if pipe is not None:
            pipe.close()
        if child is not None:
            child.kill()
            child.join()

    def _send(self, pipe: Connection, job: tuple[Callable[..., Any], tuple[Any, ...]]) -> None:
        try:
            pipe.send(job)
        except OSError:
            raise ReaderDied("the file could not be read: its reader had ended") from None

    def _ready(self) -> Connection:
        if self._child is not None and self._child.is_alive() and self._pipe is not None:
            return self._pipe
        self.close()
        self._child, self._pipe = spawned(_serve, os.getpid())
        return self._pipe

    def _watch(self, pipe: Connection, limits: ChildLimits, meanwhile: Callable[[], None] | None) -> tuple[bool, Any]:
        pid = self.pid or 0
        deadline, begun = time.monotonic() + limits.seconds, _cpu_seconds(pid)
        while not pipe.poll(POLL_S):
            used = resident(pid)
            self.peak = max(self.peak, used)
            if used > limits.resident_bytes:
                raise ChildKilled(
                    f"the file could not be read: its reader needed more than {limits.resident_bytes >> 20:,} MiB of "
                    "memory (too large when unpacked)"
                )
            if time.monotonic() > deadline:
                raise ChildKilled(f"the file could not be read: its reader took longer than {limits.seconds:.0f} s")
            if _cpu_seconds(pid) - begun > limits.cpu_seconds:
                raise ChildKilled("the file could not be read: its reader used up its CPU time")
            if meanwhile is not None:
                meanwhile()
        self.peak = max(self.peak, resident(pid))
        try:
            answer: tuple[bool, Any] = pipe.recv()
        except (EOFError, OSError):
            if self._child is not None:
                self._child.join(2)
            code = self._child.exitcode if self._child is not None else None
            raise ReaderDied(f"the file could not be read: its reader ended with {ending(code)}") from None
        return answer


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK


def _serve(pipe: Connection, parent: int) -> None:
    die_with(parent)
    limits = ChildLimits()
    for kind, amount in (
        (resource.RLIMIT_AS, limits.address_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (amount, amount))
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            function, arguments = pipe.recv()
            pipe.send(answered(function, arguments))


def answered(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except MemoryError:
        return False, ChildKilled("the file could not be read: too large when unpacked")
    except (StoreError, GoneError) as error:
        return False, type(error)(str(error))
    except ValueError as error:
        # Rebuilt as a plain SourceError: exceptions of libraries do not all survive pickling.
        return False, SourceError(str(error))
    except OSError as error:
        return False, StoreError(str(error)[:300])
