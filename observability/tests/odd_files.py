"""Files as people have them: each with what it must give, the right profile or one clear line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Values = Mapping[Any, int]


@dataclass(frozen=True)
class Odd:
    """One file (or more): `error` is the line a refusal must hold; without it the profile must be as the rest says.

    kinds by column; rows and bad rows; exact counts of values (None for nulls) or smallest and largest by column; texts
    that what is said on the way must hold.
    """

    label: str
    files: Mapping[str, Callable[[Path], None]]
    error: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    rows: int = -1
    bad: int = 0
    values: Mapping[str, Values] = field(default_factory=dict)
    span: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    said: Sequence[str] = ()
    options: Sequence[str] = ()


def raw(content: bytes | str) -> Callable[[Path], None]:
    data = content.encode() if isinstance(content, str) else content
    return lambda path: path.write_bytes(data) and None


def csv(label: str, *cells: str, **expected: Any) -> Odd:
    """A file of one column `v`; every cell is quoted, so that it may hold anything."""
    lines = "v,w\n" + "".join(f'"{cell}",1\n' for cell in cells)
    return Odd(label, {"log.csv": raw(lines)}, **expected)


def text(label: str, name: str, content: bytes | str, **expected: Any) -> Odd:
    return Odd(label, {name: raw(content)}, **expected)


def jsonl(label: str, *values: Any, **expected: Any) -> Odd:
    lines = "".join(json.dumps({"v": value, "w": 1}) + "\n" for value in values)
    return Odd(label, {"log.jsonl": raw(lines)}, **expected)


def parquet(label: str, columns: Mapping[str, Any] | pa.Table, **expected: Any) -> Odd:
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    return Odd(label, {"log.parquet": lambda path: pq.write_table(table, path)}, **expected)


NUMERIC = {"v": "numeric"}
STAMP = {"v": "timestamp"}
FLAG = {"v": "boolean"}
