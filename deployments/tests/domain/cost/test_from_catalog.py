"""Classes of a price list that come from the catalog: machines and the classes of Autopilot, Spot or not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from deployments.domain.cost.estimate import billed
from deployments.domain.cost.from_catalog import derive
from deployments.domain.cost.matching import PriceBook
from deployments.domain.cost.prices import Request
from deployments.domain.cost.skus import read_catalog
from deployments.tests.domain.cost import golden
from deployments.tests.domain.cost.pages import REGION

BOOK = PriceBook(read_catalog([{"skus": golden.catalog()}]))


def rates(name: str) -> dict[str, Decimal]:
    found = derive(BOOK, [name], region=REGION)
    assert found.problems == ()
    assert {line.price_class for line in found.lines} == {name}
    return {f"{line.component.value} {line.gpu}".strip(): line.per_hour for line in found.lines}


def test_a_class_of_autopilot_has_prices_by_the_pod() -> None:
    assert rates("pod:general") == {"cpu": Decimal("0.0445"), "memory": Decimal("0.0049225")}


def test_pods_with_an_accelerator_are_priced_with_it() -> None:
    assert rates("pod:accelerator:nvidia-l4") == {
        "cpu": Decimal("0.0407"),
        "memory": Decimal("0.0045"),
        "gpu nvidia-l4": Decimal("0.6783"),
    }


def test_spot_pods_have_prices_of_their_own() -> None:
    assert rates("spot:pod:general")["cpu"] < rates("pod:general")["cpu"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("pod:huge", "no such class"),
        ("pod:accelerator", "priced by its GPU"),
        ("pod:general:nvidia-l4", "has no GPU in the class"),
        ("pod:accelerator:nvidia-h100-80gb", "by the node"),
        ("odd", "no machine type"),
    ],
)
def test_what_has_no_price_says_why(name: str, why: str) -> None:
    found = derive(BOOK, [name], region=REGION)
    assert found.lines == ()
    assert why in found.problems[0]


def test_an_estimate_bills_what_autopilot_makes_of_a_request() -> None:
    small = Request(cpu=Decimal("0.5"), memory_gib=Decimal(8))
    assert billed(small, "pod:general").cpu == Decimal(8) / Decimal("6.5")
    assert billed(small, "spot:pod:scale-out-x86").cpu == Decimal(2)
    assert billed(small, "e2-standard-4") == small
