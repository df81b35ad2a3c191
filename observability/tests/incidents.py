"""Small prediction logs of several days with one planted incident, on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.core.management import call_command

from observability.domain.propose.propose import propose
from observability.domain.specs.spec import Spec

MONDAY = 1_759_708_800  # 2025-10-06 00:00 UTC
DAY, HOUR = 86_400, 3_600
Columns = dict[str, Any]
Change = Callable[[Columns, np.random.Generator], Columns]


def columns(rows: int, start: int, length: int, rng: np.random.Generator) -> Columns:
    """Rows of a model's log, evenly over the time."""
    cities = np.array([f"city{number}" for number in range(12)])
    return {
        "ts": np.sort(start + rng.integers(0, length, rows)) * 1_000,
        "version": np.where(rng.random(rows) < 0.5, "v1", "v2"),
        "prediction_id": rng.integers(10**14, 10**15, rows),
        "price": rng.lognormal(3, 1, rows),
        "age": rng.integers(18, 80, rows),
        "city": cities[np.minimum(rng.geometric(0.25, rows) - 1, 11)],
        "clicked": rng.random(rows) < 0.1,
        "score": rng.beta(2, 20, rows),
    }


def write(path: Path, found: Mapping[str, Any] | pa.Table) -> str:
    pq.write_table(found if isinstance(found, pa.Table) else pa.table(dict(found)), path)
    return str(path)


def spec_file(folder: Path, reference: str, *keys: str) -> str:
    proposed = propose(pq.read_table(reference))
    spec = Spec(tuple(one for one in proposed if one.name not in (*keys, "ts", "version")))
    (folder / "spec.json").write_bytes(spec.dumps())
    return str(folder / "spec.json")


def replayed(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("replay", *arguments, "--json", stdout=out, stderr=StringIO())
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


class Logs:
    """A reference of some days and a log of daily files after it."""

    def __init__(self, folder: Path, *, reference_days: int = 7, rows: int = 1_500, seed: int = 0) -> None:
        self.folder, self.rows, self.rng = folder, rows, np.random.default_rng(seed)
        self.start = MONDAY + reference_days * DAY
        first = columns(rows * reference_days, MONDAY, reference_days * DAY, self.rng)
        self.reference = write(folder / "reference.parquet", first)
        self.spec = spec_file(folder, self.reference)

    def days(self, days: int, change: Change | None = None, since: int = 5, until: int = 99) -> list[str]:
        """One file a day; the change is made to those from `since` on, and before `until`."""
        paths = []
        for day in range(days):
            found = columns(self.rows, self.start + day * DAY, DAY, self.rng)
            if change is not None and since <= day < until:
                found = change(found, self.rng)
            paths.append(write(self.folder / f"day{day:02}.parquet", found))
        return paths

    def replay(
        self, paths: list[str], *more: str, window: str = "day", time: str = "ts:ms:UTC"
    ) -> list[dict[str, Any]]:
        given = ("--spec", self.spec, "--reference", self.reference, "--logs", *paths)
        return replayed(*given, "--time", time, "--window", window, *more)
