"""Invisible characters of values: named, shown, cleaned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.text.unseen import Unclean, cleaned, cleaned_lines, problems, shown


@pytest.mark.parametrize(
    ("text", "said", "clean", "seen"),
    [
        ("info", (), "info", "info"),
        ("two words\nand a line", (), "two words\nand a line", "two words\nand a line"),
        ("a\u00a0b", ("a no-break space",), "a b", "a\u27e8U+00A0\u27e9b"),
        ("in\u200bfo", ("a zero-width character",), "info", "in\u27e8U+200B\u27e9fo"),
        ("\ufeffinfo", ("a zero-width character",), "info", "\u27e8U+FEFF\u27e9info"),
        ("\u202eofni", ("a mark of the writing direction",), "ofni", "\u27e8U+202E\u27e9ofni"),
        ("\u201cinfo\u201d", ("typographic quotes",), '"info"', "\u201cinfo\u201d"),
        (" info\n", ("blanks at its beginning or end",), "info", "\u00b7info\u21b5"),
        ("\u3000x", ("a space that is none",), "x", "\u27e8U+3000\u27e9x"),
        ("Zürich \N{GRINNING FACE}", (), "Zürich \N{GRINNING FACE}", "Zürich \N{GRINNING FACE}"),
    ],
)
def test_each_kind(text: str, said: tuple[str, ...], clean: str, seen: str) -> None:
    assert (problems(text), cleaned(text), shown(text)) == (said, clean, seen)


@given(st.text())
def test_what_is_cleaned_has_nothing_left_and_stays(text: str) -> None:
    assert problems(cleaned(text)) == ()
    assert cleaned(cleaned(text)) == cleaned(text)


@given(st.text(alphabet="a \u00a0\u200b\u202e\n\t"), st.text(alphabet="a \u00a0\u200b\u202e\n\t"))
def test_two_values_that_differ_look_different(one: str, other: str) -> None:
    assert (shown(one) == shown(other)) == (one == other)


def test_lines_are_cleaned_each() -> None:
    assert cleaned_lines("a=\u200b1 \r\n\u00a0b=2") == "a=1\nb=2"


def test_what_can_be_seen_is_not_unclean() -> None:
    assert Unclean.of("info") is None
    assert Unclean.of("in\u200bfo") == Unclean(("a zero-width character",), "in\u27e8U+200B\u27e9fo")
