"""Running one job in a process of its own: wall time, CPU of the whole process tree, peak resident memory.

A job prints `BEGIN` and `END` around the work and waits for a line after each, so that imports, sessions and reading of
arguments stay outside, and JVMs and their workers are counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

TICK: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True)
class Run:
    """What one job took. `answer` is what it printed as JSON at its end."""

    wall: float
    cpu: float
    rss: int
    answer: dict[str, Any] = field(default_factory=dict)


def tree(pid: int) -> list[int]:
    """The process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue  # ended between the listing and the reading
            children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the tree, children that were waited for included."""
    ticks = 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(int(value) for value in fields[11:15])
    return ticks / TICK


def resident(pid: int) -> int:
    """Resident bytes of the tree, pages shared between processes counted once per process."""
    total = 0
    for one in tree(pid):
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE
        except (OSError, IndexError):
            continue
    return total


class _Watch(threading.Thread):
    """Samples the tree's memory until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.peak = max(self.peak, resident(self.pid))


def run(command: Sequence[str], environment: dict[str, str] | None = None, timeout: float = 900) -> Run:
    """Run a job to its end. Raises RuntimeError with the end of its errors if it fails."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("the job has no pipes")
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(process.stderr or ()), daemon=True)
    reader.start()
    guard = threading.Timer(timeout, process.kill)
    guard.start()
    watch = _Watch(process.pid)
    marks: list[tuple[float, float]] = []
    answer: dict[str, Any] = {}
    try:
        for line in process.stdout:
            if line.strip() in ("BEGIN", "END"):
                if line.strip() == "BEGIN":
                    watch.start()
                marks.append((time.perf_counter(), cpu_seconds(process.pid)))
                process.stdin.write("\n")
                process.stdin.flush()
            elif line.startswith("{"):
                answer = json.loads(line)
        process.wait(60)
    finally:
        guard.cancel()
        watch.over.set()
        if process.poll() is None:
            process.kill()
        process.wait()
    reader.join(5)
    if process.returncode or len(marks) != 2:
        raise RuntimeError(f"{' '.join(command[-3:])} failed:\n{''.join(errors[-15:])}")
    (began, cpu_before), (ended, cpu_after) = marks
    return Run(ended - began, cpu_after - cpu_before, int(answer.get("peak", 0)) or watch.peak, answer)
