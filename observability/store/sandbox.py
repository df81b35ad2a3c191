"""Running a parser in a child process with limits, so that a hostile file can kill nothing but its own child.

The parent watches the child's resident memory (an address-space limit low enough to protect a worker would make Arrow
fail on honest files), its time and its CPU, which may grow with the size of the input. RLIMIT_AS stays as a backstop.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from observability.store.children import spawned
from observability.store.files import SourceError

POLL_SECONDS: Final = 0.05
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG of Linux


@dataclass(frozen=True)
class ChildLimits:
    """What a child may use."""

    resident_bytes: int = 1 << 30
    address_bytes: int = 4 << 30
    file_bytes: int = 8 << 30
    seconds: float = 60.0
    cpu_seconds: float = 60.0

    @classmethod
    def for_bytes(cls, size: int) -> ChildLimits:
        """Time and CPU in proportion to the input: a minute, and a minute more for each 64 MB."""
        allowed = 60.0 * (1 + size / (64 << 20))
        return cls(seconds=allowed * 2, cpu_seconds=allowed)


class ChildKilled(SourceError):
    """The child used too much or died; says what."""


def run_limited(function: Callable[..., Any], *arguments: Any, limits: ChildLimits | None = None) -> Any:
    """`function(*arguments)` in a fresh process. Its ValueErrors come back; the rest is ChildKilled.

    Function, arguments and result must be picklable.
    """
    chosen = limits or ChildLimits()
    child, receiver = spawned(_child, chosen, os.getpid(), function, arguments)
    try:
        outcome = _watch(child.pid, receiver, chosen)
    finally:
        if child.is_alive():
            child.kill()
        child.join()
        receiver.close()
    if outcome is None:
        raise ChildKilled(f"the file could not be read: its reader ended with {ending(child.exitcode)}")
    is_good, value = outcome
    if is_good:
        return value
    raise value


def _watch(pid: int, receiver: Connection, limits: ChildLimits) -> tuple[bool, Any] | None:
    """The child's answer, or None if it died without one."""
    deadline = time.monotonic() + limits.seconds
    while not receiver.poll(POLL_SECONDS):
        if time.monotonic() > deadline:
            raise ChildKilled(f"the file could not be read: its reader took longer than {limits.seconds:.0f} s")
        used = resident(pid)
        if used > limits.resident_bytes:
            raise ChildKilled(
                f"the file could not be read: its reader needed more than {limits.resident_bytes >> 20:,} MiB of memory"
                " (too large when unpacked)"
            )
    try:
        answer: tuple[bool, Any] = receiver.recv()
    except (EOFError, OSError):
        return None
    return answer


def resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0  # it has just ended; the pipe will say how


def ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name if -code in signal.Signals.__members__.values() else f"signal {-code}"
    return f"{name} (out of its CPU time)" if -code == signal.SIGXCPU else name


def die_with(parent: int) -> None:
    """Nobody waits for the answer once the parent was killed."""
    library = ctypes.CDLL(None)
    if hasattr(library, "prctl"):
        library.prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _child(
    sender: Connection, limits: ChildLimits, parent: int, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    die_with(parent)
    for kind, amount in (
        (resource.RLIMIT_AS, limits.address_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CPU, max(int(limits.cpu_seconds), 1)),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (amount, amount))
    try:
        answer = (True, function(*arguments))
    except MemoryError:
        answer = (False, ChildKilled("the file could not be read: too large when unpacked"))
    except ValueError as error:
        # Rebuilt as a plain SourceError: exceptions of libraries do not all survive pickling.
        answer = (False, SourceError(str(error)))
    sender.send(answer)
    sender.close()
