"""Tells the product what is being done to the demo's cluster, through the product's own command.

The product knows nothing of our files. As long as the command's standard input is open its last line counts; when we
are killed the line ends, and within a minute so does what it said.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
from dataclasses import dataclass, field

from embedded.kubernetes.progress import in_words, progress_file
from embedded.paths import Home
from embedded.processes import Command, end, has_exited, spawn

_PAUSE_S = 0.5


@dataclass
class Teller:
    """Runs `command` beside the stack; sends it a line when there is something new, an empty one when all is done.

    The command has an input, and a log file: nobody reads what it prints.
    """

    home: Home
    command: Command
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        process, said = None, None
        try:
            while not self._stopping.wait(_PAUSE_S):
                words = self._words()
                if process is not None and has_exited(process):
                    _close(process)
                    process = None
                if process is None:
                    process, said = spawn(self.command, mark=str(self.home.path)), None
                if words != said and _send(process, words):
                    said = words
                if said == "" and self._is_over():
                    return
        finally:
            if process is not None:
                _close(process)

    def _said(self) -> dict[str, object]:
        try:
            found = json.loads(progress_file(self.home).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _words(self) -> str:
        return in_words(self._said())

    def _is_over(self) -> bool:
        return self._said().get("state") in ("ready", "stopped")


def _send(process: subprocess.Popen[bytes], words: str) -> bool:
    if process.stdin is None:
        return False
    try:
        process.stdin.write(words.replace("\n", " ").encode() + b"\n")
        process.stdin.flush()
    except OSError:
        return False
    return True


def _close(process: subprocess.Popen[bytes]) -> None:
    """The end of its input ends the command, once it has stored the last line."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    end(process, stop_signal=signal.SIGTERM, seconds=1)
