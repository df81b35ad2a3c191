"""Child processes that are fresh interpreters, spoken to through a pipe.

Not of `multiprocessing`: Celery's workers replace parts of it by their own, call themselves daemons, which may have no
children there, and hold keys that cannot be pickled.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final

_START: Final = "import sys; from observability.store.children import begin; begin(int(sys.argv[1]))"


class Child:
    """A running child. `exitcode` is negative for the signal that ended it, None while it runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exitcode(self) -> int | None:
        return self._process.poll()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()

    def join(self, seconds: float | None = None) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


def spawned(target: Callable[..., None], *arguments: Any) -> tuple[Child, Connection]:
    """A child that runs `target(pipe, *arguments)`, and our end of its pipe. Both must be picklable."""
    ours, theirs = Pipe(duplex=True)
    try:
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
        number = theirs.fileno()
        command = [sys.executable, "-c", _START, str(number)]
        child = Child(subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[number], env=environ))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended; who waits for it will see
            ours.send((target, arguments))
    except BaseException:
        child.kill()
        child.join()
        ours.close()
        raise
    return child, ours


def begin(number: int) -> None:
    """In the child: what to run comes first through the pipe."""
    pipe: Connection[Any, Any] = Connection(number)
    try:
        target, arguments = pipe.recv()
    except EOFError:
        return
    target(pipe, *arguments)
