"""Files that come, grow, are replaced, delivered again and taken away, and what a count by hand says of them."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

HOUR: Final = 3_600
COUNTRIES: Final = ("de", "fr", "nl", "pt", None)
Row = tuple[int, str, float | None, str | None]  # at, version, score, country


@dataclass(eq=False)
class Tally:
    """Of one window and version, counted one row after the other."""

    rows: int = 0
    nulls: int = 0
    low: float | None = None
    high: float | None = None
    countries: Counter[str] = field(default_factory=Counter)
    nowhere: int = 0

    def add(self, row: Row) -> None:
        _, _, score, country = row
        self.rows += 1
        if score is None:
            self.nulls += 1
        else:
            self.low = score if self.low is None else min(self.low, score)
            self.high = score if self.high is None else max(self.high, score)
        if country is None:
            self.nowhere += 1
        else:
            self.countries[country] += 1


@dataclass(eq=False)
class Files:
    """A folder of logs, with every row of it kept here as well."""

    folder: Path
    random: random.Random
    now: int
    rows: dict[str, list[Row]] = field(default_factory=dict)
    sizes: dict[tuple[str, int], int] = field(default_factory=dict)  # rows of each size a growing file ever had
    writes: Counter[str] = field(default_factory=Counter)
    made: int = 0

    def step(self) -> None:
        """One random thing happens to the folder."""
        kinds = ["new", "new", "grow", "replace", "again", "remove"]
        kind = self.random.choice(kinds) if self.rows else "new"
        name = self.random.choice(sorted(self.rows)) if self.rows else ""
        is_growing = name.endswith(".jsonl")
        if kind == "new":
            self.made += 1
            ending = self.random.choice(("parquet", "parquet", "jsonl"))
            self.write(f"part-{self.made:04d}.{ending}", self.some_rows(self.random.randint(1, 300)))
        elif kind == "grow" and is_growing:
            self.grow(name)
        elif kind == "replace" or kind == "grow":
            self.write(name, self.some_rows(self.random.randint(1, 300)))
        elif kind == "again":
            self.write(name, self.rows[name])
        elif kind == "remove":
            (self.folder / name).unlink()
            del self.rows[name]

    def write(self, name: str, rows: list[Row]) -> None:
        """A whole new content, under the name at once."""
        aside = self.folder.parent / f"aside-{name}"
        if name.endswith(".jsonl"):
            aside.write_text("".join(_line(row) for row in rows))
            self.sizes[name, aside.stat().st_size] = len(rows)
        else:
            columns = list(zip(*rows, strict=True))
            table = pa.table(
                {
                    "at": pa.array([at * 1_000_000 for at in columns[0]]).cast(pa.timestamp("us")),
                    "version": pa.array(columns[1]),
                    "score": pa.array(columns[2], pa.float64()),
                    "country": pa.array(columns[3], pa.string()),
                }
            )
            pq.write_table(table, aside)
        os.replace(aside, self.folder / name)
        self.rows[name] = list(rows)
        self.writes[name] += 1

    def grow(self, name: str) -> None:
        """A few more lines at the end."""
        more = self.some_rows(self.random.randint(1, 5))
        with (self.folder / name).open("a") as file:
            file.write("".join(_line(row) for row in more))
        self.rows[name] = self.rows[name] + more
        self.sizes[name, (self.folder / name).stat().st_size] = len(self.rows[name])
        self.writes[name] += 1

    def some_rows(self, count: int) -> list[Row]:
        hour = self.now // HOUR - self.random.randint(0, 5)
        found: list[Row] = []
        for _ in range(count):
            early = self.random.random() < 0.1
            at = (hour - early) * HOUR + self.random.randint(0, HOUR - 1)
            score = None if self.random.random() < 0.1 else self.random.randint(-1000, 1000) / 64
            found.append((at, self.random.choice(("v1", "v2")), score, self.random.choice(COUNTRIES)))
        return found

    def tallies(self) -> dict[tuple[str, int], Tally]:
        """What a pass over all files would count, by version and start of the hour."""
        found: dict[tuple[str, int], Tally] = {}
        for rows in self.rows.values():
            for row in rows:
                found.setdefault((row[1], row[0] // HOUR * HOUR), Tally()).add(row)
        return found


def _line(row: Row) -> str:
    at, version, score, country = row
    told = datetime.fromtimestamp(at, UTC).isoformat()
    return json.dumps({"at": told, "version": version, "score": score, "country": country}) + "\n"
