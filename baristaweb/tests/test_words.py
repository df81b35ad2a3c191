"""Old words of the glossary are in nothing that people read: templates, strings of the apps, scripts, documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
GLOSSARY = ROOT / "docs" / "glossary.md"
APPS = ("baristaweb", "deployments", "observability")
# What a decision was called when it was taken stays; the change log tells of what was.
HISTORY = frozenset({"docs/glossary.md", "CHANGELOG.md"})


def old_words(text: str) -> list[str]:
    """The phrases in the third column of the glossary's table."""
    rows = [row for row in text.splitlines() if row.startswith("| ")][1:]
    return [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row.strip("| ").rsplit(" | ", 1)[-1])]


def pattern_of(phrases: list[str]) -> re.Pattern[str]:
    def edge(end: str, boundary: str) -> str:
        return boundary if end.isalnum() else ""

    parts = [
        edge(phrase[0], r"(?<![\w-])") + r"\s+".join(map(re.escape, phrase.split())) + edge(phrase[-1], r"(?![\w-])")
        for phrase in phrases
    ]
    return re.compile("|".join(parts), re.IGNORECASE)


OLD = pattern_of(old_words(GLOSSARY.read_text()))


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts with a space that are no docstrings, f-strings with their parts in place of values."""
    scopes = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    skipped = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, scopes) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [
                part.value if isinstance(part, ast.Constant) else "\N{HORIZONTAL ELLIPSIS}" for part in node.values
            ]
            skipped |= {id(part) for part in node.values}
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def shown_in(path: Path) -> Iterator[tuple[int, str]]:
    """What people read of a file, by line."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from ((line, found) for line, found in strings(ast.parse(text)) if " " in found)
        return
    if path.suffix == ".html":
        # Comments and code of the template are not shown; a phrase may run over a line's end.
        text = re.sub(
            r"\{#.*?#\}|\{%.*?%\}", lambda found: re.sub(r"[^\n]", "", found[0]) or " ", text, flags=re.DOTALL
        )
    if path.suffix == ".js":
        text = re.sub(r"//[^\n]*", "", text)
    if path.suffix == ".md":
        text = re.sub(r"```.*?```|`[^`\n]*`", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)
    yield 1, text


def read_by_people() -> list[Path]:
    found = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")]
    found += [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "js").glob("*.js")]
    for app in APPS:
        found += [path for path in (ROOT / app).rglob("*.py") if not {"tests", "migrations"} & set(path.parts)]
    return sorted(path for path in found if str(path.relative_to(ROOT)) not in HISTORY)


def test_the_glossary_names_what_it_replaces() -> None:
    words = old_words(GLOSSARY.read_text())
    assert len(words) > 60
    assert {"numbers of your own", "drop the proposal", "refused tries", "by hand"} <= set(words)


@pytest.mark.parametrize(
    ("text", "is_old"),
    [
        ("Scaled by hand while it slept", True),
        ("Settle\n      it", True),
        ("The pods settled down", True),
        ("Unsettled-looking beforehand", False),
        ("11 pods, 0 of 11 ready", False),
        ("1 pods", True),
    ],
)
def test_a_phrase_is_found_whole_and_over_line_ends(text: str, is_old: bool) -> None:
    assert bool(OLD.search(text)) is is_old


def test_nothing_that_people_read_has_old_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line + text[: match.start()].count(chr(10))} {match[0]!r}"
        for path in read_by_people()
        for line, text in shown_in(path)
        for match in OLD.finditer(text)
    ]
    assert not found, "\n".join(found)


# "{{ count }} pods" without the filter says "1 pods".
COUNTED = re.compile(
    r"\{\{ (?![^}]*\|(?:plural|pluralize))[^}]*(?:count|length|number|_total|\.ready)[^}]*\}\} "
    r"(?:pods|deployments|clusters|fields|entries|objects|windows|rows|changes|nodes|models|items)\b"
)


def test_counts_have_their_plural() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in (ROOT / "templates").rglob("*.html")
        for match in COUNTED.finditer(path.read_text("utf-8"))
    ]
    assert not found, "\n".join(found)
