"""The same bytes from any engine, number of threads, row-group size, encoding and split into files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from observability.domain.fold.windows import GroupError, Keys, Window
from observability.domain.profile.profile import Profile, merge_profiles
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.engines import spark
from observability.engines.base import Options
from observability.engines.isolated import profile_isolated
from observability.engines.local import profile_sources
from observability.store.files import Limits, SourceError, open_source
from observability.tests.logs import DAY, profile, spec_of, table, write


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("logs") / "log.parquet", table())


@pytest.fixture(scope="module")
def expected(log: str) -> Profile:
    return profile(log, spec_of(log), Options(keys=DAY, threads=1))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("columns", [1, 3, 100])
def test_threads_and_columns_per_task(log: str, expected: Profile, threads: int, columns: int) -> None:
    options = Options(keys=DAY, threads=threads, columns_per_task=columns, columns_at_once=4)
    assert profile(log, expected.spec, options).body == expected.body


@pytest.mark.parametrize("row_group", [1_000, 7_777, 1_000_000])
@pytest.mark.parametrize("dictionary", [True, False])
def test_row_groups_and_encodings(tmp_path: Path, expected: Profile, row_group: int, dictionary: bool) -> None:
    path = write(tmp_path / "log.parquet", table(), row_group, use_dictionary=dictionary, compression="zstd")
    assert profile(path, expected.spec, Options(keys=DAY)).body == expected.body


def test_large_row_groups_are_streamed_alike(tmp_path: Path) -> None:
    data = table(700_000).select(["score", "country", "at", "version"])
    whole = write(tmp_path / "whole.parquet", data, 1 << 20)
    small = write(tmp_path / "small.parquet", data, 50_000)
    spec = spec_of(small)
    assert profile(whole, spec, Options(keys=DAY)).body == profile(small, spec, Options(keys=DAY)).body


def test_files_in_any_order_and_merged_profiles(tmp_path: Path, log: str, expected: Profile) -> None:
    data = table()
    paths = [write(tmp_path / f"{part}.parquet", data.slice(part * 7_000, 7_000)) for part in range(3)]
    sources = [open_source(path) for path in paths]
    options = Options(keys=DAY)
    assert profile_sources(sources[::-1], expected.spec, options).body == expected.body
    parts = [profile_sources([source], expected.spec, options) for source in sources]
    assert merge_profiles(parts).body == expected.body
    assert merge_profiles([parts[2], merge_profiles([parts[1], parts[0]])]).body == expected.body


def test_profiles_round_trip(expected: Profile) -> None:
    again = Profile.loads(expected.dumps())
    assert again.body == expected.body
    assert again.identity == expected.identity
    assert again.note == expected.note
    assert expected.rows == 20_000
    assert len(expected.cells) == 12


def test_a_child_process_gives_the_same_profile(log: str, expected: Profile) -> None:
    assert profile_isolated(open_source(log), expected.spec, Options(keys=DAY)).body == expected.body


def test_rows_without_a_time_are_bad_rows(tmp_path: Path) -> None:
    data = table(1_000)
    times = data["at"].to_pylist()
    times[3] = times[7] = None
    path = write(tmp_path / "log.parquet", data.set_column(8, "at", pa.array(times, pa.timestamp("us"))), 100)
    found = profile(path, spec_of(path), Options(keys=DAY))
    assert found.rows == 998
    assert found.note["bad_rows"] == 2
    assert [bad["row"] for bad in found.note["bad_examples"]] == [4, 8]


@pytest.mark.parametrize("row_group", [1, 3, 100])
def test_unix_times_of_any_unit_whatever_the_row_groups(tmp_path: Path, row_group: int) -> None:
    """The unit is told per value, and the last nanosecond of an hour stays in its hour."""
    hour = 1_700_006_400
    ends = [(hour + 3_600) * 10**9 - 1, (hour + 3_600) * 10**9, hour * 10**6, hour * 1_000 + 3_599_999, hour, 0, 17]
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"x": np.arange(7.0), "at": pa.array(ends)}), path, row_group_size=row_group)
    spec, keys = Spec((FeatureSpec(name="x", kind=Kind.NUMERIC),)), Keys(Window.HOUR, "at")
    found = profile(str(path), spec, Options(keys=keys))
    assert {cell.window: states["x"].rows for cell, states in found.states.items()} == {hour: 4, hour + 3_600: 1}
    assert found.note["bad_rows"] == 2
    assert "no time" in found.note["bad_examples"][0]["reason"]
    lines = tmp_path / "log.jsonl"
    lines.write_text("".join(f'{{"x": {place}, "at": {end}}}\n' for place, end in enumerate(ends)))
    cells = tmp_path / "log.csv"
    cells.write_text("x,at\n" + "".join(f"{place},{end}\n" for place, end in enumerate(ends)))
    for text in (lines, cells):
        assert profile(str(text), spec, Options(keys=keys)).body == found.body


def test_too_many_groups_name_the_cause(log: str) -> None:
    keys = Keys(Window.HOUR, "at", "user_id")
    with pytest.raises(GroupError, match="check that the time and version columns are right"):
        profile(log, spec_of(log), Options(keys=keys, limits=Limits(groups=100)))


def test_undeclared_columns_are_never_read(tmp_path: Path, log: str, expected: Profile) -> None:
    """A column of a type nobody can fold, and an unreadable codec beside it, do not matter while undeclared."""
    data = table().append_column("secret", pa.array([{"name": "x"}] * 20_000))
    path = write(tmp_path / "log.parquet", data)
    assert profile(path, expected.spec, Options(keys=DAY)).body == expected.body


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "log.parquet", table(1_000))
    source, spec = open_source(path), spec_of(path)
    write(tmp_path / "log.parquet", table(1_001))
    with pytest.raises(SourceError, match="changed while it was read"):
        profile_sources([source], spec)


needs_spark = pytest.mark.skipif(bool(spark.missing()), reason=spark.missing() or "Spark is here")


@needs_spark
def test_spark_gives_the_same_bytes(
    tmp_path: Path, log: str, expected: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One session for all cases: Parquet in one and in several files, JSONL, windows and none, a spread of columns."""
    monkeypatch.setattr(spark, "ROWS_PER_TASK", 5_000)
    monkeypatch.setattr(spark, "COLUMNS_PER_TASK", 3)
    monkeypatch.setenv(spark.MASTER, "local[2]")
    data = table()
    paths = [write(tmp_path / f"{part}.parquet", data.slice(part * 7_000, 7_000)) for part in range(3)]
    lines = tmp_path / "log.jsonl"
    lines.write_text("".join(f'{{"score": {number}.5, "at": "2024-01-01T00:00:00Z"}}\n' for number in range(50)))
    with spark.spark_session():
        sources = [open_source(path) for path in paths]
        found = spark.profile_sources(sources, expected.spec, Options(keys=DAY))
        assert found.body == expected.body
        assert found.note["bad_rows"] == 0
        plain = spark.profile_sources([open_source(log)], expected.spec, Options())
        assert plain.body == profile(log, expected.spec, Options()).body
        spec = spec_of(str(lines), ("at",))
        keys = Options(keys=Keys(Window.DAY, "at"))
        text = spark.profile_sources([open_source(str(lines))], spec, keys)
        assert text.body == profile(str(lines), spec, keys).body
        none = [open_source(write(tmp_path / "none.parquet", data.slice(0, 0)))]
        assert spark.profile_sources(none, expected.spec, Options()).body == profile_sources(none, expected.spec).body
        lines.write_text('{"other": 1}\n')
        with pytest.raises(SourceError, match=r"log.jsonl: no column .* in any row"):
            spark.profile_sources([open_source(str(lines))], spec, keys)


