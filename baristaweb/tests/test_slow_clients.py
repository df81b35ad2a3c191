"""Clients that are slow, or only pretend to send: all others are served meanwhile, and the slow are let go."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from baristaweb.tests.site import Site, read_all, served

HEAD = b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
ASSET = b"GET /static/vendor/tabler.min.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
SLOW = {
    "send nothing": b"",
    "send half a line": b"GET /hea",
    "send half of the headers": HEAD,
    "send half of the body": HEAD + b"Content-Length: 100\r\n\r\nusername=",
    "send an empty line": b"\r\n\r\n",
    "hide the length of the body": HEAD + b"Content-Length : 100\r\n\r\nusername=",
    "send chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nuser",
    "wait to be told to go on": HEAD + b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n",
    "do not read": ASSET * 12,
    "begin a second request": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /",
    "never close": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
}
MANY = 40  # five times as many as there are threads


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    yield running
    running.let_go()


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("impatient"), impatient=True) as site:
        yield site


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_do_not_stop_the_others(site: Site, kind: str) -> None:
    for _ in range(MANY):
        client = site.client()
        # A small window, so that the kernel does not read for the one that does not.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(SLOW[kind])
    assert [site.get("/healthz") for _ in range(16)] == [200] * 16


@pytest.mark.parametrize("kind", ["send half a line", "send half of the headers", "send half of the body"])
def test_what_does_not_arrive_is_given_up(impatient: Site, kind: str) -> None:
    assert read_all(impatient.client(SLOW[kind])).startswith(b"HTTP/1.1 408 ")


def test_who_sends_nothing_is_closed_without_a_word(impatient: Site) -> None:
    assert read_all(impatient.client()) == b""


def test_a_body_that_comes_in_pieces_is_taken(site: Site) -> None:
    client = site.client(HEAD + b"Content-Length: 3\r\nConnection: close\r\n\r\n")
    for piece in (b"a", b"=", b"b"):
        client.sendall(piece)
    assert read_all(client).startswith(b"HTTP/1.1 403 ")  # no token of a form: Django has read it


def test_requests_that_come_together_are_all_answered(site: Site) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    client = site.client((request + b"\r\n") * 3 + request + b"Connection: close\r\n\r\n")
    assert read_all(client).count(b"HTTP/1.1 200 OK") == 4


def test_a_large_answer_arrives_whole_however_late_it_is_read(site: Site) -> None:
    client = site.client(ASSET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    site.get("/healthz")
    head, _, body = read_all(client).partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}" in head.decode().lower()
    assert len(body) > 500_000


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + b"Content-Length: 99999999\r\n\r\n", b"413"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: \xb2\r\n\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"411"),
        (HEAD + b"X: " + b"y" * 70_000, b"431"),
    ],
)
def test_what_cannot_be_framed_is_refused(site: Site, request_: bytes, status: bytes) -> None:
    assert read_all(site.client(request_)).split()[1] == status


def test_more_clients_than_a_process_holds_keep_nobody_out(impatient: Site) -> None:
    for _ in range(3 * 20):  # two processes with 20 connections each
        impatient.client(b"GET /hea")
    assert [impatient.get("/healthz") for _ in range(8)] == [200] * 8
    impatient.let_go()
