"""The stylesheet that is sent is what the pages use of Tabler, and they use nothing that no stylesheet has."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

ROOT = Path(settings.BASE_DIR)
DJANGOS = {
    "addlink",
    "breadcrumbs",
    "button",
    "cancel-link",
    "module",
    "vTextField",
}  # classes of the admin's own stylesheets
HOOKS = {"pod", "uses"}  # what tests and readers of the page look for; nothing is drawn


@cache
def purge() -> ModuleType:
    spec = importlib.util.spec_from_file_location("purge", ROOT / "static" / "vendor" / "purge.py")
    assert spec is not None
    pytest.importorskip("tinycss2", reason="tinycss2 is not installed: make test installs it")
    module = importlib.util.module_from_spec(spec)
    sys.modules["purge"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_shipped_stylesheet_is_what_the_build_makes() -> None:
    made = purge().purge(purge().SOURCE.read_text("utf-8"), purge().vocabulary())
    assert purge().USED.read_text("utf-8") == made, "run: python static/vendor/purge.py"


def test_every_class_of_a_template_is_in_a_stylesheet() -> None:
    sheets = [purge().USED, *(ROOT / "static" / "css").glob("*.css")]
    known = {name for sheet in sheets for name in re.findall(r"\.(-?[A-Za-z_][\w-]*)", sheet.read_text("utf-8"))}
    unknown = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "templates").rglob("*.html")
        for name in purge().written_classes(path.read_text("utf-8")) - known - DJANGOS - HOOKS
    }
    assert not unknown


def test_every_static_file_that_a_template_names_is_there() -> None:
    """A page of production fails on a name that was not collected."""
    named = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"\{% static ['\"]([^'\"]+)['\"] %\}", path.read_text("utf-8"))
    }
    assert len(named) > 10
    assert not {name for name in named if finders.find(name) is None}


@pytest.mark.parametrize(
    ("markup", "kept"),
    [
        ('<a class="btn">', {"btn"}),
        ('<a class="btn {% if old %}btn-sm{% endif %}">', {"btn", "btn-sm"}),
        ('<a class="btn{% if a == "dim" %} btn-sm{% endif %}">', {"btn", "btn-sm"}),
        ('<a class="st st-{{ tone }} {{ other }}">', {"st"}),
        ("<a class='btn'>", {"btn"}),
    ],
)
def test_classes_are_found_around_template_tags(markup: str, kept: set[str]) -> None:
    assert purge().written_classes(markup) == kept


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".btn{a:b}", ".btn{a:b}"),
        (".btn .card{a:b}", ""),
        (".btn,.card{a:b}", ".btn{a:b}"),
        (".btn:not(.card){a:b}", ".btn:not(.card){a:b}"),
        (":is(.card,.btn){a:b}", ":is(.card,.btn){a:b}"),
        (":is(.card,.badge){a:b}", ""),
        ("video{a:b}", ""),
        ("[data-x]{a:b}", ""),
        ("[type=search]{a:b}", "[type=search]{a:b}"),
        ("@media print{.card{a:b}}", ""),
        ("@media print{.btn{a:b}}", "@media print{.btn{a:b}}"),
        (".btn{--a:1;--b:var(--a);color:var(--b)}", ".btn{--a:1;--b:var(--a);color:var(--b)}"),
        (".btn{--a:1;--b:var(--a);color:red}", ".btn{color:red}"),
        (".btn{--a:url(data:x;y)}", ""),
        ("@keyframes turn{to{a:b}}", ""),
        ("@keyframes turn{to{a:b}} .btn{animation:turn 1s}", "@keyframes turn{to{a:b}}\n.btn{animation:turn 1s}"),
    ],
)
def test_what_cannot_match_is_left_out(css: str, kept: str) -> None:
    words = purge().Vocabulary(frozenset({"btn"}), frozenset({"a"}), '<input type="search">', frozenset())
    assert purge().purge(css, words).removeprefix('@charset "UTF-8";\n').strip() == kept
