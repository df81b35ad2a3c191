"""Catalog pages in every form they come in, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.cost.skus import CatalogError, read_catalog, sku_of
from deployments.tests.domain.cost.pages import core, info, money

A2 = core("2922-40C5-B19F", "A2 Instance Core running in Americas", "0.031611", regions=("us-central1", "us-east1"))
OTHER = core("2390-DCAF-DA38", "A2 Instance Ram running in Americas", "0.004237")


@pytest.mark.parametrize(
    "documents",
    [
        [{"skus": [A2, OTHER], "nextPageToken": "x"}],
        [{"skus": [A2]}, {"skus": [OTHER], "nextPageToken": ""}],
        [[{"skus": [A2]}, {"skus": [OTHER]}]],
        [[A2, OTHER]],
        [{"skus": [A2]}, {"nextPageToken": ""}, {}, {"skus": None}, [OTHER]],
        [{"skus": [A2, OTHER]}, {"skus": [OTHER, A2]}],
    ],
)
def test_pages_lists_of_pages_and_several_files_are_one_catalog(documents: list[object]) -> None:
    assert [sku.sku_id for sku in read_catalog(documents)] == ["2922-40C5-B19F", "2390-DCAF-DA38"]


def test_what_a_sku_says() -> None:
    (sku,) = read_catalog([A2])
    (rate,) = sku.rates
    assert (sku.service, sku.family, sku.group, sku.usage) == ("6F81-5844-456A", "Compute", "CPU", "OnDemand")
    assert sku.regions == {"us-central1", "us-east1"}
    assert (rate.price, rate.unit, rate.currency) == (Decimal("0.031611"), "h", "USD")
    assert rate.since == datetime(2023, 3, 24, 10, 52, 50, 681000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "price"),
    [
        ({"units": "2", "nanos": 933908000}, "2.933908"),
        ({"units": 2, "nanos": "933908000"}, "2.933908"),
        ({"nanos": 31611000}, "0.031611"),
        ({"units": "7"}, "7"),
        ({}, "0"),
    ],
)
def test_money_in_proto3_json(raw: dict[str, Any], price: str) -> None:
    sku = sku_of(_priced([{"unitPrice": raw | {"currencyCode": "USD"}}]))
    assert sku.rates[0].price == Decimal(price)


def test_the_first_tier_that_is_not_free_is_the_price() -> None:
    tiers = [
        {"startUsageAmount": 1000, "unitPrice": money("0.01")},
        {"unitPrice": money("0")},
        {"startUsageAmount": 10, "unitPrice": money("0.03")},
    ]
    assert sku_of(_priced(tiers)).rates[0].price == Decimal("0.03")


@pytest.mark.parametrize(
    ("tiers", "says"),
    [
        ([{"unitPrice": {"units": "many"}}], "no number"),
        ([{"unitPrice": {"units": True}}], "no number"),
        ([{"unitPrice": {"units": "-1"}}], "negative"),
        ([{"unitPrice": {"units": "NaN"}}], "no number"),
        ([{"unitPrice": {"units": "9" * 40}}], "no number"),
        ([{"startUsageAmount": 1}], "no unitPrice"),
        (["x"], "no unitPrice"),
        ("x", "no list"),
        ([{"unitPrice": money("1")}, {"unitPrice": money("1", "EUR")}], "EUR and USD"),
    ],
)
def test_an_unreadable_price_is_told_and_not_dropped(tiers: Any, says: str) -> None:
    sku = sku_of(_priced(tiers))
    assert sku.rates == ()
    assert says in sku.problem


def test_prices_are_chosen_by_the_instant_whatever_their_order() -> None:
    infos = [
        info("3", since="2026-03-01T00:00:00.123456789Z"),
        info("1", since="2024-01-01T00:00:00Z"),
        info("2", since="2025-01-01T00:00:00Z"),
    ]
    sku = sku_of(A2 | {"pricingInfo": infos})

    def at(year: int) -> Decimal | None:
        rate = sku.at(datetime(year, 6, 1, tzinfo=UTC))
        return rate.price if rate else None

    assert [at(2023), at(2024), at(2025), at(2026)] == [None, 1, 2, 3]
    assert sku.at(None) == sku.rates[-1]


def test_regions_come_from_the_taxonomy_when_none_are_listed() -> None:
    raw = {key: value for key, value in A2.items() if key != "serviceRegions"}
    assert sku_of(raw).regions == {"us-central1", "us-east1"}


@pytest.mark.parametrize("document", ["text", 3, None, {"error": {"code": 429}}, [["x"]], [[[[A2]]]]])
def test_what_is_no_catalog_is_refused(document: object) -> None:
    with pytest.raises(CatalogError):
        read_catalog([document])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["category", "pricingInfo", "serviceRegions", "name", "skuId", "description", "geoTaxonomy"]), JSON
)
def test_no_record_breaks_the_reader(key: str, value: Any) -> None:
    sku_of(A2 | {key: value})


@given(JSON)
def test_no_price_breaks_the_reader(value: Any) -> None:
    sku_of(A2 | {"pricingInfo": [{"pricingExpression": {"tieredRates": [{"unitPrice": {"units": value}}]}}]})
    sku_of(A2 | {"pricingInfo": [{"pricingExpression": value, "effectiveTime": value}]})


def _priced(tiers: Any) -> dict[str, Any]:
    return A2 | {"pricingInfo": [{"pricingExpression": {"usageUnit": "h", "tieredRates": tiers}}]}
