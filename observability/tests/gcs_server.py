"""A server of the few calls of Google Cloud Storage that reading takes: `python -m observability.tests.gcs_server`.

A process of its own: Arrow waits for it without letting other threads of Python run.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Bucket(BaseHTTPRequestHandler):
    """The files below the working folder as the bucket `logs`: their metadata, a listing, and ranges of their bytes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/storage/v1/b/logs/o":
            prefix = parse_qs(url.query).get("prefix", [""])[0]
            names = sorted(str(path) for path in Path().rglob("*") if path.is_file())
            found = [self._metadata(name) for name in names if name.startswith(prefix)]
            self._answer(200, json.dumps({"kind": "storage#objects", "items": found}).encode())
            return
        name = unquote(url.path.rpartition("/logs/o/")[2] or url.path.removeprefix("/logs/"))
        if not Path(name).is_file():
            self._answer(404, b"{}")
        elif url.path.startswith("/storage/") and "alt=media" not in url.query:
            self._answer(200, json.dumps(self._metadata(name)).encode())
        else:
            self._send(Path(name).read_bytes())

    def _metadata(self, name: str) -> dict[str, Any]:
        return {
            "kind": "storage#object",
            "bucket": "logs",
            "name": name,
            "generation": "1",
            "size": str(Path(name).stat().st_size),
            "updated": "2026-11-22T00:00:00Z",
            "timeCreated": "2026-11-22T00:00:00Z",
        }

    def _send(self, whole: bytes) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last) + 1 if last else len(whole), len(whole))
        self._answer(206, whole[begin:end], **{"Content-Range": f"bytes {begin}-{end - 1}/{len(whole)}"})

    def _answer(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in (headers | {"Content-Length": str(len(body)), "x-goog-generation": "1"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the first line of the output is the port, and the only one."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    print(server.server_port, flush=True)
    server.serve_forever()
