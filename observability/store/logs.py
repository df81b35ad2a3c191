"""One door to all formats of logs: batches of declared columns, and the rows that could not be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import pyarrow as pa

from observability.domain.fold.windows import Keys
from observability.domain.specs.spec import Spec
from observability.store.files import Limits, Source, SourceError
from observability.store.parquet import Batch, ParquetLog
from observability.store.samples import Sample, sample_text
from observability.store.staged import StagedLog
from observability.store.starts import check_start

EXAMPLES: Final = 20


@dataclass(frozen=True, order=True)
class BadRow:
    """One row that could not be read: its number counts from 1, the reason names the column but never shows values."""

    source: str
    row: int
    reason: str


@dataclass(eq=False)
class BadRows:
    """Counts all, keeps the first 20 of each source's rows. Shared by threads."""

    count: int = 0
    is_counting: bool = True
    _kept: list[BadRow] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, source: Source, row: int, reason: str) -> None:
        self.add_many(source, [row], reason)

    def add_many(self, source: Source, rows: Sequence[int], reason: str) -> None:
        if not self.is_counting:
            return
        with self._lock:
            self.count += len(rows)
            self._kept += [BadRow(source.shown, row, reason) for row in rows[:EXAMPLES]]
            if len(self._kept) > 50 * EXAMPLES:
                self._kept = sorted(self._kept)[:EXAMPLES]

    @property
    def examples(self) -> list[BadRow]:
        """The first 20 by source and row."""
        with self._lock:
            return sorted(self._kept)[:EXAMPLES]

    def note(self) -> dict[str, Any]:
        examples = [{"source": bad.source, "row": bad.row, "reason": bad.reason} for bad in self.examples]
        return {"bad_rows": self.count, "bad_examples": examples}


class Log(Protocol):
    """A readable log. `read` may be called from several threads, with the same batches for every choice of columns."""

    source: Source

    def require(self, names: Sequence[str]) -> None: ...

    def batches(self) -> list[Batch]: ...

    def read(self, batch: Batch, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]: ...


def open_log(source: Source, spec: Spec, limits: Limits, bad: BadRows, keys: Keys | None = None) -> Log:
    """The reader for the source's format. Text formats are parsed here, so bad rows are known afterwards."""
    if source.format == "parquet":
        return ParquetLog(source, limits, spec, bad, keys)
    if source.format in ("jsonl", "csv"):
        check_start(source, limits)
        return StagedLog(source, spec, keys or Keys(), limits, bad)
    raise SourceError(f"{source.shown}: {source.format} is not a log")


def sample_log(source: Source, limits: Limits, rows: int) -> pa.Table:
    """The first rows of every column that a spec can be proposed for."""
    return sample_of(source, limits, rows).table


def sample_of(source: Source, limits: Limits, rows: int) -> Sample:
    """The first rows, and what is left out of them. Raises SourceError for what is no log."""
    if source.format == "parquet":
        log = ParquetLog(source, limits)
        return Sample(log.sample(rows), log.left_out(), log.rows)
    if source.format in ("jsonl", "csv"):
        check_start(source, limits)
        return sample_text(source, limits, rows)
    raise SourceError(f"{source.shown}: {source.format} is not a log")
