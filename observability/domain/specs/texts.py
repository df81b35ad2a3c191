"""What a text stands for: a number, an instant, a flag, or nothing. What does not fit raises BadValue."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from observability.domain.specs.parse import Parse

PLAIN_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
# What people write where there is no value, in one case.
MARKS: Final = frozenset({
    "na", "n/a", "n.a.", "n.a", "#n/a", "#na", "<na>", "nat", "null", "none", "nil", "(null)", "\\n", "-", "--",
    "---", "\u2014", "\u2013", "?", ".", "missing", "unknown", "undefined", "void", "empty", "#null!", "#value!",
    "#ref!", "#div/0!", "#name?", "#num!", "not_available", "(blank)", "(none)", "n/d", "nd", "k.a.", "not available",
    "#n/a n/a", "no data", "",
})  # fmt: skip
CURRENCIES: Final = (
    "$", "€", "£", "¥", "₹", "₽", "₩", "₪", "₫", "₴", "₺", "฿", "US$", "R$", "A$", "C$", "kr", "zł", "Kč", "Ft",
    "CHF", "Fr", "USD", "EUR", "GBP", "JPY", "INR", "CNY", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK",
    "HUF", "BRL", "MXN", "ZAR", "SGD", "HKD", "KRW", "TRY", "RUB", "Rs",
)  # fmt: skip
FLAGS: Final = {
    "true": True, "t": True, "yes": True, "y": True, "on": True, "1": True, "1.0": True,
    "false": False, "f": False, "no": False, "n": False, "off": False, "0": False, "0.0": False,
}  # fmt: skip
SPECIAL: Final = {
    "nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf,
    "infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf,
}  # fmt: skip
_SIGNS: Final = str.maketrans({"\u2212": "-", "\u2010": "-", "\u2011": "-"})
_GAPS: Final = {" ": "[ \u00a0\u202f\u2009]", "'": "['\u2019]"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final = (
    r"(?:(?:T|:|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}))?)?"
    r"\s?(?P<half>[AaPp][Mm])?)?\s?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?\Z"
)
_YEAR_FIRST: Final = re.compile(r"(?P<a>\d{4})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{1,2})" + _TIME, re.ASCII)
_YEAR_LAST: Final = re.compile(r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4})" + _TIME, re.ASCII)
_NAMED: Final = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(?:(?P<a>\d{1,2})[-/ .]+(?P<b>[A-Za-z]{3,9})\.?[-/ ,]+(?P<c>\d{4})"
    r"|(?P<b2>[A-Za-z]{3,9})\.?\s+(?P<a2>\d{1,2}),?\s+(?P<c2>\d{4}))" + _TIME,
    re.ASCII,
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL: Final = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
                "november", "december", "sept")  # fmt: skip
NO_INSTANT: Final = "expected an ISO 8601 time or a unix time, got other text"
DAY_FIRST: Final = 'expected a time, got a date whose order is not declared: say "dates": "dmy" or "mdy" in parse'
UNNAMED_MARK: Final = 'a mark for a missing value: name it in "missing" of parse in the spec'


class BadValue(ValueError):
    """What was expected and which kind of thing was found; never the value itself, which may be personal."""


@lru_cache(maxsize=4_096)
def marks(parse: Parse | None) -> frozenset[str]:
    """The texts that stand for no value, folded to one case."""
    return frozenset(word.strip().casefold() for word in parse.missing) if parse else frozenset()


def number_text(value: str) -> float:
    """A number in its plain writing; ASCII digits only, nan and inf by name."""
    if PLAIN_NUMBER.match(value):
        return float(value)
    special = SPECIAL.get(value.lower())
    if special is None:
        found = UNNAMED_MARK if value.strip().casefold() in MARKS else "text"
        raise BadValue(f"expected a number, got {found}")
    return special


@lru_cache(maxsize=4_096)
def number_reader(parse: Parse) -> Callable[[str], float]:
    """Reads one text that is no mark of a missing value as the rule says."""
    written = _written(parse.decimal or ".", parse.thousands)
    # Without a thousands point nothing else can be meant by a point: such a text is a number in its plain writing.
    is_plain_clear = parse.thousands != "."
    is_plain_first = parse.decimal != "," and parse.thousands != "."

    def read(text: str) -> float:
        text = text.strip()
        if is_plain_first and PLAIN_NUMBER.match(text):
            return float(text)
        core, sign, shift = bare(text, parse.symbols, is_percent=parse.percent)
        found = written.match(core)
        if found is not None and (found["whole"] or found["part"]):
            whole = "".join(char for char in found["whole"] or "0" if char.isdigit())
            exponent = int(found["exponent"] or 0) + shift
            return float(f"{sign}{whole}.{found['part'] or '0'}e{exponent}")
        if is_plain_clear and core[:1] not in ("+", "-") and (plain := _PLAIN.match(core)):
            exponent = int(plain["exponent"] or 0) + shift
            return float(f"{sign}{plain['whole'] or '0'}.{plain['part'] or '0'}e{exponent}")
        return number_text(text)

    return read


def _written(decimal: str, thousands: str) -> re.Pattern[str]:
    gap = _GAPS.get(thousands, re.escape(thousands))
    grouped = rf"[1-9]\d{{0,2}}(?:{gap}\d{{2,3}})*{gap}\d{{3}}|" if thousands else ""
    return re.compile(
        rf"(?P<whole>{grouped}\d+)?(?:{re.escape(decimal)}(?P<part>\d*))?(?:[eE](?P<exponent>[+-]?\d{{1,4}}))?\Z",
        re.ASCII,
    )


_PLAIN: Final = _written(".", "")


@lru_cache(maxsize=64)
def is_written(decimal: str, thousands: str) -> Callable[[str], bool]:
    """Whether the digits of a number (no sign, no currency) are written with these marks."""
    pattern = _written(decimal, thousands)

    def check(core: str) -> bool:
        found = pattern.match(core)
        return found is not None and bool(found["whole"] or found["part"])

    return check


def bare(text: str, symbols: tuple[str, ...], *, is_percent: bool) -> tuple[str, str, int]:
    """(digits and their marks, "" or "-", 0 or -2 for a percentage): sign, brackets and the symbols taken off."""
    core, sign, shift = text.strip().translate(_SIGNS), "", 0
    if core.startswith("(") and core.endswith(")"):
        core, sign = core[1:-1].strip(), "-"
    if is_percent and core.endswith("%"):
        core, shift = core[:-1].rstrip(), -2
    left, is_signed = symbols, bool(sign)
    for _ in range(2):  # "-$5", "$-5" and "5 EUR"; one sign and one symbol at most
        if not is_signed and core[:1] in ("+", "-"):
            core, sign, is_signed = core[1:].lstrip(), "-" if core[0] == "-" else "", True
        for symbol in left:
            if core.startswith(symbol) or core.endswith(symbol):
                is_first = core.startswith(symbol)
                core = (core.removeprefix(symbol) if is_first else core.removesuffix(symbol)).strip()
                left = ()
                break
    return core, sign, shift


def flag_text(value: str) -> bool:
    """True and false by the words and digits people use for them."""
    found = FLAGS.get(value.strip().casefold())
    if found is None:
        marked = value.strip().casefold() in MARKS
        raise BadValue(f"expected true or false, got {UNNAMED_MARK if marked else 'text'}")
    return found


def microseconds(value: str, order: str = "", zone: str = "") -> int:
    """An instant as microseconds since 1970; one that names no zone is of `zone`, "" UTC. ISO 8601, the year first with
    / or ., months by their English name, and with `order` (dmy or mdy) the year last."""
    text = value.strip()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = _other_instant(text, order)
    aware = instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def _other_instant(text: str, order: str) -> datetime:
    if found := _YEAR_FIRST.match(text):
        return _instant(found, found["a"], found["b"], found["c"])
    if found := _YEAR_LAST.match(text):
        if order not in ("dmy", "mdy"):
            raise BadValue(DAY_FIRST)
        month, day = (found["b"], found["a"]) if order == "dmy" else (found["a"], found["b"])
        return _instant(found, found["c"], month, day)
    if found := _NAMED.match(text):
        name = (found["b"] or found["b2"]).lower()
        if name in _FULL or name in _MONTHS:
            month = str(_MONTHS.index(name[:3]) + 1)
            return _instant(found, found["c"] or found["c2"], month, found["a"] or found["a2"])
    raise BadValue(f"expected a time, got {UNNAMED_MARK}" if text.casefold() in MARKS else NO_INSTANT)


def _instant(found: re.Match[str], year: str, month: str, day: str) -> datetime:
    hour, half = int(found["hour"] or 0), (found["half"] or "").lower()
    if half and not 1 <= hour <= 12:
        raise BadValue(NO_INSTANT)
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    part = int((found["part"] or "0").ljust(6, "0")[:6])
    zone = found["zone"] or ""
    named = None if not zone else UTC
    if zone[:1] in ("+", "-"):
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
        named = timezone(shift)
    minute, second = int(found["minute"] or 0), int(found["second"] or 0)
    try:
        return datetime(int(year), int(month), int(day), hour, minute, second, part, tzinfo=named)
    except ValueError:
        raise BadValue(NO_INSTANT) from None
