"""One log of everything: all of it in a file, and on the terminal what a person wants to see."""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

_QUIET_LEVELS = frozenset({"debug", "info"})
_LONGEST_FILE = 20 * 1024 * 1024


@dataclass
class Console:
    """Prefixes each line with who wrote it. LOG=all shows the product's routine lines on the terminal too."""

    file: Path
    everything: bool = field(default_factory=lambda: os.environ.get("LOG") == "all")
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stream: TextIO | None = None

    def __post_init__(self) -> None:
        if self.file.exists() and self.file.stat().st_size > _LONGEST_FILE:
            self.file.replace(self.file.with_suffix(".log.1"))
        self._stream = self.file.open("a", buffering=1)

    def say(self, who: str, what: str) -> None:
        with self._lock:
            if self._stream is not None:
                self._stream.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {who:<10} | {what}\n")
            if self.everything or not _is_routine(what):
                self._print(f"{who:<10} | {what}")

    def show(self, text: str) -> None:
        """Text for the person at the terminal, without a prefix."""
        with self._lock:
            self._print(text)

    def _print(self, line: str) -> None:
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except OSError:
            # The terminal is gone; the file has it, and an orderly end matters more.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - lives as long as the process


def _is_routine(line: str) -> bool:
    """Whether a line is one of the product's own JSON lines below a warning."""
    if not line.startswith("{"):
        return False
    try:
        return json.loads(line).get("level") in _QUIET_LEVELS
    except (ValueError, AttributeError):
        return False
