"""JSONL and CSV as columns: parsed once into a temporary Arrow file, read from there by any number of threads.

Text cannot be read by column or from the middle. Staging keeps memory flat and makes both formats look like Parquet to
the engines; the file has no name from the moment it is mapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, Protocol

import pyarrow as pa

from observability.domain.fold.windows import Keys
from observability.domain.specs.spec import Spec
from observability.domain.specs.texts import BadValue
from observability.store.delimited import header_and_rows
from observability.store.files import Limits, Source, SourceError
from observability.store.jsonl import records
from observability.store.parquet import Batch
from observability.store.staging import nameless_file
from observability.store.values import Convert, converter, time_key, word

STAGED_ROWS: Final = 65_536


class BadCounter(Protocol):
    def add(self, source: Source, row: int, reason: str) -> None: ...


class StagedLog:
    """The declared columns of one text log."""

    def __init__(self, source: Source, spec: Spec, keys: Keys, limits: Limits, bad: BadCounter) -> None:
        self.source, self.limits, self.bad = source, limits, bad
        self._columns = _plan(spec, keys, is_text=source.format == "csv")
        self._batches: list[Batch] = []
        with nameless_file() as self._path:
            self._stage()
            self._file = pa.ipc.open_file(pa.memory_map(self._path))

    @property
    def rows(self) -> int:
        return sum(batch.rows for batch in self._batches)

    def require(self, names: Sequence[str]) -> None:
        """Columns were checked while staging; only names that were never declared are left to refuse."""
        for name in names:
            if name not in self._columns:
                raise SourceError(f"{self.source.shown}: no column {name[:100]!r}")

    def batches(self) -> list[Batch]:
        return self._batches

    def read(self, batch: Batch, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        found = self._file.get_batch(batch.row_groups[0])
        yield batch.first_row, [found.column(found.schema.get_field_index(name)) for name in names]

    def _stage(self) -> None:
        schema = pa.schema([(name, kind) for name, (_, kind) in self._columns.items()])
        seen: set[str] = set()
        with pa.OSFile(self._path, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            pending: list[list[Any]] = []
            for row in self._rows(seen):
                pending.append(row)
                if len(pending) == STAGED_ROWS:
                    self._write(writer, schema, pending)
                    pending = []
            if pending:
                self._write(writer, schema, pending)
        missing = [name for name in self._columns if name not in seen]
        if missing and self._batches:
            raise SourceError(f"{self.source.shown}: no column {missing[0][:100]!r} in any row")

    def _write(self, writer: Any, schema: pa.Schema, rows: list[list[Any]]) -> None:
        columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)]
        first = self.rows
        if first + len(rows) > self.limits.rows:
            raise SourceError(f"{self.source.shown}: more rows than the limit of {self.limits.rows:,}")
        writer.write_batch(pa.record_batch(columns, schema=schema))
        self._batches.append(Batch((len(self._batches),), first, len(rows)))

    def _rows(self, seen: set[str]) -> Iterator[list[Any]]:
        if self.source.format == "jsonl":
            for number, found in records(self.source, self.limits):
                if isinstance(found, str):
                    self.bad.add(self.source, number, found)
                    continue
                if len(seen) < len(self._columns):
                    seen.update(name for name in self._columns if name in found)
                row = self._convert(number, [found.get(name) for name in self._columns])
                if row is not None:
                    yield row
            return
        names, lines = header_and_rows(self.source, self.limits)
        place = {name: index for index, name in enumerate(names)}
        for name in self._columns:
            if name not in place:
                near = ", ".join(repr(other[:60]) for other in names[:12])
                raise SourceError(f"{self.source.shown}: no column {name[:100]!r} in the header; it has {near}")
        seen.update(self._columns)
        places = [place[name] for name in self._columns]
        for number, cells in lines:
            if isinstance(cells, str):
                self.bad.add(self.source, number, cells)
                continue
            row = self._convert(number, [cells[index] or None for index in places])  # an empty cell is null
            if row is not None:
                yield row

    def _convert(self, number: int, values: list[Any]) -> list[Any] | None:
        row: list[Any] = []
        for value, (name, (convert, _)) in zip(values, self._columns.items(), strict=True):
            if value is None:
                row.append(None)
                continue
            try:
                if isinstance(value, str) and len(value) > self.limits.cell_bytes:
                    raise BadValue(f"longer than {self.limits.cell_bytes:,} characters")
                row.append(convert(value))
            except BadValue as error:
                self.bad.add(self.source, number, f"column {name[:60]!r}: {error}")
                return None
        return row


def _plan(spec: Spec, keys: Keys, *, is_text: bool) -> dict[str, tuple[Convert, pa.DataType]]:
    """Converter and type per column. A key column that is also a feature is read as the feature."""
    found: dict[str, tuple[Convert, pa.DataType]] = {}
    for feature in spec:
        try:
            found[feature.name] = converter(feature, is_text=is_text)
        except BadValue as error:
            raise SourceError(f"column {feature.name!r}: {error}") from None
    if keys.time and (keys.time not in found or not pa.types.is_timestamp(found[keys.time][1])):
        found[keys.time] = (partial(time_key, unit=keys.unit), pa.timestamp("us"))
    if keys.version:
        found.setdefault(keys.version, (word, pa.string()))
    return found
