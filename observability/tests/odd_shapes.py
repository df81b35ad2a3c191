"""Columns, encodings and shapes of files as people have them, one odd file (or more) each."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq

from observability.tests.odd_files import NUMERIC, STAMP, Odd, parquet, raw, text

NULLS_FIRST = {
    "1.parquet": lambda path: pq.write_table(pa.table({"v": pa.nulls(5), "w": [1.0] * 5}), path),
    "2.parquet": lambda path: pq.write_table(pa.table({"v": [1.5] * 5, "w": [1.0] * 5, "x": [1] * 5}), path),
}
LATE = pa.table({"v": pa.array([None] * 60_000 + [2.5] * 100), "w": range(60_100)})

COLUMNS = [
    Odd(
        "a column without values in the first file",
        NULLS_FIRST,
        kinds=NUMERIC,
        rows=10,
        values={"v": {1.5: 5, None: 5}},
        said=["x left out not in the first file, but in"],
    ),
    Odd(
        "a key without values in the first file",
        {"1.jsonl": raw('{"v": null, "w": 1}\n'), "2.jsonl": raw('{"v": "2024-01-01", "w": 1}\n')},
        kinds=STAMP,
        rows=2,
        values={"v": {None: 1}},
    ),
    Odd(
        "keys that only a later file has",
        {"1.jsonl": raw('{"v": 1.5}\n'), "2.jsonl": raw('{"v": 2.5, "x": 1}\n')},
        kinds=NUMERIC,
        rows=2,
        said=["x left out not in the first file, but in"],
    ),
    Odd("an empty file first", {"1.jsonl": raw(""), "2.jsonl": raw('{"v": 1.5}\n')}, kinds=NUMERIC, rows=1),
    parquet("values that begin far down", LATE, kinds=NUMERIC, rows=60_100, values={"v": {2.5: 100, None: 60_000}}),
    parquet(
        "nested columns",
        {"v": [1.5], "s": [{"a": 1}], "l": [["x"]], "m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))},
        kinds=NUMERIC,
        rows=1,
        said=["s left out", "l left out", "m left out"],
    ),
    parquet(
        "a column without a name",
        pa.Table.from_arrays([pa.array([1.5]), pa.array([1])], ["v", ""]),
        kinds=NUMERIC,
        rows=1,
        said=["(unnamed) left out"],
    ),
    parquet("only nested columns", {"s": [{"a": 1}]}, error="no column that can be profiled; 's' is left out"),
    text("the index of pandas", "log.csv", ",v\n0,1.5\n1,2.5\n", kinds=NUMERIC, rows=2, said=["(unnamed) 1 left out"]),
    text(
        "two columns without a name",
        "log.csv",
        ",v,\n0,1.5,a\n",
        kinds=NUMERIC,
        rows=1,
        said=["(unnamed) 1 left out", "(unnamed) 3 left out"],
    ),
    text(
        "objects and lists of JSON",
        "log.jsonl",
        '{"v": 1.5, "o": {"a": 1}, "l": ["x"], "": 2}\n' * 3,
        kinds=NUMERIC,
        rows=3,
        said=["o left out", "l left out", "(unnamed) left out"],
    ),
    text("tabs", "log.csv", "v\tw\n1.5\ta\n", kinds=NUMERIC, rows=1),
]

LATIN = "name,v\nMüller,1.5\nJosé,2.5\nSmith,3.5\n".encode("latin-1")
PRETTY = json.dumps([{"v": 1}, {"v": 2}], indent=2)
REFUSED = [
    text("a line for Excel", "log.csv", "sep=;\nv;w\n1;2\n", error="log.csv: begins with a line for Excel"),
    text("bytes of any value", "log.csv", bytes(range(1, 256)) * 10, error="log.csv: binary data, not text"),
    text("Latin-1", "log.csv", LATIN, error="log.csv: not UTF-8, probably Latin-1"),
    text(
        "Latin-1 in JSON lines",
        "log.jsonl",
        '{"v": "Müller"}\n{"v": "Jörg"}\n'.encode("latin-1"),
        error="log.jsonl: not UTF-8",
    ),
    text("Latin-1 header", "log.csv", "größe,v\n1,2\n".encode("latin-1"), error="log.csv: not UTF-8"),
    text(
        "Windows-1252 in gzip",
        "log.csv.gz",
        gzip.compress("v\n“a”\n“b”\n".encode("cp1252")),
        error="log.csv.gz: not UTF-8",
    ),
    text("UTF-16", "log.csv", "v,w\n1,2\n".encode("utf-16"), error="log.csv: holds UTF-16"),
    text("UTF-16 without a mark", "log.csv", "v,w\n1,2\n".encode("utf-16-le"), error="log.csv: UTF-16"),
    text("a JSON array", "log.jsonl", '[{"v": 1}, {"v": 2}]', error="log.jsonl: a JSON array, not lines"),
    text(
        "a JSON array in lines", "log.jsonl", '[\n{"v": 1},\n{"v": 2}\n]\n', error="log.jsonl: a JSON array, not lines"
    ),
    text(
        "a JSON array begun in line", "log.jsonl", '[{"v": 1},\n{"v": 2}]\n', error="log.jsonl: a JSON array, not lines"
    ),
    text("a pretty JSON array", "log.jsonl", PRETTY, error="log.jsonl: a JSON array, not lines"),
    text(
        "pretty JSON",
        "log.jsonl",
        json.dumps({"v": 1, "w": 2}, indent=2),
        error="log.jsonl: JSON written over several lines",
    ),
    text(
        "many pretty objects",
        "log.jsonl",
        '{ "v": 1,\n  "w": 2 }\n{ "v": 1,\n  "w": 2 }\n',
        error="log.jsonl: JSON written over several",
    ),
    text("an empty file of JSON lines", "log.jsonl", "", error="log.jsonl: .*the file is empty"),
    text("blank lines", "log.jsonl", "\n\n", error="log.jsonl: .*the file is empty"),
    text("an empty CSV", "log.csv", "", error="log.csv: .*the file is empty"),
    text("a mark and nothing else", "log.csv", b"\xef\xbb\xbf", error="log.csv: .*the file is empty"),
    text("an empty Parquet file", "log.parquet", "", error="log.parquet: damaged or not Parquet"),
    text(
        "words for JSON",
        "log.jsonl",
        "a,b\n1,2\n",
        error="log.jsonl: none of its first 2 rows can be read; the first: row 1",
    ),
    text("rows of another width", "log.csv", "v,w\n1\n2\n", error="log.csv: none of its first 2 rows can be read"),
    parquet(
        "a time column of another kind",
        {"at": [[1.0]], "x": [1.5]},
        error="log.parquet: the time column 'at' holds list",
        options=("--window", "day", "--time", "at"),
    ),
    text("another ending", "log.xlsx", "x", error="log.xlsx: unknown kind of file"),
]

ROWS = [
    text("no header", "log.csv", "1.5,2\n3.5,4\n", rows=1, said=["taken as the header although it holds numbers only"]),
    text(
        "one stray byte",
        "log.csv",
        b"v,w\n1,a\n2,\xff\n3,c\n" + "4,ä\n".encode(),
        kinds={"w": "category"},
        rows=3,
        bad=1,
        said=["row 3: is not UTF-8"],
    ),
    text(
        "a mark, carriage returns and a stray",
        "log.jsonl",
        b'\xef\xbb\xbf{"v": 1.5}\r\n{"v": "x\xff"}\r\n{"v": 2.5}\r\n',
        kinds=NUMERIC,
        rows=2,
        bad=1,
    ),
    text("a damaged first line", "log.jsonl", '{"v": 1.\n{"v": 1.5}\n{"v": 2.5}\n', kinds=NUMERIC, rows=2, bad=1),
]

ODD_SHAPES: list[Odd] = [*COLUMNS, *REFUSED, *ROWS]
