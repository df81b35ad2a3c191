"""Which cell a row belongs to: hour or day of a time column in a zone, and the model version beside it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from observability.domain.fold.borders import QUARTER, window_starts
from observability.domain.fold.columns import ColumnError, plain, raw_values, texts, validity
from observability.domain.loops.numeric import Ints
from observability.domain.profile.profile import Cell
from observability.domain.specs.spec import TIME_UNITS, FeatureSpec, Kind

EARLIEST: Final = -62_135_596_800  # year 1
LATEST: Final = 253_402_300_799  # the end of year 9999
UNIX_YEARS: Final = (630_000_000, 4_100_000_000)  # what a bare number may mean: about 1990 to 2100, in seconds
NO_TIME: Final = "no time: expected a year from 1 to 9999, or a unix time of 1990 to 2100 in s, ms, us or ns"
_VERSION: Final = FeatureSpec(name="version", kind=Kind.CATEGORY)


class Window(StrEnum):
    """Length of a window."""

    HOUR = "hour"
    DAY = "day"

    @property
    def seconds(self) -> int:
        return 3_600 if self is Window.HOUR else 86_400


class GroupError(ValueError):
    """More cells than a source may have: the time or version column is probably another column."""


@dataclass(frozen=True)
class Keys:
    """Which columns make the cell of a row.

    `unit` is what numbers of the time column count; "" tells it of each by its magnitude. `zone` is where hours and
    days begin, `wall` that of times which name none; "" is UTC.
    """

    window: Window | None = None
    time: str = ""
    version: str = ""
    unit: str = ""
    zone: str = ""
    wall: str = ""

    def __post_init__(self) -> None:
        if (self.window is None) != (self.time == ""):
            raise ColumnError("a window needs both its length (hour or day) and the column that holds the time")

    @property
    def columns(self) -> list[str]:
        return [name for name in (self.time, self.version) if name]


class Registry:
    """Numbers the cells of one run in the order they are met; shared by threads."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[Cell, int] = {}
        self._limit = limit

    def number(self, cell: Cell) -> int:
        with self._lock:
            if cell not in self._numbers and len(self._numbers) >= self._limit:
                raise GroupError(
                    f"more than {self._limit:,} windows and versions: check that the time and version columns are right"
                )
            return self._numbers.setdefault(cell, len(self._numbers))

    def cells(self) -> dict[Cell, int]:
        with self._lock:
            return dict(self._numbers)


def group_ids(keys: Keys, columns: list[Any], registry: Registry) -> tuple[NDArray[np.int32], Ints]:
    """(group per row, -1 where the row has no usable time; positions of those rows)."""
    arrays = [plain(column) for column in columns]
    rows = len(arrays[0])
    window: Ints = np.zeros(rows, dtype=np.int64)
    usable = np.ones(rows, dtype=bool)
    if keys.window is not None:
        seconds, usable = epoch_seconds(arrays[0], keys.time, keys.unit)
        window = np.where(usable, _numbered(seconds, keys, keys.window), 0)
    names: list[str] = [""]
    version: Ints = np.zeros(rows, dtype=np.int64)
    if keys.version:
        coded = texts(arrays[-1], _VERSION)
        names = [value.decode("utf-8", "backslashreplace")[:200] for value in coded.dictionary.to_pylist()] + [""]
        codes = coded.holed
        version = np.where(codes < 0, len(names) - 1, codes)
    if not usable.any():
        return np.full(rows, -1, dtype=np.int32), np.flatnonzero(~usable)
    first = int(window[usable].min())
    width = len(names)
    combined = (window - first) * width + version
    combined[~usable] = -1
    pairs, inverse = _distinct(combined)
    numbers = np.full(len(pairs), -1, dtype=np.int32)
    for place, pair in enumerate(pairs.tolist()):
        if pair >= 0:
            start = (first + pair // width) * _step(keys, keys.window) if keys.window else None
            numbers[place] = registry.number(Cell(names[pair % width], start))
    return numbers[inverse], np.flatnonzero(~usable)


def _step(keys: Keys, window: Window) -> int:
    return QUARTER if keys.zone else window.seconds


def _numbered(seconds: Ints, keys: Keys, window: Window) -> Ints:
    """The start of each instant's window, in steps that every start is a multiple of."""
    if not keys.zone:
        return seconds // window.seconds
    kept = np.clip(seconds, EARLIEST + 86_400, LATEST - 86_400)
    return window_starts(kept, window is Window.DAY, keys.zone) // QUARTER


def _distinct(values: Ints) -> tuple[Ints, Ints]:
    """Distinct values and the place of each row among them, without a sort when the range is small."""
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * len(values) + 65_536:
        pairs, inverse = np.unique(values, return_inverse=True)
        return pairs, inverse
    present = np.flatnonzero(np.bincount(values - low))
    lookup = np.zeros(high - low + 1, dtype=np.int64)
    lookup[present] = np.arange(len(present))
    return present + low, lookup[values - low]


def epoch_seconds(array: pa.Array, name: str, unit: str = "") -> tuple[Ints, NDArray[np.bool_]]:
    """(seconds since 1970 UTC, mask of usable rows). Naive timestamps are read as UTC; integers by their magnitude.

    A number is taken as of the unit, or else as s, ms, us or ns, whichever puts it between 1990 and 2100: each by
    itself, so that nothing depends on how a file is cut into batches.
    """
    kind = array.type
    valid = validity(array)
    usable = np.ones(len(array), dtype=bool) if valid is None else valid.copy()
    if pa.types.is_timestamp(kind):
        seconds = raw_values(array, np.dtype(np.int64)) // TIME_UNITS[kind.unit]
    elif pa.types.is_date32(kind):
        seconds = raw_values(array, np.dtype(np.int32)).astype(np.int64) * 86_400
    elif pa.types.is_date64(kind):
        seconds = raw_values(array, np.dtype(np.int64)) // 1_000
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        seconds, known = _unix_seconds(raw_values(array, np.dtype(kind.to_pandas_dtype())), unit)
        usable &= known
    elif pa.types.is_null(kind):
        seconds = np.zeros(len(array), dtype=np.int64)
    else:
        raise ColumnError(f"the time column {name!r} holds {kind}; it must hold timestamps, dates or unix times")
    usable &= (seconds >= EARLIEST) & (seconds <= LATEST)
    return seconds, usable


def _unix_seconds(values: NDArray[Any], unit: str = "") -> tuple[Ints, NDArray[np.bool_]]:
    """(whole seconds of unix times, which of the numbers are one). Integers are divided as integers: float64 would move
    the last nanoseconds of a window into the next."""
    whole = values
    if values.dtype.kind == "f":
        sized = np.abs(values.astype(np.float64)) < 2.0**62  # false for NaN
        whole = np.floor(np.where(sized, values, 0)).astype(np.int64)
    elif values.dtype == np.uint64:
        whole = np.minimum(values, np.uint64(2**63 - 1)).astype(np.int64)
    seconds = np.zeros(len(values), dtype=np.int64)
    known = np.zeros(len(values), dtype=bool)
    for scale in [TIME_UNITS[unit]] if unit else TIME_UNITS.values():
        found = whole.astype(np.int64) // scale
        mine = (found >= UNIX_YEARS[0]) & (found < UNIX_YEARS[1]) & ~known
        seconds[mine], known = found[mine], known | mine
    return seconds, known
