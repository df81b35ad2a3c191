"""A server of Google's calls on loopback: tokens and the Container API. What a test puts into `clusters` it answers."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PATH = "projects/acme-models/locations/europe-west4/clusters/serving"


def encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


def cluster(**changes: Any) -> dict[str, Any]:
    """A cluster as the Container API answers it, reached by address."""
    return {
        "name": "serving",
        "location": "europe-west4",
        "selfLink": f"https://container.googleapis.com/v1/{PATH}",
        "status": "RUNNING",
        "currentMasterVersion": "1.36.3-gke.1",
        "endpoint": "203.0.113.7",
        "masterAuth": {"clusterCaCertificate": encoded(PEM)},
    } | changes


def refusal(status: int, message: str = "", reason: str = "") -> tuple[int, dict[str, Any]]:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}] if reason else []
    return status, {"error": {"code": status, "message": message, "details": details}}


@dataclass
class Google:
    """`answers`: by path of the Container API, a cluster or (status, body); `asked`: (path, bearer) of all requests."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=lambda: ["token-1"])
    refused: set[str] = field(default_factory=set)
    token_status: int = 200

    def answer(self, path: str, bearer: str, body: bytes) -> tuple[int, Any]:
        self.asked.append((path, bearer))
        if path == "/token" and parse_qs(body.decode()).get("assertion"):
            if self.token_status != 200:
                return self.token_status, {"error": "invalid_grant"}
            token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
            return 200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        if path.endswith(":generateAccessToken"):
            found = self.answers.get(path.rpartition("/")[2])
            if found is not None:
                return found  # type: ignore[no-any-return]
            return 200, {"accessToken": "as-another", "expireTime": "2099-01-01T00:00:00Z"}
        if bearer in self.refused:
            return refusal(401, "Request had invalid authentication credentials.")
        found = self.answers.get(path.removeprefix("/v1/"), refusal(404, f"Not found: {path.removeprefix('/v1/')}."))
        return found if isinstance(found, tuple) else (200, found)


@contextmanager
def serving() -> Iterator[Google]:
    google = Google()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, found = google.answer(urlsplit(self.path).path, bearer, body)
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in google.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _do

        def log_message(self, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    google.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield google
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def google() -> Iterator[Google]:
    with serving() as found:
        yield found
