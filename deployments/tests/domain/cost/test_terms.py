"""Negotiated prices: percentages off a list, overrides, which of several counts, and the way back to the list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.cost.own_list import OwnLine
from deployments.domain.cost.rules import Component
from deployments.domain.cost.terms import Kind, Term, applied, listed

AT = datetime(2026, 11, 16, tzinfo=UTC)
LINES = (
    OwnLine(component=Component.CPU, per_hour=Decimal("0.04")),
    OwnLine(component=Component.CPU, per_hour=Decimal("0.03"), price_class="e2-standard", sku="2922"),
    OwnLine(component=Component.MEMORY, per_hour=Decimal("0.005")),
    OwnLine(component=Component.GPU, per_hour=Decimal("0.56"), gpu="nvidia-l4"),
)


def term(value: str, kind: Kind = Kind.DISCOUNT, *, order: int = 1, **fields: Any) -> Term:
    return Term(order=order, kind=kind, value=Decimal(value), **{"since": AT, **fields})


def prices(*terms: Term, at: datetime = AT) -> list[str]:
    return [f"{line.per_hour.normalize():f}" for line in applied(LINES, terms, at=at)]


def test_a_discount_takes_its_percentage_off_what_it_names() -> None:
    assert prices(term("10")) == ["0.036", "0.027", "0.0045", "0.504"]
    assert prices(term("10", component="cpu")) == ["0.036", "0.027", "0.005", "0.56"]
    assert prices(term("10", price_class="e2-standard")) == ["0.04", "0.027", "0.005", "0.56"]
    assert prices(term("10", component="gpu", gpu="nvidia-t4")) == ["0.04", "0.03", "0.005", "0.56"]


def test_of_two_discounts_the_nearer_counts_and_of_equals_the_newer() -> None:
    wide, near = term("50", order=9), term("10", component="cpu", price_class="e2-standard")
    assert prices(wide, near) == prices(near, wide) == ["0.02", "0.027", "0.0025", "0.28"]
    assert prices(term("10", order=2), term("50", order=1)) == prices(term("10"))


def test_an_override_wins_over_the_list_and_over_discounts_and_adds_what_lacks() -> None:
    own = term("0.02", Kind.OVERRIDE, component="cpu", price_class="e2-standard")
    new = term("2.5", Kind.OVERRIDE, component="gpu", gpu="nvidia-h100-80gb")
    found = applied(LINES, [term("10"), own, new], at=AT)
    assert [f"{line.per_hour.normalize():f}" for line in found] == ["0.036", "0.02", "0.0045", "0.504", "2.5"]
    assert found[0].source == "cpu, less 10 % of 0.04"
    assert found[1].source == "cpu in e2-standard, SKU 2922, negotiated"


def test_it_counts_from_its_beginning_up_to_its_end() -> None:
    some = term("10", until=AT + timedelta(days=1))
    as_listed = [f"{line.per_hour.normalize():f}" for line in LINES]
    assert prices(some, at=AT - timedelta(microseconds=1)) == as_listed
    assert prices(some, at=AT + timedelta(days=1)) == as_listed
    assert prices(some, at=AT + timedelta(hours=23)) != as_listed


@given(
    st.lists(st.tuples(st.sampled_from(list(Kind)), st.integers(1, 99), st.sampled_from(["cpu", "memory"])), max_size=4)
)
def test_terms_are_never_worked_in_twice_and_the_list_is_found_again(drawn: list[tuple[Kind, int, str]]) -> None:
    terms = [
        term(str(value) if kind is Kind.DISCOUNT else f"0.0{value}", kind, order=number, component=component)
        for number, (kind, value, component) in enumerate(drawn)
    ]
    once = applied(LINES, terms, at=AT)
    assert applied(once, terms, at=AT) == once
    assert listed(once) == applied(once, [], at=AT) == LINES
    assert tuple(OwnLine.from_json(line.to_json()) for line in once) == once
    assert all(line.per_hour > 0 for line in once)


def test_a_discount_makes_nothing_free() -> None:
    tiny = (OwnLine(component=Component.CPU, per_hour=Decimal("0.000000000001")),)
    assert applied(tiny, [term("99.9")], at=AT) == tiny


@pytest.mark.parametrize(
    ("value", "kind", "fields"),
    [
        ("0", Kind.DISCOUNT, {}),
        ("100", Kind.DISCOUNT, {}),
        ("-1", Kind.OVERRIDE, {"component": "cpu"}),
        ("NaN", Kind.DISCOUNT, {}),
        ("1", Kind.OVERRIDE, {}),
        ("1", Kind.OVERRIDE, {"component": "gpu"}),
        ("1", Kind.DISCOUNT, {"component": "cpu", "gpu": "nvidia-l4"}),
        ("1", Kind.DISCOUNT, {"until": AT}),
    ],
)
def test_what_makes_no_sense(value: str, kind: Kind, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        term(value, kind, **fields)
