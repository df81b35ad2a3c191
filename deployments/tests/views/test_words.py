"""The words and signs of the interface, and rules that every template keeps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
import yaml
from bs4 import BeautifulSoup
from django import forms
from django.conf import settings
from django.template import engines
from django.test import RequestFactory

from deployments.domain.status.states import Phase, PodState, State
from deployments.templatetags.barista import in_words, query_with, relative, state_pill, use_bar
from deployments.views.audit_words import KINDS, VERBS
from deployments.views.clusters import LOOKS, OFF
from deployments.views.yaml_text import to_yaml

NOW = datetime(2026, 11, 19, 19, 41, tzinfo=UTC)
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
SPRITE = (settings.BASE_DIR / "static" / "icons.svg").read_text()
ICONS = set(re.findall(r'<symbol id="([^"]+)"', SPRITE))


def draw(source: str, **context: Any) -> str:
    return engines["django"].from_string(source).render(context)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (130, "2 min 10 s"),
        (3599, "59 min"),
        (3600, "1 h"),
        (12_000, "3 h 20 min"),
        (90_000, "1 d 1 h"),
        (1_000_000, "11 d"),
        (-5, "0 s"),
    ],
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds_ago", "words"),
    [(0, "just now"), (9, "9 s ago"), (400, "6 min ago"), (7200, "2 h ago"), (200_000, "2 d ago"), (-7300, "in 2 h")],
)
def test_relative_times(seconds_ago: int, words: str) -> None:
    assert relative(NOW - timedelta(seconds=seconds_ago), NOW) == words


def test_a_time_carries_the_exact_instant() -> None:
    with time_machine.travel(NOW):
        time = BeautifulSoup(draw("{% ago moment %}", moment=NOW - timedelta(hours=3)), "html.parser").time
    assert time is not None
    assert time["datetime"] == "2026-11-19T16:41:00+00:00"
    assert time["title"] == "Thu 19 Nov 2026, 16:41:00 UTC"
    assert time.text == "3 h ago"


def test_unknown_is_not_zero() -> None:
    for tag in ("{% ago x %}", "{{ x|duration }}", "{{ x|cores }}", "{{ x|memory }}", "{{ x|exact }}"):
        assert draw(tag, x=None) == "\N{EN DASH}"
    assert use_bar(None, 5, "") == use_bar(5, None, "") == use_bar(5, 0, "") == ""


def test_a_bar_is_hot_near_the_request_and_ends_at_its_scale() -> None:
    assert 'class="fg" width="21.3"' in use_bar(50, 100, "half")
    assert 'class="hot" width="64.0"' in use_bar(900, 100, "far above")
    assert "&quot;" in use_bar(1, 2, 'a "label"')


def test_links_that_change_one_parameter() -> None:
    context = {"request": RequestFactory().get("/fleet/?q=a b&page=3&view=prod")}
    assert query_with(context, sort="name") == "?q=a+b&view=prod&sort=name"
    assert query_with(context, view="", q=None) == "?"
    assert query_with(context, page=2) == "?q=a+b&view=prod&page=2"


@pytest.mark.parametrize("machine", [State, Phase, PodState])
def test_every_state_is_word_icon_and_known_tone(machine: type[State | Phase | PodState]) -> None:
    styles = (settings.BASE_DIR / "static" / "css" / "words.css").read_text()
    for state in machine:
        pill = BeautifulSoup(state_pill(state), "html.parser")
        assert pill.text == state.label
        assert state.icon in ICONS
        assert f".st-{state.tone} " in styles


def test_icons_named_in_code_and_templates_exist() -> None:
    used = {look.icon for look in [*LOOKS.values(), OFF]} | {words.icon for words in KINDS.values()}
    used |= {icon for icon, _ in VERBS.values()}
    for path in TEMPLATES:
        used |= set(re.findall(r'{% icon "([^"]+)"', path.read_text()))
    assert used <= ICONS


@pytest.mark.parametrize("path", TEMPLATES, ids=[str(path.relative_to(settings.BASE_DIR)) for path in TEMPLATES])
def test_templates_fit_the_content_security_policy(path: Path) -> None:
    """Inline styles, scripts and handlers would be blocked; |safe would undo the escaping; hx-on and js: are dead."""
    source = path.read_text()
    forbidden = (
        r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:|\|safe\b|mark_safe|autoescape off|hx-on|js:"
    )
    assert not re.findall(forbidden, source)
    assert not re.findall(r'hx-trigger="[^"]*\[', source), "a trigger filter needs eval and fails open"


def test_what_htmx_asks_for_works_alone() -> None:
    """An element that htmx wires must be a form, a link, or something that polls itself."""
    for path in TEMPLATES:
        for tag in re.findall(r"<(\w+)(?=[^>]*\shx-(?:get|post)=)([^>]*)>", path.read_text()):
            name, attributes = tag
            assert name in ("form", "a") or 'hx-trigger="' in attributes, f"{path}: <{name}>"


class Example(forms.Form):
    name = forms.CharField(help_text="Letters & digits.", initial="ranker")
    kind = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)
    is_on = forms.BooleanField(label="On", required=False)
    shows_changes = True


def test_a_field_names_its_help_and_its_error() -> None:
    row = BeautifulSoup(Example({"name": ""})["name"].as_field_group(), "html.parser")
    control = row.select_one("input")
    assert control is not None
    ids = str(control["aria-describedby"]).split()
    assert [row.find(id=name) is not None for name in ids] == [True, True]
    assert control["aria-invalid"] == "true"
    assert row.select_one("label[for=id_name]") is not None
    assert "This field is required." in row.text
    assert "was ranker" in row.text


def test_choices_have_one_name_for_the_group() -> None:
    row = BeautifulSoup(Example()["kind"].as_field_group(), "html.parser")
    group = row.select_one("[role=group]")
    assert group is not None
    assert row.find(id=group["aria-labelledby"]) is not None


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"b": [1, "2", True, None, "yes", "no: way", "- x", "#c", "a b", "1e3", "", " lead"], "c": {}, "d": []}},
        {"list": [{"name": "x", "more": [{"y": [1, 2]}]}, [], {}, "plain"], "app.kubernetes.io/name": "v1.2"},
        {"args": ["--model_base_path=gs://a/b", "$(HOME)", "null", "~", "0x1F", "2026-11-19", "a: b", "ü", "\u2028"]},
        {
            "n": "on",
            "off": "Off",
            "key with: colon": "'quoted'",
            "end": "colon:",
            "at": "@x",
            "star": "*a",
            "pct": "25%",
        },
    ],
)
def test_yaml_reads_back_as_what_it_shows(value: dict[str, Any]) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


def test_what_is_to_come_is_never_in_the_past() -> None:
    with time_machine.travel(NOW, tick=False):
        assert "due now" in draw("{% upcoming moment %}", moment=NOW - timedelta(minutes=2))
        assert "in 2 min" in draw("{% upcoming moment %}", moment=NOW + timedelta(minutes=2))
