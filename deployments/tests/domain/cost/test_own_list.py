"""Price lists of one's own: what is read from CSV, which line is taken, and what stays unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from deployments.domain.cost.change import CostChange, estimate_of
from deployments.domain.cost.own_list import OwnList, WrongList, read_csv, to_csv
from deployments.domain.spec.parts import Autoscale, Fixed, Resources
from deployments.domain.spec.spec import Spec

HEAD = "component,price_class,gpu,per_hour\n"
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
GIB = 1 << 30
TWO = Fixed(2)


def prices(*lines: str) -> OwnList:
    return OwnList(
        name="ours, version 1", currency="USD", since=SINCE, lines=read_csv(HEAD + "\n".join(lines), currency="USD")
    )


def spec(replicas: Fixed | Autoscale = TWO, **size: object) -> Spec:
    resources = Resources(**{"cpu_request": 2000, "memory_request": 4 * GIB, "memory_limit": 4 * GIB, **size})
    return Spec(
        artifact_uri="gs://a/b", model_version="1", runtime="r", profile=None, resources=resources, replicas=replicas
    )


def test_a_list_survives_csv() -> None:
    lines = prices("cpu,,,0.04", "memory,pool,,0.005", "gpu,,nvidia-l4,0.56").lines
    assert read_csv(to_csv(lines), currency="USD") == lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cpu,0.04", "The first line must be"),
        (HEAD, "no price below"),
        (HEAD + "disk,,,1", "none of cpu, memory, gpu"),
        (HEAD + "cpu,,,0", "more than 0"),
        (HEAD + "cpu,,,NaN", "more than 0"),
        (HEAD + "cpu,,,0,04", "5 columns"),
        (HEAD + "cpu,,,29", "outside of"),
        (HEAD + "gpu,,,1", "names the accelerator"),
        (HEAD + "cpu,,,0.04\ncpu,,,0.05", "Line 3: cpu has a price already"),
    ],
)
def test_what_does_not_fit_is_named(text: str, said: str) -> None:
    with pytest.raises(WrongList, match=said):
        read_csv(text, currency="USD")


def test_the_line_of_the_class_wins() -> None:
    card = prices("cpu,,,0.04", "cpu,pool,,0.03", "memory,,,0.005").card("pool", [])
    assert [line.rate for line in card.lines] == [Decimal("0.03"), Decimal("0.005")]


def test_a_month_is_730_hours_of_all_pods() -> None:
    found = estimate_of(
        spec(Autoscale(1, 4)), None, prices("cpu,,,0.04", "memory,,,0.005"), at=SINCE, observed=Decimal(3)
    )
    each = Decimal("0.1") * 730
    assert (found.month.minimum.value, found.month.typical.value, found.month.maximum.value) == (
        each,
        3 * each,
        4 * each,
    )


@pytest.mark.parametrize(
    ("lines", "size", "reason"),
    [
        (("cpu,,,0.04",), {}, "ours, version 1 has no price for memory."),
        (("cpu,,,0.04", "memory,,,0.005"), {"gpu_count": 1, "gpu_type": "nvidia-l4"}, "no price for GPU nvidia-l4"),
        (("cpu,,,0.04", "memory,,,0.005", "gpu,,nvidia-l4,1"), {"gpu_count": 1}, "no price for GPU of any type"),
    ],
)
def test_a_missing_price_makes_it_unknown(lines: tuple[str, ...], size: dict[str, object], reason: str) -> None:
    found = estimate_of(spec(**size), None, prices(*lines), at=SINCE)
    assert found.month.typical.value is None
    assert reason in found.month.typical.reason


def test_a_change_survives_json_and_names_its_drivers() -> None:
    book = prices("cpu,,,0.04", "memory,,,0.005")
    change = CostChange(
        before=estimate_of(spec(), None, book, at=SINCE),
        after=estimate_of(spec(Fixed(3), cpu_request=4000), None, book, at=SINCE),
        since=SINCE,
    )
    again = CostChange.from_json(change.to_json())
    assert again == change
    assert {driver.name for driver in again.drivers} == {"cpu", "replicas"}
    moved = change.steps[1].moves.sure
    assert sum(driver.adds.typical.sure for driver in again.drivers) == moved


def test_an_unknown_price_is_no_difference() -> None:
    change = CostChange(
        before=estimate_of(spec(), None, None, at=SINCE),
        after=estimate_of(spec(), None, prices("cpu,,,0.04", "memory,,,0.005"), at=SINCE),
    )
    assert change.steps[1].moves.value is None
    assert change.drivers == ()
    assert change.unknown == ("Before: This cluster has no price list.",)
