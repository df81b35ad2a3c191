"""The proxy of docker-compose.yml: its configuration is run as it is, but for names, ports and paths."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from baristaweb.tests.tls import Authority
from embedded.paths import LOOPBACK, REPOSITORY, free_port
from embedded.processes import wait_until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
MANY = 40


class Web(BaseHTTPRequestHandler):
    """Stands where the site stands; keeps what it was asked."""

    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.seen.append((self.path, dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[type[Web]]:
    handler = type("Handler", (Web,), {"seen": []})
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        handler.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield handler
        server.shutdown()
        thread.join()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path, "ours")


@pytest.fixture
def port(tmp_path: Path, web: type[Web], authority: Authority) -> Iterator[int]:
    port = free_port()
    certificate = authority.server(tmp_path, LOOPBACK)
    text = (REPOSITORY / "embedded" / "compose" / "proxy.conf").read_text()
    for there, here in {
        "/tmp/": f"{tmp_path}/",
        "server web:8000": f"server {LOOPBACK}:{web.port}",
        "listen 8443": f"listen {LOOPBACK}:{port}",
        "/etc/barista/tls.crt": str(certificate),
        "/etc/barista/tls.key": str(certificate),
    }.items():
        assert there in text
        text = text.replace(there, here)
    config = tmp_path / "proxy.conf"
    config.write_text(text)
    process = subprocess.Popen([str(NGINX), "-p", tmp_path, "-c", config, "-g", "daemon off; master_process off;"])
    try:
        wait_until(lambda: _answers(port), seconds=10, what="nginx")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def ask(port: int, authority: Authority, path: str, **headers: str) -> int:
    context = ssl.create_default_context(cafile=str(authority.file))
    with contextlib.closing(http.client.HTTPSConnection(LOOPBACK, port, timeout=10, context=context)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def test_the_site_is_told_what_the_proxy_knows(port: int, web: type[Web], authority: Authority) -> None:
    forged = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "http", "Host": "barista.example.org"}
    assert ask(port, authority, "/login/", **forged) == 200
    path, headers = web.seen[0]
    assert (path, headers["Host"], headers["X-Forwarded-Proto"]) == ("/login/", "barista.example.org", "https")
    assert headers["X-Forwarded-For"] == LOOPBACK


def test_metrics_are_for_the_inside(port: int, web: type[Web], authority: Authority) -> None:
    assert ask(port, authority, "/metrics") == 404
    assert web.seen == []


def test_slow_clients_stay_at_the_proxy(port: int, web: type[Web], authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.file))
    with contextlib.ExitStack() as stack:
        for sends in (
            b"GET /half HTTP/1.1\r\nHost: a\r\n",
            b"POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab",
        ):
            for _ in range(MANY):
                plain = stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=10))
                client = stack.enter_context(context.wrap_socket(plain, server_hostname=LOOPBACK))
                client.sendall(sends)
        assert ask(port, authority, "/login/") == 200
    assert [path for path, _ in web.seen] == ["/login/"]
