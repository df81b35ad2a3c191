"""What is said when a file's columns are not those that were declared."""

from __future__ import annotations

import pytest

from observability.domain.sources.schema import Change, SchemaFinding, compare, family

DECLARED = {"ts": "timestamp[us, tz=UTC]", "price_usd": "double", "country": "string", "user_id": "int64"}


def changed(**edits: str | None) -> dict[str, str]:
    found = DECLARED | {name: kind for name, kind in edits.items() if kind is not None}
    return {name: kind for name, kind in found.items() if edits.get(name, "") is not None}


def test_the_same_columns_in_another_order_are_no_finding() -> None:
    assert compare(DECLARED, dict(reversed(DECLARED.items()))) == []


def test_a_missing_and_a_new_column_are_named() -> None:
    found = compare(DECLARED, changed(country=None, basket_value="double"))
    assert found == [SchemaFinding(Change.MISSING, "country"), SchemaFinding(Change.NEW, "basket_value")]
    assert "not read" in found[1].sentence


@pytest.mark.parametrize("name", ["priceUsd", "PRICE_USD", "price_in_usd", "price-usd"])
def test_a_column_under_an_alike_name_is_renamed(name: str) -> None:
    assert compare(DECLARED, changed(price_usd=None, **{name: "double"})) == [
        SchemaFinding(Change.RENAMED, "price_usd", name)
    ]


def test_an_alike_name_of_another_type_is_a_new_column() -> None:
    found = compare(DECLARED, changed(price_usd=None, price_in_usd="string"))
    assert [one.change for one in found] == [Change.MISSING, Change.NEW]


def test_each_new_column_stands_for_one_missing_column() -> None:
    found = compare({"score_a": "double", "score_b": "double"}, {"score_c": "double"})
    assert sorted(one.change for one in found) == [Change.MISSING, Change.RENAMED]


def test_another_family_is_retyped_and_another_width_is_not() -> None:
    assert compare(DECLARED, changed(user_id="int32", price_usd="float")) == []
    assert compare(DECLARED, changed(user_id="double")) == []
    assert compare(DECLARED, changed(user_id="string")) == [
        SchemaFinding(Change.RETYPED, "user_id", "text", "whole number")
    ]


def test_types_that_nobody_knows_are_not_compared() -> None:
    assert compare(dict.fromkeys(DECLARED, ""), DECLARED) == []


def test_columns_that_were_left_out_on_purpose_are_not_new() -> None:
    assert compare(DECLARED, changed(email="string"), frozenset({"email"})) == []


def test_thousands_of_columns_are_compared_without_comparing_each_with_each() -> None:
    declared = {f"f{n}": "double" for n in range(5_000)}
    found = compare(declared, {f"g{n}": "double" for n in range(5_000)})
    assert len(found) >= 5_000


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dictionary<values=string, indices=int32, ordered=0>", "text"),
        ("decimal128(10, 2)", "number"),
        ("timestamp[ns]", "time"),
        ("list<element: float>", "list"),
        ("null", ""),
        ("month_day_nano_interval", "month day nano interval"),
    ],
)
def test_arrow_types_are_said_in_words(kind: str, words: str) -> None:
    assert family(kind) == words
