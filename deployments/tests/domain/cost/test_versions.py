"""What is kept of a price list, and what changed since the last one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from deployments.domain.cost.machines import machine, names
from deployments.domain.cost.prices import Lookup, PriceBook, Quote, node_rates, quote_node
from deployments.domain.cost.skus import Sku, read_catalog
from deployments.domain.cost.versions import changes, keep
from deployments.tests.domain.cost.pages import core, info
from embedded.billing import demo_prices

AT = datetime(2026, 11, 19, tzinfo=UTC)


@cache
def demo(day: int) -> tuple[Sku, ...]:
    return read_catalog([demo_prices.skus(demo_prices.COMPUTE, day=day)])


def _quote(book: PriceBook, name: str) -> Quote:
    what = machine(name)
    assert what is not None
    return quote_node(what, node_rates(book, what, Lookup(region="europe-west4", at=AT)))


def test_what_is_kept_prices_as_the_whole_list() -> None:
    kept = keep(demo(0), ["us-central1", "europe-west4"])
    whole, small = PriceBook(demo(0)), PriceBook(kept.skus)
    assert small.count < whole.count / 10
    for name in names():
        assert _quote(small, name) == _quote(whole, name), name


def test_what_is_left_out_has_a_reason() -> None:
    kept = keep(demo(0), ["us-central1"])
    reasons = dict(kept.left_out)
    assert kept.read == len(demo(0))
    assert set(reasons) == {
        "other region", "commitment", "sole tenancy", "reservation, calendar mode, DWS and Flex Start", "licence",
        "no rule",
    }  # fmt: skip
    assert reasons["licence"] == demo_prices.LICENCES


def test_a_day_later() -> None:
    found = changes(demo(0), demo(1), at=AT)
    assert [sku.description for sku in found.vanished] == [demo_prices.VANISHES]
    assert [(move.sku.description, move.by) for move in found.moved] == [
        ("Nvidia L4 GPU running in Americas", Decimal("0.02")),
    ]  # fmt: skip
    assert [(move.sku.description, move.by) for move in found.held] == [
        ("Nvidia Tesla T4 GPU running in Americas", Decimal("-0.38")),
    ]  # fmt: skip
    assert (found.added, found.refused) == ((), "")


def test_back_again() -> None:
    assert [sku.description for sku in changes(demo(1), demo(0), at=AT).added] == [demo_prices.VANISHES]


def _one(**price: Any) -> tuple[Sku, ...]:
    raw = core("A", "E2 Instance Core running in Americas", "0.02")
    return read_catalog([raw | {"pricingInfo": [info(**price)]}])


@pytest.mark.parametrize(
    ("price", "moved", "held"), [("0.02", 0, 0), ("0.025", 1, 0), ("0.0251", 0, 1), ("0.0149", 0, 1), ("0", 0, 1)]
)
def test_a_large_move_is_held(price: str, moved: int, held: int) -> None:
    found = changes(_one(price="0.02"), _one(price=price), at=AT)
    assert (len(found.moved), len(found.held)) == (moved, held)


def test_a_price_that_cannot_be_read_any_more_is_held() -> None:
    broken = read_catalog([core("A", "E2 Instance Core running in Americas", "0.02") | {"pricingInfo": "x"}])
    assert len(changes(_one(price="0.02"), broken, at=AT).held) == 1


def test_prices_are_those_in_force_then() -> None:
    soon = _one(price="0.04", since="2027-01-01T00:00:00Z")
    both = (Sku(sku_id="A", description="", rates=(*_one(price="0.02")[0].rates, *soon[0].rates)),)
    assert changes(_one(price="0.02"), both, at=AT).held == ()


@pytest.mark.parametrize(
    ("after", "says"), [(_one(price="0.02", currency="EUR"), "in EUR"), ((), "has 0 prices, the last one 1")]
)
def test_another_currency_or_a_cut_list_is_refused(after: tuple[Sku, ...], says: str) -> None:
    found = changes(_one(price="0.02"), after, at=AT)
    assert says in found.refused
    assert found.vanished == ()
