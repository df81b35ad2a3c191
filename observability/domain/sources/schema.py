"""How a file's columns differ from those that were declared: missing, renamed, retyped and new ones, by name.

Differences are findings: a file that has any is read as far as it can be. Values take no part in it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ALIKE: Final = 0.75  # of two names: price_usd and price_in_usd are, price and colour are not
SIMILAR: Final = 0.6  # enough for two columns at the same place
MOST_COMPARED: Final = 100  # names on each side; beyond, only names at the same place are held to be renamed
FAMILIES: Final = {
    "int": "whole number", "uint": "whole number", "float": "number", "halffloat": "number", "double": "number",
    "decimal": "number", "string": "text", "large_string": "text", "binary": "bytes", "large_binary": "bytes",
    "bool": "flag", "timestamp": "time", "date": "time", "time": "time of day", "list": "list",
    "large_list": "list", "fixed_size_list": "list", "struct": "object", "map": "object", "null": "",
}  # fmt: skip


class Change(StrEnum):
    """What happened to a column."""

    MISSING = "missing_column"
    RENAMED = "renamed_column"
    RETYPED = "retyped_column"
    NEW = "new_column"


@dataclass(frozen=True, order=True)
class SchemaFinding:
    """`column` as it was declared (a new one: as it is named); `other` is the new name, or the new type."""

    change: Change
    column: str
    other: str = ""
    declared: str = ""  # type, where both are known

    @property
    def sentence(self) -> str:
        """What is said of it; names only, never values."""
        return {
            Change.MISSING: f"Column {self.column} is missing: its rows count as without a value.",
            Change.RENAMED: f"Column {self.column} is missing and {self.other} is new and looks like it. "
            f"Nothing is read from {self.other} until it is declared.",
            Change.RETYPED: f"Column {self.column} holds {self.other} and was declared as {self.declared}.",
            Change.NEW: f"Column {self.column} is new and not read.",
        }[self.change]


def compare(
    declared: Mapping[str, str], found: Mapping[str, str], known: frozenset[str] = frozenset()
) -> list[SchemaFinding]:
    """Findings by kind and name. Both map names to Arrow types in their order; "" is a type that nobody knows.

    `known`: columns that were left out on purpose, which are not new.
    """
    missing = [name for name in declared if name not in found]
    new = [name for name in found if name not in declared and name not in known]
    renamed = _renamed(declared, found, missing, new)
    findings = [SchemaFinding(Change.RENAMED, old, name) for old, name in renamed.items()]
    findings += [SchemaFinding(Change.MISSING, name) for name in missing if name not in renamed]
    findings += [SchemaFinding(Change.NEW, name) for name in new if name not in renamed.values()]
    for name, kind in declared.items():
        before, now = family(kind), family(found.get(name, ""))
        if before and now and before != now and {before, now} != {"number", "whole number"}:
            findings.append(SchemaFinding(Change.RETYPED, name, now, before))
    return sorted(findings)


def family(kind: str) -> str:
    """What an Arrow type is of, in words; "" where it is not known. Wider or narrower numbers are the same."""
    if kind.startswith("dictionary"):
        return family(kind.partition("values=")[2].partition(",")[0])
    base = kind.split("[")[0].split("(")[0].split("<")[0].rstrip("0123456789")
    return FAMILIES.get(base, base.replace("_", " "))


def _renamed(
    declared: Mapping[str, str], found: Mapping[str, str], missing: list[str], new: list[str]
) -> dict[str, str]:
    """A missing column and the new one that it became: of the same family, and the names alike. Each is used once."""
    places = {name: place for place, name in enumerate(declared)}
    now = {name: place for place, name in enumerate(found)}
    is_few = len(missing) <= MOST_COMPARED and len(new) <= MOST_COMPARED
    scored: list[tuple[float, str, str]] = []
    for old in missing:
        for name in new:
            is_same_place = places[old] == now[name]
            if not (is_few or is_same_place):
                continue
            before, after = family(declared[old]), family(found[name])
            if before and after and before != after:
                continue
            score = _alike(old, name)
            if score >= (SIMILAR if is_same_place else ALIKE):
                scored.append((-score, old, name))
    pairs: dict[str, str] = {}
    for _, old, name in sorted(scored):
        if old not in pairs and name not in pairs.values():
            pairs[old] = name
    return pairs


def _alike(a: str, b: str) -> float:
    """1 for names that differ only in case and separators; one that holds all words of the other counts 0.8."""
    plain_a, plain_b = (name.lower().replace("-", "_").replace(" ", "_").replace(".", "_") for name in (a, b))
    if plain_a.replace("_", "") == plain_b.replace("_", ""):
        return 1.0
    words_a, words_b = set(plain_a.split("_")), set(plain_b.split("_"))
    if len(words_a & words_b) >= 2 and (words_a <= words_b or words_b <= words_a):
        return 0.8
    return difflib.SequenceMatcher(None, plain_a[:100], plain_b[:100]).ratio()
