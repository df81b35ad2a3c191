"""What the start of a text log tells about all of it: another encoding, or JSON that is not written in lines."""

from __future__ import annotations

import json
import re
from typing import Final

from observability.store.files import Limits, Source, SourceError
from observability.store.text import BOM, chunks

START: Final = 256 << 10
_LATIN: Final = re.compile(rb"[\xa0-\xff\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f]")
_UTF8_PAIR: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CONTROLS: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\r\x1b\0")
IN_LINES: Final = "write one object a line (jq -c {how} FILE > FILE.jsonl)"
LATIN: Final = (
    "not UTF-8, probably Latin-1 or Windows-1252; save it as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8 FILE > OTHER)"
)


def check_start(source: Source, limits: Limits) -> None:
    """Raises SourceError when the first lines say that no line of the file will read. An empty file has no rows."""
    start = _start(source, limits)
    text = start.removeprefix(BOM)
    if not text.strip():
        if source.format == "csv":
            raise SourceError(f"{source.shown}: the file is empty, there is no header line")
        return
    reason = "" if text is not start else _encoding(start)  # the mark says UTF-8
    if source.format == "csv" and text.lower().startswith(b"sep="):
        reason = "begins with a line for Excel (sep=) instead of the header; remove that line"
    if reason := reason or (_json(text) if source.format == "jsonl" else ""):
        raise SourceError(f"{source.shown}: {reason}")


def is_empty(source: Source, limits: Limits) -> bool:
    """Whether a text log holds nothing but blanks at its start."""
    return not _start(source, limits).removeprefix(BOM).strip()


def _start(source: Source, limits: Limits) -> bytes:
    data = b""
    for piece in chunks(source, limits):
        data += piece
        if len(data) >= START:
            break
    return data[:START]


def _encoding(start: bytes) -> str:
    """One stray byte is a bad row; several, and no sign of UTF-8 at all, are another encoding."""
    zeros = start.count(b"\0")
    if zeros > len(start) // 4:
        return "UTF-16 text without a byte order mark; save it as UTF-8"
    if len(start.translate(None, _CONTROLS)) < 0.95 * len(start):
        return "binary data, not text"
    try:
        start[: start.rfind(b"\n") + 1 or len(start)].decode()
    except UnicodeDecodeError:
        bad = [line for line in start.split(b"\n") if _LATIN.search(line)]
        total = start.count(b"\n") + 1
        if not _UTF8_PAIR.search(start) and (len(bad) >= 2 or len(bad) * 10 >= total * 2):
            return LATIN
    return ""


def _json(start: bytes) -> str:
    """Why no line of JSON will read, told by how the first one begins."""
    first, _, rest = start.strip().partition(b"\n")
    if _reads(first):
        return "a JSON array, not lines; " + IN_LINES.format(how="'.[]'") if first.lstrip()[:1] == b"[" else ""
    if first.lstrip()[:1] == b"[" and (not rest or not _reads(rest.partition(b"\n")[0]) or first.strip() == b"["):
        return "a JSON array, not lines; " + IN_LINES.format(how="'.[]'")
    if first.lstrip()[:1] == b"{" and rest and not rest.lstrip().startswith(b"{"):
        try:
            json.JSONDecoder().raw_decode(start.strip().decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            if first.strip() != b"{":  # one damaged line among others is a bad row
                return ""
        return "JSON written over several lines; " + IN_LINES.format(how=".")
    return ""


def _reads(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
