"""A server of the few calls of Google Cloud Storage that reading takes: `python -m observability.tests.gcs_server`.

The files below the working folder are the bucket `logs`. What goes wrong with the next requests stands in the file
`faults` beside that folder, as for the server of S3 (s3_server.py), whose faults it shares.

A process of its own: Arrow waits for it without letting other threads of Python run.
"""

from __future__ import annotations

import json
import socket
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

PAGE: Final = 1_000
CODES: Final = {
    "503": (503, "backendError", "The service is not available."),
    "429": (429, "rateLimitExceeded", "Too many requests."),
    "denied": (403, "forbidden", "It has no storage.objects.get access."),
    "expired": (401, "authError", "Invalid Credentials"),
}


class Bucket(BaseHTTPRequestHandler):
    """Metadata of files, a listing in the order of their names, and ranges of their bytes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        fault = _fault()
        if fault in CODES:
            code, reason, message = CODES[fault]
            told = {"error": {"code": code, "message": message, "errors": [{"reason": reason, "message": message}]}}
            self._answer(code, json.dumps(told).encode(), **{"Content-Type": "application/json"})
            return
        if url.path == "/storage/v1/b/logs/o":
            self._list({key: values[0] for key, values in parse_qs(url.query).items()})
            return
        name = unquote(url.path.rpartition("/logs/o/")[2] or url.path.removeprefix("/logs/"))
        if not Path(name).is_file():
            self._answer(404, b"{}")
        elif url.path.startswith("/storage/") and "alt=media" not in url.query:
            self._answer(200, json.dumps(self._metadata(name)).encode())
        else:
            self._send(Path(name).read_bytes(), fault)

    def _list(self, asked: dict[str, str]) -> None:
        prefix, first = asked.get("prefix", ""), max(asked.get("startOffset", ""), asked.get("pageToken", ""))
        names = sorted(str(path) for path in Path().rglob("*") if path.is_file())
        names = [name for name in names if name.startswith(prefix) and name >= first]
        if delimiter := asked.get("delimiter"):
            names = [name for name in names if delimiter not in name[len(prefix) :]]
        most = min(int(asked.get("maxResults", PAGE)), PAGE)
        told = {"kind": "storage#objects", "items": [self._metadata(name) for name in names[:most]]}
        self._answer(200, json.dumps(told | ({"nextPageToken": names[most]} if len(names) > most else {})).encode())

    def _metadata(self, name: str) -> dict[str, Any]:
        return {
            "kind": "storage#object",
            "bucket": "logs",
            "name": name,
            "generation": "1",
            "size": str(Path(name).stat().st_size),
            "updated": "2026-11-22T00:00:00.123Z",
            "timeCreated": "2026-11-21T00:00:00.456Z",
        }

    def _send(self, whole: bytes, fault: str) -> None:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last) + 1 if last else len(whole), len(whole))
        part = whole[begin:end]
        headers = {"Content-Range": f"bytes {begin}-{end - 1}/{len(whole)}"}
        if fault in ("reset", "cut"):
            self._answer(206, part[: len(part) // 2], length=len(part), **headers)
            if fault == "reset":  # without waiting for what was not read, so that the other side is told at once
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        self._answer(206, part, **headers)

    def _answer(self, code: int, body: bytes, *, length: int | None = None, **headers: str) -> None:
        self.send_response(code)
        told = {"Content-Length": str(len(body) if length is None else length), "x-goog-generation": "1"}
        for name, value in (headers | told).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the first line of the output is the port, and the only one."""


def _fault() -> str:
    """What goes wrong with this request; with the bytes of an object only, where it is about those."""
    file = Path("../faults")
    if not file.exists():
        return ""
    what, _, times = file.read_text().partition(" ")
    if int(times or 0) <= 0:
        return ""
    file.write_text(f"{what} {int(times) - 1}")
    return what


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    print(server.server_port, flush=True)
    server.serve_forever()
