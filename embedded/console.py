"""One log of everything: all of it in a file, and on the terminal what a person wants to see."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

_QUIET_LEVELS = frozenset({"debug", "info"})
_LONGEST_FILE = 20 * 1024 * 1024


@dataclass
class Console:
    """Prefixes each line with who wrote it. LOG=all shows the product's routine lines on the terminal too.

    It never raises for want of space: the threads that write here are those that keep everything running. Lines that
    the disk did not take are counted, and the next one that it takes says so.
    """

    file: Path
    everything: bool = field(default_factory=lambda: os.environ.get("LOG") == "all")
    longest: int = _LONGEST_FILE
    lost: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _handle: int | None = None
    _size: int = 0
    _is_torn: bool = False

    def say(self, who: str, what: str) -> None:
        with self._lock:
            self._write(who, what)
            if self.everything or not _is_routine(what):
                self._print(f"{who:<10} | {what}")

    def show(self, text: str) -> None:
        """Text for the person at the terminal, without a prefix."""
        with self._lock:
            self._print(text)

    def _write(self, who: str, what: str) -> None:
        line = _line(who, what)
        if self.lost:
            line = _line("stack", f"the disk was full: {self.lost} lines are missing here") + line
        if self._is_torn:
            line = b"\n" + line
        try:
            handle = self._open()
            written = os.write(handle, line)
            self._size += written
            if written < len(line):
                self._is_torn = True
                raise OSError(f"{written} of {len(line)} bytes")
        except OSError:
            self.lost += 1
            return
        self.lost, self._is_torn = 0, False

    def _open(self) -> int:
        """The file, a new one when it has grown too long. Opened at the first line, and again when that failed."""
        if self._handle is not None and self._size > self.longest:
            os.close(self._handle)
            self._handle = None
        if self._handle is None:
            with contextlib.suppress(OSError):
                if self.file.stat().st_size > self.longest:
                    self.file.replace(self.file.with_suffix(".log.1"))
            self._handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._size = os.fstat(self._handle).st_size
        return self._handle

    def _print(self, line: str) -> None:
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except OSError:
            # The terminal is gone; the file has it, and an orderly end matters more.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - lives as long as the process


def _line(who: str, what: str) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return f"{at} {who:<10} | {what}\n".encode(errors="replace")


def _is_routine(line: str) -> bool:
    """Whether a line is one of the product's own JSON lines below a warning."""
    if not line.startswith("{"):
        return False
    try:
        return json.loads(line).get("level") in _QUIET_LEVELS
    except (ValueError, AttributeError):
        return False
