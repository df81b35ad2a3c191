"""manage.py profile and compare, without a database."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from observability.domain.profile.profile import Profile
from observability.management.commands.profile import Bar
from observability.tests.logs import table, write


@pytest.fixture
def logs(tmp_path: Path) -> tuple[str, str]:
    return write(tmp_path / "ref.parquet", table(4_000)), write(tmp_path / "cur.parquet", table(4_000, seed=1))


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_profile_writes_a_profile_and_says_what_it_did(logs: tuple[str, str], tmp_path: Path) -> None:
    out, spec = str(tmp_path / "ref.profile"), str(tmp_path / "spec.json")
    window = ("--window", "hour", "--time", "at", "--version", "version")
    said = run("profile", logs[0], "--out", out, "--write-spec", spec, *window)
    made = Profile.loads(Path(out).read_bytes())
    assert "4,000 rows x 8 features in 12 windows and versions" in said
    assert "0 bad rows" in said
    assert f"identity {made.identity}" in said
    again = str(tmp_path / "again.profile")
    run("profile", logs[0], "--out", again, "--spec", spec, *window, "--threads", "1", "--isolate")
    assert Profile.loads(Path(again).read_bytes()).identity == made.identity


def test_the_bar_says_how_far_and_how_fast() -> None:
    bar = Bar(StringIO(), 1_000, 4)
    bar(2_000, 500)
    assert bar.text(2.0) == "[###############...............]  50%  250 rows/s "
    unknown = Bar(StringIO(), None, 4)
    unknown(2_000, 500)
    assert unknown.text(2.0) == "500 rows  250 rows/s "


@pytest.mark.parametrize("mode", ["barista", "evidently", "nannyml", "phoenix"])
def test_compare_prints_json(logs: tuple[str, str], mode: str) -> None:
    found = json.loads(run("compare", *logs, "--json", "--explain", "--as", mode))
    features = {feature["name"]: feature for feature in found["features"]}
    assert set(features) == {
        "score", "price", "rating", "user_id", "country", "query", "clicked", "vector", "at", "version",
    }  # fmt: skip
    score = features["score"]
    assert score["kind"] == "numeric"
    assert score["rows"] == [4_000, 4_000]
    name = "js" if mode == "nannyml" else "psi"
    total = sum(row["contribution"] for row in score["explain"][name]["bins"])
    assert abs(total - score["statistics"][name]["value"]) < 1e-9
    assert set(score["statistics"][name]) >= {"value", "uncertainty", "noise_floor", "threshold"}
    assert score["verdict"] in ("stable", "unknown")
    if mode == "barista":
        assert {"psi", "js", "ks", "w1", "hellinger", "linf", "tvd"} <= set(score["statistics"])


def test_compare_reads_profiles_and_chooses_features(logs: tuple[str, str], tmp_path: Path) -> None:
    spec, paths = str(tmp_path / "spec.json"), []
    for place, log in enumerate(logs):
        paths.append(str(tmp_path / f"{place}.profile"))
        given = ("--spec", spec) if place else ("--write-spec", spec)
        run("profile", log, "--out", paths[-1], *given)
    from_logs = json.loads(run("compare", *logs, "--json", "--feature", "score"))
    from_profiles = json.loads(run("compare", *paths, "--json", "--feature", "score"))
    assert from_profiles == from_logs
    shown = run("compare", *paths, "--feature", "score", "--explain")
    assert "0 of 1 features drifted" in shown
    assert "score psi = " in shown


def test_errors_are_sentences(logs: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        run("profile", str(tmp_path / "absent.parquet"), "--out", "x.profile")
    with pytest.raises(CommandError, match="no feature 'absent'"):
        run("compare", *logs, "--feature", "absent")
    with pytest.raises(CommandError, match="a window needs both"):
        run("profile", logs[0], "--out", str(tmp_path / "x.profile"), "--window", "hour")
    (tmp_path / "bad.profile").write_bytes(b"nonsense")
    with pytest.raises(CommandError, match="not a Barista profile"):
        run("compare", str(tmp_path / "bad.profile"), logs[1])
    with pytest.raises(CommandError, match="no column 'absent'"):
        run("profile", logs[0], "--out", str(tmp_path / "x.profile"), "--version", "absent")


def test_one_bad_file_does_not_stop_the_others(logs: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(Path(logs[0]).read_bytes()[:-100])
    out, said = tmp_path / "all.profile", StringIO()
    files = [str(tmp_path / "a.parquet"), *logs]
    with pytest.raises(CommandError, match="1 of 3 files could not be read and are not in the profile"):
        call_command("profile", *files, "--out", str(out), "--isolate", stdout=StringIO(), stderr=said)
    assert "a.parquet: damaged or not Parquet" in said.getvalue()
    made = Profile.loads(out.read_bytes())
    assert made.rows == 8_000
    assert [Path(one["source"]).name for one in made.note["refused"]] == ["a.parquet"]
    run("profile", *logs, "--out", str(out))
    assert Profile.loads(out.read_bytes()).identity == made.identity
    with pytest.raises(CommandError, match="damaged or not Parquet"):
        run("profile", files[0], "--out", str(out), "--isolate")


def test_columns_that_are_left_out_are_named(tmp_path: Path) -> None:
    path, said = tmp_path / "log.parquet", StringIO()
    columns = [pa.array([1.5]), pa.array([{"x": 1}]), pa.array([1]), pa.array([2]), pa.array([3])]
    names = ["p", "m\n", "twice", "twice", "x" * 10_000]
    pq.write_table(pa.Table.from_arrays(columns, names=names), path)
    call_command("profile", str(path), "--out", str(tmp_path / "x.profile"), stdout=StringIO(), stderr=said)
    lines = [" ".join(line.split()) for line in said.getvalue().splitlines()]
    assert "m\\n left out not supported: struct<x: int64>" in lines
    assert "twice left out its name appears twice" in lines
    assert any(line.endswith("left out a name must have 1 to 512 bytes") for line in lines)
    pq.write_table(pa.table({"m": [{"x": 1}]}), path)
    with pytest.raises(CommandError, match="no column that can be profiled"):
        run("profile", str(path), "--out", str(tmp_path / "x.profile"))


def test_json_lines_with_objects_among_them(tmp_path: Path) -> None:
    path, out = tmp_path / "log.jsonl", tmp_path / "x.profile"
    path.write_text('{"a": 1.5, "o": {"x": 1}, "": 1}\n{"a": {"x": 1}, "o": {}}\n{"a": 2.5}\n')
    said = run("profile", str(path), "--out", str(out))
    assert "2 rows x 1 features" in said
    assert "1 bad rows" in said
    for content, message in (("[1]\n", "a JSON array, not lines"), ("", "the file is empty")):
        path.write_text(content)
        with pytest.raises(CommandError, match=message):
            run("profile", str(path), "--out", str(out))


def test_a_profile_of_bad_rows_only_is_refused(logs: tuple[str, str], tmp_path: Path) -> None:
    out = tmp_path / "x.profile"
    with pytest.raises(CommandError, match=r"none of the 4,000 rows of 1 files can be used; .* row 1: column 'rating'"):
        run("profile", logs[0], "--out", str(out), "--window", "day", "--time", "rating")
    assert not out.exists()


def test_targets_are_checked_before_any_work(logs: tuple[str, str], tmp_path: Path) -> None:
    for target, message in ((tmp_path / "absent" / "x.profile", "there is no folder"), (tmp_path, "is a folder")):
        with pytest.raises(CommandError, match=message):
            run("profile", logs[0], "--out", str(target))
    with pytest.raises(CommandError, match="not a whole number"):
        run("profile", logs[0], "--out", str(tmp_path / "x.profile"), "--threads", "-1")


def test_compare_mixes_logs_folders_and_profiles(logs: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "days").mkdir()
    write(tmp_path / "days" / "1.parquet", table(4_000, seed=1))
    spec, stored = str(tmp_path / "spec.json"), str(tmp_path / "cur.profile")
    run("profile", logs[0], "--out", str(tmp_path / "ref.profile"), "--write-spec", spec)
    run("profile", logs[1], "--out", stored, "--spec", spec)
    expected = run("compare", *logs, "--json")
    for ref, cur in ((logs[0], str(tmp_path / "days")), (logs[0], stored), (str(tmp_path / "ref.profile"), logs[1])):
        assert run("compare", ref, cur, "--json") == expected


def test_json_has_no_literals_that_are_no_json(tmp_path: Path) -> None:
    odd = pa.table({"x": [1e308, -1e308, float("inf"), float("nan"), None], "y": [None] * 5, "z": [float("nan")] * 5})
    paths = (write(tmp_path / "a.parquet", odd), write(tmp_path / "b.parquet", odd.slice(0, 0)))

    def refuse(literal: str) -> None:
        raise AssertionError(literal)

    for mode in ("barista", "evidently", "nannyml", "phoenix"):
        for pair in ((paths[0], paths[0]), paths, paths[::-1]):
            found = json.loads(run("compare", *pair, "--json", "--explain", "--as", mode), parse_constant=refuse)
            assert [feature["name"] for feature in found["features"]] == ["x", "y", "z"]
