"""Rows of a public data set as a log that goes on: hour by hour, every hour the same rows whenever it is asked for.

Each hour gets a share of the rows that follows the time of day; rows come in the order of the data set, so that what
changes in it changes over the days. After its last row it begins again.
"""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from observability.management.seed.incidents import Incident, spoiled

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Replay:
    """`table`: the rows in order. `first`: the first hour. `days`: how long one pass lasts. `incidents` spoil some."""

    table: pa.Table
    first: datetime
    days: int
    id_prefix: str
    incidents: Sequence[Incident] = ()

    def hour(self, at: datetime) -> pa.Table:
        """The rows of the hour that begins at `at`, with `event_ts` and `request_id` in front."""
        number = int((at - self.first) / HOUR)
        begin, end = self._place(number), self._place(number + 1)
        count, size = end - begin, self.table.num_rows
        picked = self.table.take(pa.array((np.arange(begin, end) % size).astype(np.int64)))
        rng = np.random.default_rng(number)
        offsets = np.sort(rng.integers(0, 3_600_000_000, count))
        stamps = pa.array(int(at.timestamp()) * 1_000_000 + offsets, pa.timestamp("us", tz="UTC"))
        ids = pa.array([f"{self.id_prefix}-{number}-{place}" for place in range(count)])
        made = picked.add_column(0, "request_id", ids).add_column(0, "event_ts", stamps)
        return spoiled(made, self.incidents, self.first, at, number)

    def _place(self, number: int) -> int:
        """How many rows came before an hour: a smooth daily wave, integrated, so that hours join without gaps."""
        a_day = self.table.num_rows / self.days
        hour = number + self.first.hour
        wave: float = number / 24 + 0.6 / (2 * math.pi) * (_cosine(self.first.hour) - _cosine(hour))
        return max(int(a_day * wave), 0)


def _cosine(hour: float) -> float:
    return math.cos(2 * math.pi * (hour - 9) / 24)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How objects are named and written. `template` is the part of a location below its folder."""

    template: str
    step: timedelta
    write: Callable[[pa.Table, Path], None]

    def name(self, at: datetime) -> str:
        text = self.template
        for field, value in (("yyyy", f"{at:%Y}"), ("mm", f"{at:%m}"), ("dd", f"{at:%d}"), ("hh", f"{at:%H}")):
            text = text.replace(f"{{{field}}}", value)
        return text.replace("*", "part-00000")


def parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def json_lines(table: pa.Table, path: Path) -> None:
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=5) as out:
        for row in table.to_pylist():
            out.write(json.dumps(row, default=lambda value: value.isoformat()) + "\n")


def write_until(replay: Replay, layout: Layout, folder: Path, now: datetime) -> Iterator[Path]:
    """Objects of all hours or days that have ended by `now` and are not there yet, oldest first."""
    at = replay.first
    while at + layout.step <= now:
        path = folder / layout.name(at)
        if not path.exists():
            hours = [replay.hour(at + n * HOUR) for n in range(int(layout.step / HOUR))]
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.partial")
            layout.write(pa.concat_tables(hours), partial)
            os.replace(partial, path)
            yield path
        at += layout.step


def first_hour(folder: Path, now: datetime, days: int) -> datetime:
    """The midnight at which this replay began, kept in the folder: every run goes on where the last one was."""
    kept = folder / ".began"
    if kept.exists():
        return datetime.fromisoformat(kept.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    begins = (now - timedelta(days=days)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    kept.write_text(begins.isoformat())
    return begins
