"""What a column of texts stands for: numbers, instants or flags in the dress people write them in, and how to read it.

Nothing is taken for granted that has two readings: then the column stays a category, with a doubt that says what to
declare.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.specs.parse import MAX_WORDS, Parse
from observability.domain.specs.texts import (
    CURRENCIES,
    DAY_FIRST,
    FLAGS,
    MARKS,
    PLAIN_NUMBER,
    SPECIAL,
    BadValue,
    bare,
    is_written,
    microseconds,
    number_reader,
)

STYLES: Final = ((".", ""), (".", ","), (",", ""), (",", "."), (".", "'"), (",", "'"), (".", " "), (",", " "))
NAMES: Final = {",": "commas", ".": "points", "'": "apostrophes", " ": "spaces"}
_PAIRS: Final = (("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"))
_LEADING_ZERO: Final = re.compile(r"[+-]?0\d")
_YEAR_BESIDE_A_SIGN: Final = re.compile(r"\d{4}[-/.]\d|\d[-/.]\d{4}", re.ASCII)
_MONTH: Final = re.compile(r"[A-Za-z]{3}", re.ASCII)
_YEAR: Final = re.compile(r"\d{4}", re.ASCII)
_MOSTLY: Final = 0.5
_LONGEST: Final = 48  # characters of a number with all its signs


def _says_a_date(text: str) -> bool:
    """Whether a year is written beside a sign of dates, or after the name of a month."""
    if _YEAR_BESIDE_A_SIGN.search(text):
        return True
    month = _MONTH.search(text)
    return month is not None and _YEAR.search(text, month.end()) is not None


@dataclass(frozen=True)
class Dress:
    """The reading of a column: `values` beside `counts` for the words that stand for something; `parse` reads them.

    kind is numbers, instants, flags, codes, marks (and no value at all) or nothing; with nothing only `doubt` may say
    what could be declared.
    """

    kind: str = ""
    parse: Parse | None = None
    values: list[Any] = field(default_factory=list)
    counts: NDArray[Any] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    hint: str = ""
    doubt: str = ""
    is_plain: bool = True  # no mark, blank, currency or grouping: only the type of the column is odd


def undress(words: Sequence[str], counts: NDArray[Any]) -> Dress:
    """What distinct texts stand for, with how often each of them occurs."""
    bare_words = [word.strip() for word in words]
    is_gone = np.array([word.casefold() in MARKS for word in bare_words], dtype=bool)
    kept = [(word, int(count)) for word, count, gone in zip(bare_words, counts, is_gone, strict=True) if not gone]
    if not kept:
        return Dress("marks" if any(bare_words) else "")
    texts, sizes = [word for word, _ in kept], np.array([count for _, count in kept], dtype=np.int64)
    gone = sorted({word for word, is_one in zip(bare_words, is_gone, strict=True) if is_one})
    missing = tuple(list(dict.fromkeys(word.casefold() for word in gone))[:MAX_WORDS])
    shown = [word for word in dict.fromkeys(gone) if word] + (["blanks"] if "" in gone else [])
    is_padded = any(word != stripped for word, stripped in zip(words, bare_words, strict=True))
    found = _flags(texts) or _instants(texts) or _numbers(texts)
    if found is None and any(shown) and all(text.isascii() and text.isdigit() for text in texts):
        found = Dress("codes", hint="digits")
    if found is None:
        return Dress(doubt=_mixed(texts, sizes))
    if found.doubt:
        return found
    share = sizes.sum() / counts.sum()
    is_plain = found.is_plain and not missing and not is_padded
    what = f"{found.hint} written as text" if is_plain and found.kind == "numbers" else found.hint
    parts = [what if share == 1 else f"{_percent(share)} are {what}"]
    if missing:
        parts.append(", ".join(f"'{word[:20]}'" for word in shown[:5]) + (" and more" if len(shown) > 5 else ""))
        parts[-1] += " reads as missing" if len(shown) == 1 else " read as missing"
    rule = found.parse or Parse()
    rule = Parse(**{**_as_arguments(rule), "missing": missing})
    return Dress(
        found.kind, rule if rule != Parse() else None, found.values, sizes, "; ".join(parts), is_plain=is_plain
    )


def _as_arguments(parse: Parse) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in parse.to_json().items()}


def _percent(share: float) -> str:
    return f"{share:.0%}" if share < 0.995 else f"{share:.2%}"


def _mixed(texts: list[str], sizes: NDArray[Any]) -> str:
    """A column that is nearly numbers, but holds words nobody can know to mean "missing"."""
    is_number = np.array([bool(PLAIN_NUMBER.match(text)) for text in texts])
    share = sizes[is_number].sum() / sizes.sum()
    if share < _MOSTLY or share == 1:
        return ""
    others = [text for text, one in zip(texts, is_number, strict=True) if not one]
    shown = ", ".join(f"'{text[:20]}'" for text in others[:3]) + (f" and {len(others) - 3} more" if others[3:] else "")
    return f'{_percent(share)} are numbers, {shown} not: name what reads as missing in "missing" of parse'


def _flags(texts: list[str]) -> Dress | None:
    found = {text.casefold() for text in texts}
    if not found <= set(FLAGS) or found <= {"0", "1", "0.0", "1.0"}:
        return None
    if not found & {"true", "false"} and not any(found >= set(pair) for pair in _PAIRS):
        return None  # "no" alone may be Norway
    values = [FLAGS[text.casefold()] for text in texts]
    return Dress("flags", None, values, hint=f"flags written as {', '.join(sorted(found)[:6])}")


def _instants(texts: list[str]) -> Dress | None:
    if not all(_says_a_date(text) and not PLAIN_NUMBER.match(text) for text in texts):
        return None
    for order in ("", "dmy", "mdy"):
        try:
            values = [microseconds(text, order) for text in texts]
        except BadValue as error:
            if str(error) == DAY_FIRST or order:
                continue
            return None
        if order and _reads(texts, "mdy" if order == "dmy" else "dmy"):
            return Dress(doubt='dates with the day or the month first: say "dates": "dmy" or "mdy" in parse')
        hint = "texts that read as instants" + (f", {'day' if order == 'dmy' else 'month'} first" if order else "")
        return Dress("instants", Parse(dates=order) if order else None, values, hint=hint)
    return None


def _reads(texts: list[str], order: str) -> bool:
    """Whether the other order reads too, and differently. A point between the parts always puts the day first."""
    if order == "mdy" and all("." in text for text in texts):
        return False
    try:
        for text in texts:
            microseconds(text, order)
    except BadValue:
        return False
    return True


def _numbers(texts: list[str]) -> Dress | None:
    if any(len(text) > _LONGEST for text in texts):
        return None
    written = [text for text in texts if text.lower() not in SPECIAL]
    ends = _ends(written)
    symbols = tuple(symbol for symbol in CURRENCIES if any(symbol in end for end in ends))
    symbols = tuple(one for one in symbols if not any(one != other and one in other for other in symbols))
    is_percent = any(text.endswith("%") for text in written)
    cores = [bare(text, symbols, is_percent=is_percent)[0] for text in written]
    if not cores or not all(core[:1].isdigit() or core[:1] in (".", ",") for core in cores):
        return None
    if any(_LEADING_ZERO.match(core) for core in cores):
        return None  # codes
    fitting = [style for style in STYLES if all(is_written(*style)(core) for core in cores)]
    if not fitting:
        return None
    if len(symbols) > 1:
        return Dress(doubt=f"amounts in several currencies ({', '.join(symbols[:5])}): split the column")
    decimal, thousands = fitting[0]
    if decimal == "." and thousands == "," and any(style[0] == "," for style in fitting) and not _groups(cores):
        return Dress(doubt="numbers whose comma may mark decimals or thousands: say \"decimal\" in parse ('.' or ',')")
    if (decimal, thousands) == (".", "") and (",", ".") in fitting and symbols and any("." in core for core in cores):
        return Dress(doubt="numbers whose point may mark decimals or thousands: say \"decimal\" in parse ('.' or ',')")
    rule = Parse(decimal=decimal, thousands=thousands, symbols=symbols, percent=is_percent)
    is_plain = rule == Parse(decimal=".") and all(PLAIN_NUMBER.match(text) for text in texts)
    parts = ["numbers"]
    parts += ["with a decimal comma"] if decimal == "," else []
    parts += [f"with {NAMES[thousands]} between thousands"] if thousands else []
    parts += [f"'{symbols[0]}' is left out"] if symbols else []
    if is_percent:
        others = sum(not text.endswith("%") for text in written)
        parts.append("'%' divides by 100" + (f", {others} texts without it stand as they are" if others else ""))
    read, style = number_reader(rule), fitting[0]
    values: list[Any] = []
    for text in texts:
        whole = None if text.lower() in SPECIAL else _exact(*bare(text, symbols, is_percent=is_percent), style)
        values.append(read(text) if whole is None else whole)
    return Dress("numbers", rule, values, hint=", ".join(parts), is_plain=is_plain)


def _ends(texts: list[str]) -> set[str]:
    """What stands before the first and after the last digit of the texts."""
    found: set[str] = set()
    for text in texts:
        digits = [place for place, char in enumerate(text) if char.isascii() and char.isdigit()]
        if digits:
            found |= {text[: digits[0]], text[digits[-1] + 1 :]}
    return found


def _groups(cores: list[str]) -> bool:
    """Whether commas can only stand between thousands: doubled, before a point, or beside smaller whole numbers."""
    if any(core.count(",") > 1 or ("," in core and "." in core) for core in cores):
        return True
    without = [core for core in cores if "," not in core]
    return bool(without) and all(len(core.partition(".")[0]) < 4 for core in without)


def _exact(core: str, sign: str, shift: int, style: tuple[str, str]) -> int | None:
    """Whole numbers stay whole: ids beyond 2**53 must not lose their last digits."""
    digits = "".join(char for char in core if char.isdigit())
    others = set(core) - set(digits)
    if shift or style[0] in others or others & {"e", "E"} or len(digits) > 19:
        return None
    value = int(sign + digits)
    return value if -(2**63) <= value < 2**63 else None
