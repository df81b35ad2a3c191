"""A day is priced by the versions in force, adds up, and says what has no price."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.cost.days import Listed, NodeSpan, PodSpan, price_day, price_node
from deployments.domain.cost.ledger import Asked, Interval
from deployments.domain.cost.machines import GIB
from deployments.domain.cost.own_list import OwnLine, OwnList
from deployments.domain.cost.placed import NodeFacts, node_facts, price_classes
from deployments.domain.cost.rules import Component

DAY = datetime(2026, 11, 20, tzinfo=UTC)
END = DAY + timedelta(days=1)
L4 = "nvidia-l4"
SMALL = Asked(1000, GIB)


def hours(count: float) -> datetime:
    return DAY + timedelta(hours=count)


def listed(key: int, since: datetime, cpu: str, *more: OwnLine, currency: str = "USD") -> Listed:
    lines = (
        OwnLine(component=Component.CPU, per_hour=Decimal(cpu)),
        OwnLine(component=Component.MEMORY, per_hour=Decimal("0.01")),
        OwnLine(component=Component.GPU, gpu=L4, per_hour=Decimal("0.5")),
        *more,
    )
    return Listed(key=key, prices=OwnList(name=f"list {key}", currency=currency, since=since, lines=lines))


LISTS = (listed(1, hours(-48), "0.02"), listed(2, hours(12), "0.04"))


def span(
    since: float, upto: float, asked: Asked = SMALL, *, pod: str = "p", team: int = 1, spot: bool = False
) -> PodSpan:
    interval = Interval(pod=pod, node="n", start=hours(since), end=hours(upto), asked=asked)
    classes = price_classes(profile="", machine="g2-standard-8", pool="", is_spot=spot)
    return PodSpan(deployment=7, team=team, interval=interval, classes=classes, is_spot=spot)


def test_each_hour_is_priced_by_the_version_in_force() -> None:
    rows = price_day([span(10, 16)], LISTS, DAY, END)
    assert [(row.version, row.amount.value) for row in rows] == [
        (1, Decimal("0.06")),  # 2 h x (0.02 + 0.01)
        (2, Decimal("0.20")),  # 4 h x (0.04 + 0.01)
    ]


def test_time_outside_of_the_day_is_not_the_days() -> None:
    (row,) = price_day([span(-5, 2)], LISTS, DAY, END)
    assert row.usage.microseconds == 2 * 3_600_000_000


def test_time_before_the_first_list_is_unknown_and_beside_what_is_known() -> None:
    rows = price_day([span(0, 4)], [listed(1, hours(3), "0.02")], DAY, END)
    assert [(row.version, row.amount.value is None) for row in rows] == [(None, True), (1, False)]
    assert rows[0].amount.reason


def test_a_spot_node_is_never_priced_as_one_that_is_not() -> None:
    (row,) = price_day([span(0, 4, spot=True)], LISTS[:1], DAY, END)
    assert row.amount.value is None
    assert "Spot" in row.amount.reason
    spot = OwnLine(component=Component.CPU, per_hour=Decimal("0.005"), price_class="spot:g2-standard-8")
    memory = OwnLine(component=Component.MEMORY, per_hour=Decimal("0.001"), price_class="spot:g2-standard-8")
    (row,) = price_day([span(0, 4, spot=True)], [listed(1, DAY, "0.02", spot, memory)], DAY, END)
    assert row.amount.value == Decimal("0.024")


def test_a_gpu_without_a_price_makes_the_pod_unknown_and_not_cheap() -> None:
    asked = Asked(1000, GIB, (("nvidia-h100-80gb", 1),))
    rows = price_day([span(0, 2, asked), span(0, 2, pod="q")], LISTS[:1], DAY, END)
    assert [row.amount.value for row in rows if row.amount.value is not None] == [Decimal("0.06")]
    assert sum(row.amount.value is None for row in rows) == 1


def test_teams_of_a_day_are_apart() -> None:
    rows = price_day([span(0, 4, team=1), span(4, 12, team=2)], LISTS, DAY, END)
    assert [(row.team, row.amount.value) for row in rows] == [(1, Decimal("0.12")), (2, Decimal("0.24"))]


@given(st.lists(st.integers(0, 24 * 60), min_size=2, max_size=10, unique=True), st.integers(0, 64_000), st.randoms())
def test_a_day_adds_up_however_its_time_is_cut(cuts: list[int], millicores: int, random: object) -> None:
    points = sorted(cuts)
    asked = Asked(millicores, GIB)
    whole = price_day([span(points[0] / 60, points[-1] / 60, asked)], LISTS, DAY, END)
    parts = [span(one / 60, two / 60, asked) for one, two in itertools.pairwise(points)]
    random.shuffle(parts)  # type: ignore[attr-defined]
    assert price_day(parts, LISTS, DAY, END) == whole
    assert all(row.amount.value is not None and row.amount.value >= 0 for row in whole)


@given(st.integers(0, 32_000), st.integers(0, 32_000), st.integers(0, 4))
def test_ours_others_and_idle_are_the_node(ours: int, others: int, gpus: int) -> None:
    size = Asked(16_000, 64 * GIB, ((L4, 4),))
    node = NodeSpan(
        facts=NodeFacts(size=size, machine="g2-standard-48"),
        others=Interval(pod="others", node="n", start=DAY, end=END, asked=Asked(others, GIB)),
    )
    mine = span(3, 9, Asked(ours, GIB, ((L4, gpus),)))
    found = price_node("n", [node], [mine], LISTS[:1], DAY, END)
    assert found.total.value == 24 * (16 * Decimal("0.02") + 64 * Decimal("0.01") + 4 * Decimal("0.5"))
    parts = (found.ours.sure, found.others.sure, found.idle.sure)
    assert all(part >= 0 for part in parts)
    assert abs(sum(parts) - found.total.sure) < Decimal("1e-9")
    assert found.is_over == (ours + others > 16_000)


def test_a_nodes_facts_are_read_from_its_labels() -> None:
    facts = node_facts(
        {
            "metadata": {
                "labels": {
                    "node.kubernetes.io/instance-type": "g2-standard-48",
                    "topology.kubernetes.io/region": "us-central1",
                    "cloud.google.com/gke-accelerator": L4,
                    "cloud.google.com/gke-spot": "true",
                    "barista.io/node-pool": "gpu",
                    "team": "nobody's business",
                }
            },
            "status": {"capacity": {"cpu": "48", "memory": "192Gi", "nvidia.com/gpu": "4"}},
        }
    )
    assert (facts.machine, facts.pool, facts.gpu, facts.is_spot) == ("g2-standard-48", "gpu", L4, True)
    assert facts.size == Asked(48_000, 192 * GIB, ((L4, 4),))
    assert "team" not in dict(facts.labels)
    assert node_facts({}) == NodeFacts(size=Asked(0, 0))


def test_a_pod_of_autopilot_has_its_own_class_alone() -> None:
    assert price_classes(profile="pod:general", machine="ek-standard-8", pool="p", is_spot=True) == ("pod:general",)
    assert price_classes(profile="spot:x", machine="m", pool="", is_spot=False) == ("m", "x")
    assert price_classes(profile="x", machine="m", pool="", is_spot=True) == ("spot:m", "spot:x")
