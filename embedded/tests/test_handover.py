"""The site is restarted while people use it: nobody is refused, and nobody's connection is reset."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embedded.paths import LOOPBACK, Home, free_port
from embedded.postgres import Urls
from embedded.processes import sweep
from embedded.product import Product
from embedded.stack import listen
from embedded.supervisor import Supervisor

EVERY_S = 0.05
NOWHERE = "postgres://barista_app@127.0.0.1:1/barista"


class Visitors:
    """Ask twenty times a second until told to stop: one with a connection each time, one with one that is kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: list[int | str] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=work) for work in (self._come_and_go, self._stay)]

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            self.answers.append(answer.status)
        except (OSError, http.client.HTTPException) as problem:
            self.answers.append(repr(problem))

    def _come_and_go(self) -> None:
        asking = []
        while not self.over.wait(EVERY_S):
            asking.append(threading.Thread(target=self._once))
            asking[-1].start()
        for thread in asking:
            thread.join()

    def _once(self) -> None:
        with closing(self._connection()) as connection:
            self._ask(connection)

    def _stay(self) -> None:
        with closing(self._connection()) as connection:
            while not self.over.wait(EVERY_S):
                self._ask(connection)

    def __enter__(self) -> Visitors:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.open(tmp_path / "home")
    yield home
    sweep(home)


@pytest.fixture
def web(home: Home) -> Iterator[tuple[Supervisor, int]]:
    port = free_port()
    product = Product(home, port, Urls(NOWHERE, NOWHERE, NOWHERE), "redis://127.0.0.1:1/0", "unused")
    supervisor = Supervisor(home, lambda who, what: None)
    with listen(port) as listener:
        supervisor.start(product.web(listener.fileno()), ready=product.answers, seconds=60)
        yield supervisor, port
        supervisor.stop()


def end_it(supervisor: Supervisor) -> None:
    """As `kill` does; the supervisor starts it again after a pause."""
    os.kill(supervisor.pids()["web"], signal.SIGTERM)


def restart_it(supervisor: Supervisor) -> None:
    supervisor.restart("web")


@pytest.mark.parametrize("how", [end_it, restart_it])
def test_a_restart_fails_nobody(web: tuple[Supervisor, int], how: Callable[[Supervisor], None]) -> None:
    supervisor, port = web
    before = supervisor.pids()["web"]
    with Visitors(port) as visitors:
        time.sleep(0.5)
        how(supervisor)
        deadline = time.monotonic() + 30
        while supervisor.pids()["web"] == before and time.monotonic() < deadline:
            time.sleep(0.05)
        asked = len(visitors.answers)
        while len(visitors.answers) < asked + 40 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert supervisor.pids()["web"] != before
    assert set(visitors.answers) == {200}
    assert len(visitors.answers) > asked


def test_a_port_in_use_is_named() -> None:
    with listen(port := free_port()), pytest.raises(RuntimeError, match=f"Port {port} is in use"):
        listen(port)
