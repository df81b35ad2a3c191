"""Measured cost: a pod's time is charged once, adds up however it is cut, and a node's rows add up to the node."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deployments.domain.cost.ledger import (
    MICROSECOND,
    Asked,
    Interval,
    NodeInterval,
    PriceStep,
    Sighting,
    Usage,
    charges,
    intervals,
    node_rows,
    usage,
)
from deployments.domain.cost.machines import GIB, machine
from deployments.domain.cost.opencost import compare
from deployments.domain.cost.prices import Lookup, PriceBook, RateCard, RateLine, Request, node_rates
from deployments.domain.cost.rules import Component
from deployments.domain.cost.skus import read_catalog
from deployments.tests.domain.cost import golden
from deployments.tests.domain.cost.pages import REGION

T0 = datetime(2026, 11, 1, tzinfo=UTC)
A100 = "nvidia-tesla-a100"
BOOK = PriceBook(read_catalog([{"skus": golden.catalog()}]))
FOUND = machine("a2-highgpu-1g")
assert FOUND is not None
NODE = FOUND
CARD = node_rates(BOOK, NODE, Lookup(region=REGION))
DEARER = RateCard(lines=tuple(replace(line, rate=line.rate * 2) for line in CARD.lines if line.rate))
SMALL = Asked(1000, GIB)


def minute(count: float) -> datetime:
    return T0 + timedelta(minutes=count)


def seen(at: float, asked: Asked | None = SMALL, **more: datetime) -> Sighting:
    return Sighting(pod="p", at=minute(at), asked=asked, node="n", **more)


def spans(found: Sequence[Interval]) -> list[tuple[float, float]]:
    return [((one.start - T0) / timedelta(minutes=1), (one.end - T0) / timedelta(minutes=1)) for one in found]


@pytest.mark.parametrize(
    ("sightings", "expected"),
    [
        ([seen(5, None)], []),
        ([seen(5), seen(9)], [(5, 9)]),
        ([seen(5, scheduled_at=minute(2)), seen(9)], [(2, 9)]),
        ([seen(5, scheduled_at=minute(2)), seen(9, ended_at=minute(8))], [(2, 8)]),
        # Still listed after it ended, and seen again after a gap in which it was missing.
        ([seen(5), seen(20, ended_at=minute(8))], [(5, 8)]),
        ([seen(5), seen(7, None), seen(9)], [(5, 9)]),
        ([seen(5), seen(7), seen(9, None), seen(12, None)], [(5, 7)]),
        # Resized in place.
        ([seen(5), seen(7, Asked(2000, GIB)), seen(9, Asked(2000, GIB)), seen(11)], [(5, 7), (7, 11)]),
        ([seen(5), seen(7, Asked(2000, GIB)), seen(9)], [(5, 7), (7, 9)]),
        # Resized when it had ended already, or before it was scheduled: clocks of two machines.
        ([seen(5), seen(7, Asked(2000, GIB), ended_at=minute(6))], [(5, 6)]),
        ([seen(5), seen(7, Asked(2000, GIB)), seen(9, Asked(2000, GIB), scheduled_at=minute(8))], [(8, 9)]),
        # Ended before it was seen: nothing is left to charge.
        ([seen(5, ended_at=minute(4))], []),
    ],
)
def test_intervals(sightings: list[Sighting], expected: list[tuple[float, float]]) -> None:
    assert spans(intervals(sightings)) == expected


def test_of_two_watchers_that_disagree_the_larger_request_counts() -> None:
    for asked in ([SMALL, Asked(2000, GIB)], [Asked(2000, GIB), SMALL]):
        (found,) = intervals([*(seen(5, one) for one in asked), seen(5.5, Asked(2000, GIB)), seen(6, Asked(2000, GIB))])
        assert found.asked == Asked(2000, GIB)


def test_what_was_not_seen_is_flagged() -> None:
    (found,) = intervals([seen(5), seen(7), seen(9, None)])
    assert (found.is_start_exact, found.is_end_exact, found.is_open, found.end_by) == (False, False, False, minute(9))
    (found,) = intervals([seen(5, scheduled_at=minute(2)), seen(7)])
    assert (found.is_start_exact, found.is_end_exact, found.is_open, found.end_by) == (True, False, True, None)
    (found,) = intervals([seen(5, scheduled_at=minute(2), ended_at=minute(6))])
    assert (found.is_start_exact, found.is_end_exact, found.is_open) == (True, True, False)


asked = st.builds(Asked, st.integers(0, 4000), st.integers(0, 64 * GIB), st.sampled_from([(), ((A100, 1),)]))
instants = st.integers(0, 600).map(minute)
sightings = st.builds(
    Sighting,
    pod=st.sampled_from(["a", "b"]),
    at=instants,
    asked=st.none() | asked,
    node=st.just("n"),
    scheduled_at=st.none() | instants,
    ended_at=st.none() | instants,
)


@given(st.lists(sightings, max_size=8), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(events: list[Sighting], random: object) -> None:
    shuffled = [*events, *events[:3]]
    random.shuffle(shuffled)
    assert intervals(shuffled) == intervals(events)


@given(st.lists(sightings, max_size=10))
def test_a_pods_time_is_charged_once(events: list[Sighting]) -> None:
    found = intervals(events)
    for one, following in itertools.pairwise(found):
        assert one.start < one.end
        assert one.pod < following.pod or one.end <= following.start


@given(st.lists(st.integers(0, 600), min_size=2, max_size=8), st.data())
def test_a_gap_between_two_sightings_changes_nothing(minutes: list[int], data: st.DataObject) -> None:
    events = [seen(at) for at in sorted(minutes)]
    kept = [event for event in events[1:-1] if data.draw(st.booleans())]
    missing = [seen(event.at.minute, None) for event in kept[:1]]
    assert intervals([events[0], *kept, *missing, events[-1]]) == intervals(events)


steps = st.lists(st.integers(0, 600), max_size=3, unique=True).map(
    lambda minutes: [
        PriceStep(since=minute(at), version=str(at), card=CARD if index % 2 else DEARER, machine=NODE)
        for index, at in enumerate([-1, *sorted(minutes)])
    ]
)
pods = st.builds(
    lambda start, length, asked: Interval(
        pod="p", node="n", start=minute(start), end=minute(start + length), asked=asked
    ),
    st.integers(0, 500),
    st.integers(1, 90),
    asked,
)


@given(pods, steps, st.lists(st.integers(0, 600), min_size=2, max_size=6, unique=True))
def test_cost_is_additive_over_disjoint_windows(pod: Interval, timeline: list[PriceStep], cuts: list[int]) -> None:
    cuts.sort()
    whole = charges(pod, timeline, minute(cuts[0]), minute(cuts[-1]))
    pieces = [
        charge
        for since, upto in itertools.pairwise(cuts)
        for charge in charges(pod, timeline, minute(since), minute(upto))
    ]
    assert sum((charge.usage for charge in whole), Usage()) == sum((charge.usage for charge in pieces), Usage())
    assert sum((charge.usage for charge in whole), Usage()) == usage(pod, minute(cuts[0]), minute(cuts[-1]))
    assume(pod.asked.millicores or pod.asked.memory_bytes or pod.asked.gpus)
    one, other = (sum((charge.amount.sure for charge in found), Decimal(0)) for found in (whole, pieces))
    assert abs(one - other) < Decimal("1e-12")
    assert all(charge.amount.sure > 0 for charge in whole)


@given(pods, steps, asked)
def test_who_asks_for_more_pays_no_less(pod: Interval, timeline: list[PriceStep], more: Asked) -> None:
    larger = Asked(
        pod.asked.millicores + more.millicores, pod.asked.memory_bytes + more.memory_bytes, pod.asked.gpus or more.gpus
    )

    def cost(asked: Asked) -> Decimal:
        found = charges(replace(pod, asked=asked), timeline, minute(0), minute(700))
        return sum((charge.amount.value or Decimal(0) for charge in found), Decimal(0))

    assert 0 <= cost(pod.asked) <= cost(larger)


def test_time_is_priced_by_the_version_in_force() -> None:
    pod = Interval(pod="p", node="n", start=minute(0), end=minute(120), asked=Asked(12_000, 85 * GIB, ((A100, 1),)))
    timeline = [
        PriceStep(since=minute(-60), version="1", card=CARD, machine=NODE),
        PriceStep(since=minute(60), version="2", card=DEARER, machine=NODE),
    ]
    found = charges(pod, timeline, minute(0), minute(600))
    assert [(charge.version, charge.amount.sure) for charge in found] == [
        ("1", Decimal("3.673385")), ("2", Decimal("7.34677")),
    ]  # fmt: skip
    assert dict(found[0].by_component) == {
        Component.CPU: Decimal("0.379332"), Component.MEMORY: Decimal("0.360145"), Component.GPU: Decimal("2.933908"),
    }  # fmt: skip


def test_time_before_the_first_price_is_unknown_and_not_free() -> None:
    pod = Interval(pod="p", node="n", start=minute(0), end=minute(60), asked=SMALL)
    before, after = charges(
        pod, [PriceStep(since=minute(30), version="1", card=CARD, machine=NODE)], minute(0), minute(60)
    )
    assert before.amount.value is None
    assert after.amount.value is not None


TIMELINE = [PriceStep(since=minute(-1), version="1", card=CARD, machine=NODE)]
RUNNING = NodeInterval(node="n", machine=NODE, start=minute(0), end=minute(600))


@given(st.lists(pods, max_size=4), st.lists(pods, max_size=4), steps)
def test_a_nodes_rows_add_up_to_the_node(
    ours: list[Interval], others: list[Interval], timeline: list[PriceStep]
) -> None:
    found = node_rows(RUNNING, ours, others, timeline, minute(0), minute(600))
    assert sum(((row.end - row.start) // MICROSECOND for row in found), 0) == 600 * 60 * 10**6
    for row in found:
        parts = (row.ours.sure, row.others.sure, row.idle.sure)
        assert abs(sum(parts) - row.total.sure) < Decimal("1e-15")
        assert row.ours.sure >= 0
        assert row.others.sure >= 0
        assert row.idle.sure > -Decimal("1e-15")


def test_ours_others_and_idle() -> None:
    ours = [Interval(pod="p", node="n", start=minute(0), end=minute(60), asked=Asked(6000, 0, ((A100, 1),)))]
    others = [Interval(pod="q", node="n", start=minute(0), end=minute(30), asked=Asked(0, 85 * GIB))]
    (row,) = node_rows(RUNNING, ours, others, TIMELINE, minute(0), minute(60))
    assert row.total.sure == Decimal("3.673385")
    assert row.ours.sure == Decimal("0.189666") + Decimal("2.933908")
    assert row.others.sure == Decimal("0.1800725")
    assert row.idle.sure == Decimal("0.189666") + Decimal("0.1800725")
    assert not row.is_over


def test_pods_that_ask_for_more_than_the_node_has_share_it_and_are_flagged() -> None:
    pod = Interval(pod="p", node="n", start=minute(0), end=minute(60), asked=Asked(12_000, 85 * GIB, ((A100, 1),)))
    (row,) = node_rows(RUNNING, [pod], [replace(pod, pod="q")], TIMELINE, minute(0), minute(60))
    assert row.is_over
    assert row.idle.sure == 0
    assert abs(row.ours.sure - row.others.sure) < Decimal("1e-9")


def test_an_unpriced_node_has_unknown_rows() -> None:
    lost = RateCard(lines=(replace(CARD.lines[0], rate=None, reason="no SKU"), *CARD.lines[1:]))
    timeline = [PriceStep(since=minute(-1), version="1", card=lost, machine=NODE)]
    (row,) = node_rows(RUNNING, [], [], timeline, minute(0), minute(60))
    assert [amount.reason for amount in (row.total, row.idle)] == ["no SKU", "no SKU"]


@pytest.mark.parametrize("name", ["a4-highgpu-8g", "f1-micro", "g4-standard-12", "e2-medium", "n2-custom-4-65536-ext"])
def test_a_node_that_is_sold_in_another_way_is_idle_without_pods_and_adds_up_with_them(name: str) -> None:
    what = machine(name)
    assert what is not None
    node = replace(RUNNING, machine=what)
    timeline = [
        PriceStep(since=minute(-1), version="1", card=node_rates(BOOK, what, Lookup(region=REGION)), machine=what)
    ]
    (row,) = node_rows(node, [], [], timeline, minute(0), minute(60))
    assert (row.ours.sure, row.idle.sure) == (Decimal(0), row.total.sure)
    whole = Asked(
        int(what.cpu * 1000), int(what.memory_gib * GIB), tuple((label, int(count)) for label, count in what.shown_gpus)
    )
    pod = Interval(pod="p", node="n", start=minute(0), end=minute(60), asked=whole)
    (row,) = node_rows(node, [pod], [], timeline, minute(0), minute(60))
    assert abs(row.ours.sure + row.idle.sure - row.total.sure) < Decimal("1e-15")
    if name != "f1-micro":
        assert row.idle.sure < Decimal("1e-9")


def test_no_pod_asks_for_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        Asked(-1, 0)


def test_opencost_is_above_ours_by_what_is_used_beyond_the_request() -> None:
    lines = (
        RateLine(component=Component.CPU, part="core", rate=Decimal("0.031611"), currency="USD"),
        RateLine(component=Component.MEMORY, part="memory", rate=Decimal("0.004237"), currency="USD"),
    )
    asked, used = Request(cpu=Decimal(2), memory_gib=Decimal(8)), Request(cpu=Decimal(3), memory_gib=Decimal(4))
    found = compare(asked, used, RateCard(lines=lines))
    assert found.theirs.sure - found.ours.sure == Decimal("0.031611")
    assert (found.cpu_beyond, found.memory_gib_beyond) == (Decimal(1), Decimal(0))
