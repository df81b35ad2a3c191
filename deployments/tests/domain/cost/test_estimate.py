"""Estimates: min, usual and most replicas, calendars, what drives a change, and Autopilot's admission."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.cost.estimate import (
    ALWAYS,
    Basis,
    Estimate,
    Replicas,
    admitted,
    awake_hours,
    between,
    drivers,
    estimate,
    hours_a_month,
)
from deployments.domain.cost.prices import RateCard, RateLine, Request
from deployments.domain.cost.rules import Component, PodClass

AT = datetime(2026, 11, 19, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def card(core: str, memory: str, gpu: str = "", *, currency: str = "USD") -> RateCard:
    lines = [
        RateLine(component=Component.CPU, part="core", rate=Decimal(core), currency=currency, sku="C"),
        RateLine(component=Component.MEMORY, part="memory", rate=Decimal(memory), currency=currency, sku="R"),
    ]
    if gpu:
        lines.append(
            RateLine(component=Component.GPU, part="GPU", label="gpu", rate=Decimal(gpu), currency=currency, sku="G")
        )
    return RateCard(lines=tuple(lines))


def request(cpu: str, gib: str, gpus: int = 0) -> Request:
    return Request(cpu=Decimal(cpu), memory_gib=Decimal(gib), gpus=(("gpu", Decimal(gpus)),) if gpus else ())


@dataclass(frozen=True)
class Weekdays:
    """Awake on weekdays between two local times, as sleep schedules are."""

    zone: str
    since: tuple[int, int]
    upto: tuple[int, int]
    pods_asleep: int = 0

    def awake(self, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        zone = ZoneInfo(self.zone)
        day = start.astimezone(zone).date() - timedelta(days=1)
        while day <= end.astimezone(zone).date():
            if day.weekday() < 5:
                opens = datetime(day.year, day.month, day.day, *self.since, tzinfo=zone).astimezone(UTC)
                closes = datetime(day.year, day.month, day.day, *self.upto, tzinfo=zone).astimezone(UTC)
                if max(opens, start) < min(closes, end):
                    yield max(opens, start), min(closes, end)
            day += timedelta(days=1)


OFFICE = Weekdays("America/New_York", (7, 30), (19, 0))
L4, A100 = card("0.024988", "0.002927", "0.560040"), card("0.031611", "0.004237", "2.933908")


def visual_search(rates: RateCard, asked: Request, most: int) -> Estimate:
    replicas = Replicas(minimum=1, typical=Decimal("1.5"), maximum=most)
    return estimate(asked, rates, replicas, at=AT, price_version="214", calendar=OFFICE)


BEFORE = visual_search(L4, request("7", "28", 1), 2)
AFTER = visual_search(A100, request("11", "80", 1), 4)


def test_a_month_at_the_least_the_usual_and_the_most() -> None:
    assert [f"{amount.sure:.0f}" for amount in (AFTER.month.minimum, AFTER.month.typical, AFTER.month.maximum)] == [
        "905", "1357", "3618",
    ]  # fmt: skip
    assert (AFTER.basis, AFTER.price_version) == (Basis.ESTIMATE, "214")
    assert "1.5 pods x 3.620589 USD an hour x 249.85 h of 730 h a month = 1356.91 USD" in AFTER.formula


def test_a_month_is_730_hours_when_nothing_sleeps() -> None:
    assert hours_a_month(ALWAYS, AT) == 730


def test_what_drives_the_change() -> None:
    found = {driver.name: driver.adds for driver in drivers(BEFORE, AFTER)}
    assert list(found) == ["gpu", "memory", "cpu", "replicas"]
    assert [f"{adds.typical.sure:.0f}" for adds in found.values()] == ["890", "96", "65", "0"]
    assert f"{found['replicas'].maximum.value:.0f}" == "1809"


prices = st.decimals(Decimal("0.001"), Decimal(1), places=6).map(str)
sizes = st.decimals(Decimal("0.1"), Decimal(64), places=2).map(str)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    least = draw(st.integers(0, 5))
    usual = least + draw(st.decimals(0, 5, places=2))
    most = int(usual) + 1 + draw(st.integers(0, 5))
    return estimate(
        request(draw(sizes), draw(sizes), draw(st.integers(0, 2))),
        card(draw(prices), draw(prices), draw(prices)),
        Replicas(minimum=least, typical=usual, maximum=most),
        at=AT,
        price_version="1",
        calendar=draw(st.sampled_from([ALWAYS, OFFICE])),
    )


@given(estimates(), estimates())
def test_drivers_add_up_to_the_change(before: Estimate, after: Estimate) -> None:
    found = drivers(before, after)
    for which in ("minimum", "typical", "maximum"):
        moved = getattr(after.month, which).sure - getattr(before.month, which).sure
        assert abs(sum(getattr(driver.adds, which).sure for driver in found) - moved) < Decimal("1e-9")


@given(estimates(), sizes)
def test_more_costs_no_less_and_nothing_is_negative(found: Estimate, more: str) -> None:
    assert 0 <= found.month.minimum.sure <= found.month.typical.sure <= found.month.maximum.sure
    larger = estimate(
        request(str(Decimal(more) + 64), "64", 2), card("1", "1", "1"), found.replicas, at=AT, price_version="1"
    )
    assert larger.month.maximum.sure >= found.month.maximum.sure


def test_an_unknown_price_is_unknown_at_every_load() -> None:
    found = estimate(
        request("1", "1"), RateCard(lines=(), problem="no rule"), BEFORE.replicas, at=AT, price_version="1"
    )
    assert [amount.reason for amount in (found.month.minimum, found.month.maximum)] == ["no rule", "no rule"]
    assert found.formula == "no rule"
    assert drivers(found, AFTER) == ()


def test_two_currencies_are_not_compared() -> None:
    euros = estimate(request("1", "1"), card("1", "1", currency="EUR"), BEFORE.replicas, at=AT, price_version="1")
    assert drivers(BEFORE, euros) == ()


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        # The night of 1 November is an hour longer in New York, that of 14 March an hour shorter.
        (datetime(2026, 10, 31, 20, tzinfo=NEW_YORK), datetime(2026, 11, 1, 8, tzinfo=NEW_YORK), 13),
        (datetime(2027, 3, 13, 20, tzinfo=NEW_YORK), datetime(2027, 3, 14, 8, tzinfo=NEW_YORK), 11),
        (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), 720),
    ],
)  # fmt: skip
def test_hours_are_real(start: datetime, end: datetime, hours: int) -> None:
    assert awake_hours(ALWAYS, start.astimezone(UTC), end.astimezone(UTC)) == hours


def test_a_forecast_is_of_its_own_days() -> None:
    amount = between(AFTER.pod, Decimal(2), AT, AT + timedelta(hours=3))
    assert amount.sure == AFTER.pod.amount.sure * 6


def test_a_forecast_adds_up_over_days() -> None:
    middle, end = AT + timedelta(days=3, minutes=7), AT + timedelta(days=9)
    parts = [between(AFTER.pod, Decimal(2), *span, calendar=OFFICE).sure for span in ((AT, middle), (middle, end))]
    whole = between(AFTER.pod, Decimal(2), AT, end, calendar=OFFICE).sure
    assert abs(sum(parts) - whole) < Decimal("1e-6")


@pytest.mark.parametrize(
    ("least", "most", "observed", "usual"), [(1, 4, None, 1), (1, 4, "2.5", "2.5"), (2, 4, "0.5", 2), (1, 4, "9", 4)]
)
def test_the_usual_load_is_what_was_observed_within_the_bounds(
    least: int, most: int, observed: str | None, usual: str
) -> None:
    assert Replicas.of(least, most, None if observed is None else Decimal(observed)).typical == Decimal(usual)


def test_replicas_that_do_not_grow_are_refused() -> None:
    with pytest.raises(ValueError, match="must grow"):
        replace(BEFORE.replicas, maximum=1)


@pytest.mark.parametrize(
    ("pod_class", "cpu", "gib", "billed"),
    [
        ("general", None, None, ("0.5", "2")),
        ("general", "0.01", "0.01", ("0.05", "0.05078125")),
        ("general", "4", "2", ("4", "4")),
        ("general", "1", "13", ("2", "13")),
        ("balanced", "0.1", "16", ("2", "16")),
        ("scale-out-x86", "1", "1", ("1", "4")),
        ("scale-out-arm", "1", "8", ("2", "8")),
        ("accelerator", "3", "1", ("3", "1")),
    ],
)
def test_admission(pod_class: str, cpu: str | None, gib: str | None, billed: tuple[str, str]) -> None:
    found = admitted(PodClass(pod_class), Decimal(cpu) if cpu else None, Decimal(gib) if gib else None)
    assert (found.cpu, found.memory_gib) == tuple(Decimal(text) for text in billed)


def test_pods_that_go_on_asleep_are_paid_for_and_the_drivers_still_add_up() -> None:
    kept_on = Weekdays("America/New_York", (7, 30), (19, 0), pods_asleep=1)
    replicas = Replicas(minimum=1, typical=Decimal(2), maximum=4)
    before = estimate(request("7", "28", 1), L4, replicas, at=AT, price_version="1", calendar=ALWAYS)
    after = estimate(request("11", "80", 1), A100, replicas, at=AT, price_version="1", calendar=kept_on)
    assert after.month.minimum.sure == after.pod.amount.sure * 730
    assert after.month.typical.sure == after.pod.amount.sure * (2 * after.hours + after.asleep_hours)
    moved = sum(driver.adds.typical.sure for driver in drivers(before, after))
    assert moved == after.month.typical.sure - before.month.typical.sure
