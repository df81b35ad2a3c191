"""JSON lines, strictly: one object per line, no doubled keys, no NaN, every bad line counted with its number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import orjson

from observability.domain.specs.texts import BadValue
from observability.store.files import Limits, Source
from observability.store.text import Line, lines

HALF_LINE: Final = "the file ends in the middle of this line"


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
