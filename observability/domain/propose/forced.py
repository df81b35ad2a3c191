"""A feature spec of the kind that a person chose instead of the proposed one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from observability.domain.fold.columns import plain
from observability.domain.propose.propose import (
    as_strings,
    instants_of,
    is_vector,
    numbers_of,
    propose_feature,
    unix_unit,
    vocabulary_of,
)
from observability.domain.specs.spec import FeatureSpec, Kind, SpecError

CHOSEN: Final = "chosen by a person"


def feature_as(name: str, array: pa.Array, kind: Kind) -> FeatureSpec:
    """The spec of the column as `kind`, placed by the sample. Raises SpecError, saying why, where it cannot be one."""
    array = plain(array)
    if pa.types.is_dictionary(array.type):
        array = plain(array.dictionary_decode())
    proposed = propose_feature(name, array)
    if proposed.kind is kind:
        return proposed
    if is_vector(array.type) or kind is Kind.EMBEDDING:
        raise SpecError(f"{name}: only lists of numbers are embedding vectors, and they are nothing else")
    if kind is Kind.NUMERIC:
        return _numeric(name, array, proposed)
    if kind is Kind.TIMESTAMP:
        return _timestamp(name, array)
    if kind is Kind.BOOLEAN:
        return _boolean(name, array)
    return _worded(name, array, kind)


def _numeric(name: str, array: pa.Array, proposed: FeatureSpec) -> FeatureSpec:
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = pc.cast(array.drop_null(), pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return numbers_of(name, values[np.isfinite(values)], CHOSEN, is_integer=pa.types.is_integer(kind))
    if proposed.kind is Kind.CODE:  # digits kept as text
        values = np.array([float(text) for text in array.drop_null().to_pylist() if _is_digits(text)])
        if len(values):
            return numbers_of(name, values, CHOSEN)
    raise SpecError(f"{name}: {_a(kind)} cannot be counted as numbers")


def _timestamp(name: str, array: pa.Array) -> FeatureSpec:
    if pa.types.is_integer(array.type):
        values = array.drop_null().to_numpy(zero_copy_only=False)
        unit = unix_unit(f"{name}_at", values)  # a person says that it is a time
        if unit:
            return instants_of(name, values.astype(np.int64), unit, CHOSEN)
        raise SpecError(f"{name}: these numbers are no unix times of 2000 to 2050 in s, ms, us or ns")
    raise SpecError(f"{name}: {_a(array.type)} cannot be read as times")


def _boolean(name: str, array: pa.Array) -> FeatureSpec:
    distinct = pc.unique(array.drop_null())
    if len(distinct) > 2:
        raise SpecError(f"{name}: a flag has two values at most, the sample has {len(distinct):,}")
    return FeatureSpec(name=name, kind=Kind.BOOLEAN, vocabulary=("false", "true"), reason=CHOSEN)


def _worded(name: str, array: pa.Array, kind: Kind) -> FeatureSpec:
    """Category, code, identifier or text."""
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_binary(array.type)
    if kind is Kind.TEXT:
        if not is_text:
            raise SpecError(f"{name}: {_a(array.type)} has no length in characters")
        return FeatureSpec(name=name, kind=kind, reason=CHOSEN)
    if kind is Kind.ID:
        return FeatureSpec(name=name, kind=kind, table_limit=0, reason=CHOSEN)
    if pa.types.is_floating(array.type) or pa.types.is_decimal(array.type) or pa.types.is_temporal(array.type):
        raise SpecError(f"{name}: {_a(array.type)} cannot be counted as {kind.label} values")
    found = (as_strings(name, array) if is_text else array.cast(pa.string())).drop_null().value_counts()
    words: Sequence[Any] = found.field(0).to_pylist()
    counts: NDArray[Any] = found.field(1).to_numpy()
    return FeatureSpec(name=name, kind=kind, vocabulary=vocabulary_of(list(words), counts), reason=CHOSEN)


def _is_digits(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 300


def _a(kind: pa.DataType) -> str:
    return f"a column of {kind}"
