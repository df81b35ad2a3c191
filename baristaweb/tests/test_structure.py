"""The shape of the code: no circles, one road to each name, templates that a diff can show."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter

from baristaweb.tests.test_house import ROOT, python_files, tree_of

APPS = ("baristaweb", "deployments", "observability")
# The faces of packages that are used as one word: `models.Deployment`, `reconcile.one`, `observe.refresh`.
FACES = {"deployments.models", "deployments.reconcile", "deployments.observe", "observability.models"}


@cache
def modules() -> dict[str, ast.Module]:
    found = {}
    for path in python_files():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[0] in APPS and "tests" not in parts:
            found[".".join(parts).removesuffix(".__init__")] = tree_of(path)
    return found


def is_package(name: str) -> bool:
    return (ROOT / name.replace(".", "/") / "__init__.py").exists()


def imports_of(name: str) -> Iterator[tuple[str, str]]:
    """The module and the name taken from it, for each import of ours; an imported module is its own."""
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, "") if whole in modules() else (node.module, alias.name)


@cache
def holds_packages(name: str) -> bool:
    return any(is_package(other) and other.startswith(f"{name}.") for other in modules())


def room_of(name: str) -> str:
    """The package of a module; a module that lies beside packages is a room of its own."""
    parent = name.rpartition(".")[0]
    return name if is_package(name) or not parent or holds_packages(parent) else parent


def refuse_circles(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"they import each other in a circle: {' -> '.join(error.args[1])}") from None


def test_no_circle_between_packages() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for name in modules():
        for target, _ in imports_of(name):
            if target in modules() and room_of(target) != room_of(name):
                graph[room_of(name)].add(room_of(target))
    refuse_circles(graph)


def test_no_circle_between_modules_for_types_neither() -> None:
    refuse_circles({name: {target for target, _ in imports_of(name) if target in modules()} for name in modules()})


@cache
def defined_in(name: str) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return frozenset(found)


def test_names_are_imported_from_where_they_are_defined() -> None:
    borrowed = [
        f"{name} takes {what} from {source}"
        for name in modules()
        for source, what in imports_of(name)
        if what and source in modules() and source not in FACES and what not in defined_in(source)
    ]
    assert not borrowed, "\n".join(borrowed)


def test_template_lines_can_be_read_in_a_diff() -> None:
    """Within a tag, or before the > that ends it, a line may be broken without a space that people would see."""
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "templates").rglob("*.html")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 160
    ]
    assert not long, "\n".join(long)
