"""Child processes of the stack: started with an owner, known by pid and start time, and never left behind.

Three things keep a machine clean. The kernel ends a child when its parent dies (Linux). Each child carries
BARISTA_STACK, the folder it works for, in its environment. And each start first ends what an earlier, killed one left
behind: only processes that carry the mark or that were recorded with the same pid *and* start time.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from embedded.paths import Home, write_private

MARK = "BARISTA_STACK"
_PR_SET_PDEATHSIG = 1
# Linux ends a child when the *thread* that forked it ends, so every fork comes from this one, which lives as we do.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True)
class Command:
    """How to start one process and how to end it."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    log: Path | None = None  # None: standard output is piped to the caller
    has_input: bool = False  # standard input is a pipe from the caller; else there is none
    user: int | None = None
    group: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10.0
    niceness: int = 0
    sockets: tuple[int, ...] = ()  # file numbers that the process keeps, such as the socket it listens on


def die_with_parent(stop_signal: int = signal.SIGTERM) -> None:
    """Ask the kernel to send us `stop_signal` when our parent ends. Does nothing where the kernel cannot."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)


def spawn(command: Command, *, mark: str) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own. Standard output is a pipe unless the command names a log file."""
    return _SPAWNER.submit(_spawn, command, mark).result()


def _spawn(command: Command, mark: str) -> subprocess.Popen[bytes]:
    def before_exec() -> None:
        die_with_parent(command.stop_signal)
        if command.niceness:
            os.nice(command.niceness)

    environ = {**os.environ, **command.environ, MARK: mark}
    output: int | IO[bytes] = subprocess.PIPE
    with contextlib.ExitStack() as stack:
        if command.log is not None:
            try:
                command.log.parent.mkdir(parents=True, exist_ok=True)
                output = stack.enter_context(command.log.open("ab"))
            except OSError:
                # No room even for a name: better a program without a log than none.
                output = subprocess.DEVNULL
        return subprocess.Popen(
            command.argv,
            env=environ,
            cwd=command.folder,
            stdin=subprocess.PIPE if command.has_input else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=command.sockets,
            user=command.user,
            group=command.group,
            extra_groups=[] if command.user is not None else None,
            preexec_fn=before_exec,
        )


def has_exited(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child ended. It is not reaped, so its number (its session's too) cannot be given to others."""
    if process.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def end(process: subprocess.Popen[bytes], *, stop_signal: signal.Signals, seconds: float) -> None:
    """End a child and all of its session: politely first, then for certain. Returns once it is reaped."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, stop_signal)
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: has_exited(process), seconds=seconds, what="The end of a process", pause=0.02)
    # Also after an orderly end: a worker's own children may outlive it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


@dataclass(frozen=True)
class Record:
    """A process that we started, so that a later start can tell it from a stranger with the same pid."""

    name: str
    pid: int
    started: float

    def process(self) -> psutil.Process | None:
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < 1.0 and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return found if same else None


def write_record(home: Home, name: str, pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        record = {"name": name, "pid": pid, "started": psutil.Process(pid).create_time()}
        write_private(home.folder("run") / f"{name}.json", json.dumps(record))


def remove_record(home: Home, name: str) -> None:
    (home.folder("run") / f"{name}.json").unlink(missing_ok=True)


def records(home: Home) -> list[Record]:
    found = []
    for file in sorted(home.folder("run").glob("*.json")):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            found.append(Record(**json.loads(file.read_text())))
    return found


def marked(mark: str) -> list[psutil.Process]:
    """Running processes that carry the mark of this folder, wherever their parents went."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            is_ours = process.pid != os.getpid() and process.environ().get(MARK) == mark
            # One that ended a moment ago waits for its parent, and runs no more.
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def sweep(home: Home) -> list[str]:
    """End what an earlier stack of this home left running. Returns the names of what was found."""
    left = {record.pid: (record.name, process) for record in records(home) if (process := record.process())}
    for process in marked(str(home.path)):
        left.setdefault(process.pid, (_name(process), process))
    ours = {parent.pid for parent in psutil.Process().parents()} | {os.getpid()}
    doomed = {pid: pair for pid, pair in left.items() if pid not in ours}
    _end_all([process for _, process in doomed.values()])
    for file in home.folder("run").glob("*.json"):
        file.unlink(missing_ok=True)
    return sorted({name for name, _ in doomed.values()})


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return str(process.name())
    return "process"


def _end_all(processes: Iterable[psutil.Process]) -> None:
    everyone = list(processes)
    for process in list(everyone):
        with contextlib.suppress(psutil.Error):
            everyone.extend(process.children(recursive=True))
    for process in everyone:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(everyone, timeout=3)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def wait_until(ready: Callable[[], bool], *, seconds: float, what: str, pause: float = 0.05) -> None:
    """Poll until `ready`, else say what did not come."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready within {seconds:.0f} s.")
        threading.Event().wait(pause)
