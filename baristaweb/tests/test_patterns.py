"""Every regular expression of the code base stays linear on hostile input.

Growth is what is measured: a text four times as long may cost about four times the work, on a slow machine as on a fast
one. What explodes costs sixteen times, or never ends.
"""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from baristaweb.tests.test_house import ROOT, name_of, python_files, tree_of
from observability.domain.specs import texts

# Functions of `re` and methods of patterns that begin at the start of the text alone.
ANCHORED = frozenset({"match", "fullmatch"})
FUNCTIONS = frozenset({"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
# Made of what somebody types, with re.escape around it, so that nothing of it is a pattern.
OF_TYPED_TEXT = frozenset(
    {"baristaweb/lib/refusals.py", "deployments/views/log_words.py", "deployments/queries/detail.py"}
)
# Made for a way of writing numbers; tried for each way that a spec may name.
OF_NUMBERS = "observability/domain/specs/texts.py"
WAYS = ((".", ","), (",", "."), (",", " "), (",", "'"), (".", ""))
LONGEST = 1 << 14
FACTOR = 4
MOST_GROWTH = FACTOR * 2.2
# Repeated at most so often, a part costs so much more at each place, and no more than that.
BOUNDED = 100
# Shorter than this is noise.
MEASURABLE_S = 0.001


@dataclass(frozen=True)
class Pattern:
    where: str
    text: str
    flags: int
    methods: frozenset[str]

    @property
    def method(self) -> str:
        """The costliest of those it is used with: a search begins anew at every character."""
        return "search" if not self.methods or self.methods - ANCHORED else min(self.methods)


def _flags(call: ast.Call, names: dict[str, Any], function: str) -> int:
    place = {"compile": 1, "match": 2, "fullmatch": 2, "search": 2, "findall": 2, "finditer": 2}.get(function, 99)
    given = [word.value for word in call.keywords if word.arg == "flags"] or call.args[place : place + 1]
    found = [eval(compile(ast.Expression(item), "flags", "eval"), names) for item in given]  # noqa: S307 - our own code
    return int(next((item for item in found if isinstance(item, int)), 0))


def _methods_of(tree: ast.Module, call: ast.Call) -> frozenset[str]:
    """What the pattern that this call makes is asked for, where it has a name; empty when nobody can tell."""
    names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is call
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    return frozenset(
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in FUNCTIONS
        and (node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")) in names
    )


def _calls() -> Iterator[tuple[str, ast.Module, ast.Call, str]]:
    """Every place where a pattern is written: file, its tree, the call, and the function called."""
    for path in python_files():
        if "tests" in path.parts or path.name == "conftest.py":
            continue
        tree = tree_of(path)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
                if function.value.id == "re" and function.attr in FUNCTIONS:
                    yield name_of(path), tree, node, function.attr
            elif isinstance(function, ast.Name) and function.id in {"RegexValidator", "RegexField"}:
                yield name_of(path), tree, node, "validator"


@cache
def patterns() -> tuple[Pattern, ...]:
    found = []
    for where, tree, call, function in _calls():
        first = call.args[0]
        # Written there, or put together of what the module holds.
        module = {} if isinstance(first, ast.Constant) else vars(importlib.import_module(_module(where)))
        # A table of rules that is an argument stands for the one that is shipped.
        names = {"re": re, "rules": module.get("RULES"), **module}
        try:
            text = eval(compile(ast.Expression(first), where, "eval"), names)  # noqa: S307 - our own code
        except NameError:
            if where not in OF_TYPED_TEXT | {OF_NUMBERS} and not where.startswith("embedded/"):
                raise AssertionError(f"{where}:{call.lineno} makes a pattern that no test sees") from None
            continue
        methods = _methods_of(tree, call) if function == "compile" else frozenset({function})  # a validator searches
        flags = _flags(call, names, function)
        found.append(Pattern(f"{where}:{call.lineno}", str(text), flags, methods))
    for way in WAYS:
        written = texts._written(*way)
        found.append(Pattern(f"{OF_NUMBERS} {way}", written.pattern, written.flags, frozenset({"match"})))
    return tuple(found)


def _module(where: str) -> str:
    return where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class _Sampler:
    """Texts that a pattern matches, and the parts of them that can be repeated."""

    def __init__(self, pattern: str, flags: int, preferred: str) -> None:
        self.preferred = preferred
        self.pumps: list[tuple[str, str]] = []
        self.whole = self._sequence(re._parser.parse(pattern, flags), "")  # type: ignore[attr-defined]

    def _sequence(self, items: Any, before: str) -> str:
        text = ""
        for operator, value in items:
            text += self._one(str(operator), value, before + text)
            # Everything up to here, again and again: what a search begins anew at.
            if str(operator) != "LITERAL":
                self.pumps.append(("", before + text))
        return text

    def _one(self, operator: str, value: Any, before: str) -> str:
        if operator == "LITERAL":
            return chr(value)
        if operator == "NOT_LITERAL":
            return "x" if value != ord("x") else "y"
        if operator == "ANY":
            return "x"
        if operator == "IN":
            return self._of_set(value)
        if operator in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            least, most, inner = value
            part = self._sequence(inner, before)
            if int(most) > BOUNDED:
                for unit in {part, *self._alternatives(inner)} - {""}:
                    self.pumps.append((before, unit))
            return part * max(int(least), 1 if int(most) else 0)
        if operator == "SUBPATTERN":
            return self._sequence(value[3], before)
        if operator == "ATOMIC_GROUP":
            return self._sequence(value, before)
        if operator == "BRANCH":
            first, *_ = [self._sequence(branch, before) for branch in value[1]]
            return first
        return ""

    def _alternatives(self, items: Any) -> set[str]:
        """Single characters of a repeated set: which of them is the bad one depends on what comes after."""
        if len(items) != 1 or str(items[0][0]) not in {"IN", "ANY", "NOT_LITERAL"}:
            return set()
        if str(items[0][0]) != "IN":
            return {"x", " ", '"'}
        fits = re.compile(f"[{''.join(_written(item) for item in items[0][1])}]")
        return {character for character in "a0A- _.:/,@[]{}\"'<(" if fits.match(character)}

    def _of_set(self, value: Any) -> str:
        fits = re.compile(f"[{''.join(_written(item) for item in value)}]")
        return next((character for character in self.preferred if fits.match(character)), chr(1))


def _written(item: Any) -> str:
    operator, value = str(item[0]), item[1]
    if operator == "LITERAL":
        return re.escape(chr(value))
    if operator == "RANGE":
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    if operator == "NEGATE":
        return "^"
    kind = str(value)
    letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[kind.removeprefix("CATEGORY_").removeprefix("NOT_")]
    return f"\\{letter.upper() if 'NOT_' in kind else letter}"


def attacks(pattern: Pattern) -> set[tuple[str, str, str]]:
    """Beginning, what is repeated, and an end that keeps the whole from matching."""
    pumps = {("", "a"), ("", " "), ("", "a-")}
    # A set's member that belongs to a word, and one that does not: after that a search may begin anew.
    for preferred in ('a0A -_./:,"\n\t[é', '-./:, "\n\t[_a0Aé'):
        sampler = _Sampler(pattern.text, pattern.flags, preferred)
        pumps |= {*sampler.pumps, ("", sampler.whole), ("", sampler.whole[:-1])}
    return {(before, unit, end) for before, unit in pumps if unit for end in ("", "\0")}


def _seconds(use: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(2):
        began = time.thread_time()
        use(text)
        best = min(best, time.thread_time() - began)
    return best


def growth(use: Callable[[str], object], before: str, unit: str, end: str) -> float:
    """How much more the longest text costs than one a quarter as long; 1 where nothing can be measured."""
    length = 256
    while length * FACTOR <= LONGEST:
        if _seconds(use, before + unit * (length // len(unit) + 1) + end) > MEASURABLE_S:
            break
        length *= 2
    short = before + unit * (length // len(unit) + 1) + end
    long = before + unit * (length * FACTOR // len(unit) + 1) + end
    spent = _seconds(use, short)
    return _seconds(use, long) / spent if spent > MEASURABLE_S / 4 else 1.0


def use_of(pattern: Pattern) -> Callable[[str], object]:
    compiled = re.compile(pattern.text, pattern.flags)
    if pattern.method in ANCHORED:
        return getattr(compiled, pattern.method)  # type: ignore[no-any-return]
    # All that can be found, from every place: the most that any method does.
    return lambda text: sum(1 for _ in compiled.finditer(text))


def worst(pattern: Pattern) -> tuple[float, str]:
    use = use_of(pattern)
    return max((growth(use, *attack), ascii(attack)[:120]) for attack in attacks(pattern))


def test_the_patterns_are_all_seen() -> None:
    assert len(patterns()) > 60
    assert {pattern.where.split("/")[0] for pattern in patterns()} >= {"deployments", "observability", "embedded"}
    assert (ROOT / "manage.py").exists()


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: pattern.where)
def test_no_pattern_explodes(pattern: Pattern) -> None:
    measured, attack = worst(pattern)
    if measured > MOST_GROWTH:  # once more: another process may have taken the cache
        measured, attack = worst(pattern)
    assert measured <= MOST_GROWTH, f"{pattern.text!r} ({pattern.method}) on {attack}: {measured:.0f} times"


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}", "search"),
        (r'\[(?:[a-zA-Z]+=)?"?([^\]"=,]+)"?(?:,[^\]]*)?\]', "sub"),
        (r"[.,]? *(no new claims to deallocate,? *)?preemption: .*\Z", "sub"),
        (r'cannot (?P<verb>\w+) resource "(?P<what>[^"]+)".* in the namespace "(?P<ns>[^"]+)"', "search"),
        (r"(?:[a-z0-9]+-?)+\Z", "match"),
        (r"\s+$", "search"),
    ],
)
def test_the_measure_knows_what_explodes(text: str, method: str) -> None:
    pattern = Pattern("here", text, 0, frozenset({method}))
    use = use_of(pattern)
    for before, unit, end in sorted(attacks(pattern)):
        if growth_of_few(use, before, unit, end) > MOST_GROWTH:
            return
    raise AssertionError(f"{text!r} was taken for linear")


def growth_of_few(use: Callable[[str], object], before: str, unit: str, end: str) -> float:
    """As `growth`, of texts short enough that even doubling at each character ends."""
    counts = (12, 15, 18, 21) if unit and len(unit) < 3 else ()
    for count in counts:
        short = _seconds(use, before + unit * count + end)
        if short > MEASURABLE_S:
            return _seconds(use, before + unit * (count + 3) + end) / short * FACTOR
    return growth(use, before, unit, end)
