"""What becomes unknown, and that nothing unknown is ever a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.cost.amounts import Amount, total
from deployments.domain.cost.machines import Machine, machine, names, node_shape
from deployments.domain.cost.prices import (
    Lookup,
    PriceBook,
    Quote,
    RateCard,
    RateLine,
    Request,
    node_rates,
    pod_rates,
    quote_node,
    quote_request,
)
from deployments.domain.cost.rules import NODE_BOUND, Component, PodClass
from deployments.domain.cost.skus import read_catalog
from deployments.tests.domain.cost import golden
from deployments.tests.domain.cost.pages import REGION, core, gpu, info, pod, ram, ssd

CORE = core("A", "A2 Instance Core running in Americas", "0.031611")
RAM = ram("B", "A2 Instance Ram running in Americas", "0.004237")
GPU = gpu("C", "Nvidia Tesla A100 GPU running in Americas", "2.933908")
GOLDEN = PriceBook(read_catalog([{"skus": golden.catalog()}]))


def quote(skus: list[dict[str, Any]], name: str = "a2-highgpu-1g", **lookup: Any) -> Quote:
    found = machine(name)
    assert found is not None
    return quote_node(found, node_rates(PriceBook(read_catalog(skus)), found, Lookup(region=REGION, **lookup)))


def test_a2_highgpu_1g() -> None:
    found = quote([CORE, RAM, GPU])
    assert (found.hourly, found.currency, found.unknown) == (Decimal("3.673385"), "USD", ())
    assert [(part.name, part.sku) for part in found.parts] == [
        ("core", "A"), ("memory", "B"), ("GPU nvidia-tesla-a100", "C"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("skus", "says"),
    [
        ([CORE, RAM], ['No SKU matches "nvidia tesla a100 gpu"']),
        ([CORE, RAM, GPU | {"skuId": "D"}, GPU], ["2 SKUs match", 'D "Nvidia', 'C "Nvidia']),
        ([CORE, RAM, GPU, GPU | {"pricingInfo": [info("3")]}], ["2 SKUs match"]),
        ([CORE, RAM, GPU | {"pricingInfo": [info("0")]}], ["listed at 0"]),
        ([CORE, RAM, GPU | {"pricingInfo": []}], ["in force"]),
        ([CORE, RAM, GPU | {"pricingInfo": "x"}, GPU | {"skuId": "D"}], ["cannot be read"]),
        ([CORE, RAM, GPU | {"pricingInfo": [info("2.9", unit="mo.x")]}], ['"mo.x"']),
        ([CORE, RAM | {"pricingInfo": [info("0.004", unit="h")]}, GPU], ['priced per "h"']),
        ([CORE, RAM, GPU | {"pricingInfo": [info("2.9", currency="EUR")]}], ["EUR and USD"]),
        ([CORE, RAM, GPU | {"category": {}}], ["No SKU matches"]),
        ([CORE, RAM, GPU | {"serviceRegions": ["us-central"], "geoTaxonomy": {}}], ["No SKU matches"]),
        ([], ["core", "ram", "gpu"]),
    ],
)
def test_unknown_carries_its_reason(skus: list[dict[str, Any]], says: list[str]) -> None:
    found = quote(skus)
    assert found.hourly is None
    for words in says:
        assert words in " ".join(found.unknown)


def test_a_part_that_is_known_is_shown_beside_what_is_not() -> None:
    assert [part.sku for part in quote([CORE, RAM]).parts] == ["A", "B"]


def test_a_free_twin_is_no_second_offer() -> None:
    assert quote([CORE, RAM, GPU, GPU | {"skuId": "D", "pricingInfo": [info("0")]}]).hourly == Decimal("3.673385")


def test_a_core_called_spot_but_filed_under_on_demand_is_neither() -> None:
    odd = core("D", "Spot Preemptible A2 Instance Core running in Americas", "0.01")
    spot = [
        ram("E", "Spot Preemptible A2 Instance Ram running in Americas", "0.001", usage="Preemptible"),
        gpu(
            "F", "Nvidia Tesla A100 GPU attached to Spot Preemptible VMs running in Americas", "1", usage="Preemptible"
        ),
    ]
    assert quote([CORE, RAM, GPU, odd, *spot]).hourly == Decimal("3.673385")
    assert 'No SKU matches "a2 instance core" on Spot' in quote([CORE, RAM, GPU, odd, *spot], is_spot=True).unknown[0]


def test_a_commitment_called_spot_is_no_spot_price() -> None:
    text = "SSD backed Local Storage attached to Spot Preemptible VMs"
    book = PriceBook(read_catalog([ssd("A", text, "0.03", usage="Commit1Yr"), ssd("B", text, "0.04")]))
    what = machine("c3-standard-4-lssd")
    assert what is not None
    line = node_rates(book, what, Lookup(region=REGION, is_spot=True)).lines[-1]
    assert (line.part, line.sku) == ("local SSD", "B")


def test_the_price_in_force_then() -> None:
    later = CORE | {"pricingInfo": [*CORE["pricingInfo"], info("0.04", since="2026-01-01T00:00:00Z")]}
    skus = [later, RAM, GPU]
    assert quote(skus, at=datetime(2025, 12, 31, tzinfo=UTC)).hourly == Decimal("3.673385")
    assert quote(skus, at=datetime(2026, 1, 1, tzinfo=UTC)).hourly == Decimal("3.774053")
    assert "2023-03-24" in " ".join(quote(skus, at=datetime(2020, 1, 1, tzinfo=UTC)).unknown)


def test_a_sku_that_is_not_sold_yet_is_no_second_offer() -> None:
    soon = GPU | {"skuId": "D", "pricingInfo": [info("9", since="2030-01-01T00:00:00Z")]}
    assert quote([CORE, RAM, GPU, soon], at=datetime(2026, 1, 1, tzinfo=UTC)).hourly == Decimal("3.673385")


@pytest.mark.parametrize(
    ("text", "price", "unit", "hourly"),
    [
        ("Autopilot Pod mCPU Requests", "0.0000445", "h", "0.0445"),
        ("Autopilot Pod mCPU Requests", "0.0000445", "mCPU.h", "0.0445"),
        # For a whole vCPU, though the words say otherwise: a thousand times too much is out of bounds.
        ("Autopilot Pod mCPU Requests", "0.0445", "h", None),
        ("Autopilot Pod mCPU Requests", "0.0000445", "d", None),
    ],
)
@pytest.mark.parametrize("display", [1, 1000])
def test_the_words_decide_what_a_price_is_for(
    text: str, price: str, unit: str, hourly: str | None, display: int
) -> None:
    book = PriceBook(read_catalog([pod("A", text, price, unit=unit, display=display)]))
    (line, _) = pod_rates(book, PodClass.GENERAL, [], Lookup(region=REGION)).lines
    assert line.rate == (None if hourly is None else Decimal(hourly))


def test_bounds_are_in_dollars_whatever_the_currency() -> None:
    skus = [CORE, RAM, GPU]
    for index, price in enumerate(("4.7", "0.64", "440")):
        old = skus[index]["pricingInfo"][0]["pricingExpression"]["usageUnit"]
        skus[index] = skus[index] | {"pricingInfo": [info(price, unit=old, currency="JPY", conversion=150.5)]}
    found = quote(skus)
    assert (found.hourly, found.currency) == (Decimal("550.8"), "JPY")


def test_no_node_costs_more_than_the_bound() -> None:
    skus = [CORE, RAM, GPU | {"pricingInfo": [info("49")]}]
    assert "more than a node can cost" in " ".join(quote(skus, "a2-megagpu-16g").unknown)


def test_an_unknown_family_or_accelerator_is_unknown() -> None:
    strange = Machine(name="q9-standard-4", cpu=Decimal(4), billed_cpu=Decimal(4), memory_gib=Decimal(16))
    assert "machine family q9" in _node(strange).unknown[0]
    known = machine("n1-standard-4")
    assert known is not None
    found = _node(known.resized(gpus=(("nvidia-tesla-t4-vws", Decimal(1)),)))
    assert found.hourly is None
    assert "nvidia-tesla-t4-vws" in found.unknown[0]


def _node(what: Machine) -> Quote:
    return quote_node(what, node_rates(GOLDEN, what, Lookup(region=REGION)))


def test_every_machine_has_a_price_that_is_the_sum_of_its_parts() -> None:
    unpriced = []
    for name in names():
        what = machine(name)
        assert what is not None
        found = _node(what)
        if found.hourly is None:
            unpriced.append(name)
            continue
        assert found.hourly == sum(part.amount for part in found.parts), name
        assert 0 < found.hourly < NODE_BOUND, name
    # Not sold in that region of the small catalog.
    assert unpriced == ["a3-megagpu-8g"]


@given(cpu=st.integers(1, 11_000), gib=st.integers(1, 84), gpus=st.integers(0, 1))
def test_a_pod_costs_no_more_than_its_node_and_more_for_more(cpu: int, gib: int, gpus: int) -> None:
    what = machine("a2-highgpu-1g")
    assert what is not None
    card = node_rates(GOLDEN, what, Lookup(region=REGION))

    def price(cpu: int, gib: int) -> Decimal:
        request = Request(
            cpu=Decimal(cpu) / 1000, memory_gib=Decimal(gib), gpus=(("nvidia-tesla-a100", Decimal(gpus)),)
        )
        found = quote_request(request, card, what)
        assert found.hourly is not None
        return found.hourly

    node = _node(what).hourly
    assert node is not None
    assert 0 < price(cpu, gib) < price(cpu + 1, gib) < price(cpu + 1, gib + 1) <= node


def test_a_pod_on_a_shared_core_pays_the_share() -> None:
    what = machine("e2-medium")
    assert what is not None
    card = node_rates(GOLDEN, what, Lookup(region=REGION))
    whole = quote_request(Request(cpu=Decimal(2), memory_gib=Decimal(4)), card, what)
    assert whole.hourly == _node(what).hourly


@pytest.mark.parametrize(
    ("name", "gpus", "says"),
    [
        ("a4-highgpu-8g", (), "by its GPUs alone"),
        ("f1-micro", (), "sold as a whole"),
        ("a2-highgpu-1g", (("nvidia-l4", Decimal(1)),), "nvidia-l4 is not one of the machine's"),
    ],
)
def test_a_pod_that_has_no_price_of_its_own(name: str, gpus: tuple[tuple[str, Decimal], ...], says: str) -> None:
    what = machine(name)
    assert what is not None
    card = node_rates(GOLDEN, what, Lookup(region=REGION))
    found = quote_request(Request(cpu=Decimal(1), memory_gib=Decimal(1), gpus=gpus), card, what)
    assert found.hourly is None
    assert says in " ".join(found.unknown)


def test_an_override_wins_over_the_catalog() -> None:
    what = machine("a2-highgpu-1g")
    assert what is not None
    card = node_rates(GOLDEN, what, Lookup(region=REGION))
    label = "nvidia-tesla-a100"
    typed = RateLine(component=Component.GPU, part=f"GPU {label}", label=label, rate=Decimal(2), currency="USD")
    assert quote_node(what, card.with_line(typed)).hourly == Decimal("2.739477")
    euros = replace(typed, currency="EUR")
    assert quote_node(what, card.with_line(euros)).hourly is None


def test_a_price_list_of_ones_own_needs_no_catalog() -> None:
    lines = tuple(
        RateLine(component=component, part=part, rate=Decimal(rate), currency="EUR")
        for component, part, rate in ((Component.CPU, "core", "0.02"), (Component.MEMORY, "memory", "0.003"))
    )
    found = quote_request(Request(cpu=Decimal(2), memory_gib=Decimal(10)), RateCard(lines=lines))
    assert (found.hourly, found.currency) == (Decimal("0.07"), "EUR")


def test_a_sum_says_what_is_not_in_it() -> None:
    amounts = [
        Amount.known(Decimal("306.2"), "USD"), Amount.unknown("no price list"), Amount.known(Decimal(1), "USD"),
        Amount.unknown("no rule").times(0),
    ]  # fmt: skip
    found = total(amounts)
    assert found.words == "307.20 USD + 2 unknown"
    assert found.reasons == ("no price list", "no rule")
    assert found.amount.value is None


def test_currencies_are_not_added() -> None:
    found = total([Amount.known(Decimal(1), "USD"), Amount.known(Decimal(2), "EUR")])
    assert found.words == "2.00 EUR + 1.00 USD"
    assert found.amount.reason == "EUR and USD are not added"


@pytest.mark.parametrize(
    ("labels", "capacity", "name", "gpus"),
    [
        ({"node.kubernetes.io/instance-type": "g2-standard-4"}, {}, "g2-standard-4", "nvidia-l4=1"),
        (
            {"node.kubernetes.io/instance-type": "n1-standard-4", "cloud.google.com/gke-accelerator": "nvidia-tesla-t4",
             "cloud.google.com/gke-max-shared-clients-per-gpu": "4"},
            {"nvidia.com/gpu": "8"}, "n1-standard-4", "nvidia-tesla-t4=2",
        ),
        ({"node.kubernetes.io/instance-type": "q9-huge-2"}, {"cpu": "2", "memory": "8145076Ki"}, "q9-huge-2", ""),
    ],
)  # fmt: skip
def test_a_node_by_its_labels(labels: dict[str, str], capacity: dict[str, str], name: str, gpus: str) -> None:
    found = node_shape(
        labels | {"topology.kubernetes.io/region": REGION, "cloud.google.com/gke-spot": "true"}, capacity
    )
    assert found.machine is not None
    assert (found.machine.name, found.region, found.is_spot) == (name, REGION, True)
    assert ",".join(f"{label}={count.normalize():f}" for label, count in found.machine.gpus) == gpus


@pytest.mark.parametrize("labels", [{}, {"node.kubernetes.io/instance-type": "q9-huge-2"}])
def test_a_node_that_does_not_say_enough(labels: dict[str, str]) -> None:
    found = node_shape(labels, {})
    assert found.machine is None
    assert found.problem
