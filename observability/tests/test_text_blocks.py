"""Text read by blocks is what text read line by line is: the same rows, reasons and line numbers, for any bytes."""

# ruff: noqa: E501 - a record is a line
from __future__ import annotations

import gzip
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from observability.domain.fold.windows import Keys, Window
from observability.domain.loops.decimals import PLAIN, read_numbers
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.engines.base import Options
from observability.store import staged, text
from observability.store.delimited import header_and_rows
from observability.store.files import Limits, Source, SourceError, open_source
from observability.store.jsonl import records
from observability.store.values import BadValue, number_text
from observability.tests.logs import profile

KEYS = Keys(Window.HOUR, "at", "v")
FEATURES = (
    FeatureSpec(name="p", kind=Kind.NUMERIC),
    FeatureSpec(name="c", kind=Kind.CATEGORY),
    FeatureSpec(name="b", kind=Kind.BOOLEAN),
    FeatureSpec(name="t", kind=Kind.TIMESTAMP, time_unit="ms"),
    FeatureSpec(name="x", kind=Kind.TEXT),
)
VECTOR = FeatureSpec(name="e", kind=Kind.EMBEDDING, dimension=2)
LIMITS = Limits(cell_bytes=60, line_bytes=400)
CSV = (
    b"at,p,c,skipped,b,t,x,v\n"
    b"2026-01-02T03:04:05,1.5,red,,true,2026-01-02 03:04:05.123,plain,v1\r\n"
    b'1767323045,-2e3,"re""d",7,0,1767323045000,"a, b",v2\n'
    b"1767323045123,.5,gr\xc3\xbcn,x,False,1767323045000.7,,v1\n"
    b"\n"
    b'2026-01-02,nan,"two\nlines",,1,2026-01-02T03:04:05+01:00,"",\n'
    b"2026-01-02T03:04:05Z,1234567890123456789012,blue,y,,,text,v2\n"
    b'2026-01-02T03:04:05.5,"7",NaN,"q",true,-5,x y,v1\n'
)
JSON = (
    b'{"at": "2026-01-02T03:04:05", "p": 1.5, "c": "red", "b": true, "t": 1767323045000, "x": "plain", "v": "v1"}\n'
    b'{"at":1767323045,"p":-2e3,"c":"re\\"d \\u00fc \\ud83d\\ude00","b":0,"t":"2026-01-02","x":"","v":2,"e":[1,-0.5]}\r\n'
    b'{"p": 7, "at": 1767323045123.5, "c": 3.0, "b": "true", "other": {"deep": [1, {"a": null}]}, "v": null}\n'
    b"\n"
    b' { "at" : "2026-01-02" , "c": false, "x": "gr\xc3\xbcn\\n", "e": [] , "e2": [[1], "a"], "p": 123456789012345678 }\n'
    b'{"at": "2026-01-02 03:04:05.25Z", "p": null, "c": "blue", "b": false, "t": 1.5, "v": "v1", "e": [0.1, 2]}\n'
)
PIECES = [
    b'"',
    b'""',
    b",",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\",
    b"\\u",
    b" ",
]
PIECES += [
    b"-",
    b"+",
    b".",
    b"e",
    b"0",
    b"1e999",
    b"null",
    b"true",
    b"NaN",
    b"inf",
    b'"p":',
    b'"c": "z", ',
    b"\\ud800",
    b"9" * 20,
]
PIECES += [
    b"\xef\xbb\xbf",
    b"\t",
    b"at",
    b"x" * 61,
    b"y" * 300,
    b"T",
    b"-0",
    b"_",
    b"\xd9\xa1",
    b"2026-02-30",
    b"5;6",
    b"1e-320",
]


def mutated(seed: int, content: bytes) -> bytes:
    """The content with some bytes exchanged, cut, doubled or put elsewhere."""
    rng = random.Random(seed)
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        place, length = rng.randrange(len(data) + 1), rng.choice((0, 0, 1, 2, 10))
        kind = rng.random()
        if kind < 0.6:
            data[place : place + length] = rng.choice(PIECES)
        elif kind < 0.7:
            del data[place : place + rng.choice((1, 1, 5, 40))]
        elif kind < 0.8:
            data[place:place] = data[place : place + 120]
        elif kind < 0.9 and place < len(data):
            data[place] = rng.randrange(256)
        else:
            lines = bytes(data).split(b"\n")
            rng.shuffle(lines)
            data = bytearray(b"\n".join(lines))
        if not data:
            break
    return bytes(data)


class Bad:
    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    def add(self, source: Source, row: int, reason: str) -> None:
        self.found.append((row, reason))


