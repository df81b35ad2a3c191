from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.text import naming
from deployments.domain.text.naming import InvalidName, InvalidText, clean_text
from deployments.tests.domain import bad_inputs

BAD = bad_inputs.load("names")
CHECKS: dict[str, Callable[[str], object]] = {
    "name": naming.check_name,
    "env": naming.check_env_name,
    "host": naming.check_host,
    "text": lambda text: clean_text(text, limit=100),
}


@pytest.mark.parametrize("entry", BAD, ids=bad_inputs.ids(BAD))
def test_bad_name_is_refused_with_the_reason(entry: dict[str, Any]) -> None:
    with pytest.raises((InvalidName, InvalidText)) as caught:
        CHECKS[entry["kind"]](bad_inputs.text_of(entry))
    for words in entry["says"]:
        assert words in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("name", ["a", "ranker", "search-ranker-2", "a" * 46])
def test_good_names(name: str) -> None:
    naming.check_name(name)


def test_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidText, match="cannot be stored"):
        clean_text("a\ud800", limit=10)


def test_text_is_trimmed_of_all_unicode_space() -> None:
    assert clean_text("\u00a0 a \u3000", limit=10) == "a"
    assert clean_text("\u2003\u00a0", limit=10) == ""


def test_free_text_keeps_lines_and_refuses_control_characters() -> None:
    assert clean_text("one\r\ntwo\t3", multiline=True, limit=20) == "one\ntwo\t3"
    with pytest.raises(InvalidText, match="control"):
        clean_text("a\x1bb", multiline=True, limit=20)


def test_limit_is_said() -> None:
    with pytest.raises(InvalidText, match="11 characters; at most 10"):
        clean_text("a" * 11, limit=10)


@given(st.text(max_size=80))
def test_a_suggestion_is_a_valid_label_or_empty(text: str) -> None:
    suggestion = naming.suggest_name(text)
    if suggestion:
        naming.check_label(suggestion, limit=naming.NAME_LIMIT)


@given(st.text(max_size=200))
def test_label_value_is_always_valid(text: str) -> None:
    value = naming.label_value(text)
    assert len(value) <= 63
    assert value == "" or (value[0].isalnum() and value[-1].isalnum() and value.isascii())
