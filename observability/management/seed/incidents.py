"""What goes wrong in the demo's logs, on known days, and the change that is told of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Change = Callable[[pa.Table, np.random.Generator], pa.Table]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """`hours` from an hour of a day on, the day counted from the log's first midnight; None: it goes on.

    `kind` and `title` are of the change event that tells of it. Objects of a whole day need incidents of whole days:
    a column has one type in a file.
    """

    day: int
    hour: int = 0
    hours: int | None
    kind: str
    title: str
    change: Change

    def starts(self, first: datetime) -> datetime:
        return first + timedelta(days=self.day, hours=self.hour)

    def covers(self, first: datetime, at: datetime) -> bool:
        """Whether the hour that begins at `at` is part of it."""
        start = self.starts(first)
        return start <= at and (self.hours is None or at < start + timedelta(hours=self.hours))


def spoiled(table: pa.Table, incidents: Sequence[Incident], first: datetime, at: datetime, seed: int) -> pa.Table:
    """The rows of the hour at `at` as they were logged."""
    rng = np.random.default_rng([seed, 1])
    for incident in incidents:
        if table.num_rows and incident.covers(first, at):
            table = incident.change(table, rng)
    return table


def times(column: str, factor: float) -> Change:
    """Another unit."""
    return lambda table, rng: _with(table, column, pc.multiply(table[column], factor))


def plus(column: str, number: int, *, version: str) -> Change:
    """One version of the model logs another number, such as places from 0 instead of from 1."""

    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        is_it = pc.equal(table["model_version"], version)
        return _with(table, column, pc.if_else(is_it, pc.add(table[column], number), table[column]))

    return change


def nulls(column: str, share: float) -> Change:
    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        gone = pa.array(rng.random(table.num_rows) < share)
        return _with(table, column, pc.if_else(gone, pa.scalar(None, table.schema.field(column).type), table[column]))

    return change


def renamed(column: str, old: str, new: str) -> Change:
    return lambda table, rng: _with(
        table, column, pc.if_else(pc.equal(table[column], old), pa.scalar(new), table[column])
    )


def stuck(column: str, value: str) -> Change:
    """The same value in every row."""
    return lambda table, rng: _with(table, column, pa.array([value] * table.num_rows, table.schema.field(column).type))


def twice() -> Change:
    """Every row delivered two times, ids included."""
    return lambda table, rng: pa.concat_tables([table, table])


def late(by: timedelta) -> Change:
    """Rows that got their time when they arrived."""
    return lambda table, rng: _with(table, "event_ts", pc.add(table["event_ts"], pa.scalar(by, pa.duration("us"))))


def as_text(column: str, suffix: str) -> Change:
    """Numbers written as words."""

    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        words = [None if value is None else f"{value:g}{suffix}" for value in table[column].to_pylist()]
        return _with(table, column, pa.array(words, pa.string()))

    return change


def _with(table: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(column), column, values)
