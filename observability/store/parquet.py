"""Reading Parquet: only the declared columns, by row groups, in bounded batches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from observability.domain.specs.spec import MAX_NAME_BYTES, Kind, Spec
from observability.store.files import Limits, Source, SourceError, short

BATCH_ROWS: Final = 131_072
BATCH_BYTES: Final = 32 << 20  # of one column
WHOLE_ROWS: Final = 1 << 19  # larger row groups are streamed in batches


@dataclass(frozen=True)
class Batch:
    """Row groups read together, or one large row group to be streamed; `first_row` counts from the file's start."""

    row_groups: tuple[int, ...]
    first_row: int
    rows: int


class ParquetLog:
    """One Parquet file. Safe to share between threads: each gets a reader of its own on the same footer."""

    def __init__(self, source: Source, limits: Limits | None = None, spec: Spec | None = None) -> None:
        self.source, self.limits, self.spec = source, limits or Limits(), spec
        self._local = threading.local()
        with _explained(source):
            with source.open() as file:
                self.metadata = pq.read_metadata(file)
            self.schema = self.metadata.schema.to_arrow_schema()
        if self.metadata.num_rows > self.limits.rows:
            raise SourceError(f"{source.shown}: {self.metadata.num_rows:,} rows, the limit is {self.limits.rows:,}")
        if len(self.schema) > self.limits.columns:
            raise SourceError(f"{source.shown}: {len(self.schema):,} columns, the limit is {self.limits.columns:,}")
        self._leaves = self._find_leaves()

    @property
    def rows(self) -> int:
        return int(self.metadata.num_rows)

    def _find_leaves(self) -> dict[str, list[int]]:
        """Leaf columns of each top-level field; names may hold dots, so paths are matched field by field, in order."""
        leaves: dict[str, list[int]] = {}
        place = 0
        for field in self.schema:
            width = _leaf_count(field.type)
            leaves.setdefault(field.name, []).extend(range(place, place + width))
            place += width
        return leaves

    def require(self, names: Sequence[str]) -> None:
        """Raises for a declared column that is missing, doubled or of a type no fold knows."""
        present = self.schema.names
        counts = Counter(present)
        for name in names:
            if name not in self._leaves:
                near = ", ".join(repr(other[:60]) for other in present[:12])
                raise SourceError(f"{self.source.shown}: no column {name[:100]!r}; it has {near}")
            if counts[name] > 1:
                raise SourceError(f"{self.source.shown}: the column {name[:100]!r} appears twice")
            kind = self.schema.field(name).type
            if pa.types.is_nested(kind) and len(self._leaves[name]) != 1:
                raise SourceError(f"{self.source.shown}: not supported: column {name[:100]!r} of type {kind}")

    @cached_property
    def batch_rows(self) -> int:
        """Rows read together: fewer where a column holds vectors or long texts. Told by the first row group."""
        if not self.metadata.num_row_groups or not self.metadata.row_group(0).num_rows:
            return BATCH_ROWS
        group = self.metadata.row_group(0)
        widest = max((group.column(place).total_uncompressed_size for place in range(group.num_columns)), default=0)
        return int(min(BATCH_ROWS, max(BATCH_BYTES * group.num_rows // max(widest, 1), 1_024)))

    def batches(self) -> list[Batch]:
        """Small row groups together, up to `batch_rows`; the same for every column."""
        found: list[Batch] = []
        pending: list[int] = []
        rows = start = 0
        for index in range(self.metadata.num_row_groups):
            size = self.metadata.row_group(index).num_rows
            if pending and rows + size > self.batch_rows:
                found.append(Batch(tuple(pending), start, rows))
                start, rows, pending = start + rows, 0, []
            pending.append(index)
            rows += size
        if pending:
            found.append(Batch(tuple(pending), start, rows))
        return found

    def read(self, batch: Batch, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        """(first row, one Arrow column per name) for each piece of the batch. Texts of categories stay dictionaries."""
        leaves = [leaf for name in names for leaf in self._leaves[name]]
        coded = self._coded(names)
        with _explained(self.source):
            file = self._reader(coded)
            if batch.rows > max(self.batch_rows, WHOLE_ROWS * self.batch_rows // BATCH_ROWS):
                row = batch.first_row
                pieces = file.reader.iter_batches(self.batch_rows, list(batch.row_groups), leaves, use_threads=False)
                for piece in pieces:
                    yield row, [piece.column(piece.schema.get_field_index(name)) for name in names]
                    row += len(piece)
                return
            table = file.reader.read_row_groups(list(batch.row_groups), column_indices=leaves, use_threads=False)
        yield batch.first_row, [table.column(name) for name in names]

    def _coded(self, names: Sequence[str]) -> frozenset[str]:
        wanted = set()
        for name in names:
            feature = self.spec.by_name.get(name) if self.spec else None
            kind = self.schema.field(name).type
            is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
            if is_text and (feature is None or feature.kind in (Kind.CATEGORY, Kind.CODE, Kind.BOOLEAN)):
                wanted.add(name)
        return frozenset(wanted)

    def _reader(self, coded: frozenset[str]) -> pq.ParquetFile:
        readers: dict[frozenset[str], pq.ParquetFile] = self._local.__dict__.setdefault("readers", {})
        if coded not in readers:
            # Without pre_buffer a column chunk is read when it is decoded: a third less memory, and no slower on disk.
            readers[coded] = pq.ParquetFile(
                self.source.open(),
                metadata=self.metadata,
                pre_buffer=not self.source.is_local,
                read_dictionary=sorted(coded) or None,
            )
        return readers[coded]

    def usable(self) -> list[str]:
        """Columns that a spec can be proposed for."""
        left_out = self.left_out()
        return [name for name in self._leaves if name not in left_out]

    def left_out(self) -> dict[str, str]:
        """Columns that no spec can be proposed for, and why."""
        found: dict[str, str] = {}
        for name, count in Counter(self.schema.names).items():
            if count > 1:
                found[name] = "its name appears twice"
            elif not 1 <= len(name.encode("utf-8", "surrogatepass")) <= MAX_NAME_BYTES:
                found[name] = f"a name must have 1 to {MAX_NAME_BYTES} bytes"
            elif _is_hopeless(self.schema.field(name).type):
                found[name] = f"not supported: {self.schema.field(name).type}"[:120]
        return found

    def sample(self, rows: int, names: Sequence[str] | None = None) -> pa.Table:
        """The first rows of the named columns, by default of all usable ones."""
        usable = self.usable() if names is None else list(names)
        if not self.metadata.num_row_groups:
            return self.schema.empty_table().select(usable)
        pieces, have = [], 0
        leaves = [leaf for name in usable for leaf in self._leaves[name]]
        with _explained(self.source):
            reader = self._reader(frozenset()).reader
            groups = list(range(self.metadata.num_row_groups))
            for piece in reader.iter_batches(min(rows, 16_384), groups, leaves, use_threads=False):
                pieces.append(piece)
                have += len(piece)
                if have >= rows:
                    break
        table = pa.Table.from_batches(pieces) if pieces else self.schema.empty_table()
        return table.select(usable).slice(0, rows)


def _leaf_count(kind: pa.DataType) -> int:
    if not pa.types.is_nested(kind) and not isinstance(kind, pa.ExtensionType):
        return 1
    if isinstance(kind, pa.ExtensionType):
        return _leaf_count(kind.storage_type)
    if pa.types.is_struct(kind):
        return sum(_leaf_count(kind.field(place).type) for place in range(kind.num_fields))
    if pa.types.is_map(kind):
        return _leaf_count(kind.key_type) + _leaf_count(kind.item_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _leaf_count(kind.value_type)
    return 1


def _is_hopeless(kind: pa.DataType) -> bool:
    """Types that no fold knows: structs, maps, lists of anything but numbers, times of day, durations."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))
    return bool(pa.types.is_nested(kind) or pa.types.is_time(kind) or pa.types.is_duration(kind))


class _explained:
    """Turns what Arrow raises on damaged files into one kind of error that names the file."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SourceError) or error is None:
            return
        if isinstance(error, OSError | pa.ArrowException | OverflowError | UnicodeDecodeError | ValueError):
            raise SourceError(f"{self.source.shown}: damaged or not Parquet: {short(error)}") from None
