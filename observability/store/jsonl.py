"""JSON lines, strictly: one object per line, no doubled keys, no NaN, every bad line counted with its number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import orjson

from observability.domain.loops.objects import split_objects
from observability.domain.specs.texts import BadValue
from observability.store.files import Limits, Source
from observability.store.spans import Part, Spans, spans_for
from observability.store.text import Block, Line, blocks, count_lines, hidden, lines

HALF_LINE: Final = "the file ends in the middle of this line"
MAX_NAMES: Final = 20_000
LEARNED: Final = 100  # refused lines that are looked through for new names
LEARNED_BYTES: Final = 1 << 14
ROUNDS: Final = 4


def parse(line: bytes) -> dict[str, Any]:
    """One JSON object. Raises BadValue."""
    try:
        found = orjson.loads(line)
    except ValueError as error:  # orjson's message holds a position, never the content
        raise BadValue(f"not JSON: {str(error)[:120]}") from None
    if not isinstance(found, dict):
        raise BadValue("not a JSON object: each line must be {...}")
    # Every key ends in `":` unless a space stands between; only a line that does not add up is parsed again, slowly.
    if line.count(b'":') != len(found) or b'" ' in line or b'"\t' in line or b'"\r' in line:
        _refuse_doubled_keys(line)
    return found


def _refuse_doubled_keys(line: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise BadValue("a key appears twice in one object")

    try:
        json.loads(line, object_pairs_hook=once)
    except BadValue:
        raise
    except (ValueError, RecursionError):
        raise BadValue("not JSON that can be read safely") from None


def records(source: Source, limits: Limits) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(line number, object or the reason why there is none). Blank lines are skipped."""
    for line in lines(source, limits):
        yield from _record(line, limits)


def _record(line: Line, limits: Limits) -> Iterator[tuple[int, dict[str, Any] | str]]:
    if line.text is None:
        yield line.number, f"the line is longer than {limits.line_bytes:,} bytes"
        return
    if not line.text.strip():
        return
    try:
        yield line.number, parse(line.text)
    except BadValue as error:
        yield line.number, HALF_LINE if line.is_cut else str(error)


class ObjectBlocks:
    """The objects of a file block by block: values found by a compiled loop, what that refuses read line by line.

    The rows, reasons and line numbers are those of `records`. `seen` are the columns met so far.
    """

    def __init__(self, source: Source, limits: Limits, columns: Sequence[str], bad: Callable[[int, str], None]) -> None:
        self.source, self.limits, self.columns, self.bad = source, limits, list(columns), bad
        self.seen: set[str] = set()
        self._place = {name: place for place, name in enumerate(self.columns)}
        self._names: dict[str, None] = {}  # of all keys that the loop knows, in the order met

    def parts(self) -> Iterator[Part]:
        """Parts with these columns; lines that are no object go to `bad` with their number."""
        for block in (piece for whole in blocks(self.source, self.limits) for piece in whole.cut(len(self.columns))):
            if block.is_cut or block.is_too_long:
                others = [one for line in block.lines(self.limits) if (one := self._one(line, 0)) is not None]
                if others:
                    yield Part.of_others(others, is_cell=False)
                continue
            if not self._names:
                self._learn(piece for piece in block.text[:LEARNED_BYTES].split(b"\n"))
            yield self._part(block)

    def _learn(self, some: Iterable[bytes]) -> bool:
        """Take the keys of these lines to those that the loop knows; whether any was new."""
        before = len(self._names)
        for line in some:
            try:
                found = orjson.loads(line)
            except ValueError:
                continue
            for name in found if isinstance(found, dict) else ():
                if len(self._names) < MAX_NAMES and name.isprintable() and not set(name) & {'"', "\\"}:
                    self._names.setdefault(name)
        return len(self._names) > before

    def _part(self, block: Block) -> Part:
        text, lines = block.text, count_lines(block.text)
        shown = np.frombuffer(hidden(text), np.uint8)
        rows, refused = np.empty(lines, dtype=np.int32), np.empty((lines, 4), dtype=np.int32)
        first, size, tag = spans_for(len(self.columns), lines)
        for _ in range(ROUNDS):
            known = [name.encode() for name in self._names]
            ends = np.cumsum([0, *map(len, known)], dtype=np.int64)
            wanted = np.array([self._place.get(name, -1) for name in self._names], dtype=np.int64)
            taken, left, _, strange = split_objects(
                shown,
                np.frombuffer(b"".join(known), np.uint8),
                ends,
                wanted,
                (self.limits.cell_bytes, self.limits.line_bytes),
                first,
                size,
                tag,
                rows,
                refused,
            )
            lost = refused[:left]
            # Names that it did not know are worth another look when they are in more than a few rows.
            if strange * 100 <= lines or not self._learn(text[a:b] for _, a, b, _ in lost[:LEARNED].tolist()):
                break
        spans = Spans(text, first[:, :taken], size[:, :taken], tag[:, :taken], is_cell=False)
        if len(self.seen) < len(self.columns):
            self.seen.update(name for name, tags in zip(self.columns, spans.tag, strict=True) if tags.any())
        others = []
        for line, begin, end, before in lost.tolist():
            number = block.number + line
            one = self._one(Line(number, text[begin:end].removesuffix(b"\r")), before, end - begin)
            if one is not None:
                others.append(one)
        return Part(spans, rows[:taken].astype(np.int64) + block.number, np.ones(taken, dtype=bool), others)

    def _one(self, line: Line, before: int, size: int = 0) -> tuple[int, int, list[Any]] | None:
        """One line, read alone."""
        if size > self.limits.line_bytes:
            line = Line(line.number, None)
        for number, found in _record(line, self.limits):
            if isinstance(found, str):
                self.bad(number, found)
                continue
            self.seen.update(name for name in self.columns if name in found)
            return before, number, [found.get(name) for name in self.columns]
        return None
