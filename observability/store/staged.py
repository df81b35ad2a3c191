"""JSONL and CSV as columns: parsed once into memory or a temporary Arrow file, read from there by all threads.

Text cannot be read by column or from the middle. Staging keeps memory flat and makes both formats look like Parquet to
the engines; the file has no name from the moment it is mapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final, Protocol

import pyarrow as pa

from observability.domain.fold.windows import Keys
from observability.domain.specs.spec import Spec
from observability.domain.specs.texts import BadValue
from observability.store.delimited import CellBlocks
from observability.store.files import Limits, Source, SourceError
from observability.store.jsonl import ObjectBlocks
from observability.store.parquet import Batch
from observability.store.spans import Part
from observability.store.staging import nameless_file
from observability.store.values import Convert, converter, time_key, word

STAGED_ROWS: Final = 65_536
HELD_BYTES: Final = 128 << 20  # more than this is written to a file: memory stays flat


class BadCounter(Protocol):
    def add(self, source: Source, row: int, reason: str) -> None: ...


class StagedLog:
    """The declared columns of one text log."""

    def __init__(self, source: Source, spec: Spec, keys: Keys, limits: Limits, bad: BadCounter) -> None:
        self.source, self.limits, self.bad = source, limits, bad
        self._columns = _plan(spec, keys, is_text=source.format == "csv")
        self._batches: list[Batch] = []
        self._pieces = 0
        self._rows = 0
        self._seen: set[str] = set()
        self._held: list[pa.RecordBatch] = []  # while they are few; then all are in the file
        self._held_bytes = 0
        with ExitStack() as stack:
            self._stage(stack)

    @property
    def rows(self) -> int:
        return self._rows

    def require(self, names: Sequence[str]) -> None:
        """Columns were checked while staging; only names that were never declared are left to refuse."""
        for name in names:
            if name not in self._columns:
                raise SourceError(f"{self.source.shown}: no column {name[:100]!r}")

    def batches(self) -> list[Batch]:
        return self._batches

    def read(self, batch: Batch, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        pieces = [self._held[one] if self._held else self._file.get_batch(one) for one in batch.row_groups]
        places = [pieces[0].schema.get_field_index(name) for name in names]
        yield batch.first_row, [pa.chunked_array([piece.column(place) for piece in pieces]) for place in places]

    def _stage(self, stack: ExitStack) -> None:
        schema = pa.schema([(name, kind) for name, (_, kind) in self._columns.items()])
        plan = list(self._columns.values())
        writer: Any = None
        for part in self._parts():
            piece = pa.record_batch(part.convert(plan, self._convert), schema=schema)
            if not self._count(len(piece)):
                continue
            self._held.append(piece)
            self._held_bytes += piece.nbytes
            if writer is None and self._held_bytes > HELD_BYTES:
                writer = self._open_file(stack, schema)
            if writer is not None:
                for one in self._held:
                    writer.write_batch(one)
                self._held.clear()
        if writer is not None:
            writer.close()
            self._file = pa.ipc.open_file(pa.memory_map(self._path))
        missing = [name for name in self._columns if name not in self._seen]
        if missing and self._batches:
            raise SourceError(f"{self.source.shown}: no column {missing[0][:100]!r} in any row")

    def _open_file(self, stack: ExitStack, schema: pa.Schema) -> Any:
        """The mapping keeps the content until the log is gone; no name is left behind."""
        self._path = stack.enter_context(nameless_file())
        sink = stack.enter_context(pa.OSFile(self._path, "wb"))
        return stack.enter_context(pa.ipc.new_file(sink, schema))

    def _count(self, rows: int) -> bool:
        """Take note of a piece, which is a block of text; pieces are folded together up to STAGED_ROWS."""
        first = self.rows
        if first + rows > self.limits.rows:
            raise SourceError(f"{self.source.shown}: more rows than the limit of {self.limits.rows:,}")
        if not rows:
            return False
        self._rows += rows
        number = self._pieces
        self._pieces += 1
        last = self._batches[-1] if self._batches else None
        if last is not None and last.rows + rows <= STAGED_ROWS:
            self._batches[-1] = Batch((*last.row_groups, number), last.first_row, last.rows + rows)
        else:
            self._batches.append(Batch((number,), first, rows))
        return True

    def _parts(self) -> Iterator[Part]:
        names = list(self._columns)
        if self.source.format == "jsonl":
            objects = ObjectBlocks(self.source, self.limits, names, self._report)
            self._seen = objects.seen
            yield from objects.parts()
            return
        cells = CellBlocks(self.source, self.limits)
        present = set(cells.names)
        for name in names:
            if name not in present:
                near = ", ".join(repr(other[:60]) for other in cells.names[:12])
                raise SourceError(f"{self.source.shown}: no column {name[:100]!r} in the header; it has {near}")
        self._seen.update(names)
        yield from cells.parts(names, self._report)

    def _report(self, number: int, reason: str) -> None:
        self.bad.add(self.source, number, reason)

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
                self._report(number, f"column {name[:60]!r}: {error}")
                return None
        return row


def _plan(spec: Spec, keys: Keys, *, is_text: bool) -> dict[str, tuple[Convert, pa.DataType]]:
    """Converter and type per column. A key column that is also a feature is read as the feature."""
    found: dict[str, tuple[Convert, pa.DataType]] = {}
    for feature in spec:
        try:
            zone = keys.wall if feature.name == keys.time else ""
            found[feature.name] = converter(feature, is_text=is_text, zone=zone)
        except BadValue as error:
            raise SourceError(f"column {feature.name!r}: {error}") from None
    if keys.time and (keys.time not in found or not pa.types.is_timestamp(found[keys.time][1])):
        # The loops of text know `time_key` itself; any other converter is asked once for each distinct value.
        read = partial(time_key, unit=keys.unit, zone=keys.wall) if keys.unit or keys.wall else time_key
        found[keys.time] = (read, pa.timestamp("us", "UTC" if keys.wall else None))
    if keys.version:
        found.setdefault(keys.version, (word, pa.string()))
    return found
