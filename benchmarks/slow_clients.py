"""What 200 slow clients cost the others, by server: pages asked for with and without them, on a stack of its own.

Loopback only; about 80 s a server. Beside the worker that we ship: gunicorn's own threads, and gevent and granian where
they are installed (`pip install -r benchmarks/requirements-servers.txt`; they are no dependencies of the product).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from embedded.paths import LOOPBACK, free_port
from embedded.testing import TestStack, start_test_stack

from .measure import ROOT

SLOW = 200
ROUNDS = 2  # without them and with them in turn: the machine may be busy with something else for a while
ASKED = 60  # pages in each half of a round
ASK_EVERY_S = 0.05
SETTLE_S = 6.0  # at most: what they ask for at first is work, and no slowness; its longest page is printed
SETTLED = 10  # pages in a row that come as fast as others
GIVE_UP_S = 5.0  # counted as that long
PAGE = "/login/"

HEAD = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SENDS = {
    "half of the headers, then a byte a second": HEAD + b"X-Slow: ",
    "half of the body, then a byte a second": HEAD + b"Content-Length: 5000\r\n\r\nusername=",
    "six requests for a large file, and read nothing": b"GET /static/vendor/tabler.min.css HTTP/1.1\r\n"
    b"Host: localhost\r\n\r\n" * 6,
}
GUNICORN = ("gunicorn", "baristaweb.wsgi", "--config", "python:baristaweb.serving", "--log-level", "critical")
SERVERS: dict[str, tuple[str, ...]] = {
    "Barista's worker (2 x 4 threads)": (*GUNICORN, "--no-control-socket"),
    "gunicorn gthread (2 x 4)": (*GUNICORN, "--no-control-socket", "--worker-class", "gthread"),
    "gunicorn gevent (2 processes)": (*GUNICORN, "--no-control-socket", "--worker-class", "gevent"),
    "granian (2 x 4 blocking threads)": (
        *("granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "4", "--log-level", "critical"),
        *("--http1-header-read-timeout", "10000", "--no-ws", "baristaweb.wsgi:application"),
    ),
}


def main() -> None:
    _allow_many_files()
    with tempfile.TemporaryDirectory(prefix="barista-bench-") as folder:
        stack = start_test_stack(Path(folder), metrics=False, say=lambda who, what: None)
        try:
            _measure(_environ(stack, folder))
        finally:
            stack.stop()


def _measure(environ: dict[str, str]) -> None:
    migrate = [sys.executable, "manage.py", "migrate", "--database=owner", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=environ, check=True, timeout=120)
    every = f"every {ASK_EVERY_S * 1000:.0f} ms"
    print(f"\n{PAGE} asked for {ROUNDS} x {ASKED} times, {every}, beside {SLOW} clients that send")
    print("| server | slow clients send | p50 ms | p95 ms | alone p95 ms | times | longest at first, ms | failed |")
    print("|---|---|---|---|---|---|---|---|")
    for name, command in SERVERS.items():
        if find_spec("gevent" if "gevent" in name else command[0]) is None:
            print(f"| {name} | not installed | | | | | | |")
            continue
        for kind, sends in SENDS.items():
            alone, beside, arriving = list[float](), list[float](), 0.0
            with _served(command, environ) as port:
                for _ in range(ROUNDS):
                    alone += _ask(port)
                    with _slow_clients(port, sends, usual_s=_p95(alone)) as longest:
                        arriving = max(arriving, longest)
                        beside += _ask(port)
            failed = sum(seconds >= GIVE_UP_S for seconds in beside)
            middle, late, quiet = statistics.median(beside), _p95(beside), _p95(alone)
            figures = f"{middle * 1000:.1f} | {late * 1000:.1f} | {quiet * 1000:.1f} | {late / quiet:.2f}"
            print(f"| {name} | {kind} | {figures} | {arriving * 1000:.0f} | {failed} |", flush=True)


@contextlib.contextmanager
def _served(command: tuple[str, ...], environ: dict[str, str]) -> Iterator[int]:
    port = free_port()
    where = ("--host", LOOPBACK, "--port", str(port)) if command[0] == "granian" else ("--bind", f"{LOOPBACK}:{port}")
    process = subprocess.Popen(
        [sys.executable, "-m", command[0], *where, *command[1:]], cwd=ROOT, env=environ, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while _seconds(port) >= GIVE_UP_S:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not answer")
            time.sleep(0.2)
        for _ in range(40):  # both processes have compiled their templates
            _seconds(port)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _slow_clients(port: int, sends: bytes, usual_s: float) -> Iterator[float]:
    """So many connections; the longest page while they arrived. Where they send a byte a second, one that was closed
    is opened again."""
    over = threading.Event()
    clients: list[socket.socket] = []

    def begin() -> socket.socket:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(2)
        with contextlib.suppress(OSError):
            client.connect((LOOPBACK, port))
            client.sendall(sends)
        return client

    def drip() -> None:
        while not sends.startswith(b"GET") and not over.wait(1.0):
            for number, client in enumerate(clients):
                try:
                    client.send(b"x")
                except OSError:
                    client.close()
                    clients[number] = begin()

    clients.extend(begin() for _ in range(SLOW))
    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    deadline = time.monotonic() + SETTLE_S
    longest, settled = 0.0, 0
    while settled < SETTLED and time.monotonic() < deadline:
        taken = _seconds(port)
        longest, settled = max(longest, taken), settled + 1 if taken <= usual_s else 0
        time.sleep(ASK_EVERY_S)
    try:
        yield longest
    finally:
        over.set()
        dripping.join(timeout=10)
        for client in clients:
            client.close()


def _ask(port: int) -> list[float]:
    """Seconds of each page. Several are asked for at once when they are slow."""
    taken: list[float] = []

    def one() -> None:
        taken.append(_seconds(port))

    threads: list[threading.Thread] = []
    for _ in range(ASKED):
        threads.append(threading.Thread(target=one))
        threads[-1].start()
        time.sleep(ASK_EVERY_S)
    for thread in threads:
        thread.join()
    return taken


def _seconds(port: int) -> float:
    began = time.monotonic()
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=GIVE_UP_S)
    try:
        connection.request("GET", PAGE, headers={"Host": "localhost"})
        answer = connection.getresponse()
        answer.read()
        return time.monotonic() - began if answer.status == 200 else GIVE_UP_S
    except (OSError, http.client.HTTPException):
        return GIVE_UP_S
    finally:
        connection.close()


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _environ(stack: TestStack, folder: str) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
        "BARISTA_HOME": folder,
        "TMPDIR": folder,
        "BARISTA_TEST_APP_URL": stack.app_url,
        "BARISTA_TEST_OWNER_URL": stack.owner_url,
        "BARISTA_TEST_REDIS_URL": stack.redis_url,
    }


def _allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
