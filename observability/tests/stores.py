"""Object stores for tests, each a process on loopback, and what goes wrong with them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def started() -> Iterator[Callable[..., str]]:
    """Starts servers by the names of their modules, and gives host and port of each; they end with the block."""
    processes: list[subprocess.Popen[str]] = []

    def start(name: str, *arguments: str, cwd: Path | None = None) -> str:
        command = [sys.executable, "-m", f"observability.tests.{name}", *arguments]
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        server = subprocess.Popen(command, cwd=cwd, env=environ, stdout=subprocess.PIPE, text=True)
        processes.append(server)
        assert server.stdout is not None
        return f"127.0.0.1:{server.stdout.readline().strip()}"

    try:
        yield start
    finally:
        for server in processes:
            server.kill()
            server.communicate()


def fail(folder: Path, what: str, times: int) -> None:
    """What the next requests for this bucket come to."""
    (folder.parent / "faults").write_text(f"{what} {times}")
