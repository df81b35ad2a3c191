"""CSV, strictly: a header, rows as wide as it, quotes that close; every bad row counted with its line number."""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np

from observability.domain.loops.cells import split_cells
from observability.domain.loops.numeric import Ints
from observability.store.files import Limits, Source, SourceError
from observability.store.spans import Part, Spans, spans_for
from observability.store.text import Block, Line, blocks, count_lines, hidden, lines

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
        if len(text) > self.limits.cell_bytes and any(len(cell) > self.limits.cell_bytes for cell in cells):
            return f"has a cell longer than {self.limits.cell_bytes:,} characters"
        return cells


def header_and_rows(source: Source, limits: Limits) -> tuple[list[str], Iterator[tuple[int, list[str] | str]]]:
    """(names of the columns, rows as (line number, cells or reason)), line by line."""
    stream = lines(source, limits)
    first = next((line for line in stream if line.text is None or line.text.strip()), None)
    names, cells = _header(first, source, limits)
    return names, _rows(stream, names, cells, limits)


def _header(first: Line | None, source: Source, limits: Limits) -> tuple[list[str], _Cells]:
    if first is None or first.text is None:
        raise SourceError(f"{source.shown}: no header line")
    text = first.text.decode("utf-8", "replace")
    cells = _Cells(max(DELIMITERS, key=text.count), limits)
    names = cells.split(first.text)
    if isinstance(names, str):
        raise SourceError(f"{source.shown}: the header {names}")
    names = [name.strip() for name in names]
    if len(names) > limits.columns:
        raise SourceError(f"{source.shown}: {len(names):,} columns, the limit is {limits.columns:,}")
    for name, count in Counter(names).items():
        if name and count > 1:  # columns without a name are left out anyway
            raise SourceError(f"{source.shown}: the column {name[:100]!r} appears twice in the header")
    return names, cells


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
        yield line.number, _judged(record, names, cells)


def _judged(record: bytes, names: list[str], cells: _Cells) -> list[str] | str:
    """The cells of a record, or why it is no row."""
    found = cells.split(record)
    if isinstance(found, str):
        return found
    if len(found) != len(names):
        return f"has {len(found)} cells, the header has {len(names)}"
    return "is the header again" if found == names else found


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


class CellBlocks:
    """The rows of a CSV file block by block: cells found by a compiled loop, what that refuses read line by line.

    `names` are those of the header. The rows, reasons and line numbers are those of `header_and_rows`.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        self.limits, self._blocks = limits, blocks(source, limits)
        self._rest: Block | None = None
        first = self._first_line()
        self.names, self._cells = _header(first, source, limits)
        self._carried = Block(0, b"")  # from a line that opens a quote on, until it is known where it closes

    def _first_line(self) -> Line | None:
        for block in self._blocks:
            at = 0
            for line in block.lines(self.limits):
                at = block.text.find(b"\n", at) + 1
                if line.text is None or line.text.strip():
                    if at:
                        self._rest = Block(line.number + 1, block.text[at:])
                    return line
        return None

    def parts(self, columns: Sequence[str], bad: Callable[[int, str], None]) -> Iterator[Part]:
        """Parts with these columns, which the header has; rows that are none go to `bad` with their line number."""
        wanted = np.full(len(self.names), -1, dtype=np.int64)
        for place, name in enumerate(columns):
            wanted[self.names.index(name)] = place
        following = self._blocks if self._rest is None else chain([self._rest], self._blocks)
        for block in (piece for whole in following for piece in whole.cut(len(columns))):
            if block.is_cut or block.is_too_long:
                yield from self._slow([*self._carried.lines(self.limits), *block.lines(self.limits)], wanted, bad)
                self._carried = Block(0, b"")
            elif self._carried.text:
                yield self._part(self._carried.number, self._carried.text + block.text, wanted, bad)
            elif block.text:
                yield self._part(block.number, block.text, wanted, bad)
        yield from self._slow(list(self._carried.lines(self.limits)), wanted, bad)

    def _slow(self, some: list[Line], wanted: Ints, bad: Callable[[int, str], None]) -> Iterator[Part]:
        others = []
        for number, cells in _rows(iter(some), self.names, self._cells, self.limits):
            if isinstance(cells, str):
                bad(number, cells)
            else:
                others.append((0, number, _chosen(cells, wanted)))
        if others:
            yield Part.of_others(others, is_cell=True)

    def _part(self, number: int, text: bytes, wanted: Ints, bad: Callable[[int, str], None]) -> Part:
        """One block. The loop takes each line for a record; where a record takes several, their rows are not kept."""
        lines = count_lines(text)
        first, size, tag = spans_for(int(wanted.max(initial=-1)) + 1, lines)
        rows, refused = np.empty(lines, dtype=np.int32), np.empty((lines, 4), dtype=np.int32)
        taken, left, _ = split_cells(
            np.frombuffer(hidden(text), np.uint8),
            ord(self._cells.delimiter),
            wanted,
            np.frombuffer(self.names[0].encode(), np.uint8),
            # A loop that knows no quotes in names cannot know the header again: then it takes nothing.
            (
                -1 if '"' in self.names[0] else min(self.limits.cell_bytes, csv.field_size_limit()),
                self.limits.line_bytes,
            ),
            *(first, size, tag, rows, refused),
        )
        kept, others, after = np.ones(taken, dtype=bool), [], 0
        self._carried = Block(0, b"")
        for line, begin, end, before in refused[:left].tolist():
            if line < after:
                continue
            cells, more = self._record(number + line, text, begin, end)
            if more < 0:
                self._carried, kept[before:] = Block(number + line, text[begin:]), False
                break
            if more:
                after = line + 1 + more
                kept[before : np.searchsorted(rows[:taken], after)] = False
            if isinstance(cells, str):
                bad(number + line, cells)
            else:
                others.append((before, number + line, _chosen(cells, wanted)))
        spans = Spans(text, first[:, :taken], size[:, :taken], tag[:, :taken], is_cell=True)
        return Part(spans, rows[:taken].astype(np.int64) + number, kept, others)

    def _record(self, number: int, text: bytes, begin: int, end: int) -> tuple[list[str] | str, int]:
        """(cells of the record that begins there or why there are none, lines it takes beside its first).

        The latter is -1 when the lines of the block do not tell.
        """
        if end - begin > self.limits.line_bytes:
            return f"is longer than {self.limits.line_bytes:,} bytes", 0
        record = text[begin:end].removesuffix(b"\r")
        if record.count(b'"') % 2 == 0:
            return _judged(record, self.names, self._cells), 0
        following = _lines_from(number + 1, text, end + 1, self.limits)
        joined = _join(Line(number, record), deque(), following, self.limits)
        if joined is not None:
            return _judged(joined, self.names, self._cells), joined.count(b"\n")
        is_open = next(following, None) is None  # the lines ended first
        return "opens a quote that is never closed", -1 if is_open else 0


def _lines_from(number: int, text: bytes, at: int, limits: Limits) -> Iterator[Line]:
    """The lines of a block from a place on, one at a time: rarely more than a few are asked for."""
    while at < len(text):
        end = text.index(b"\n", at)
        yield Line(number, None if end - at > limits.line_bytes else text[at:end].removesuffix(b"\r"))
        number, at = number + 1, end + 1


def _chosen(cells: list[str], wanted: Ints) -> list[str | None]:
    """The cells of the wanted columns, in the order of these; an empty cell is null."""
    found: list[str | None] = [None] * (int(wanted.max(initial=-1)) + 1)
    for cell, place in zip(cells, wanted.tolist(), strict=True):
        if place >= 0:
            found[place] = cell or None
    return found
