"""JSON text of strangers: read as data or refused with a reason, never an exception of its own."""

import json
from collections.abc import Mapping
from typing import Any, Final

from deployments.domain.naming import InvalidText, check_storable
from deployments.domain.reading import MAX_DEPTH, SpecInvalid, check_shape

MAX_BYTES: Final = 1_000_000
_NUMBER_DIGITS: Final = 30


class InvalidDocument(ValueError):
    """Not a JSON document we read; the message says why and where."""


def read_json(raw: bytes | str) -> dict[str, Any]:
    """One JSON object of plain values.

    Refused beside broken JSON: other encodings than UTF-8, keys that appear twice, NaN and infinities, numbers longer
    than any we use, and nesting deep enough to exhaust a parser's stack.
    """
    text = _decoded(raw)
    _check_depth(text)
    try:
        data = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer)
    except json.JSONDecodeError as problem:
        raise InvalidDocument(f"Not JSON: {problem.msg} (line {problem.lineno}, column {problem.colno}).") from None
    except RecursionError:
        raise InvalidDocument("Too deeply nested.") from None
    if not isinstance(data, dict):
        raise InvalidDocument("The document must be an object, in braces.")
    try:
        check_shape(data)
        _check_texts(data)
    except (SpecInvalid, InvalidText) as problem:
        raise InvalidDocument(str(problem)) from None
    return data


def _decoded(raw: bytes | str) -> str:
    if len(raw) > MAX_BYTES:
        raise InvalidDocument("The document is larger than 1 MB.")
    if isinstance(raw, str):
        return raw
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise InvalidDocument(f"The document is not UTF-8 (byte {problem.start}).") from None
    if text.startswith("\ufeff"):
        raise InvalidDocument("The document begins with a byte order mark: save it as UTF-8 without one.")
    return text


def _check_depth(text: str) -> None:
    """Before parsing: the parser itself recurses. Brackets inside of texts are not counted."""
    depth, is_text, index = 0, False, 0
    while index < len(text):
        character = text[index]
        if is_text:
            index += 1 if character == "\\" else 0
            is_text = character != '"'
        elif character == '"':
            is_text = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidDocument(f"Nested more than {MAX_DEPTH} levels deep.")
        elif character in "]}":
            depth -= 1
        index += 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidDocument(f'The key "{key[:60]}" appears twice.')
        found[key] = value
    return found


def _refuse_constant(name: str) -> Any:
    raise InvalidDocument(f"{name} is not a number of JSON.")


def _integer(text: str) -> int:
    if len(text) > _NUMBER_DIGITS:
        raise InvalidDocument("A number has too many digits.")
    return int(text)


def _check_texts(value: object) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            check_storable(item)
        elif isinstance(item, Mapping):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            pending += item
