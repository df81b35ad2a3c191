"""CSV, strictly: a header, rows as wide as it, quotes that close; every bad row counted with its line number."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final

from observability.store.files import Limits, Source, SourceError
from observability.store.text import Line, lines

MAX_RECORD_LINES: Final = 1_000  # a quoted cell may hold line ends, but a quote that never closes must not eat the file
DELIMITERS: Final = ",;\t|"


class _Cells:
    """Cells of one record, or the reason why there are none."""

    def __init__(self, delimiter: str, limits: Limits) -> None:
        self.delimiter, self.limits = delimiter, limits

    def split(self, record: bytes) -> list[str] | str:
        if b"\0" in record:
            return "holds a NUL character"
        try:
            text = record.decode("utf-8")
        except UnicodeDecodeError:
            return "is not UTF-8"
        if '"' not in text:
            cells = text.split(self.delimiter)
        else:
            try:
                cells = next(csv.reader([text], delimiter=self.delimiter, strict=True))
            except (csv.Error, StopIteration):
                return "has quotes in wrong places or a cell that is too long"
        if any(len(cell) > self.limits.cell_bytes for cell in cells):
            return f"has a cell longer than {self.limits.cell_bytes:,} characters"
        return cells


def header_and_rows(source: Source, limits: Limits) -> tuple[list[str], Iterator[tuple[int, list[str] | str]]]:
    """(names of the columns, rows as (line number, cells or reason))."""
    stream = lines(source, limits)
    first = next((line for line in stream if line.text is None or line.text.strip()), None)
    if first is None or first.text is None:
        raise SourceError(f"{source.shown}: no header line")
    text = first.text.decode("utf-8", "replace")
    delimiter = max(DELIMITERS, key=text.count)
    names = _Cells(delimiter, limits).split(first.text)
    if isinstance(names, str):
        raise SourceError(f"{source.shown}: the header {names}")
    names = [name.strip() for name in names]
    if len(names) > limits.columns:
        raise SourceError(f"{source.shown}: {len(names):,} columns, the limit is {limits.columns:,}")
    for name in names:
        if name and names.count(name) > 1:  # columns without a name are left out anyway
            raise SourceError(f"{source.shown}: the column {name[:100]!r} appears twice in the header")
    return names, _rows(stream, names, _Cells(delimiter, limits), limits)


def _rows(
    stream: Iterator[Line], names: list[str], cells: _Cells, limits: Limits
) -> Iterator[tuple[int, list[str] | str]]:
    waiting: deque[Line] = deque()
    while True:
        line = waiting.popleft() if waiting else next(stream, None)
        if line is None:
            return
        if line.text is None:
            yield line.number, f"is longer than {limits.line_bytes:,} bytes"
            continue
        if not line.text:
            continue
        record = line.text
        if record.count(b'"') % 2:
            joined = _join(line, waiting, stream, limits)
            if joined is None:
                yield line.number, "opens a quote that is never closed"
                continue
            record = joined
        found = cells.split(record)
        if isinstance(found, str):
            yield line.number, found
        elif len(found) != len(names):
            yield line.number, f"has {len(found)} cells, the header has {len(names)}"
        elif found == names:
            yield line.number, "is the header again"
        else:
            yield line.number, found


def _join(first: Line, waiting: deque[Line], stream: Iterator[Line], limits: Limits) -> bytes | None:
    """The record that begins in `first`, over line ends inside quotes; None (nothing consumed) if it never closes."""
    taken: list[Line] = []
    record, size = [first.text or b""], len(first.text or b"")
    while len(taken) < MAX_RECORD_LINES and size <= limits.cell_bytes * 4:
        line = waiting.popleft() if waiting else next(stream, None)
        if line is None or line.text is None:
            if line is not None:
                taken.append(line)
            break
        taken.append(line)
        record.append(line.text)
        size += len(line.text)
        if line.text.count(b'"') % 2:
            return b"\n".join(record)
    waiting.extendleft(reversed(taken))
    return None
