"""A server that answers as an apiserver, a proxy or an attacker might, and never as asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Said:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # Claimed in Content-Length, when it is not the truth.
    length: int | None = None


def status(code: int, message: str, **headers: str) -> Said:
    """A Kubernetes Status object."""
    body = {"kind": "Status", "code": code, "message": message}
    return Said(code, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


class Liar:
    """`with Liar() as liar: liar.answer = lambda method, path: Said(...)`; `asked` has what came in."""

    def __init__(self) -> None:
        self.answer: Callable[[str, str], Said] = lambda method, path: Said(500)
        self.asked: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def kubeconfig(self, target: Path) -> Path:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"}}],
            "users": [{"name": "a", "user": {"token": "canary-token-of-barista"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "current-context": "a",
        }
        target.write_text(json.dumps(config))
        return target

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                liar.asked.append((self.command, self.path.partition("?")[0]))
                said = liar.answer(self.command, self.path)
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body) if said.length is None else said.length))
                self.end_headers()
                self.wfile.write(said.body)
                self.close_connection = said.length is not None

            do_GET = do_PATCH = do_PUT = do_POST = do_DELETE = do_any

            def log_message(self, *args: object) -> None:
                return None

        return Handler
