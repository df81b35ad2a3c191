"""Values of JSON and CSV as the spec's kinds want them. What does not fit raises BadValue; nothing is coerced."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pyarrow as pa

from observability.domain.fold.windows import UNIX_YEARS
from observability.domain.specs.parse import Parse
from observability.domain.specs.spec import TIME_UNITS, FeatureSpec, Kind
from observability.domain.specs.texts import (
    PLAIN_NUMBER,
    BadValue,
    flag_text,
    marks,
    microseconds,
    number_reader,
    number_text,
)

__all__ = [
    "BadValue",
    "Convert",
    "code",
    "converter",
    "flag",
    "instant_in",
    "number",
    "number_text",
    "text",
    "time_key",
    "vector",
    "word",
]

_WHOLE_FLOAT: Final = re.compile(r"[+-]?\d+\.0+\Z", re.ASCII)
Convert = Callable[[Any], Any]


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


def code(value: Any) -> str:
    """A code or id: "7.0" is the 7 that a gap in the column turned into a float."""
    found = word(value)
    return found.partition(".")[0] if _WHOLE_FLOAT.match(found) else found


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(f"expected text, got {_found(value)}")
    return value


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        return flag_text(value)
    raise BadValue(f"expected true or false, got {_found(value)}")


def vector(value: Any) -> list[float]:
    if not isinstance(value, list):
        raise BadValue(f"expected a list of numbers, got {_found(value)}")
    return [number(item) for item in value]


def instant_in(unit: str, order: str = "", zone: str = "") -> Convert:
    """Converter to integers of a unit: texts as `microseconds` reads them, or numbers that already are of that unit."""
    scale = TIME_UNITS[unit]

    def convert(value: Any) -> int:
        if isinstance(value, str):
            value = value.strip()
            if not PLAIN_NUMBER.match(value):
                return _within(microseconds(value, order, zone) * scale // 1_000_000)
            value = int(value) if value.lstrip("+-").isdigit() else number_text(value)
        amount = number(value)
        if not math.isfinite(amount):
            raise BadValue("expected a time, got a number that is not finite")
        return _within(value if isinstance(value, int) else math.floor(amount))

    # The loops of text know `convert` by its code, and no zone: they must not take this one for it.
    return partial(convert) if zone else convert


def _within(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise BadValue("expected a time, got one beyond 64 bits")
    return value


def converter(spec: FeatureSpec, *, is_text: bool, zone: str = "") -> tuple[Convert, pa.DataType]:
    """(function for one non-null value, Arrow type of the column). `is_text`: all values are texts, as in CSV cells.
    `zone` is that of times which name none, "" UTC.

    The function gives None for what the spec's reading rule calls missing.
    """
    convert, kind = _converter(spec, is_text=is_text, zone=zone)
    gone = marks(spec.parse)
    if not gone:
        return convert, kind

    def unless_missing(value: Any) -> Any:
        return None if isinstance(value, str) and value.strip().casefold() in gone else convert(value)

    return unless_missing, kind


def _converter(spec: FeatureSpec, *, is_text: bool, zone: str) -> tuple[Convert, pa.DataType]:
    if spec.kind is Kind.NUMERIC:
        return _number_converter(spec.parse, is_text=is_text), pa.float64()
    if spec.kind is Kind.BOOLEAN:
        return flag, pa.bool_()
    if spec.kind is Kind.TIMESTAMP:
        convert = instant_in(spec.time_unit, spec.parse.dates if spec.parse else "", zone)
        return convert, pa.timestamp(spec.time_unit, "UTC" if zone else None)
    if spec.kind is Kind.TEXT:
        return text, pa.string()
    if spec.kind is Kind.EMBEDDING:
        if is_text:
            raise BadValue("a CSV cell cannot hold an embedding; use Parquet or JSONL")
        return vector, pa.list_(pa.float64())
    return (code if spec.kind in (Kind.CODE, Kind.ID) else word), pa.string()


def _number_converter(parse: Parse | None, *, is_text: bool) -> Convert:
    if parse is None:
        return number_text if is_text else number
    read = number_reader(parse)
    if is_text:
        return read
    if not parse.decimal:
        return number
    return lambda value: read(value) if isinstance(value, str) else number(value)


def time_key(value: Any, unit: str = "", zone: str = "") -> int:
    """The time column of a window as microseconds: a text that reads as an instant (of `zone` if it names none), or a
    unix time in the unit, or else in s, ms, us or ns by its magnitude."""
    if isinstance(value, str):
        value = value.strip()
        if not PLAIN_NUMBER.match(value):
            return _within(microseconds(value, zone=zone))
        amount: int | float = int(value) if value.isdecimal() and len(value) < 20 else number_text(value)
    else:
        amount = value if isinstance(value, int) else number(value)
    for scale in [TIME_UNITS[unit]] if unit else TIME_UNITS.values():
        # Integers stay integers: as float64 the last nanoseconds of a window would be in the next.
        if UNIX_YEARS[0] <= amount // scale < UNIX_YEARS[1]:
            whole, part = divmod(amount, scale)
            return int(whole) * 1_000_000 + int(part * 1_000_000 // scale)
    raise BadValue(f"expected a time, got a number that is no unix time in {unit or 's, ms, us or ns'}")
