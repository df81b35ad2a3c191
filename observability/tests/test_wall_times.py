"""Times that name no zone are of the zone that the source declares, in every format; those that name one are not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from observability.domain.fold.windows import Keys, Window
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.engines.base import Options
from observability.engines.masked import MaskedFold, Secrecy
from observability.store.files import open_source

SPEC = Spec((FeatureSpec(name="score", kind=Kind.NUMERIC),))
WITH_TIME = Spec((*SPEC, FeatureSpec(name="at", kind=Kind.TIMESTAMP, time_unit="us")))
BERLIN = Keys(Window.HOUR, "at", wall="Europe/Berlin")
# 12:30 on the walls of Berlin in winter is 11:30 UTC, and in summer 10:30.
WALL = ["2026-01-10 12:30:00", "2026-07-10T12:30:00", "2026/07/10 12:30"]
NAMED = [
    "2026-01-10T12:30:00Z",
    "2026-01-10 12:30:00+02:00",
    str(int(datetime(2026, 1, 10, 12, tzinfo=UTC).timestamp())),
]
ROWS = {"2026-01-10 10": 1, "2026-01-10 11": 1, "2026-01-10 12": 2, "2026-07-10 10": 2}


def csv(folder: Path, times: list[str]) -> Path:
    path = folder / "log.csv"
    path.write_text("at,score\n" + "".join(f"{time},0.5\n" for time in times))
    return path


def jsonl(folder: Path, times: list[str]) -> Path:
    path = folder / "log.jsonl"
    told = [int(time) if time.isdecimal() else time for time in times]
    path.write_text("".join(json.dumps({"at": time, "score": 0.5}) + "\n" for time in told))
    return path


def parquet(folder: Path, times: list[str]) -> Path:
    path = folder / "log.parquet"
    pq.write_table(pa.table({"at": times, "score": [0.5] * len(times)}), path)
    return path


def starts(path: Path, keys: Keys, spec: Spec = SPEC) -> dict[str, int]:
    made = MaskedFold(spec, Options(keys=keys), secrecy=Secrecy()).run([open_source(str(path))])
    found: dict[str, int] = {}
    for cell, states in made.states.items():
        hour = datetime.fromtimestamp(cell.window or 0, UTC).strftime("%Y-%m-%d %H")
        found[hour] = found.get(hour, 0) + states["score"].rows
    return found


@pytest.mark.parametrize("write", [csv, jsonl, parquet])
@pytest.mark.parametrize("spec", [SPEC, WITH_TIME], ids=["beside", "counted too"])
def test_texts_without_a_zone_are_of_the_declared_one(write, spec: Spec, tmp_path: Path) -> None:
    times = WALL + [time for time in NAMED if not (spec is WITH_TIME and time.isdecimal())]
    expected = dict(ROWS)
    if spec is WITH_TIME:  # as a feature a number is of the feature's own unit
        expected["2026-01-10 12"] -= 1
    assert starts(write(tmp_path, times), BERLIN, spec) == expected


def test_without_a_declared_zone_they_are_utc(tmp_path: Path) -> None:
    assert starts(csv(tmp_path, WALL), Keys(Window.HOUR, "at")) == {"2026-01-10 12": 1, "2026-07-10 12": 2}


def test_parquet_times_without_a_zone_are_of_the_declared_one(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    at = pa.array([datetime(2026, 7, 10, 12, 30, tzinfo=UTC)], pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    pq.write_table(pa.table({"at": at, "score": [0.5]}), path)
    assert starts(path, BERLIN) == {"2026-07-10 10": 1}
