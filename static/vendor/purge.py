"""Cuts Tabler's stylesheet down to what the pages use: vendor/tabler.min.css in, vendor/tabler.used.css out.

    python static/vendor/purge.py

Needs nothing but tinycss2. What is used is read from the templates, scripts and the Python that writes markup, so that a
class is there as soon as somebody writes it; a test compares the file with what this makes. A name that is put
together from parts (`st-{{ tone }}`) is not found: such names belong to static/css/, and never to Tabler.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tinycss2
from tinycss2.ast import AtRule, Declaration, FunctionBlock, HashToken, IdentToken, LiteralToken, Node, QualifiedRule
from tinycss2.ast import SquareBracketsBlock

VENDOR = Path(__file__).resolve().parent
ROOT = VENDOR.parent.parent
SOURCE, USED = VENDOR / "tabler.min.css", VENDOR / "tabler.used.css"
MARKUP = ("baristaweb", "deployments/forms", "deployments/views", "deployments/templatetags", "observability/views")

CLASS_VALUE = re.compile(r"""class=(?:"((?:\{%.*?%\}|\{\{.*?\}\}|[^"])*)"|'((?:\{%.*?%\}|\{\{.*?\}\}|[^'])*)')""", re.S)
TAG = re.compile(r"\{[%{](.*?)[%}]\}", re.S)
STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`([^`]*)`')
NAMES = re.compile(r"[a-z][a-z0-9-]*(?: +[a-z][a-z0-9-]*)*")
ELEMENT = re.compile(r"<([a-z][a-z0-9]*)\b")
REFERENCE = re.compile(r"--[A-Za-z0-9_-]+")
PART = "\0"  # stands for what only a rendered page has
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
READ = re.compile(r"var\(\s*(--[\w-]+)")
ALWAYS = {"html", "body", "optgroup", "option"}  # Django writes the last two


@dataclass(frozen=True)
class Vocabulary:
    """What the pages may ask a stylesheet for."""

    classes: frozenset[str]
    elements: frozenset[str]
    attributes: str  # the text in which the name of an attribute is looked for
    references: frozenset[str]  # custom properties that our own stylesheets and scripts read


def classes_of_template(text: str) -> set[str]:
    """The names in class attributes, and those in the strings of template tags."""
    found = {name for tag in TAG.findall(text) for name in _names_in_strings(tag)}
    return found | written_classes(text)


def written_classes(text: str) -> set[str]:
    """The names that stand whole in class attributes: of "st st-{{ tone }} {% if old %}stale{% endif %}", st and stale."""
    found: set[str] = set()
    for value in ("".join(groups) for groups in CLASS_VALUE.findall(text)):
        whole = re.sub(r"\{%.*?%\}", " ", re.sub(r"\{\{.*?\}\}", PART, value, flags=re.S), flags=re.S)
        found |= {name for name in whole.split() if PART not in name}
    return found


def _names_in_strings(text: str) -> Iterator[str]:
    for value in ("".join(groups) for groups in STRING.findall(text)):
        for part in value.split(","):
            if NAMES.fullmatch(part.strip()):
                yield from part.split()


def vocabulary(root: Path = ROOT) -> Vocabulary:
    templates = [path.read_text("utf-8") for path in sorted((root / "templates").rglob("*.html"))]
    scripts = [path.read_text("utf-8") for path in sorted((root / "static" / "js").rglob("*.js"))]
    sheets = [path.read_text("utf-8") for path in sorted((root / "static" / "css").rglob("*.css"))]
    folders = [path for folder in MARKUP for path in sorted((root / folder).rglob("*.py"))]
    code = [path.read_text("utf-8") for path in folders if "tests" not in path.parts]
    classes: set[str] = set()
    for text in templates:
        classes |= classes_of_template(text)
    for text in (*scripts, *code):
        classes |= set(_names_in_strings(text))
        classes |= classes_of_template(text)
    marked = "\n".join([*templates, *scripts, *code])
    return Vocabulary(
        frozenset(classes),
        frozenset(ELEMENT.findall(marked)) | ALWAYS,
        marked,
        frozenset(REFERENCE.findall("\n".join([*sheets, *scripts, *templates]))),
    )


@dataclass
class Rule:
    """What applies where: either declarations, or the rules inside an @media or @supports."""

    head: str
    declarations: list[tuple[str, str]]  # name and what follows its colon
    rules: "list[Rule]"

    def __str__(self) -> str:
        inside = "".join(map(str, self.rules)) or ";".join(f"{name}:{value}" for name, value in self.declarations)
        return f"{self.head}{{{inside}}}"

    def everywhere(self) -> "Iterator[Rule]":
        yield self
        for rule in self.rules:
            yield from rule.everywhere()


def purge(css: str, words: Vocabulary) -> str:
    """The rules of `css` that can match something, without custom properties and animations that nothing uses."""
    heading = re.match(r'@charset "UTF-8";(/\*!.*?\*/)', css, re.S)
    rules = list(_kept(tinycss2.parse_stylesheet(_thinned(css, words), True, True), words))
    _drop_unread(rules, words)
    moved = "".join(value for name, value in _declared(rules) if name.startswith("animation"))
    rules = [rule for rule in rules if not rule.head.startswith("@keyframes") or rule.head.split()[1] in moved]
    text = "\n".join(str(rule) for rule in rules if rule.rules or rule.declarations)
    return '@charset "UTF-8";\n' + (heading.group(1) + "\n" if heading else "") + text + "\n"


def _thinned(css: str, words: Vocabulary) -> str:
    """Without most of what `_kept` would drop: parsing all of it takes seconds."""

    def needed(match: re.Match[str]) -> str:
        selectors = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", match.group(1))).split(",")
        return match.group() if any(words.classes.issuperset(CLASS.findall(part)) for part in selectors) else ""

    return re.sub(r"([^{}]+)\{[^{}]*\}", needed, re.sub(r"/\*.*?\*/", "", css, flags=re.S))


def _kept(rules: Iterable[Node], words: Vocabulary) -> Iterator[Rule]:
    for rule in rules:
        if isinstance(rule, QualifiedRule):
            selectors = [part for part in _by_comma(rule.prelude) if _can_match(part, words)]
            if selectors:
                head = ",".join(tinycss2.serialize(part).strip() for part in selectors)
                yield Rule(head, list(_declarations(rule.content)), [])
        elif isinstance(rule, AtRule) and rule.at_keyword in ("media", "supports"):
            inner = list(_kept(tinycss2.parse_blocks_contents(rule.content, True, True), words))
            if inner:
                yield Rule(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}", [], inner)
        elif isinstance(rule, AtRule) and rule.at_keyword == "keyframes":
            steps = tinycss2.parse_rule_list(rule.content, True, True)
            head = f"@keyframes{tinycss2.serialize(rule.prelude)}"
            yield Rule(head, [], [Rule(tinycss2.serialize(s.prelude), list(_declarations(s.content)), []) for s in steps])
        elif isinstance(rule, AtRule) and rule.at_keyword == "property":
            head = f"@property{tinycss2.serialize(rule.prelude)}"
            yield Rule(head, list(_declarations(rule.content)), [])
        elif not (isinstance(rule, AtRule) and rule.at_keyword == "charset"):
            raise ValueError(f"Tabler has a kind of rule that is new here: {rule.serialize()[:80]}")


def _declarations(content: list[Node]) -> Iterator[tuple[str, str]]:
    for item in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if not isinstance(item, Declaration):
            raise ValueError(f"Tabler has a declaration that is new here: {item.serialize()[:80]}")
        yield item.name, tinycss2.serialize(item.value).strip() + ("!important" if item.important else "")


def _declared(rules: Iterable[Rule]) -> Iterator[tuple[str, str]]:
    return (pair for top in rules for rule in top.everywhere() for pair in rule.declarations)


def _drop_unread(rules: list[Rule], words: Vocabulary) -> None:
    """Custom properties that nothing reads, then those that only these read, to the end."""
    while True:
        read = words.references | {name for _, value in _declared(rules) for name in READ.findall(value)}
        if all(name in read for name, _ in _declared(rules) if name.startswith("--")):
            break
        for rule in [rule for top in rules for rule in top.everywhere()]:
            rule.declarations = [pair for pair in rule.declarations if not pair[0].startswith("--") or pair[0] in read]
    for rule in [rule for top in rules for rule in top.everywhere()]:
        rule.rules = [inner for inner in rule.rules if inner.rules or inner.declarations]
    rules[:] = [rule for rule in rules if not rule.head.startswith("@property") or rule.head.split()[1] in read]


def _by_comma(tokens: Iterable[Node]) -> Iterator[list[Node]]:
    part: list[Node] = []
    for token in tokens:
        if isinstance(token, LiteralToken) and token.value == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _can_match(selector: list[Node], words: Vocabulary) -> bool:
    before = ""
    for token in selector:
        if isinstance(token, IdentToken):
            if before == "." and token.value not in words.classes:
                return False
            if before not in (".", ":") and token.value not in words.elements:
                return False
        elif isinstance(token, HashToken) and token.value not in words.attributes:
            return False
        elif isinstance(token, SquareBracketsBlock) and not _attribute_is_used(token, words):
            return False
        elif isinstance(token, FunctionBlock) and token.lower_name in ("is", "where", "has", "host"):
            if not any(_can_match(part, words) for part in _by_comma(token.arguments)):
                return False
        before = token.value if isinstance(token, LiteralToken) else ""
    return True


def _attribute_is_used(block: SquareBracketsBlock, words: Vocabulary) -> bool:
    names = [token.value for token in block.content if isinstance(token, IdentToken)]
    return bool(names) and re.search(rf"\b{re.escape(names[0])}(?![\w-])", words.attributes) is not None


def main() -> None:
    made = purge(SOURCE.read_text("utf-8"), vocabulary())
    USED.write_text(made, "utf-8")
    sys.stdout.write(f"{USED.name}: {len(made):,} of {SOURCE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
