"""The ledger's arithmetic against a count of every single second, and the start-up lead and waves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.sleep.plan.ledger import Basis, Entry, Price, Sleep, Slots, account, split, total
from deployments.domain.sleep.plan.waves import Underway, Waiting, due, is_worth_it, lead, next_wave, p90
from deployments.domain.sleep.schedule.windows import Span, WakeOrder

START = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
LENGTH = 240
SECOND = timedelta(seconds=1)
WITHIN = Span(START, START + LENGTH * SECOND)
SECONDS = st.integers(-30, LENGTH + 30)
NIGHT = Span(datetime(2026, 11, 18, 19, tzinfo=UTC), datetime(2026, 11, 19, 7, 30, tzinfo=UTC))


def at(second: int) -> datetime:
    return START + second * SECOND


@st.composite
def spans(draw: st.DrawFn) -> Span:
    left = draw(SECONDS)
    return Span(at(left), at(left + draw(st.integers(1, 150))))


@st.composite
def sleeps(draw: st.DrawFn) -> list[Sleep]:
    """In order, apart from each other or touching."""
    found, left = [], draw(st.integers(-40, 40))
    for number in range(draw(st.integers(0, 4))):
        right = left + draw(st.integers(1, 80))
        found.append(Sleep(key=str(number), span=Span(at(left), at(right)), keep=draw(st.integers(0, 2))))
        left = right + draw(st.integers(0, 30))
    return found


SLOTS = st.lists(st.builds(Slots, SECONDS.map(at), st.integers(0, 5)), max_size=4).map(
    lambda found: sorted(found, key=lambda one: one.start)
)


@given(SLOTS, sleeps(), st.one_of(st.none(), st.lists(spans(), max_size=8)))
def test_each_slot_and_second_is_running_or_released(
    slots: list[Slots], slept: list[Sleep], pods: list[Span] | None
) -> None:
    released: dict[str, int] = {}
    slot_seconds = beyond = 0
    for second in range(LENGTH):
        now = at(second)
        count = next((one.count for one in reversed(slots) if one.start <= now), 0)
        up = sum(pod.covers(now) for pod in pods) if pods is not None else None
        slot_seconds += count
        beyond += max(0, (up or 0) - count)
        for one in slept:
            if one.span.covers(now):
                free = count - (one.keep if up is None else min(up, count))
                released[one.key] = released.get(one.key, 0) + max(0, free)
    found = account(within=WITHIN, slots=slots, sleeps=slept, pods=pods)
    assert {one.key: one.released_seconds for one in found.entries} == {k: v for k, v in released.items() if v}
    assert (found.slot_seconds, found.beyond_seconds) == (slot_seconds, beyond)
    assert found.running_seconds >= 0
    assert found.running_seconds + found.released_seconds == slot_seconds
    assert all(one.span.start >= WITHIN.start and one.span.end <= WITHIN.end for one in found.entries)


@given(
    SLOTS,
    sleeps(),
    st.lists(spans(), max_size=6),
    st.lists(st.integers(0, LENGTH), max_size=3),
    st.decimals(0, 9, places=6),
)
def test_entries_cut_at_months_and_prices_sum_to_the_whole(
    slots: list[Slots], slept: list[Sleep], pods: list[Span], changes: list[int], an_hour: Decimal
) -> None:
    within = Span(at(0), at(LENGTH) + timedelta(hours=2))
    prices = [Price(at(-100), an_hour, "v1"), *(Price(at(one), an_hour + one, f"v{one}") for one in sorted(changes))]
    entries = split(within=within, slots=slots, sleeps=slept, prices=prices, pods=pods)
    whole = account(within=within, slots=slots, sleeps=slept, pods=pods)
    assert sum(one.released_seconds for one in entries) == whole.released_seconds
    assert total(entries).amount == sum((one.amount or Decimal(0) for one in entries), Decimal(0))
    for one in entries:
        assert (one.span.end - SECOND).month == one.span.start.month
        assert len({price.version for price in prices if one.span.start < price.start < one.span.end}) == 0


def test_a_night_of_one_slot_to_the_cent() -> None:
    found = split(
        within=Span(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        slots=[Slots(datetime(2026, 10, 1, tzinfo=UTC), 1)],
        sleeps=[Sleep(key="r1", span=NIGHT)],
        prices=[Price(datetime(2026, 1, 1, tzinfo=UTC), Decimal("0.816912"), "214")],
    )
    assert [(one.amount, one.span, one.slots, one.price_version, one.basis) for one in found] == [
        (Decimal("10.21"), NIGHT, 1, "214", Basis.ESTIMATE)
    ]


def test_ending_pods_an_early_start_and_a_slow_one_count_as_running() -> None:
    pods = [
        Span(NIGHT.start - timedelta(hours=9), NIGHT.start + timedelta(minutes=2)),
        Span(NIGHT.end - timedelta(minutes=6), NIGHT.end + timedelta(hours=9)),
    ]
    found = account(within=NIGHT, slots=[Slots(NIGHT.start, 1)], sleeps=[Sleep(key="r", span=NIGHT)], pods=pods)
    assert found.running_seconds == 8 * 60
    assert found.entries[0].basis is Basis.MEASURED


def test_pods_beyond_the_slots_release_nothing_and_are_told_apart() -> None:
    found = account(
        within=NIGHT, slots=[Slots(NIGHT.start, 1)], sleeps=[Sleep(key="r", span=NIGHT)], pods=[NIGHT, NIGHT]
    )
    assert (found.released_seconds, found.beyond_seconds) == (0, NIGHT.seconds)


def test_an_unknown_price_is_not_a_price_of_nothing() -> None:
    known = Entry(key="a", span=NIGHT, released_seconds=3600, slots=1, basis=Basis.ESTIMATE, price=Decimal(2))
    unknown = Entry(key="b", span=NIGHT, released_seconds=3600, slots=1, basis=Basis.ESTIMATE)
    found = total([known, unknown])
    assert (found.amount, found.entries, found.unpriced, found.released_seconds) == (Decimal("2.00"), 2, 1, 7200)


@pytest.mark.parametrize(
    ("took", "fixed", "minutes"),
    [
        ([], None, 10),
        ([60] * 4, None, 10),
        ([60] * 5, None, 1),
        ([61] * 5, None, 2),
        ([0] * 5, None, 0),
        (list(range(60, 60 * 21, 60)), None, 18),
        ([9_000] * 10, None, 60),
        ([9_000] + [60] * 20, None, 1),
        ([60] * 18 + [3000] * 2, None, 1),
        ([60] * 17 + [3000] * 3, None, 50),
        ([9_000] * 10, 5, 5),
        ([60] * 10, 0, 0),
    ],
)
def test_the_lead_is_p90_of_the_last_20_wakes(took: list[float], fixed: int | None, minutes: int) -> None:
    found = lead(took, fixed_minutes=fixed)
    assert found.time == timedelta(minutes=minutes)
    assert found.words.startswith(f"{minutes} min")


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=40))
def test_nine_of_ten_wakes_took_no_longer_than_p90(took: list[float]) -> None:
    assert sum(one <= p90(took) for one in took) * 10 >= 9 * len(took)
    assert sum(one < p90(took) for one in took) * 10 < 9 * len(took)


def test_a_sleep_shorter_than_its_lead_is_not_worth_it() -> None:
    soon = due(START + timedelta(minutes=10), lead([]))
    assert not is_worth_it(START, soon)
    assert is_worth_it(START - SECOND, soon)
    assert is_worth_it(START, None)
    assert due(None, lead([])) is None


def waiting(key: str, order: WakeOrder = WakeOrder.NORMAL, minute: int = 0) -> Waiting:
    return Waiting(key=key, order=order, start_at=START + timedelta(minutes=minute))


def test_waves_keep_to_the_order_and_to_the_number_at_once() -> None:
    line = [
        waiting("z", WakeOrder.LAST, -9),
        waiting("b"),
        waiting("a"),
        waiting("c", minute=-1),
        waiting("x", WakeOrder.FIRST),
        waiting("y", WakeOrder.FIRST, 5),
    ]
    busy = [Underway(key="u", gives_way_at=START + SECOND), Underway(key="failed", gives_way_at=START)]
    assert next_wave(line, busy, at=START, at_once=4) == ("x", "c", "a")
    assert next_wave(line, busy, at=START, at_once=1) == ()
    assert next_wave(line, (), at=START, at_once=0) == ("x",)


def test_everybody_wakes_in_the_end() -> None:
    line = {f"{number:03}" for number in range(200)}
    done: list[str] = []
    while line:
        wave = next_wave([waiting(key) for key in line], (), at=START, at_once=7)
        done += wave
        line -= set(wave)
    assert done == [f"{number:03}" for number in range(200)]
