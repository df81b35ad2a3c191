"""Rows of a data set as a log that goes on: the same whenever they are asked for, and none twice in a pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from observability.management.seed.data_sets import PLANS, wheel_of
from observability.management.seed.replaying import HOUR, Layout, Replay, first_hour, parquet, write_until

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
TABLE = pa.table({"x": list(range(5_000))})
REPLAY = Replay(table=TABLE, first=FIRST, days=10, id_prefix="x")
LAYOUT = Layout(template="dt={yyyy}-{mm}-{dd}/hh={hh}/*.parquet", step=HOUR, write=parquet)


def test_hours_together_are_the_rows_in_order_each_once() -> None:
    hours = [REPLAY.hour(FIRST + n * HOUR) for n in range(240)]
    assert [x for hour in hours for x in hour["x"].to_pylist()] == list(range(5_000))


def test_after_its_last_row_it_begins_again() -> None:
    assert REPLAY.hour(FIRST + 240 * HOUR)["x"][0].as_py() == 0


def test_an_hour_is_the_same_whenever_it_is_asked_for() -> None:
    at = FIRST + 77 * HOUR
    assert REPLAY.hour(at).equals(REPLAY.hour(at))


def test_times_lie_in_their_hour_and_ids_are_distinct() -> None:
    at = FIRST + 30 * HOUR
    hour = REPLAY.hour(at)
    assert all(at <= stamp.as_py() < at + HOUR for stamp in hour["event_ts"])
    assert len(set(hour["request_id"].to_pylist())) == hour.num_rows


def test_afternoons_have_more_rows_than_nights() -> None:
    rows = [REPLAY.hour(FIRST + n * HOUR).num_rows for n in range(24)]
    assert rows[15] > 2 * rows[3] > 0


def test_only_hours_that_have_ended_are_written_and_none_again(tmp_path: Path) -> None:
    now = FIRST + timedelta(hours=3, minutes=30)
    made = list(write_until(REPLAY, LAYOUT, tmp_path, now))
    assert [str(path.relative_to(tmp_path)) for path in made] == [
        f"dt=2026-11-01/hh={hour:02d}/part-00000.parquet" for hour in range(3)
    ]
    assert pq.read_table(made[1]).num_rows == REPLAY.hour(FIRST + HOUR).num_rows
    assert list(write_until(REPLAY, LAYOUT, tmp_path, now)) == []
    assert len(list(write_until(REPLAY, LAYOUT, tmp_path, now + HOUR))) == 1
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".partial")]


def test_a_later_run_goes_on_where_the_first_began(tmp_path: Path) -> None:
    first = first_hour(tmp_path / "log", FIRST + timedelta(days=30, hours=5), 30)
    assert first == FIRST
    assert first_hour(tmp_path / "log", FIRST + timedelta(days=45), 30) == FIRST


def test_a_package_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert wheel_of(tmp_path, "nannyml") is None
    (tmp_path / "obp-0.4.1-py3-none-any.whl").touch()
    assert wheel_of(tmp_path, "obp") == tmp_path / "obp-0.4.1-py3-none-any.whl"
    assert {plan.package for plan in PLANS} == {"nannyml", "obp"}
