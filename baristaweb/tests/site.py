"""The site as it is served, on a port of its own: `with served() as site: ...`."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from django.conf import settings

IMPATIENT = """
from baristaweb.server import whole_requests
from baristaweb.serving import *
whole_requests.HEAD_S, whole_requests.BODY_S, whole_requests.LINGER_S = 0.5, 1.0, 0.5
worker_connections = 20
"""


@dataclass
class Site:
    """Where it listens, and the clients that a test opened."""

    process: subprocess.Popen[bytes]
    port: int
    clients: list[socket.socket] = field(default_factory=list)

    def client(self, sends: bytes = b"") -> socket.socket:
        """A connection, which stays open until the end of the test."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.clients.append(client)
        client.sendall(sends)
        return client

    def get(self, path: str) -> int:
        """The status of an answer. Raises TimeoutError when there is none."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def let_go(self) -> None:
        while self.clients:
            self.clients.pop().close()


def read_all(client: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


@contextlib.contextmanager
def served(folder: Path, *, impatient: bool = False) -> Iterator[Site]:
    """gunicorn as docs/operations.md starts it; `impatient` has deadlines below a second."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        port = listener.getsockname()[1]
        config = folder / "serving.py"
        config.write_text(IMPATIENT)
        chosen = str(config) if impatient else "python:baristaweb.serving"
        command = [sys.executable, "-m", "gunicorn", "baristaweb.wsgi", "--config", chosen, "--no-control-socket"]
        process = subprocess.Popen(
            [*command, "--bind", f"fd://{listener.fileno()}", "--graceful-timeout", "2", "--log-level", "warning"],
            cwd=settings.BASE_DIR,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings", "TMPDIR": str(folder)},
            pass_fds=[listener.fileno()],
        )
    site = Site(process, port)
    try:
        site.get("/healthz")
        yield site
    finally:
        site.let_go()
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
        process.wait()
