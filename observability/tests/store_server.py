"""What the stores for tests share: answers over HTTP, ranges of bytes, and the faults that a test asks for."""

from __future__ import annotations

import socket
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class StoreHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def send(self, whole: bytes, fault: str, **headers: str) -> None:
        """The range that is asked for; half of it where the fault is "cut", or "reset" in its middle."""
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        begin, end = int(first), min(int(last) + 1 if last else len(whole), len(whole))
        part = whole[begin:end]
        headers = {"Content-Range": f"bytes {begin}-{end - 1}/{len(whole)}"} | headers
        if fault not in ("reset", "cut"):
            self.answer(206, part, **headers)
            return
        self.answer(206, part[: len(part) // 2], length=len(part), **headers)
        if fault == "reset":  # without waiting for what was not read, so that the other side is told at once
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def answer(self, code: int, body: bytes, *, length: int | None = None, **headers: str) -> None:
        self.send_response(code)
        for name, value in ({"Content-Length": str(len(body) if length is None else length)} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the first line of the output is the port, and the only one."""


def next_fault(file: Path) -> str:
    """What goes wrong with this request, by a line "WHAT TIMES" that counts down; "" for nothing."""
    if not file.exists():
        return ""
    what, _, times = file.read_text().partition(" ")
    if int(times or 0) <= 0:
        return ""
    file.write_text(f"{what} {int(times) - 1}")
    return what


def serve(handler: type[StoreHandler]) -> None:
    """On a free port of loopback, which is printed, until the process is ended."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    print(server.server_port, flush=True)
    server.serve_forever()
