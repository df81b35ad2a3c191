"""Characters of a value that nobody sees or meant: found, shown and taken out. A value may hold them all the same."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Self

from baristaweb.lib.visible import HIDING

_TYPOGRAPHIC: Final = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"',
}  # fmt: skip
# Letters and marks that nothing is drawn for; Unicode does not call them formats.
_UNDRAWN: Final = frozenset(
    [*(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0), *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)]
)
_DIRECTIONS: Final = frozenset({0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)})
_BLANKS: Final = " \t\r\n"
# Emoji and some scripts are written with joiners; elsewhere nobody means one.
_JOINS: Final = re.compile(r"(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
_HIDES: Final = re.compile(f"[{HIDING}]")


def problems(text: str) -> tuple[str, ...]:
    """What is in the text that cannot be seen or was typed by an editor of prose, each once: "a no-break space"."""
    found = dict.fromkeys(kind for character in text if (kind := _kind(character)))
    if text != text.strip(_BLANKS):
        found["blanks at its beginning or end"] = None
    return tuple(found)


def prose_problems(text: str) -> tuple[str, ...]:
    """The same of text for people, in which quotes, wide blanks and joined letters are as they should be."""
    return problems("".join(_HIDES.findall(_JOINS.sub("", text))))


def prose_shown(text: str) -> str:
    """Text for people with what hides or turns it round as its number; markup may stand in it."""
    if not _HIDES.search(text):
        return text
    joined = {match.start() for match in _JOINS.finditer(text)}
    return _HIDES.sub(
        lambda hit: hit.group() if hit.start() in joined else f"\u27e8U+{ord(hit.group()):04X}\u27e9", text
    )


@dataclass(frozen=True, slots=True)
class Unclean:
    """What a text holds that nobody sees, and the text as it can be seen."""

    kinds: tuple[str, ...]
    shown: str

    @classmethod
    def of(cls, text: str) -> Self | None:
        """None where everything can be seen."""
        kinds = problems(text)
        return cls(kinds, shown(text)) if kinds else None

    @classmethod
    def of_name(cls, text: str) -> Self | None:
        """The same of a name, in which an apostrophe may be typographic."""
        return cls.of(text.translate({ord(quote): None for quote in _TYPOGRAPHIC}))

    @classmethod
    def of_prose(cls, text: str) -> Self | None:
        """The same of text for people."""
        kinds = prose_problems(text)
        return cls(kinds, prose_shown(text)) if kinds else None


def cleaned(text: str) -> str:
    """The text as it was probably meant: plain blanks and quotes, nothing invisible, no blanks around it."""
    return "".join(_instead(character) for character in text).strip(_BLANKS)


def cleaned_lines(text: str) -> str:
    """Each line of the text cleaned."""
    return "\n".join(cleaned(line) for line in text.replace("\r\n", "\n").split("\n"))


def cleaned_prose(text: str) -> str:
    """Text for people without what hides or turns it round."""
    joined = {match.start() for match in _JOINS.finditer(text)}
    return _HIDES.sub(lambda hit: hit.group() if hit.start() in joined else "", text)


def shown(text: str) -> str:
    """The text with every such character as its number, and blanks around it as dots, so that two differ on a page."""
    marked = "".join(
        f"\u27e8U+{ord(character):04X}\u27e9" if _kind(character) and character not in _TYPOGRAPHIC else character
        for character in text
    )
    inner = marked.strip(_BLANKS)
    if inner == marked:
        return marked
    begins = len(marked) - len(marked.lstrip(_BLANKS))
    before, after = marked[:begins], marked[begins + len(inner) :]
    return before.translate(_EDGE) + inner + after.translate(_EDGE)


_EDGE: Final = str.maketrans({" ": "\u00b7", "\t": "\u2192", "\n": "\u21b5", "\r": "\u240d"})


def _kind(character: str) -> str:
    if character.isascii():
        return ""
    code = ord(character)
    if character in _TYPOGRAPHIC:
        return "typographic quotes"
    if code in _DIRECTIONS:
        return "a mark of the writing direction"
    category = unicodedata.category(character)
    if category == "Zs":
        return "a no-break space" if code in (0xA0, 0x202F) else "a space that is none"
    if category in ("Zl", "Zp"):
        return "a line separator"
    if category == "Cf" or code in _UNDRAWN:
        return "a zero-width character"
    return ""


def _instead(character: str) -> str:
    if character in _TYPOGRAPHIC:
        return _TYPOGRAPHIC[character]
    kind = _kind(character)
    if not kind:
        return character
    return " " if unicodedata.category(character) in ("Zs", "Zl", "Zp") else ""