def by_lines(source: Source, spec: Spec, keys: Keys) -> tuple[list[list[Any]], list[tuple[int, str]]]:
    """What the readers of single lines and the converters of single values say."""
    bad, rows = Bad(), []
    seen: set[str] = set()
    plan = staged._plan(spec, keys, is_text=source.format == "csv")

    def convert(number: int, values: list[Any]) -> None:
        row = []
        for value, (name, (one, _)) in zip(values, plan.items(), strict=True):
            try:
                if isinstance(value, str) and len(value) > LIMITS.cell_bytes:
                    raise BadValue(f"longer than {LIMITS.cell_bytes:,} characters")
                row.append(None if value is None else one(value))
            except BadValue as error:
                bad.add(source, number, f"column {name!r}: {error}")
                return
        rows.append(row)

    if source.format == "jsonl":
        found: Any
        for number, found in records(source, LIMITS):
            if isinstance(found, str):
                bad.add(source, number, found)
            else:
                seen.update(found)
                convert(number, [found.get(name) for name in plan])
        if rows and not seen >= set(plan):
            raise SourceError("no column in any row")
    else:
        names, lines = header_and_rows(source, LIMITS)
        if not set(names) >= set(plan):
            raise SourceError("no column in the header")
        for number, found in lines:
            if isinstance(found, str):
                bad.add(source, number, found)
            else:
                convert(number, [found[names.index(name)] or None for name in plan])
    columns = [
        pa.array(column, kind) for column, (_, kind) in zip(zip(*rows, strict=True), plan.values(), strict=False)
    ]
    return [column.to_pylist() for column in columns], sorted(bad.found)


def by_blocks(source: Source, spec: Spec, keys: Keys) -> tuple[list[list[Any]], list[tuple[int, str]]]:
    bad = Bad()
    log = staged.StagedLog(source, spec, keys, LIMITS, bad)
    names = [feature.name for feature in spec] + [name for name in keys.columns if name not in spec.by_name]
    columns: list[list[Any]] = [[] for _ in names] if log.rows else []
    for batch in log.batches():
        for _, found in log.read(batch, names):
            for column, more in zip(columns, found, strict=True):
                column += more.to_pylist()
    return columns, sorted(bad.found)


def outcome(read: Any, source: Source, spec: Spec) -> Any:
    try:
        columns, bad = read(source, spec, KEYS)
    except SourceError as error:
        return str(error).removeprefix(f"{source.shown}: ")[:9]
    return [[repr(value) if isinstance(value, float) else value for value in column] for column in columns], bad


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize(("name", "content"), [("log.csv", CSV), ("log.jsonl", JSON)])
def test_mutated_files_read_by_blocks_as_by_lines(
    name: str, content: bytes, part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 of them; small chunks, so that rows lie across the ends of blocks."""
    spec = Spec(FEATURES if name == "log.csv" else (*FEATURES, VECTOR))
    path = tmp_path / name
    refused = 0
    for seed in range(part * 1_250, (part + 1) * 1_250):
        path.write_bytes(mutated(seed, content))
        source = open_source(str(path))
        monkeypatch.setattr(text, "CHUNK", 1 << 20 if seed % 4 else 90 + seed % 300)
        expected, found = outcome(by_lines, source, spec), outcome(by_blocks, source, spec)
        assert found == expected, (seed, path.read_bytes())
        refused += isinstance(found, str)
    assert refused < 400


def test_numbers_are_the_nearest_float64() -> None:
    """Random and awkward decimals beside Python's float, which rounds correctly."""
    rng = random.Random(5)
    texts = [
        "0",
        "-0.0",
        "1e22",
        "9007199254740993",
        "9007199254740992.5",
        "1.7976931348623157e308",
        "5e-324",
        "2.5e-308",
    ]
    texts += ["0.30000000000000004", "1e23", "8.5e22", "6929495644600919.5", "00012", "7.", ".5", "+3", "NaN", "-INF"]
    texts += [repr(rng.uniform(-1, 1) * 10 ** rng.randrange(-300, 300)) for _ in range(20_000)]
    texts += [f"{rng.randrange(10**19)}e{rng.randrange(-330, 300)}" for _ in range(20_000)]
    texts += [f"{rng.getrandbits(53) * 2 + 1}e{rng.randrange(-4, 24)}" for _ in range(5_000)]
    data = np.frombuffer(" ".join(texts).encode(), np.uint8)
    size = np.array([len(one) for one in texts], dtype=np.int32)
    first = (np.cumsum(size + 1) - size - 1).astype(np.int32)
    tag = np.full(len(texts), PLAIN, dtype=np.uint8)
    out, valid, unsure = np.empty(len(texts)), np.empty(len(texts), dtype=bool), np.zeros(len(texts), dtype=bool)
    left = read_numbers(data, first, size, tag, True, out, valid, unsure)
    assert left < 2_500  # subnormal and infinite ones
    for number, is_unsure, one in zip(out.tolist(), unsure.tolist(), texts, strict=True):
        assert is_unsure or number == number_text(one) or math.isnan(number) == math.isnan(number_text(one)), one
    assert not unsure[:6].any()


def lines_of(rows: int) -> Iterator[str]:
    for row in range(rows):
        bad = ",1" if row % 1_000 == 999 else ""
        time = f"2026-01-02T03:{row % 60:02}:05"
        yield f"{time},{row / 7!r},c{row % 9},s,true,{1767323045000 + row},text {row},v{row % 2}{bad}"


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_long_files_of_every_compression_read_as_by_lines(ending: str, tmp_path: Path) -> None:
    content = "\n".join(["at,p,c,skipped,b,t,x,v", *lines_of(8_000)]).encode() + b"\n"
    packed = {"": content, ".gz": gzip.compress(content), ".zst": bytes(pa.compress(content, "zstd", asbytes=True))}
    path = tmp_path / f"log.csv{ending}"
    path.write_bytes(packed[ending])
    source, spec = open_source(str(path)), Spec(FEATURES)
    assert outcome(by_blocks, source, spec) == outcome(by_lines, source, spec)
    assert profile(str(path), spec, Options(keys=KEYS)).note["bad_rows"] == 8
