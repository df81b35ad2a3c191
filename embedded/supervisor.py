"""Keeps a set of processes running: starts them in order, restarts what dies and says so, stops them in reverse."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from embedded.logs import rotate
from embedded.paths import Home
from embedded.processes import Command, end, has_exited, remove_record, spawn, write_record

Say = Callable[[str, str], None]  # (who, what)

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
_LOGS_EVERY = 5.0
_SETTLED_AFTER = 10.0  # a process that ran this long starts over with the shortest pause


@dataclass
class Child:
    command: Command
    ready: Callable[[], bool] | None
    process: subprocess.Popen[bytes]
    started: float
    pause: float = _FIRST_PAUSE
    restart_at: float | None = None
    restarts: int = 0


@dataclass
class Supervisor:
    """One ordered set of children. Thread safe: the control plane comes up in its own thread.

    A full disk stops none of its threads: what could not be written is said or recorded when there is room again.
    """

    home: Home
    say: Say
    children: dict[str, Child] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _closing: threading.Event = field(default_factory=threading.Event)
    _watcher: threading.Thread | None = None
    _unrecorded: set[str] = field(default_factory=set)
    _logs_at: float = 0.0

    def start(
        self, command: Command, *, ready: Callable[[], bool] | None = None, seconds: float = 60.0, wait: bool = True
    ) -> None:
        """Start a process and wait until `ready` says so. Raises with the reason when it ends before that.

        With `wait=False` the caller waits later, by `wait_ready`.
        """
        with self._lock:
            if self._closing.is_set():
                raise Stopped(command.name)
            child = Child(command, ready, self._spawn(command), time.monotonic())
            self.children[command.name] = child
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
                self._watcher.start()
        if wait:
            self.wait_ready(command.name, seconds=seconds)

    def wait_ready(self, name: str, *, seconds: float) -> None:
        child = self.children[name]
        deadline = time.monotonic() + seconds
        while child.ready is not None and not child.ready():
            if self._closing.is_set():
                raise Stopped(name)
            if child.restarts >= 3:
                raise RuntimeError(f"{name} ended {child.restarts} times before it was ready{_where(child.command)}.")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} was not ready within {seconds:.0f} s{_where(child.command)}.")
            self._closing.wait(0.05)

    def restart(self, name: str) -> None:
        """Stop one child and let the watcher start it again at once."""
        with self._lock:
            child = self.children[name]
            end(child.process, stop_signal=child.command.stop_signal, seconds=child.command.stop_seconds)
            child.process, child.started = self._spawn(child.command), time.monotonic()

    def pids(self) -> dict[str, int]:
        with self._lock:
            return {name: child.process.pid for name, child in self.children.items()}

    def stop_together(self, *names: str) -> None:
        """Stop these children for good, at the same time; those that were never started are skipped."""
        with self._lock:
            children = [child for name in names if (child := self.children.pop(name, None)) is not None]
        threads = [threading.Thread(target=self._end, args=(child,)) for child in children]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """Start nothing any more, and let whoever waits for readiness give up."""
        self._closing.set()

    def stop(self) -> None:
        """Stop all, the last started first. Later calls do nothing."""
        self._closing.set()
        with self._lock:
            while self.children:
                _, child = self.children.popitem()
                self._end(child)

    def _end(self, child: Child) -> None:
        end(child.process, stop_signal=child.command.stop_signal, seconds=child.command.stop_seconds)
        remove_record(self.home, child.command.name)

    def _spawn(self, command: Command) -> subprocess.Popen[bytes]:
        process = spawn(command, mark=str(self.home.path))
        self._record(command.name, process.pid)
        if process.stdout is not None:
            threading.Thread(target=self._forward, args=(command.name, process), daemon=True).start()
        return process

    def _record(self, name: str, pid: int) -> None:
        """A later start finds the process by its mark too: without room for the record it runs all the same."""
        self._unrecorded.discard(name)
        try:
            write_record(self.home, name, pid)
        except OSError:
            self._unrecorded.add(name)

    def _tell(self, who: str, what: str) -> None:
        with contextlib.suppress(OSError):
            self.say(who, what)

    def _forward(self, name: str, process: subprocess.Popen[bytes]) -> None:
        stream = process.stdout
        if stream is None:
            return
        with stream:
            for line in stream:
                self._tell(name, line.decode(errors="replace").rstrip())

    def _watch(self) -> None:
        while not self._closing.wait(0.2):
            with self._lock:
                for child in self.children.values():
                    if not self._closing.is_set():
                        self._try_to_heal(child)
                self._keep_house()

    def _keep_house(self) -> None:
        for name in [name for name in self._unrecorded if name in self.children]:
            self._record(name, self.children[name].process.pid)
        if time.monotonic() - self._logs_at < _LOGS_EVERY:
            return
        self._logs_at = time.monotonic()
        for child in self.children.values():
            if child.command.log is not None:
                rotate(child.command.log)

    def _try_to_heal(self, child: Child) -> None:
        try:
            self._heal(child)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            # No room, no memory, no more processes: all of these pass, and nobody but this thread tries again.
            child.restart_at = time.monotonic() + child.pause
            self._tell(child.command.name, f"could not be started ({error}); trying again in {child.pause:.1f} s")
            child.pause = min(child.pause * 2, _LONGEST_PAUSE)

    def _heal(self, child: Child) -> None:
        now = time.monotonic()
        name = child.command.name
        if child.restart_at is None:
            if not has_exited(child.process):
                return
            if now - child.started > _SETTLED_AFTER:
                child.pause = _FIRST_PAUSE
            # What is left of its session goes too: two sets of workers would share one queue.
            end(child.process, stop_signal=child.command.stop_signal, seconds=0)
            self._tell(
                name, f"ended with {_ending(child.process.returncode)}; starting it again in {child.pause:.1f} s"
            )
            child.restart_at = now + child.pause
            child.pause = min(child.pause * 2, _LONGEST_PAUSE)
        elif now >= child.restart_at:
            child.process, child.started = self._spawn(child.command), now
            child.restart_at = None
            child.restarts += 1
            self._tell(name, f"started again (pid {child.process.pid})")


class Stopped(RuntimeError):
    """The stack is being stopped; whoever was starting something should give up quietly."""


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _where(command: Command) -> str:
    return f"; its messages are in {command.log}" if command.log else ""
