"""Reading Parquet: only the declared columns, by row groups, in bounded batches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from observability.domain.fold.columns import plain
from observability.domain.fold.windows import NO_TIME, Keys, epoch_seconds
from observability.domain.specs.spec import MAX_NAME_BYTES, FeatureSpec, Kind, Spec
from observability.store.dressed import TOO_FAR, Undress, far_times, undress_for
from observability.store.files import Limits, Source, SourceError, short

BATCH_ROWS: Final = 131_072
UNNAMED: Final = "(unnamed)"
BATCH_BYTES: Final = 32 << 20  # of one column
WHOLE_ROWS: Final = 1 << 19  # larger row groups are streamed in batches


class BadCounter(Protocol):
    def add_many(self, source: Source, rows: Sequence[int], reason: str) -> None: ...


@dataclass(frozen=True)
class Batch:
    """Row groups read together, or one large row group to be streamed; `first_row` counts from the file's start."""

    row_groups: tuple[int, ...]
    first_row: int
    rows: int


class ParquetLog:
    """One Parquet file. Safe to share between threads: each gets a reader of its own on the same footer."""

    def __init__(
        self,
        source: Source,
        limits: Limits | None = None,
        spec: Spec | None = None,
        bad: BadCounter | None = None,
        keys: Keys | None = None,
    ) -> None:
        self.source, self.limits, self.spec = source, limits or Limits(), spec
        self._bad, self._keys = bad, keys or Keys()
        self._local, self._lock = threading.local(), threading.Lock()
        self._good: dict[int, NDArray[np.bool_] | None] = {}
        self._reasons: dict[str, list[int]] = {}  # of the batch that is looked through
        with _explained(source):
            with source.open() as file:
                self.metadata = pq.read_metadata(file)
            self.schema = self.metadata.schema.to_arrow_schema()
        if self.metadata.num_rows > self.limits.rows:
            raise SourceError(f"{source.shown}: {self.metadata.num_rows:,} rows, the limit is {self.limits.rows:,}")
        if len(self.schema) > self.limits.columns:
            raise SourceError(f"{source.shown}: {len(self.schema):,} columns, the limit is {self.limits.columns:,}")
        self._leaves = self._find_leaves()
        self._int96 = self._find_int96()
        self._undress = self._find_undress()

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

    def _find_int96(self) -> list[str]:
        """Columns of the old type for times, whose range is far beyond that of nanoseconds."""
        leaves = self.metadata.schema
        kinds = {leaves.column(place).physical_type for place in range(len(leaves))}
        if "INT96" not in kinds:
            return []
        one = {name: places[0] for name, places in self._leaves.items() if len(places) == 1}
        return [name for name, place in one.items() if leaves.column(place).physical_type == "INT96"]

    def _find_undress(self) -> dict[str, Undress]:
        """Declared columns that are converted before they are folded."""
        declared: dict[str, FeatureSpec | None] = dict.fromkeys(self._keys.columns)
        declared |= self.spec.by_name if self.spec else {}
        found: dict[str, Undress] = {}
        for name, feature in declared.items():
            places = self.schema.get_all_field_indices(name)
            if len(places) == 1:
                undress = undress_for(self.schema.field(places[0]).type, feature, name, self._keys)
                if undress is not None:
                    found[name] = undress
        return found

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
        """(first row, one Arrow column per name) for each piece of the batch. Texts of categories stay dictionaries.

        Rows that do not fit are left out of each column and counted as bad; pieces are numbered without them.
        """
        good = self._good_rows(batch)
        kept = 0
        for row, columns in self._pieces(batch, names):
            found = [
                self._undress[name](column)[0] if name in self._undress else column
                for name, column in zip(names, columns, strict=True)
            ]
            if good is None:
                yield row, found
                continue
            chosen = good[row - batch.first_row :][: len(columns[0])]
            mask = pa.array(chosen)
            yield batch.first_row + kept, [column.filter(mask) for column in found]
            kept += int(chosen.sum())

    def _pieces(self, batch: Batch, names: Sequence[str], unit: str = "us") -> Iterator[tuple[int, list[Any]]]:
        leaves = [leaf for name in names for leaf in self._leaves[name]]
        coded = self._coded(names)
        with _explained(self.source):
            file = self._reader(coded, unit)
            if batch.rows > max(self.batch_rows, WHOLE_ROWS * self.batch_rows // BATCH_ROWS):
                row = batch.first_row
                pieces = file.reader.iter_batches(self.batch_rows, list(batch.row_groups), leaves, use_threads=False)
                for piece in pieces:
                    yield row, [piece.column(piece.schema.get_field_index(name)) for name in names]
                    row += len(piece)
                return
            table = file.reader.read_row_groups(list(batch.row_groups), column_indices=leaves, use_threads=False)
        yield batch.first_row, [table.column(name) for name in names]

    def _good_rows(self, batch: Batch) -> NDArray[np.bool_] | None:
        """Which rows of the batch fit, or None when all do; found once, and the others are counted then."""
        keyed = self._keys.time if self._keys.window else ""
        int96 = [name for name in self._int96 if name == keyed or (self.spec and name in self.spec.by_name)]
        names = list(self._undress)
        if not names and not int96:
            return None
        with self._lock:
            if batch.first_row not in self._good:
                bad = np.zeros(batch.rows, dtype=bool)
                for name in int96:
                    for row, columns in self._pieces(batch, [name], "ms"):
                        self._refuse(bad, row - batch.first_row, {f"column {name!r}: {TOO_FAR}": far_times(columns[0])})
                for name in dict.fromkeys([*names, *filter(None, [keyed])]):
                    self._refuse_column(bad, batch, name, is_time=name == keyed)
                self._good[batch.first_row] = ~bad if bad.any() else None
                self._count(batch)
            return self._good[batch.first_row]

    def _refuse_column(self, bad: NDArray[np.bool_], batch: Batch, name: str, *, is_time: bool) -> None:
        for row, columns in self._pieces(batch, [name]):
            column = columns[0]
            reasons: dict[str, NDArray[np.bool_]] = {}
            if name in self._undress:
                column, reasons = self._undress[name](column)
            place = row - batch.first_row
            self._refuse(bad, place, {f"column {name[:60]!r}: {reason}": rows for reason, rows in reasons.items()})
            if is_time:
                usable = epoch_seconds(plain(column), name, self._keys.unit)[1]
                self._refuse(bad, place, {f"column {name!r}: {NO_TIME}": ~usable})

    def _refuse(self, bad: NDArray[np.bool_], place: int, reasons: dict[str, NDArray[np.bool_]]) -> None:
        """Mark rows that are bad for one of the reasons; each is counted once, with the first."""
        for reason, rows in reasons.items():
            part = bad[place : place + len(rows)]
            self._reasons.setdefault(reason, []).extend((np.flatnonzero(rows & ~part) + place).tolist())
            part |= rows

    def _count(self, batch: Batch) -> None:
        for reason, rows in self._reasons.items():
            if rows and self._bad is not None:
                self._bad.add_many(self.source, [batch.first_row + row + 1 for row in rows], reason)
        self._reasons.clear()

    def _coded(self, names: Sequence[str]) -> frozenset[str]:
        wanted = set()
        for name in names:
            feature = self.spec.by_name.get(name) if self.spec else None
            kind = self.schema.field(name).type
            is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
            is_counted = feature is None or feature.kind in (Kind.CATEGORY, Kind.CODE, Kind.BOOLEAN)
            if is_text and (is_counted or name in self._undress):
                wanted.add(name)
        return frozenset(wanted)

    def _reader(self, coded: frozenset[str], unit: str = "us") -> pq.ParquetFile:
        readers: dict[tuple[frozenset[str], str], pq.ParquetFile] = self._local.__dict__.setdefault("readers", {})
        if (coded, unit) not in readers:
            # Without pre_buffer a column chunk is read when it is decoded: a third less memory, and no slower on disk.
            readers[coded, unit] = pq.ParquetFile(
                self.source.open(),
                metadata=self.metadata,
                pre_buffer=not self.source.is_local,
                read_dictionary=sorted(coded) or None,
                coerce_int96_timestamp_unit=unit,  # as nanoseconds the year 9999 would wrap into 1816
            )
        return readers[coded, unit]

    def usable(self) -> list[str]:
        """Columns that a spec can be proposed for."""
        left_out = self.left_out()
        return [name for name in self._leaves if name and name not in left_out]

    def left_out(self) -> dict[str, str]:
        """Columns that no spec can be proposed for, and why."""
        found: dict[str, str] = {}
        for name, count in Counter(self.schema.names).items():
            if not 1 <= len(name.encode("utf-8", "surrogatepass")) <= MAX_NAME_BYTES:
                found[name or UNNAMED] = f"a name must have 1 to {MAX_NAME_BYTES} bytes"
            elif count > 1:
                found[name] = "its name appears twice"
            elif _is_hopeless(self.schema.field(name).type):
                found[name] = f"not supported: {self.schema.field(name).type}"[:120]
        return found

    def present(self, name: str, rows: int) -> pa.Array:
        """The first values of a column that are no nulls, from wherever in the file they begin."""
        found: list[pa.Array] = []
        with _explained(self.source):
            reader = self._reader(frozenset()).reader
            groups = list(range(self.metadata.num_row_groups))
            for piece in reader.iter_batches(BATCH_ROWS, groups, self._leaves[name], use_threads=False):
                found.append(piece.column(0).drop_null())
                if sum(map(len, found)) >= rows:
                    break
        return plain(pa.chunked_array(found))[:rows] if found else pa.nulls(0)

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
