"""Columns of Arrow out of the spans of a block of text: by compiled loops, and value by value where these are unsure.

What a value means is said by the converters of `values` alone. A loop stands in for one of them only where both give
the same; every other converter is asked once for each distinct value of the block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from observability.domain.fold.windows import UNIX_YEARS
from observability.domain.loops.cells import Tags, gather_cells
from observability.domain.loops.decimals import (
    ESCAPED,
    FLOAT,
    LIST,
    NOTHING,
    NULL,
    PLAIN,
    Flags,
    Spots,
    read_instants,
    read_numbers,
    read_vectors,
)
from observability.domain.loops.numeric import Ints
from observability.domain.loops.objects import gather_texts
from observability.domain.specs.spec import TIME_UNITS
from observability.domain.specs.texts import BadValue
from observability.store import values
from observability.store.values import Convert

_INSTANT: Final = values.instant_in("s").__code__


@dataclass(frozen=True, eq=False)
class Spans:
    """Where the values of some rows are in a block, per wanted column. `is_cell`: they are cells of CSV."""

    text: bytes
    first: Spots
    size: Spots
    tag: Tags
    is_cell: bool

    @property
    def rows(self) -> int:
        return int(self.first.shape[1])

    def value(self, column: int, row: int) -> Any:
        """What the reader of single lines finds there; None for nothing."""
        tag, begin = int(self.tag[column, row]), int(self.first[column, row])
        end = begin + int(self.size[column, row])
        if tag in (NOTHING, NULL):
            return None
        if self.is_cell:
            cell = self.text[begin:end].decode()
            return cell.replace('""', '"') if tag == ESCAPED else cell
        is_text = tag in (PLAIN, ESCAPED)
        return orjson.loads(self.text[begin - is_text : end + is_text])


@dataclass(eq=False)
class _Column:
    """One column of spans on its way to Arrow. `rejected` are the rows whose value the converter refused."""

    spans: Spans
    place: int
    convert: Convert
    kind: pa.DataType

    def __post_init__(self) -> None:
        self.rejected: list[int] = []
        self.at = (self.spans.first[self.place], self.spans.size[self.place], self.spans.tag[self.place])
        self.buffer = np.frombuffer(self.spans.text, np.uint8)

    @property
    def present(self) -> Flags:
        tag = self.at[2]
        found: Flags = (tag != NOTHING) & (tag != NULL)
        return found

    def array(self) -> pa.Array:
        convert = self.convert
        if convert in (values.number, values.number_text):
            return self._numbers()
        if convert is values.vector:
            return self._vectors()
        if convert is values.time_key or getattr(convert, "__code__", None) is _INSTANT:
            return self._instants()
        if convert in (values.word, values.text, values.code) and self._are_texts():
            found = self._gathered(self.at, pa.string())
            return _whole(found) if convert is values.code else found
        return self._by_distinct()

    def _settle(self, unsure: Flags, out: NDArray[Any], valid: Flags) -> None:
        """The converter decides where a loop did not."""
        for row in np.flatnonzero(unsure).tolist():
            try:
                out[row] = self.convert(self.spans.value(self.place, row))
            except BadValue:
                valid[row] = False
                self.rejected.append(row)

    def _numbers(self) -> pa.Array:
        rows = self.spans.rows
        out, valid, unsure = np.empty(rows), np.empty(rows, dtype=bool), np.zeros(rows, dtype=bool)
        if read_numbers(self.buffer, *self.at, self.spans.is_cell, out, valid, unsure):
            self._settle(unsure, out, valid)
        return _array(self.kind, valid, out)

    def _instants(self) -> pa.Array:
        rows, is_key = self.spans.rows, self.convert is values.time_key
        years = UNIX_YEARS if is_key else (0, 0)
        out, valid = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=bool)
        unsure = np.zeros(rows, dtype=bool)
        if read_instants(self.buffer, *self.at, TIME_UNITS[self.kind.unit], years, out, valid, unsure):
            self._settle(unsure, out, valid)
        return _array(self.kind, valid, out)

    def _vectors(self) -> pa.Array:
        rows = self.spans.rows
        flat, ends = np.empty(int(self.at[1].sum(where=self.at[2] == LIST))), np.zeros(rows + 1, dtype=np.int64)
        unsure = np.zeros(rows, dtype=bool)
        valid = self.present
        if read_vectors(self.buffer, *self.at, flat, ends, unsure):
            return self._by_distinct()
        offsets = pa.array(ends.astype(np.int32), mask=np.append(~valid, False) if not valid.all() else None)
        return pa.ListArray.from_arrays(offsets, pa.array(flat[: ends[-1]]))

    def _are_texts(self) -> bool:
        """Whether each value is written as the converter would write it."""
        if self.spans.is_cell:
            return True
        counts = np.bincount(self.at[2], minlength=9)
        if self.convert is values.text:
            return int(counts[[NOTHING, PLAIN, ESCAPED, NULL]].sum()) == self.spans.rows
        return not counts[FLOAT] and not counts[LIST]

    def _gathered(self, at: tuple[Spots, Spots, Tags], kind: pa.DataType) -> pa.Array:
        first, size, tag = at
        valid = self.present
        out = np.empty(int(size.sum(where=valid, dtype=np.int64)), dtype=np.uint8)
        ends = np.empty(len(first) + 1, dtype=np.int32)
        (gather_cells if self.spans.is_cell else gather_texts)(self.buffer, first, size, tag, out, ends)
        return pa.Array.from_buffers(kind, len(first), [_bits(valid), pa.py_buffer(ends), pa.py_buffer(out)])

    def _by_distinct(self) -> pa.Array:
        """Every distinct value converted once."""
        first, size, tag = self.at
        if not self.spans.is_cell:  # as JSON, its texts with their quotes
            is_text = (tag == PLAIN) | (tag == ESCAPED)
            first, size = (first - is_text).astype(np.int32), (size + 2 * is_text).astype(np.int32)
            tag = np.where(tag == ESCAPED, np.uint8(PLAIN), tag)
        coded = self._gathered((first, size, tag), pa.string()).dictionary_encode()
        found, refused = [], np.zeros(len(coded.dictionary) + 1, dtype=bool)
        for code, token in enumerate(coded.dictionary.to_pylist()):
            try:
                found.append(self.convert(token if self.spans.is_cell else orjson.loads(token)))
            except BadValue:
                found.append(None)
                refused[code] = True
        if refused.any():
            codes = coded.indices.fill_null(len(refused) - 1).to_numpy(zero_copy_only=False)
            self.rejected += np.flatnonzero(refused[codes]).tolist()
        return pa.array(found, self.kind).take(coded.indices)


def _whole(codes: pa.Array) -> pa.Array:
    """As `values.code` writes them: "7.0" is the 7 that a gap in the column turned into a float."""
    if not pc.any(pc.match_substring(codes, ".0")).as_py():
        return codes
    return pc.replace_substring_regex(codes, r"^([+-]?[0-9]+)\.0+$", r"\1")


def _bits(valid: Flags) -> Any:
    return None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))


def _array(kind: pa.DataType, valid: Flags, out: NDArray[Any]) -> pa.Array:
    return pa.Array.from_buffers(kind, len(out), [_bits(valid), pa.py_buffer(out)])


def columns_of(spans: Spans, plan: Sequence[tuple[Convert, pa.DataType]]) -> tuple[list[pa.Array], list[int]]:
    """One array per column of the plan, and the rows of which some value was refused, ascending."""
    made, rejected = [], set()
    for place, (convert, kind) in enumerate(plan):
        column = _Column(spans, place, convert, kind)
        made.append(column.array())
        rejected.update(column.rejected)
    return made, sorted(rejected)


def spans_for(columns: int, rows: int) -> tuple[Spots, Spots, Tags]:
    """Room for spans."""
    shape = (columns, rows)
    return np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.int32), np.zeros(shape, dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one block: spans with the line of each and whether it is kept; and others with the place they belong to.

    `others` are (how many rows of the spans are before it, number of the line, values in the order of the plan).
    """

    spans: Spans
    lines: Ints
    kept: Flags
    others: list[tuple[int, int, list[Any]]]

    @classmethod
    def of_others(cls, others: list[tuple[int, int, list[Any]]], *, is_cell: bool) -> Part:
        """Rows that were all read line by line."""
        spans = Spans(b"", *spans_for(len(others[0][2]), 0), is_cell=is_cell)
        return cls(spans, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool), others)

    def convert(
        self, plan: Sequence[tuple[Convert, pa.DataType]], one: Callable[[int, list[Any]], list[Any] | None]
    ) -> list[pa.Array]:
        """The columns of the rows that can be read. `one` converts a single row, or reports it and returns None."""
        arrays, rejected = columns_of(self.spans, plan)
        kept = self.kept
        for row in rejected:
            if kept[row]:
                one(int(self.lines[row]), [self.spans.value(place, row) for place in range(len(plan))])
        if rejected:
            kept = kept.copy()
            kept[rejected] = False
        if not kept.all():
            chosen = pa.array(kept)
            arrays = [array.filter(chosen) for array in arrays]
        tried = [(before, one(line, found)) for before, line, found in self.others]
        rows = [(before, found) for before, found in tried if found is not None]
        return self._merged(arrays, kept, rows, plan) if rows else arrays

    def _merged(
        self,
        arrays: list[pa.Array],
        kept: Flags,
        rows: list[tuple[int, list[Any]]],
        plan: Sequence[tuple[Convert, pa.DataType]],
    ) -> list[pa.Array]:
        """The arrays with the other rows where they belong."""
        places = np.concatenate([2 * np.flatnonzero(kept) + 1, [2 * before for before, _ in rows]])
        order = pa.array(np.argsort(places, kind="stable"))
        found: Iterator[tuple[Any, ...]] = zip(*(row for _, row in rows), strict=True)
        return [
            pa.concat_arrays([array, pa.array(column, kind)]).take(order)
            for array, column, (_, kind) in zip(arrays, found, plan, strict=True)
        ]
