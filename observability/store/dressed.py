"""Parquet columns whose type is not what their spec counts, as texts that stand for numbers, instants or flags.

Each is converted value by value with the same rules as a CSV cell. A row that does not fit is a bad row, and is left
out of every column, as in a text log.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from observability.domain.fold.columns import plain
from observability.domain.fold.windows import Keys
from observability.domain.specs.spec import FeatureSpec, Kind
from observability.domain.specs.texts import BadValue
from observability.store.values import converter, time_key

Undressed = tuple[pa.Array, dict[str, NDArray[np.bool_]]]  # the column as it is folded, bad rows by reason
Undress = Callable[[pa.Array], Undressed]
MAX_US_IN_MS: Final = (2**63 - 1) // 1_000
TOO_FAR: Final = "expected a time, got one beyond the range of microseconds"


def is_texts(kind: pa.DataType) -> bool:
    """Texts or bytes, with or without a dictionary."""
    if pa.types.is_dictionary(kind):
        return is_texts(kind.value_type)
    views = pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)
    long = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind) or long or views)


def undress_for(kind: pa.DataType, feature: FeatureSpec | None, name: str, keys: Keys) -> Undress | None:
    """How to convert a column of the type for the feature or as the time of rows; None where it is folded as it is."""
    is_time = name == keys.time
    zone = keys.wall if is_time else ""
    is_instant = is_time if feature is None else feature.kind is Kind.TIMESTAMP
    if is_texts(kind):
        if feature is None or (is_time and not is_instant):
            read = partial(time_key, unit=keys.unit, zone=zone)
            return _by_value(read, pa.timestamp("us", "UTC" if zone else None)) if is_time else None
        return _by_value(*converter(feature, is_text=True, zone=zone)) if _reads_texts(feature) else None
    if is_instant and (pa.types.is_decimal(kind) or kind == pa.uint64()):
        return _whole
    if feature is not None and pa.types.is_decimal(kind) and feature.kind in (Kind.CODE, Kind.ID, Kind.BOOLEAN):
        return _codes
    return None


def _reads_texts(feature: FeatureSpec) -> bool:
    if feature.kind is Kind.NUMERIC:  # texts in a column of numbers are another column until the spec reads them
        return feature.parse is not None and bool(feature.parse.decimal)
    if feature.kind is Kind.BOOLEAN:  # a vocabulary of other words was declared to be counted as it stands
        return set(feature.vocabulary) <= {"false", "true"}
    if feature.kind is Kind.EMBEDDING:
        return False
    return feature.kind is Kind.TIMESTAMP or feature.parse is not None


def _by_value(convert: Callable[[Any], Any], kind: pa.DataType) -> Undress:
    def undress(column: pa.Array) -> Undressed:
        array = plain(column)
        encoded = array if pa.types.is_dictionary(array.type) else plain(array.dictionary_encode())
        values: list[Any] = []
        refused: dict[str, list[int]] = {}
        for place, raw in enumerate(_as_bytes(encoded.dictionary)):
            values.append(None)
            try:
                values[-1] = None if raw is None else convert(raw.decode())
            except UnicodeDecodeError:
                refused.setdefault("is not UTF-8", []).append(place)
            except BadValue as error:
                refused.setdefault(str(error), []).append(place)
        codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
        bad = {reason: np.isin(codes, places) for reason, places in refused.items()}
        return pa.array(values, kind).take(encoded.indices), {
            reason: rows for reason, rows in bad.items() if rows.any()
        }

    return undress


def _as_bytes(values: pa.Array) -> list[bytes | None]:
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        values = values.cast(pa.large_binary())
    elif pa.types.is_string(values.type):
        values = values.view(pa.binary())
    elif pa.types.is_large_string(values.type):
        values = values.view(pa.large_binary())
    found: list[bytes | None] = values.to_pylist()
    return found


def _whole(column: pa.Array) -> Undressed:
    """Unix times in types that no clock uses: decimals are floored, what does not fit 64 bits is refused."""
    values = plain(column)
    limit = pa.scalar(2**63 - 1, pa.uint64()) if values.type == pa.uint64() else 2.0**63
    sized = values if values.type == pa.uint64() else pc.floor(values.cast(pa.float64(), safe=False))
    far = pc.fill_null(pc.greater_equal(pc.abs(sized), limit), False).to_numpy(zero_copy_only=False)
    kept = pc.if_else(pa.array(~far), values, pa.scalar(None, values.type)) if far.any() else values
    if pa.types.is_decimal(kept.type):
        kept = pc.floor(kept)
    bad = {"expected a time, got one beyond 64 bits": far} if far.any() else {}
    return kept.cast(pa.int64(), safe=False), bad


def _codes(column: pa.Array) -> Undressed:
    """Decimals as codes: 7.00 is the 7 of a source that knows whole numbers."""
    return pc.replace_substring_regex(plain(column).cast(pa.string()), r"\.0+$", ""), {}


def far_times(milliseconds: pa.Array) -> NDArray[np.bool_]:
    """Which instants, read in milliseconds, microseconds cannot hold."""
    values = plain(milliseconds).cast(pa.int64())
    return np.asarray(
        pc.fill_null(pc.greater(pc.abs(values), MAX_US_IN_MS), False).to_numpy(zero_copy_only=False), dtype=bool
    )
