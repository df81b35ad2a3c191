"""manage.py replay: planted incidents are found in their first full window, and clean days stay quiet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from observability.tests.incidents import HOUR, Change, Columns, Logs

DAYS, SINCE = 8, 5


def unit_change(found: Columns, at: np.ndarray, rng: np.random.Generator) -> Columns:
    return found | {"price": found["price"] * 1_000}


def null_burst(found: Columns, at: np.ndarray, rng: np.random.Generator) -> Columns:
    return found | {"age": [None if gone else int(age) for age, gone in zip(found["age"], rng.random(len(at)) < 0.3)]}


def rename_category(found: Columns, at: np.ndarray, rng: np.random.Generator) -> Columns:
    return found | {"city": np.where(found["city"] == "city0", "City 0", found["city"])}


def stale(found: Columns, at: np.ndarray, rng: np.random.Generator) -> Columns:
    return found | {"score": np.full(len(at), 0.0713)}


def one_version(found: Columns, at: np.ndarray, rng: np.random.Generator) -> Columns:
    return found | {"age": np.where(found["version"] == "v2", 0, found["age"])}


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
    found = logs.replay(logs.days(DAYS, change))
    assert [one["verdict"] for one in found] == ["stable"] * SINCE + ["moved", "drift", "drift"]
    for one in found[SINCE:]:
        assert one["features"][0]["name"] == feature
        assert finding in {said["name"] for said in one["findings"] if said["feature"] == feature}
    assert [one["findings"] for one in found[:SINCE]] == [[]] * SINCE
