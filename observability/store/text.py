"""Lines out of compressed or plain text, in bounded memory: hostile files give bad rows or one clear error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from observability.store.files import Limits, Source, SourceError, short

CHUNK: Final = 1 << 20
RATIO_FROM: Final = 4 << 20  # below so many decoded bytes any ratio is harmless
BOM: Final = b"\xef\xbb\xbf"
_FOREIGN: Final = (
    (b"\x1f\x8b", "a gzip stream inside; compress the file once"),
    (b"\x28\xb5\x2f\xfd", "a zstd stream inside; compress the file once"),
    (b"PK\x03\x04", "a zip archive; unpack it"),
    (b"PAR1", "a Parquet file; name it .parquet"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"<!DO", "a web page; perhaps a login page was saved instead of the log"),
    (b"<htm", "a web page; perhaps a login page was saved instead of the log"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end. `text` is None when it is longer than the limit; `is_cut` when the file ends in it."""

    number: int
    text: bytes | None
    is_cut: bool = False


def chunks(source: Source, limits: Limits) -> Iterator[bytes]:
    """Decoded bytes; refuses streams that unpack to more than `ratio` times their size."""
    decoded = 0
    try:
        with _stream(source) as stream:
            while data := stream.read(CHUNK):
                data = bytes(data)
                if decoded == 0:
                    _check_start(source, data)
                decoded += len(data)
                if decoded > max(RATIO_FROM, source.size * limits.ratio):
                    raise SourceError(f"{source.shown}: too large when unpacked: over {limits.ratio} times its size")
                yield data
    except (OSError, pa.ArrowException) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{source.shown}: cannot be read to its end: {short(error)}") from None


def _stream(source: Source) -> Any:
    file = source.open()
    return file if source.compression is None else pa.CompressedInputStream(file, source.compression)


def _check_start(source: Source, data: bytes) -> None:
    for magic, what in _FOREIGN:
        if data[: len(magic)].lower() == magic.lower():
            raise SourceError(f"{source.shown}: holds {what}")
    if b"\n" not in data and b"\r" in data:
        raise SourceError(f"{source.shown}: its lines end in a carriage return only; save it with line feeds")


def lines(source: Source, limits: Limits) -> Iterator[Line]:
    """Lines split at line feeds, a carriage return before it and a byte order mark at the start removed."""
    number, rest, is_skipping = 0, b"", False
    for data in chunks(source, limits):
        if number == 0 and not rest and data.startswith(BOM):
            data = data[len(BOM) :]
        pieces = (rest + data).split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            number += 1
            too_long = is_skipping or len(piece) > limits.line_bytes
            is_skipping = False
            yield Line(number, None if too_long else piece[:-1] if piece.endswith(b"\r") else piece)
        if len(rest) > limits.line_bytes:  # forget it, but remember that its end is still to come
            rest, is_skipping = b"", True
    if rest or is_skipping:
        yield Line(number + 1, None if is_skipping else rest, is_cut=True)
