"""manage.py profile and compare, without a database."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from observability.domain.profile import Profile
from observability.management.commands.profile import Bar

from .logs import table, write


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
