"""A server of the few calls of S3 that reading takes, which can fail: `python -m observability.tests.s3_server FOLDER`.

The files below the folder are the bucket `logs`; beside it a file `faults` says what goes wrong, read at each request:
one line "WHAT TIMES", with WHAT one of 503, 429, denied, expired, reset (in the middle of a body) and cut (a body that
ends early). With a number instead of a folder the bucket holds so many names of hourly objects, newest last, and no
bytes; "day" after it makes the objects daily ones. GET /-/requests tells how many requests were answered.

A process of its own: Arrow waits for it without letting other threads of Python run.
"""

from __future__ import annotations

import hashlib
import sys
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from observability.tests.store_server import StoreHandler, next_fault, serve

PAGE: Final = 1_000
CODES: Final = {
    "503": (503, "SlowDown"),
    "429": (429, "TooManyRequests"),
    "denied": (403, "AccessDenied"),
    "expired": (400, "ExpiredToken"),
}
STEPS: Final = {"hour": 24, "day": 1}  # prefixes a day
DAYS: Final = 30


class Files:
    """A folder as a bucket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> Sequence[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in files)

    def stat(self, name: str) -> tuple[int, datetime] | None:
        path = self.folder / name
        if not path.is_file():
            return None
        found = path.stat()
        return found.st_size, datetime.fromtimestamp(found.st_mtime, UTC)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def fault(self) -> str:
        """What goes wrong with this request."""
        return next_fault(self.folder.parent / "faults")


class Names(Files):
    """Only names: of the hours or days up to now."""

    def __init__(self, count: int, step: str = "hour") -> None:
        end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        each = -(-count // (DAYS * STEPS[step]))
        starts = (end - timedelta(days=1) * back / STEPS[step] for back in range(DAYS * STEPS[step]))
        folder = "dt={0:%Y-%m-%d}/hh={0:%H}" if step == "hour" else "dt={0:%Y-%m-%d}"
        self._names = sorted(
            f"{folder.format(start)}/part-{part:05d}.parquet" for start in starts for part in range(each)
        )[-count:]
        self._changed = end - timedelta(days=1)

    def names(self) -> Sequence[str]:
        return self._names

    def stat(self, name: str) -> tuple[int, datetime] | None:
        place = bisect_left(self._names, name)
        is_there = place < len(self._names) and self._names[place] == name
        return (1_000, self._changed) if is_there else None

    def fault(self) -> str:
        return ""


class Bucket(StoreHandler):
    store: Files
    requests = 0

    def do_HEAD(self) -> None:
        self._serve(with_body=False)

    def do_GET(self) -> None:
        self._serve(with_body=True)

    def _serve(self, *, with_body: bool) -> None:
        url = urlsplit(self.path)
        if url.path == "/-/requests":
            self.answer(200, str(Bucket.requests).encode())
            return
        Bucket.requests += 1
        fault = self.store.fault()
        if fault in CODES:
            code, name = CODES[fault]
            body = f"<Error><Code>{name}</Code><Message>{name}</Message></Error>".encode()
            self.answer(code, body if with_body else b"", **{"Content-Type": "application/xml"})
            return
        name = unquote(url.path).removeprefix("/logs").lstrip("/")
        if not name:
            self._list({key: values[0] for key, values in parse_qs(url.query).items()})
            return
        found = self.store.stat(name)
        if found is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_body else b"")
        elif with_body:
            self.send(self.store.read(name), fault, **self._headers_of(name))
        else:
            self.answer(200, b"", length=found[0], **self._headers_of(name))

    def _headers_of(self, name: str) -> dict[str, str]:
        size, changed = self.store.stat(name) or (0, datetime.now(UTC))
        return {
            "ETag": f'"{hashlib.sha256(f"{name} {size} {changed.timestamp()}".encode()).hexdigest()[:32]}"',
            "Last-Modified": format_datetime(changed.replace(microsecond=0), usegmt=True),
            "Accept-Ranges": "bytes",
        }

    def _list(self, asked: dict[str, str]) -> None:
        names, prefix, delimiter = self.store.names(), asked.get("prefix", ""), asked.get("delimiter", "")
        # What is listed comes after the one name, and begins with the other.
        after = f"{asked['start-after']}\0" if "start-after" in asked else ""
        place = bisect_left(names, max(prefix, asked.get("continuation-token", after)))
        told: list[str] = []
        after = ""
        most = min(int(asked.get("max-keys", PAGE)), PAGE)
        while place < len(names) and names[place].startswith(prefix):
            if len(told) == most:
                after = names[place]
                break
            rest = names[place][len(prefix) :]
            if delimiter and delimiter in rest:
                common = prefix + rest[: rest.index(delimiter) + 1]
                told.append(f"<CommonPrefixes><Prefix>{escape(common)}</Prefix></CommonPrefixes>")
                place = bisect_left(names, common + "\U0010ffff")
                continue
            size, changed = self.store.stat(names[place]) or (0, datetime.now(UTC))
            told.append(
                f"<Contents><Key>{escape(names[place])}</Key><LastModified>{changed:%Y-%m-%dT%H:%M:%S.000Z}"
                f"</LastModified><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
            place += 1
        more = f"<NextContinuationToken>{escape(after)}</NextContinuationToken>" if after else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>logs</Name>'
            f"<Prefix>{escape(prefix)}</Prefix><KeyCount>{len(told)}</KeyCount><MaxKeys>{most}</MaxKeys>"
            f"<IsTruncated>{'true' if after else 'false'}</IsTruncated>{more}{''.join(told)}</ListBucketResult>"
        )
        self.answer(200, body.encode(), **{"Content-Type": "application/xml"})


if __name__ == "__main__":
    Bucket.store = Names(int(sys.argv[1]), *sys.argv[2:]) if sys.argv[1].isdigit() else Files(Path(sys.argv[1]))
    serve(Bucket)
