"""manage.py replay: planted incidents are found in their first full window, and clean days stay quiet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from observability.tests.incidents import DAY, HOUR, MONDAY, Change, Columns, Logs, columns, replayed, spec_file, write

DAYS, SINCE = 8, 5
Generator = np.random.Generator


def unit_change(found: Columns, rng: Generator) -> Columns:
    return found | {"price": found["price"] * 1_000}


def null_burst(found: Columns, rng: Generator) -> Columns:
    return found | {"age": pa.array(found["age"], mask=rng.random(len(found["age"])) < 0.3)}


def rename_category(found: Columns, rng: Generator) -> Columns:
    return found | {"city": np.where(found["city"] == "city0", "City 0", found["city"])}


def stale(found: Columns, rng: Generator) -> Columns:
    return found | {"score": np.full(len(found["score"]), 0.0713)}


def one_version(found: Columns, rng: Generator) -> Columns:
    return found | {"age": np.where(found["version"] == "v2", 0, found["age"])}


def twice(found: Columns, rng: Generator) -> Columns:
    return {name: np.concatenate([values, values]) for name, values in found.items()}


def late_hour(found: Columns, rng: Generator) -> Columns:
    hour = found["ts"] // 3_600_000 % 24
    return found | {"ts": np.where(hour == 14, found["ts"] + 3_600_000, found["ts"])}


def lost_hour(found: Columns, rng: Generator) -> Columns:
    kept = found["ts"] // 3_600_000 % 24 != 14
    return {name: values[kept] for name, values in found.items()}


def texts(found: Columns, rng: Generator) -> Columns:
    return found | {"price": [f"{price:.3f}" for price in found["price"]]}


def without_age(found: Columns, rng: Generator) -> Columns:
    return {name: values for name, values in found.items() if name != "age"}


def renamed_age(found: Columns, rng: Generator) -> Columns:
    return {"age_years" if name == "age" else name: values for name, values in found.items()}


def with_a_new_column(found: Columns, rng: Generator) -> Columns:
    return found | {"extra": np.arange(len(found["ts"]))}


def names(one: Mapping[str, Any]) -> set[tuple[str, str | None]]:
    return {(said["name"], said["feature"]) for said in one["findings"]}


@pytest.mark.parametrize(
    ("change", "feature", "finding"),
    [
        (unit_change, "price", "out_of_range"),
        (null_burst, "age", "missing"),
        (rename_category, "city", "unseen"),
        (stale, "score", "constant"),
        (one_version, "age", "out_of_range"),
    ],
)
def test_an_incident_moves_its_feature_in_the_first_window_and_drifts_in_the_second(
    tmp_path: Path, change: Change, feature: str, finding: str
) -> None:
    logs = Logs(tmp_path)
    found = logs.replay(logs.days(DAYS, change, SINCE))
    assert [one["verdict"] for one in found] == ["stable"] * SINCE + ["moved", "drift", "drift"]
    for one in found[SINCE:]:
        assert one["features"][0]["name"] == feature
        assert (finding, feature) in names(one)
    assert [one["findings"] for one in found[:SINCE]] == [[]] * SINCE


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (twice, {("duplicates", "prediction_id"), ("volume", None)}),
        (late_hour, {("late", None)}),
        (lost_hour, {("missing_hour", None)}),
        (texts, {("retyped_column", "price")}),
        (without_age, {("missing_column", "age")}),
        (renamed_age, {("renamed_column", "age")}),
        (with_a_new_column, {("new_column", "extra")}),
    ],
)
def test_what_is_wrong_with_rows_and_columns_is_a_finding_of_its_window_only(
    tmp_path: Path, change: Change, expected: set[tuple[str, str | None]]
) -> None:
    logs = Logs(tmp_path)
    found = logs.replay(logs.days(DAYS, change, SINCE, SINCE + 2))
    assert [names(one) for one in found] == [set()] * SINCE + [expected] * 2 + [set()]
    assert {one["verdict"] for one in found} == {"stable"}


def test_rows_in_the_file_of_a_later_day_and_a_file_that_came_twice_are_said(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    days = [pq.read_table(path) for path in logs.days(4)]
    hour = pc.equal(pc.bit_wise_and(pc.divide(days[1]["ts"], 3_600_000), 7), 0)  # some hours of the second day
    days[2] = pa.concat_tables([days[2], days[1].filter(hour)])
    days[1] = days[1].filter(pc.invert(hour))
    paths = [write(tmp_path / f"{place}.parquet", table) for place, table in enumerate([*days, days[3]])]
    found = logs.replay(paths)
    assert [one["rows"] for one in found] == [1_500, 1_500, 1_500, 3_000]
    assert names(found[1]) == {("late", None)}
    assert {("duplicates", None), ("duplicates", "prediction_id")} <= names(found[3])
    assert names(found[0]) == names(found[2]) == set()


def test_a_feature_whose_column_changed_cannot_be_evaluated_and_says_why(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    found = logs.replay(logs.days(1, texts, 0))
    last = found[0]["features"][-1]
    assert (last["name"], last["verdict"], last["value"]) == ("price", "cannot be evaluated", None)
    assert "cannot be read as numeric" in last["reason"]


def test_each_version_has_rows_of_its_own(tmp_path: Path) -> None:
    logs = Logs(tmp_path, rows=3_000)
    found = logs.replay(logs.days(3, one_version, 1), "--version", "version")
    assert [(one["version"], one["verdict"]) for one in found] == [
        ("v1", "stable"), ("v2", "stable"), ("v1", "stable"), ("v2", "moved"), ("v1", "stable"), ("v2", "drift"),
    ]  # fmt: skip


def test_clean_days_and_hours_stay_quiet(tmp_path: Path) -> None:
    """20 days of 50 features, of shapes that noise moves most: many values, heavy tails, mostly zero."""
    rng, days = np.random.default_rng(11), 27
    rows = 1_100 * days
    shapes = (
        lambda: rng.lognormal(2, 1, rows),
        lambda: rng.normal(size=rows),
        lambda: np.array([f"c{value % 200}" for value in rng.zipf(1.3, rows)]),
        lambda: rng.integers(0, 10, rows),
        lambda: np.where(rng.random(rows) < 0.9, 0.0, rng.exponential(1, rows)),
    )
    times = MONDAY + np.sort(rng.integers(0, days * DAY, rows))
    table = pa.table({"ts": times * 1_000} | {f"f{place:02}": shapes[place % 5]() for place in range(50)})
    cut = int(np.searchsorted(times, MONDAY + 7 * DAY))
    reference, log = write(tmp_path / "r.parquet", table[:cut]), write(tmp_path / "l.parquet", table[cut:])
    given = ("--spec", spec_file(tmp_path, reference), "--reference", reference, "--logs", log, "--time", "ts:ms:UTC")
    found = replayed(*given, "--window", "day")
    verdicts = [feature["verdict"] for one in found for feature in one["features"]]
    assert len(found) == 20
    assert sum(verdict in ("stable", "no drift seen") for verdict in verdicts) >= 0.95 * len(verdicts)
    assert sum(verdict in ("moved", "drift") for verdict in verdicts) <= 1
    assert [one["findings"] for one in found] == [[]] * 20


def test_hours_are_held_against_the_same_hours_of_the_reference_week(tmp_path: Path) -> None:
    def log(start: int, days: int) -> str:
        made = columns(days * 9_000, start, days * DAY, rng)
        hour = made["ts"] // 3_600_000 % 24
        made["price"] = made["price"] * (hour - 17.0)
        return write(tmp_path / f"{start}.parquet", {name: values[hour >= 18] for name, values in made.items()})

    rng = np.random.default_rng(2)
    reference, logs = log(MONDAY, 14), log(MONDAY + 14 * DAY, 2)
    (tmp_path / "rules.json").write_text('{"min_rows": 300}')
    given = ("--spec", spec_file(tmp_path, reference), "--reference", reference, "--logs", logs)
    rules = ("--rules", str(tmp_path / "rules.json"))
    found = replayed(*given, "--time", "ts:ms:UTC", "--window", "hour", *rules)
    assert [(one["verdict"], one["findings"]) for one in found] == [
        *[("stable", [])] * 6, ("expected no data", []), *[("stable", [])] * 6
    ]  # fmt: skip
    assert (found[6]["start"], found[6]["end"]) == ("2025-10-21T00:00:00Z", "2025-10-21T18:00:00Z")


def test_days_of_a_zone_have_23_to_25_hours(tmp_path: Path) -> None:
    rng, start = np.random.default_rng(3), 1_761_256_800  # 2025-10-24 00:00 in Amsterdam
    reference = write(tmp_path / "r.parquet", columns(3_000, start - 3 * DAY, 3 * DAY, rng))
    logs = write(tmp_path / "l.parquet", columns(8_000, start, 4 * DAY + HOUR, rng))
    given = ("--spec", spec_file(tmp_path, reference), "--reference", reference, "--logs", logs)
    found = replayed(*given, "--time", "ts:ms:Europe/Amsterdam", "--window", "day")
    borders = [(one["start"], one["end"]) for one in found]
    assert borders == [
        ("2025-10-23T22:00:00Z", "2025-10-24T22:00:00Z"),
        ("2025-10-24T22:00:00Z", "2025-10-25T22:00:00Z"),
        ("2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"),
        ("2025-10-26T23:00:00Z", "2025-10-27T23:00:00Z"),
    ]
    assert {one["verdict"] for one in found} == {"stable"}


def test_small_windows_join_the_next_and_an_open_one_waits(tmp_path: Path) -> None:
    logs = Logs(tmp_path, rows=400)
    paths = logs.days(7)
    paths.append(write(tmp_path / "open.parquet", columns(3_000, logs.start + 7 * DAY, DAY // 2, logs.rng)))
    found = logs.replay(paths)
    told = [(one["start"][8:10], one["end"][8:10], one["rows"], one["is_partial"], one["verdict"]) for one in found]
    assert told == [
        ("13", "16", 1_200, False, "stable"),
        ("16", "19", 1_200, False, "stable"),
        ("19", "20", 400, False, "not enough data"),
        ("20", "21", 3_000, True, "not enough data"),
    ]


def test_days_without_rows_are_one_row_that_says_so(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    paths = logs.days(8)
    found = logs.replay(paths[:5] + paths[7:])
    assert [one["rows"] for one in found] == [1_500] * 5 + [0, 1_500]
    assert found[5]["verdict"] == "not enough data"
    assert names(found[5]) == {("missing_window", None)}


def test_an_outage_of_days_is_not_expected_because_it_lasts_and_one_wrong_time_ends_nothing(tmp_path: Path) -> None:
    logs = Logs(tmp_path, rows=24 * 60)
    paths = logs.days(12)
    stray = columns(1, 1_000_000_000, 1, logs.rng)  # in 2001
    paths.append(write(tmp_path / "stray.parquet", stray))
    (tmp_path / "rules.json").write_text('{"min_rows": 30}')
    found = logs.replay([*paths[:4], *paths[10:]], "--rules", str(tmp_path / "rules.json"), window="hour")
    empty = [one for one in found if not one["rows"] and one["start"] > "2025-10-17"]
    assert {one["verdict"] for one in empty} == {"not enough data"}
    assert empty[0]["start"] == "2025-10-17T00:00:00Z"
    assert names(empty[0]) == {("missing_window", None)}
    assert found[0]["start"][:4] == "2001"


def test_text_logs_lose_no_row_to_a_value_of_another_type(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    paths = []
    for day in range(3):
        made = columns(1_500, logs.start + day * DAY, DAY, logs.rng)
        made["ts"] = [f"{np.datetime64(int(at), 'ms')}Z" for at in made["ts"]]
        rows = pa.table(made).to_pylist()
        for row in rows[: 200 * day]:
            row["age"] = "old"
        path = tmp_path / f"day{day}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        paths.append(str(path))
    found = logs.replay(paths)
    assert [one["rows"] for one in found] == [1_500] * 3
    told = [[(said["name"], said["feature"], round(said["value"], 3)) for said in one["findings"]] for one in found]
    assert told == [[], [("type_errors", "age", 0.133)], [("type_errors", "age", 0.267)]]


def test_a_reference_is_a_profile_or_a_file_without_times(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    paths = logs.days(3, unit_change, 2)
    expected = logs.replay(paths)
    stored = str(tmp_path / "reference.profile")
    given = ("--out", stored, "--spec", logs.spec, "--window", "day", "--time", "ts")
    call_command("profile", logs.reference, *given, stdout=StringIO(), stderr=StringIO())
    plain = columns(10_000, MONDAY, 7 * DAY, logs.rng)
    del plain["ts"]
    pa.csv.write_csv(pa.table(plain), tmp_path / "plain.csv")
    logs.reference = stored
    assert logs.replay(paths) == expected
    logs.reference = str(tmp_path / "plain.csv")
    assert [one["verdict"] for one in logs.replay(paths)] == ["stable", "stable", "moved"]


def test_rules_replace_defaults(tmp_path: Path) -> None:
    logs, rules = Logs(tmp_path), tmp_path / "rules.json"
    paths = logs.days(3, unit_change, 1)
    rules.write_text('{"k": 1, "n": 1, "thresholds": {"null_rate": 0.01}}')
    assert [one["verdict"] for one in logs.replay(paths, "--rules", str(rules))] == ["stable", "drift", "drift"]
    rules.write_text(json.dumps({"thresholds": dict.fromkeys(("psi", "w1", "ks", "linf", "tvd"), 1_000)}))
    assert {one["verdict"] for one in logs.replay(paths, "--rules", str(rules))} == {"stable"}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ('{"kk": 1}', "unknown key 'kk' in the rules"),
        ('{"k": 4}', "k must not be more than n"),
        ('{"min_rows": "1"}', "min_rows must be a whole number"),
        ('{"thresholds": {"pis": 1}}', "unknown statistic 'pis'"),
        ('{"thresholds": {"psi": 0}}', "the threshold of psi must be a number above 0"),
        ("[]", "the rules are an object"),
        ("nonsense", "the rules are not JSON"),
    ],
)
def test_rules_that_cannot_be_used_are_refused(tmp_path: Path, rules: str, message: str) -> None:
    logs = Logs(tmp_path, rows=50)
    (tmp_path / "rules.json").write_text(rules)
    with pytest.raises(CommandError, match=message) as refused:
        logs.replay(logs.days(1), "--rules", str(tmp_path / "rules.json"))
    assert refused.value.returncode == 2


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("ts:s:UTC", "the unit was given as s"),
        ("ts:hours:UTC", "unknown unit 'hours'"),
        ("ts:ms:Mars/One", "no time zone 'Mars/One'"),
        ("absent:ms:UTC", "no column 'absent'"),
        (":ms:UTC", "--time is COLUMN:UNIT:ZONE"),
    ],
)
def test_a_time_that_cannot_be_used_is_refused(tmp_path: Path, time: str, message: str) -> None:
    logs = Logs(tmp_path, rows=50)
    with pytest.raises(CommandError, match=message) as refused:
        logs.replay(logs.days(1), time=time)
    assert refused.value.returncode == 2


def test_the_table_is_readable(tmp_path: Path) -> None:
    logs, out = Logs(tmp_path), StringIO()
    given = ("--spec", logs.spec, "--reference", logs.reference, "--time", "ts:ms:UTC", "--window", "day")
    call_command("replay", "--logs", *logs.days(2, unit_change, 1), *given, stdout=out)
    said = out.getvalue()
    assert "2025-10-14 00:00 to 2025-10-15 00:00 -                   1,500  moved" in said
    assert "2 rows: 1 with features that moved, 1 with findings" in said
