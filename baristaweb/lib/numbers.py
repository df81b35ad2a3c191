"""Whole numbers in text that somebody sent."""

from __future__ import annotations

from typing import overload

FITS_INTEGER, FITS_BIGINT = 9, 18  # digits that a column of PostgreSQL takes, whichever they are


@overload
def whole(text: object, default: int, *, digits: int = FITS_INTEGER) -> int: ...
@overload
def whole(text: object, default: None = None, *, digits: int = FITS_INTEGER) -> int | None: ...
def whole(text: object, default: int | None = None, *, digits: int = FITS_INTEGER) -> int | None:
    """The number that at most so many ASCII digits write; else `default`.

    Python's own int() takes digits of any script, and refuses by an exception more than 4,300 of them and "²", which
    str.isdigit() takes for a digit.
    """
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= digits:
        return int(text)
    return default
