"""Texts as values: what a rule writes it reads back, and nothing else than BadValue comes out of any text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.domain.specs.parse import DECIMALS, THOUSANDS, Parse
from observability.domain.specs.texts import BadValue, flag_text, microseconds, number_reader, number_text

SIGNS = "0123456789.,'- +()%$€eENA /:TZ\u00a0x"
NO_NUMBERS = ["1.234.5", "12,34", "1,2345", "--5", "-+5", "+-5", "(-5)", "5 5", "$€5", "5%%", "٣", "0x10", "1_000"]
RULES = [
    Parse(decimal=decimal, thousands=thousands, symbols=symbols, percent=percent)
    for decimal in DECIMALS[1:]
    for thousands in THOUSANDS
    for symbols in ((), ("€", "$"))
    for percent in (False, True)
    if thousands != decimal
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.to_json()))
@pytest.mark.parametrize("value", [0.5, 1234.5, 1234567.25, -7, 1000, 0.001, -123456.125])
def test_what_a_rule_writes_it_reads(rule: Parse, value: float) -> None:
    text = f"{value:,.3f}".replace(",", "T").replace(".", "D").replace("T", rule.thousands).replace("D", rule.decimal)
    read = number_reader(rule)
    assert read(text) == value
    for symbol in rule.symbols:
        assert read(f"{text} {symbol}") == read(f"{symbol}{text}") == value
    if rule.percent:
        assert math.isclose(read(f"{text}%"), value / 100, rel_tol=1e-15)


@given(
    st.text(SIGNS, max_size=12),
    st.sampled_from(RULES),
    st.sampled_from(["", "dmy", "mdy"]),
)
def test_no_text_raises_anything_but_a_bad_value(text: str, rule: Parse, order: str) -> None:
    for read in (number_reader(rule), lambda one: microseconds(one, order), flag_text, number_text):
        try:
            read(text)
        except BadValue:
            continue


@pytest.mark.parametrize(
    "text", ["1.234.5", "12,34", "1,2345", "--5", "-+5", "+-5", "(-5)", "5 5", "$€5", "5%%", "٣", "0x10", "1_000"]
)
def test_what_is_no_number_by_the_rule(text: str) -> None:
    with pytest.raises(BadValue):
        number_reader(Parse(decimal=".", thousands=",", symbols=("$", "€"), percent=True))(text)
