"""Lines out of compressed or plain text, in bounded memory: hostile files give bad rows or one clear error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from observability.store.files import Limits, Source, SourceError, short

CHUNK: Final = 1 << 20
HELD_VALUES: Final = 4 << 20  # of a block, where lines are short and columns many
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


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, the first of them with this number. Or one line: too long to be kept, or cut by the file's end."""

    number: int
    text: bytes
    is_too_long: bool = False
    is_cut: bool = False

    def lines(self, limits: Limits) -> Iterator[Line]:
        """The lines, as `lines` gives them."""
        if self.is_too_long or self.is_cut:
            yield Line(self.number, None if self.is_too_long else self.text, self.is_cut)
            return
        for number, piece in enumerate(self.text.split(b"\n")[:-1], self.number):
            yield Line(number, None if len(piece) > limits.line_bytes else piece.removesuffix(b"\r"))

    def cut(self, columns: int) -> Iterator[Block]:
        """The same lines in blocks of at most HELD_VALUES values of so many columns."""
        lines = max(HELD_VALUES // max(columns, 1), 64)
        at, number = 0, self.number
        while count_lines(self.text[at:] if at else self.text) > lines:
            end = at
            for _ in range(lines):
                end = self.text.index(b"\n", end) + 1
            yield Block(number, self.text[at:end])
            at, number = end, number + lines
        yield Block(number, self.text[at:], self.is_too_long, self.is_cut) if at else self


def blocks(source: Source, limits: Limits) -> Iterator[Block]:
    """What `lines` reads, as blocks of about CHUNK bytes; lines beyond the limit may be in them."""
    number, rest, is_skipping, is_first = 1, b"", False, True
    for data in chunks(source, limits):
        if is_first:
            data, is_first = data.removeprefix(BOM), False
        if is_skipping:
            end = data.find(b"\n")
            if end < 0:
                continue
            yield Block(number, b"", is_too_long=True)
            number, data, is_skipping = number + 1, data[end + 1 :], False
        end = data.rfind(b"\n") + 1
        if end:
            text = rest + data[:end] if rest else data[:end]
            yield Block(number, text)
            number, rest = number + count_lines(text), data[end:]
        else:
            rest += data
        if len(rest) > limits.line_bytes:
            rest, is_skipping = b"", True
    if rest or is_skipping:
        yield Block(number, rest, is_too_long=is_skipping, is_cut=True)


def count_lines(text: bytes) -> int:
    """Line feeds; several times as fast as bytes.count, which looks at one byte after the other."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == 10))


def hidden(text: bytes) -> bytes:
    """The lines, with NUL, which no reader takes, at the start of those that are not UTF-8."""
    if text.isascii():
        return text
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return b"\n".join(_mended(line) for line in text.split(b"\n"))
    return text


def _mended(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return b"\0" + line[1:]
    return line
