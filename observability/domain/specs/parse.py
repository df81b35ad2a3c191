"""How a source's texts are read: which mean "missing", how numbers and dates are written. No part of the identity.

A rule says what a text stands for, never where a value is counted: 1234.5 folds to the same key whether one file writes
"1.234,50 €" and another holds the number. Profiles read by different rules therefore still merge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

MAX_WORDS: Final = 64
MAX_WORD: Final = 64
DECIMALS: Final = ("", ".", ",")
THOUSANDS: Final = ("", ",", ".", " ", "'")
ORDERS: Final = ("", "ymd", "dmy", "mdy")


class ParseError(ValueError):
    """A rule that cannot be used; the message names the field and says what would fit."""


@dataclass(frozen=True, kw_only=True)
class Parse:
    """Reading rules of one column's texts; blanks around a text never count.

    missing: texts that stand for no value, in any case. decimal: the decimal mark, which also says that texts are
    numbers. thousands: the mark between groups of digits (" " any kind of space). symbols: currency signs that may
    stand before or after. percent: "12 %" is 0.12. dates: order of day, month and year where the year is not first.
    """

    missing: tuple[str, ...] = ()
    decimal: str = ""
    thousands: str = ""
    symbols: tuple[str, ...] = ()
    percent: bool = False
    dates: str = ""

    def __post_init__(self) -> None:
        for name in ("missing", "symbols"):
            words = getattr(self, name)
            if len(words) > MAX_WORDS or any(len(word) > MAX_WORD or not word.isprintable() for word in words):
                raise ParseError(f"parse.{name} must hold at most {MAX_WORDS} printable texts of {MAX_WORD} characters")
        if any(not symbol.strip() or re.search(r"[\d+\-.,%]", symbol) for symbol in self.symbols):
            raise ParseError("parse.symbols must be signs or letters, without digits, signs of number and blanks")
        for name, allowed in (("decimal", DECIMALS), ("thousands", THOUSANDS), ("dates", ORDERS)):
            if getattr(self, name) not in allowed:
                shown = ", ".join(repr(one) for one in allowed if one)
                raise ParseError(f"parse.{name} must be one of {shown}, not {getattr(self, name)!r:.20}")
        if self.thousands and self.thousands == self.decimal:
            raise ParseError("parse.thousands and parse.decimal cannot be the same mark")
        if (self.thousands or self.symbols or self.percent) and not self.decimal:
            raise ParseError("parse.decimal must be given with thousands, symbols or percent")

    def to_json(self) -> dict[str, Any]:
        """What is set, and nothing else."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if value}

    @classmethod
    def from_json(cls, data: object) -> Parse | None:
        """The rule, or None for an empty one. Raises ParseError."""
        if not isinstance(data, Mapping):
            raise ParseError("parse must be an object")
        known = {one.name for one in fields(cls)}
        if unknown := sorted(set(map(str, data)) - known):
            raise ParseError(f"unknown field {unknown[0][:40]!r} in parse; known are {', '.join(sorted(known))}")
        values: dict[str, Any] = {}
        for name, value in data.items():
            if name in ("missing", "symbols"):
                is_fit = isinstance(value, list) and all(isinstance(one, str) for one in value)
            else:
                is_fit = isinstance(value, bool if name == "percent" else str)
            if not is_fit:
                raise ParseError(f"parse.{name} cannot be {value!r:.40}")
            values[name] = tuple(value) if isinstance(value, list) else value
        found = cls(**values)
        return found if found != cls() else None
