"""Sources and readers: honest files in every format, hostile ones refused with the reason, never a crash."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from observability.domain.fold.columns import ColumnError
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.engines.base import Options
from observability.engines.choose import find_sources
from observability.engines.isolated import profile_isolated
from observability.store.files import Limits, SourceError, expand, open_source
from observability.store.sandbox import ChildKilled, ChildLimits, run_limited
from observability.tests.logs import profile, spec_of, table, write

P = Spec((FeatureSpec(name="p", kind=Kind.NUMERIC),))
PC = Spec((FeatureSpec(name="p", kind=Kind.NUMERIC), FeatureSpec(name="c", kind=Kind.CATEGORY)))


def bad_rows(path: Path, spec: Spec = PC, limits: Limits | None = None) -> tuple[int, dict[int, str]]:
    """(good rows, reason per bad row)."""
    found = profile(str(path), spec, Options(limits=limits or Limits()))
    return found.rows, {bad["row"]: bad["reason"] for bad in found.note["bad_examples"]}


def test_all_formats_give_the_same_bytes(tmp_path: Path) -> None:
    data = table(3_000).select(["score", "rating", "country", "query", "clicked"])
    parquet = write(tmp_path / "log.parquet", data)
    spec = spec_of(parquet)
    rows = data.to_pylist()
    lines = [
        str(row).replace("'", '"').replace("None", "null").replace("True", "true").replace("False", "false")
        for row in rows
    ]
    plain = "\n".join(lines) + "\n"
    (tmp_path / "log.jsonl").write_text(plain)
    (tmp_path / "log.jsonl.gz").write_bytes(gzip.compress(plain.encode()))
    (tmp_path / "log.jsonl.zst").write_bytes(pa.compress(plain.encode(), "zstd", asbytes=True))
    cells = [",".join("" if value is None else str(value) for value in row.values()) for row in rows]
    (tmp_path / "log.csv").write_text("\n".join([",".join(data.column_names), *cells]) + "\n")
    expected = profile(parquet, spec).body
    for name in ("log.jsonl", "log.jsonl.gz", "log.jsonl.zst", "log.csv"):
        assert profile(str(tmp_path / name), spec).body == expected, name


def test_text_logs_propose_the_same_kinds(tmp_path: Path) -> None:
    data = table(2_000).select(["score", "rating", "country", "clicked"])
    parquet = write(tmp_path / "log.parquet", data)
    cells = [",".join("" if value is None else str(value) for value in row.values()) for row in data.to_pylist()]
    (tmp_path / "log.csv").write_text("\n".join([",".join(data.column_names), *cells]) + "\n")
    assert [f.kind for f in spec_of(str(tmp_path / "log.csv"))] == [f.kind for f in spec_of(parquet)]


def test_jsonl_bad_lines_are_counted_with_their_number(tmp_path: Path) -> None:
    lines = [
        b'\xef\xbb\xbf{"p": 1, "c": "a"}\r',
        b"",
        b'{"p": NaN, "c": "a"}',
        b'{"p": 1, "p": 2, "c": "a"}',
        b'{"p": "0.9", "c": "a"}',
        b'{"p": {"deep": 1}, "c": "a"}',
        b'[{"p": 1}]',
        b'{"p": 1, "c": "\xff"}',
        b'{"p": 1' + b"[" * 5_000,
        b'{"p": ' + b"9" * 5_000 + b"}",
        b'{"p": 2, "c": "' + b"x" * 70_000 + b'"}',
        b'{"p": -0.0, "c": null, "other": {"nested": [1]}}',
        b'{"p": 1, "c" :"b", "c":"d"}',
        b'{"p": 3, "c": "half',
    ]
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(lines))
    good, bad = bad_rows(path)
    assert good == 2
    assert sorted(bad) == [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14]
    assert bad[4] == bad[13] == "a key appears twice in one object"
    assert bad[5] == "column 'p': expected a number, got text"
    assert bad[6] == "column 'p': expected a number, got an object"
    assert bad[14] == "the file ends in the middle of this line"
    assert "longer than" in bad[11]


def test_a_line_without_an_end_does_not_fill_memory(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"p": 1, "c": "a"}\n' + b"x" * 5_000_000 + b'\n{"p": 2, "c": "b"}\n')
    good, bad = bad_rows(path, limits=Limits(line_bytes=1_000_000))
    assert (good, list(bad)) == (2, [2])
    assert "longer than 1,000,000 bytes" in bad[2]


def test_csv_bad_rows_are_counted_with_their_number(tmp_path: Path) -> None:
    lines = [
        b"\xef\xbb\xbfp,c",
        b"1,a",
        b"1,a,extra",
        b"1",
        b'2,"two\nlines"',
        b"3,\x00",
        b"4,\xff",
        b"5," + b"x" * 70_000,
        b"p,c",
        b'"=cmd|x",a',
        b"1_000,a",
        "\u0661,a".encode(),  # an Arabic-Indic digit
        b"nan,a",
        b"-inf,b",
        b",",
        b'6,"never closed',
        b"7,still read",
    ]
    path = tmp_path / "log.csv"
    path.write_bytes(b"\r\n".join(lines) + b"\r\n")
    good, bad = bad_rows(path)
    assert good == 6
    assert sorted(bad) == [3, 4, 7, 8, 9, 10, 11, 12, 13, 17]
    assert bad[3] == "has 3 cells, the header has 2"
    assert bad[7] == "holds a NUL character"
    assert bad[10] == "is the header again"
    assert bad[17] == "opens a quote that is never closed"


def test_csv_with_semicolons_and_doubled_headers(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("p;c\n1;a\n2;b\n")
    assert bad_rows(path) == (2, {})
    path.write_text("p,p\n1,2\n")
    with pytest.raises(SourceError, match="'p' appears twice in the header"):
        bad_rows(path)
    path.write_text("1,2\n3,4\n")
    with pytest.raises(SourceError, match="no column 'p' in the header"):
        bad_rows(path)
    path.write_bytes(b"p,c\r1,a\r")
    with pytest.raises(SourceError, match="carriage return only"):
        bad_rows(path)


def test_bad_examples_are_capped_but_all_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"p": 1, "c": "a"}\n' + "nonsense\n" * 5_000)
    found = profile(str(path), PC)
    assert found.note["bad_rows"] == 5_000
    assert [bad["row"] for bad in found.note["bad_examples"]] == list(range(2, 22))
    assert "nonsense" not in str(found.note)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.parquet", b"", "damaged or not Parquet"),
        ("log.parquet", b"PAR1", "damaged or not Parquet"),
        ("log.parquet", b"PAR1" + b"\xff" * 100 + b"\xff\xff\xff\x7fPAR1", "damaged or not Parquet"),
        ("log.parquet", os.urandom(2_000), "damaged or not Parquet"),
        ("log.parquet", b"<!DOCTYPE html><html>", "damaged or not Parquet"),
        ("log.jsonl", b"PK\x03\x04rest", "a zip archive"),
        ("log.jsonl", b"PAR1rest", "name it .parquet"),
        ("log.jsonl", "{}".encode("utf-16"), "UTF-16"),
        ("log.csv", b"<html>login</html>", "login page"),
        ("log.jsonl.gz", b"plain text", "cannot be read to its end"),
        ("log.jsonl.gz", gzip.compress(gzip.compress(b"x" * 100)), "compress the file once"),
        ("log.jsonl.gz", gzip.compress(b'{"p":1}\n' * 10_000)[:-20], "cannot be read to its end"),
        ("log.exe", b"MZ", "unknown kind of file"),
        ("log.csv", b"", "no header line"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        profile(str(path), P)


def test_a_gzip_bomb_is_refused_early(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(200):
            file.write(b" " * (1 << 20))
    with pytest.raises(SourceError, match="too large when unpacked"):
        profile(str(path), P)


def test_a_parquet_bomb_ends_only_its_child(tmp_path: Path) -> None:
    """80 kB that decode to gigabytes: one long value, repeated by run-length."""
    path = tmp_path / "bomb.parquet"
    value = pa.array(["x" * (1 << 16)])
    bomb = pa.DictionaryArray.from_arrays(pa.array(np.zeros(300_000, dtype=np.int32)), value)
    pq.write_table(pa.table({"c": bomb}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 1 << 20
    spec = Spec((FeatureSpec(name="c", kind=Kind.TEXT),))  # lengths need the decoded texts
    with pytest.raises(SourceError, match="too large when unpacked"):
        profile_isolated(open_source(str(path)), spec, Options(threads=1), ChildLimits(resident_bytes=600 << 20))
    category = Spec((FeatureSpec(name="c", kind=Kind.CATEGORY),))  # dictionaries never decode it
    assert profile_isolated(open_source(str(path)), category, Options(threads=1)).rows == 300_000


def test_mutated_parquet_never_escapes(tmp_path: Path) -> None:
    """Flipped bytes give a SourceError or a readable file, nothing else."""
    good = Path(write(tmp_path / "good.parquet", table(500))).read_bytes()
    spec = spec_of(str(tmp_path / "good.parquet"))
    rng = np.random.default_rng(7)
    path, outcomes = tmp_path / "bad.parquet", set()
    for _ in range(60):
        damaged = bytearray(good)
        for place in rng.integers(4, len(good), 5):
            damaged[place] = int(rng.integers(0, 256))
        path.write_bytes(bytes(damaged))
        try:
            profile(str(path), spec, Options(threads=1))
            outcomes.add("read")
        except (SourceError, ColumnError):
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def _die() -> None:
    os.kill(os.getpid(), 11)


def _spin() -> None:
    while True:
        pass


def _eat() -> int:
    return len(bytearray(8 << 30))


def test_a_child_that_dies_hangs_or_eats_is_reported() -> None:
    with pytest.raises(ChildKilled, match="SIGSEGV"):
        run_limited(_die)
    with pytest.raises(ChildKilled, match="longer than 1 s"):
        run_limited(_spin, limits=ChildLimits(seconds=1.0))
    with pytest.raises(ChildKilled, match="too large when unpacked"):
        run_limited(_eat)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.parquet")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match="not a regular file"):
        open_source(str(tmp_path / "pipe.parquet"))
    with pytest.raises(SourceError, match="not a regular file"):
        open_source("/dev/zero")
    with pytest.raises(SourceError, match="No such file"):
        open_source(str(tmp_path / "absent\nname.parquet"))
    with pytest.raises(SourceError, match="http:// is not a source"):
        open_source("http://169.254.169.254/latest.parquet")
    with pytest.raises(SourceError, match="no log file in this folder"):
        expand(str(tmp_path / "folder"))


def test_limits_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "log.parquet", table(100))
    with pytest.raises(SourceError, match="more than the limit of 1,000"):
        open_source(path, Limits(file_bytes=1_000))
    with pytest.raises(SourceError, match="100 rows, the limit is 99"):
        profile(path, spec_of(path), Options(limits=Limits(rows=99)))
    with pytest.raises(SourceError, match="10 columns, the limit is 5"):
        profile(path, spec_of(path), Options(limits=Limits(columns=5)))


def test_columns_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"p": ["a"], "m": [{"x": 1}], "t": pa.array([1], pa.time64("ns"))}), path)
    with pytest.raises(ColumnError, match="'p' holds string, which is not a number"):
        profile(str(path), P)
    with pytest.raises(SourceError, match="no column 'absent'"):
        profile(str(path), Spec((FeatureSpec(name="absent", kind=Kind.NUMERIC),)))
    with pytest.raises((SourceError, ColumnError), match="column 'm'"):
        profile(str(path), Spec((FeatureSpec(name="m", kind=Kind.CATEGORY),)))
    twice = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["p", "p"])
    pq.write_table(twice, path)
    with pytest.raises(SourceError, match="'p' appears twice"):
        profile(str(path), P)


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    (tmp_path / "day=1").mkdir()
    write(tmp_path / "day=1" / "b.parquet", table(10))
    write(tmp_path / "a.parquet", table(10))
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".hidden.parquet").write_text("")
    names = [Path(source.path).name for source in expand(str(tmp_path))]
    assert names == ["a.parquet", "b.parquet"]


def test_empty_files_have_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "log.parquet", table(10).slice(0, 0))
    assert profile(path, P.__class__((FeatureSpec(name="score", kind=Kind.NUMERIC),))).rows == 0
    (tmp_path / "log.jsonl").write_text("")
    assert profile(str(tmp_path / "log.jsonl"), P).rows == 0


def test_a_folder_that_links_to_itself_is_walked_once(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", table(10))
    (tmp_path / "below").mkdir()
    write(tmp_path / "below" / "b.parquet", table(10))
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "below" / "up").symlink_to(tmp_path)
    (tmp_path / "below" / "up-and-down").symlink_to(tmp_path / "below")
    os.link(tmp_path / "a.parquet", tmp_path / "below" / "hard.parquet")
    (tmp_path / "below" / "soft.parquet").symlink_to(tmp_path / "a.parquet")
    found = find_sources([str(tmp_path), str(tmp_path / "again" / "below")], Limits())
    assert [Path(source.path).name for source in found] == ["a.parquet", "b.parquet"]
    (tmp_path / "loop.parquet").symlink_to(tmp_path / "loop.parquet")
    with pytest.raises(SourceError, match=r"loop\.parquet: Too many levels of symbolic links"):
        expand(str(tmp_path))


def test_a_folder_is_read_without_the_profiles_in_it(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", table(10))
    (tmp_path / "day.profile").write_bytes(b"BARISTAP")
    assert [Path(source.path).name for source in expand(str(tmp_path))] == ["a.parquet"]
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(SourceError, match=r"pipe\.csv: not a regular file"):
        expand(str(tmp_path))
