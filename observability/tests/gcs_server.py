"""A server of the few calls of Google Cloud Storage that reading takes: `python -m observability.tests.gcs_server`.

The files below the working folder are the bucket `logs`. What goes wrong with the next requests stands in the file
`faults` beside that folder, as for the server of S3 (s3_server.py), whose faults it shares.

A process of its own: Arrow waits for it without letting other threads of Python run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from observability.tests.store_server import StoreHandler, next_fault, serve

PAGE: Final = 1_000
CODES: Final = {
    "503": (503, "backendError", "The service is not available."),
    "429": (429, "rateLimitExceeded", "Too many requests."),
    "denied": (403, "forbidden", "It has no storage.objects.get access."),
    "expired": (401, "authError", "Invalid Credentials"),
}


class Bucket(StoreHandler):
    """Metadata of files, a listing in the order of their names, and ranges of their bytes."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        fault = next_fault(Path("../faults"))
        if fault in CODES:
            code, reason, message = CODES[fault]
            told = {"error": {"code": code, "message": message, "errors": [{"reason": reason, "message": message}]}}
            self.answer(code, json.dumps(told).encode(), **{"Content-Type": "application/json"})
            return
        if url.path == "/storage/v1/b/logs/o":
            self._list({key: values[0] for key, values in parse_qs(url.query).items()})
            return
        name = unquote(url.path.rpartition("/logs/o/")[2] or url.path.removeprefix("/logs/"))
        if not Path(name).is_file():
            self.answer(404, b"{}")
        elif url.path.startswith("/storage/") and "alt=media" not in url.query:
            self.answer(200, json.dumps(self._metadata(name)).encode())
        else:
            self.send(Path(name).read_bytes(), fault)

    def _list(self, asked: dict[str, str]) -> None:
        prefix, first = asked.get("prefix", ""), max(asked.get("startOffset", ""), asked.get("pageToken", ""))
        names = sorted(str(path) for path in Path().rglob("*") if path.is_file())
        names = [name for name in names if name.startswith(prefix) and name >= first]
        if delimiter := asked.get("delimiter"):
            names = [name for name in names if delimiter not in name[len(prefix) :]]
        most = min(int(asked.get("maxResults", PAGE)), PAGE)
        told = {"kind": "storage#objects", "items": [self._metadata(name) for name in names[:most]]}
        self.answer(200, json.dumps(told | ({"nextPageToken": names[most]} if len(names) > most else {})).encode())

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

    def end_headers(self) -> None:
        self.send_header("x-goog-generation", "1")
        super().end_headers()


if __name__ == "__main__":
    serve(Bucket)
