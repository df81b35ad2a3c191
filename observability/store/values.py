"""Values of JSON and CSV as the spec's kinds want them. What does not fit raises BadValue; nothing is coerced."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from observability.domain.fold.windows import UNIX_YEARS
from observability.domain.specs.spec import TIME_UNITS, FeatureSpec, Kind

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_SPECIAL: Final = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}
Convert = Callable[[Any], Any]


class BadValue(ValueError):
    """What was expected and which kind of thing was found; never the value itself, which may be personal."""


def _found(value: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def number(value: Any) -> float:
    """A JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(f"expected a number, got {_found(value)}")
    try:
        return float(value)
    except OverflowError:
        raise BadValue("expected a number, got one beyond 1.8e308") from None


def number_text(value: str) -> float:
    """A number in a CSV cell; ASCII digits only, nan and inf by name."""
    if _NUMBER.match(value):
        return float(value)
    special = _SPECIAL.get(value.lower())
    if special is None:
        raise BadValue("expected a number, got text")
    return special


def word(value: Any) -> str:
    """A category: text, or a number or flag in its usual writing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    raise BadValue(f"expected text, got {_found(value)}")


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(f"expected text, got {_found(value)}")
    return value


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    key = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).lower()
    if isinstance(value, int | float | str) and key in _FLAGS:
        return _FLAGS[key]
    raise BadValue(f"expected true or false, got {_found(value)}")


def vector(value: Any) -> list[float]:
    if not isinstance(value, list):
        raise BadValue(f"expected a list of numbers, got {_found(value)}")
    return [number(item) for item in value]


def microseconds(value: str) -> int:
    """An ISO 8601 instant as microseconds since 1970; without a zone it is UTC."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise BadValue("expected an ISO 8601 time or a unix time, got other text") from None
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def instant_in(unit: str) -> Convert:
    """Converter to integers of a unit: ISO texts, or numbers that already are of that unit."""
    scale = TIME_UNITS[unit]

    def convert(value: Any) -> int:
        if isinstance(value, str) and not _NUMBER.match(value):
            return _within(microseconds(value) * scale // 1_000_000)
        amount = number_text(value) if isinstance(value, str) else number(value)
        if not math.isfinite(amount):
            raise BadValue("expected a time, got a number that is not finite")
        return _within(int(value) if isinstance(value, int) else int(amount))

    return convert


def _within(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise BadValue("expected a time, got one that does not fit 64 bits")
    return value


def converter(spec: FeatureSpec, *, is_text: bool) -> tuple[Convert, pa.DataType]:
    """(function for one non-null value, Arrow type of the column). `is_text`: all values are CSV cells."""
    if spec.kind is Kind.NUMERIC:
        return (number_text if is_text else number), pa.float64()
    if spec.kind is Kind.BOOLEAN:
        return flag, pa.bool_()
    if spec.kind is Kind.TIMESTAMP:
        return instant_in(spec.time_unit), pa.timestamp(spec.time_unit)
    if spec.kind is Kind.TEXT:
        return text, pa.string()
    if spec.kind is Kind.EMBEDDING:
        if is_text:
            raise BadValue("a CSV cell cannot hold an embedding; use Parquet or JSONL")
        return vector, pa.list_(pa.float64())
    return word, pa.string()


def time_key(value: Any) -> int:
    """The time column of a window as microseconds: ISO text, or a unix time in s, ms, us or ns by its magnitude."""
    if isinstance(value, str) and not _NUMBER.match(value):
        return _within(microseconds(value))
    if isinstance(value, str):
        amount: int | float = int(value) if value.isdecimal() and len(value) < 20 else number_text(value)
    else:
        amount = value if isinstance(value, int) else number(value)
    for scale in TIME_UNITS.values():
        # Integers stay integers: as float64 the last nanoseconds of a window would be in the next.
        if UNIX_YEARS[0] <= amount // scale < UNIX_YEARS[1]:
            whole, part = divmod(amount, scale)
            return int(whole) * 1_000_000 + int(part * 1_000_000 // scale)
    raise BadValue("expected a time, got a number that is no unix time in s, ms, us or ns")
