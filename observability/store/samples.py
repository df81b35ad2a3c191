"""The first rows of a text log with types guessed from the values, for proposing a spec; what is left out is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from observability.domain.propose.propose import is_vector
from observability.domain.specs.spec import MAX_NAME_BYTES
from observability.domain.specs.texts import PLAIN_NUMBER, BadValue, number_text
from observability.store.delimited import header_and_rows
from observability.store.files import Limits, Source, SourceError
from observability.store.jsonl import records
from observability.store.parquet import UNNAMED
from observability.store.values import word

BAD_NAME: Final = f"a name must have 1 to {MAX_NAME_BYTES} bytes"


@dataclass(frozen=True)
class Sample:
    """Columns that a spec can be proposed for, and why the others are left out. `bad` rows of `rows` did not read."""

    table: pa.Table
    left_out: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    bad: int = 0
    reason: str = ""  # of the first bad row


def sample_text(source: Source, limits: Limits, rows: int) -> Sample:
    """The first good rows of a text log. Raises SourceError where there is not even a header."""
    if source.format == "jsonl":
        return _objects(source, limits, rows)
    return _cells(source, limits, rows)


def _objects(source: Source, limits: Limits, rows: int) -> Sample:
    columns: dict[str, list[Any]] = {}
    objects: Counter[str] = Counter()
    left_out: dict[str, str] = {}
    taken, bad, reason = 0, 0, ""
    for number, found in records(source, limits):
        if isinstance(found, str):
            bad, reason = bad + 1, reason or f"row {number}: {found}"
            if taken + bad >= rows:
                break
            continue
        for name in found:
            if name in columns or name in left_out:
                continue
            if is_name(name):
                columns[name] = [None] * taken
            else:
                left_out[name or UNNAMED] = BAD_NAME
        if len(columns) > limits.columns:
            raise SourceError(f"{source.shown}: more than {limits.columns:,} keys, the limit of columns")
        for name, values in columns.items():
            value = found.get(name)
            is_object = isinstance(value, dict)
            objects[name] += is_object
            values.append(None if is_object else value)
        taken += 1
        if taken + bad >= rows:
            break
    kept = {}
    for name, values in columns.items():
        # A few objects among other values will be bad rows; a column of objects is none that can be profiled.
        array = _guess(values) if objects[name] * 2 <= taken else None
        if array is None:
            left_out[name] = "not supported: objects" if objects[name] else "not supported: lists of other than numbers"
        else:
            kept[name] = array
    return Sample(pa.table(kept), left_out, taken, bad, reason)


def _cells(source: Source, limits: Limits, rows: int) -> Sample:
    names, lines = header_and_rows(source, limits)
    columns: dict[str, list[Any]] = {name: [] for name in names if is_name(name)}
    left_out = {name or f"{UNNAMED} {place}": BAD_NAME for place, name in enumerate(names, 1) if name not in columns}
    if all(PLAIN_NUMBER.match(name) for name in names if name):
        left_out["(first row)"] = "taken as the header although it holds numbers only: add a header line if it is a row"
    taken, bad, reason = 0, 0, ""
    for number, cells in _first(lines, rows):
        if isinstance(cells, str):
            bad, reason = bad + 1, reason or f"row {number}: {cells}"
            continue
        for name, cell in zip(names, cells, strict=True):
            if name in columns:
                columns[name].append(cell or None)
        taken += 1
    arrays = {name: _guess(_numbers_if_all(values)) for name, values in columns.items()}
    table = pa.table({name: array for name, array in arrays.items() if array is not None})
    return Sample(table, left_out, taken, bad, reason)


def _first(lines: Iterator[tuple[int, list[str] | str]], rows: int) -> Iterator[tuple[int, list[str] | str]]:
    for _, line in zip(range(rows), lines, strict=False):
        yield line


def is_name(name: str) -> bool:
    """Whether a feature can be called so."""
    return 1 <= len(name.encode("utf-8", "surrogatepass")) <= MAX_NAME_BYTES


def _numbers_if_all(values: list[Any]) -> list[Any]:
    """CSV cells as numbers when every one is, except codes with leading zeros."""
    try:
        numbers = [None if value is None else _number(value) for value in values]
    except BadValue:
        return values
    if any(isinstance(number, float) for number in numbers):
        numbers = [None if number is None else float(number) for number in numbers]
    if any(value is not None and len(value) > 1 and value[0] == "0" and value[1].isdigit() for value in values):
        return values
    return numbers


def _number(value: str) -> float | int:
    """Whole numbers stay whole: ids beyond 2**53 must not lose their last digits."""
    number = number_text(value)
    return int(value) if value.lstrip("+-").isdigit() and len(value) <= 20 else number


def _guess(values: list[Any]) -> pa.Array | None:
    """An array of one type; mixed scalars become texts; columns of objects only and lists of other things than numbers
    are left out."""
    if all(value is None for value in values):
        return pa.nulls(len(values))
    try:
        found = pa.array(values)
        return None if pa.types.is_list(found.type) and not is_vector(found.type) else found
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        try:
            return pa.array([None if value is None else word(value) for value in values], pa.string())
        except BadValue:
            return None
