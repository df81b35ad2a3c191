"""Where a request ends, told from its first bytes: pure, and stricter than the parser that comes after it.

What could be read in two ways is refused here, so that no thread ever waits for bytes that this file did not wait for.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 8 * 1024 * 1024
END = b"\r\n\r\n"


class Refused(Exception):
    """The request is answered with this status and its connection closed; the text is for its sender."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Frame:
    """Length in bytes of the head (with its empty line) and of the whole request."""

    head: int
    whole: int
    waits_for_100: bool


def frame(data: bytes | bytearray, searched: int = 0) -> Frame | None:
    """The frame of the request that `data` begins with, None while its head is incomplete.

    The first `searched` bytes are known to hold no end of a head. Raises Refused.
    """
    at = data.find(END, max(0, searched - len(END) + 1))
    if at < 0:
        if len(data) > HEAD_LIMIT:
            raise Refused("431 Request Header Fields Too Large", "The headers are longer than 64 KB.")
        return None
    if at > HEAD_LIMIT:
        raise Refused("431 Request Header Fields Too Large", "The headers are longer than 64 KB.")
    head = bytes(data[:at])
    length = _body_length(head)
    expects = any(name == b"expect" and value.lower() == b"100-continue" for name, value in _fields(head))
    return Frame(at + len(END), at + len(END) + length, expects and length > 0)


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    pairs = (line.partition(b":") for line in head.split(b"\n")[1:])
    return [(name.strip().lower(), value.strip()) for name, _, value in pairs]


def _body_length(head: bytes) -> int:
    fields = _fields(head)
    if any(name == b"transfer-encoding" for name, _ in fields):
        raise Refused("411 Length Required", "Send the length of the body; chunks are not taken.")
    lengths = [value for name, value in fields if name == b"content-length"]
    if not lengths:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 15:
        raise Refused("400 Bad Request", "Content-Length must be one whole number.")
    length = int(lengths[0])
    if length > BODY_LIMIT:
        raise Refused("413 Content Too Large", "The body is longer than 8 MB.")
    return length