@needs_spark
def test_spark_goes_on_without_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damaged in the footer, damaged in the last row group, of another type, and a text log of other columns."""
    monkeypatch.setattr(spark, "ROWS_PER_TASK", 2_000)
    monkeypatch.setenv(spark.MASTER, "local[2]")
    data = table(6_000).select(["score", "country"])
    good = write(tmp_path / "good.parquet", data.slice(0, 3_000), 1_000)
    whole = Path(good).read_bytes()
    (tmp_path / "footer.parquet").write_bytes(whole[:-100])
    place = pq.read_metadata(good).row_group(2).column(0).data_page_offset
    (tmp_path / "page.parquet").write_bytes(whole[:place] + b"\xff" * 200 + whole[place + 200 :])
    pq.write_table(pa.table({"score": ["x"] * 50, "country": ["de"] * 50}), tmp_path / "type.parquet")
    (tmp_path / "text.jsonl").write_text('{"other": 1}\n')
    spec = spec_of(good)
    sources = [open_source(str(path)) for path in sorted(tmp_path.iterdir())]
    with spark.spark_session():
        found = spark.profile_sources(sources, spec, Options(), is_isolated=True)
        with pytest.raises(SourceError, match=r"page\.parquet: damaged or not Parquet"):
            spark.profile_sources([open_source(str(tmp_path / "page.parquet"))], spec, Options())
        only = [open_source(str(tmp_path / "footer.parquet"))]
        with pytest.raises(SourceError, match=r"footer\.parquet: damaged"):
            spark.profile_sources(only, spec, Options(), is_isolated=True)
    assert found.body == profile(good, spec).body
    refused = {Path(one["source"]).name: one["reason"] for one in found.note["refused"]}
    assert sorted(refused) == ["footer.parquet", "page.parquet", "text.jsonl", "type.parquet"]
    assert "type.parquet: column 'score' holds string, which is not a number" in refused["type.parquet"]
    assert all(name in reason and "\n" not in reason for name, reason in refused.items())
    assert [Path(one["uri"]).name for one in found.note["sources"]] == ["good.parquet"]


def test_spark_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "which", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(spark.importlib.util, "find_spec", lambda name: None if name != "pyspark" else object())
    with pytest.raises(SourceError, match="no Java found"), spark.spark_session():
        pass


def test_parquet_written_elsewhere_with_odd_names(tmp_path: Path) -> None:
    odd = ['a"; DROP TABLE x; --', "a.b", "a", "A", "🦆", "with space", "x" * 300]
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table({name: pa.array([1.0, 2.0, None]) for name in odd}), path)
    found = profile(str(path), spec_of(str(path)))
    assert [feature.name for feature in found.spec] == odd
    assert all(state.rows == 3 for states in found.states.values() for state in states.values())
