"""What keep-awakes and exemptions cost, which slots there are, and who counts as a machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.sleep.plan import slots
from deployments.domain.sleep.plan.ledger import Slots
from deployments.domain.sleep.plan.slots import Slept
from deployments.domain.sleep.plan.writers import is_automation
from deployments.domain.sleep.schedule.coming import asleep_seconds
from deployments.domain.sleep.schedule.decisions import Step
from deployments.domain.sleep.schedule.given_up import given_up
from deployments.domain.sleep.schedule.layers import Ask, Grant, Inputs, Layer, Level
from deployments.domain.sleep.schedule.windows import Schedule, Span, Window

WEDNESDAY = datetime(2026, 11, 25, tzinfo=UTC)
HOUR = timedelta(hours=1)
NIGHT = Schedule(
    key="n", version=1, name="Nights", zone="UTC", windows=(Window.parse("Wed 20:00 -> Thu 08:00"),), target=1
)


def grant(ask: Ask, start: datetime, hours: float, key: str = "1") -> Grant:
    return Grant(key=key, ask=ask, span=Span(start, start + hours * HOUR), owner="ana", reason="test")


def inputs(*keep: Grant, exempt: tuple[Grant, ...] = ()) -> Inputs:
    team = Layer(level=Level.TEAM, name="Vision", weekly=NIGHT, exemptions=exempt)
    return Inputs(layers=(team,), keep_awake=keep)


def test_only_time_in_which_it_would_have_slept_is_given_up() -> None:
    kept = grant(Ask.KEEP_AWAKE, WEDNESDAY + 18 * HOUR, 4)
    (found,) = given_up(inputs(kept), WEDNESDAY, WEDNESDAY + 48 * HOUR)
    assert found.span == Span(WEDNESDAY + 20 * HOUR, WEDNESDAY + 22 * HOUR)
    assert (found.step, found.key, found.target) == (Step.KEEP_AWAKE, "1", 1)


def test_nothing_is_given_up_by_day_or_without_a_schedule() -> None:
    kept = grant(Ask.KEEP_AWAKE, WEDNESDAY + 9 * HOUR, 2)
    assert given_up(inputs(kept), WEDNESDAY, WEDNESDAY + 48 * HOUR) == ()
    assert given_up(Inputs(keep_awake=(kept,)), WEDNESDAY, WEDNESDAY + 48 * HOUR) == ()


def test_a_night_that_two_keep_awake_counts_once() -> None:
    kept = grant(Ask.KEEP_AWAKE, WEDNESDAY + 20 * HOUR, 3)
    exempt = grant(Ask.EXEMPTION, WEDNESDAY + 19 * HOUR, 6, key="2")
    found = given_up(inputs(kept, exempt=(exempt,)), WEDNESDAY, WEDNESDAY + 48 * HOUR)
    assert [(one.key, one.span.hours) for one in found] == [("1", 3), ("2", 2)]


@given(st.lists(st.tuples(st.integers(0, 2880), st.integers(1, 600), st.booleans()), max_size=5))
def test_slept_and_given_up_are_what_the_schedule_alone_would_sleep(asked: list[tuple[int, int, bool]]) -> None:
    grants = [
        grant(Ask.EXEMPTION if exempt else Ask.KEEP_AWAKE, WEDNESDAY + timedelta(minutes=start), length / 60, str(key))
        for key, (start, length, exempt) in enumerate(asked)
    ]
    kept = [one for one in grants if one.ask is Ask.KEEP_AWAKE]
    exempt = tuple(one for one in grants if one.ask is Ask.EXEMPTION)
    end = WEDNESDAY + 48 * HOUR
    slept = asleep_seconds(inputs(*kept, exempt=exempt), WEDNESDAY, end)
    lost = sum(one.span.seconds for one in given_up(inputs(*kept, exempt=exempt), WEDNESDAY, end))
    assert slept + lost == asleep_seconds(inputs(), WEDNESDAY, end) == 12 * 3600


@pytest.mark.parametrize(
    ("saved", "minimum", "count"),
    [(3, None, 3), (0, None, 0), (17, 2, 2), (1, 2, 1), (4, 0, 1), (0, 2, 0)],
)
def test_slots_of_a_sleep_are_what_it_would_have_without_a_peak(saved: int, minimum: int | None, count: int) -> None:
    assert slots.of_sleep(saved, minimum) == count


def test_in_a_sleep_its_own_slots_stand() -> None:
    wanted = [Slots(WEDNESDAY, 2), Slots(WEDNESDAY + 3 * HOUR, 5)]
    slept = [Slept(span=Span(WEDNESDAY + 2 * HOUR, WEDNESDAY + 4 * HOUR), count=3)]
    found = [((one.start - WEDNESDAY) // HOUR, one.count) for one in slots.timeline(wanted, slept)]
    assert found == [(0, 2), (2, 3), (4, 5)]


@pytest.mark.parametrize(
    "manager", ["kubectl", "kubectl-edit", "kubectl-client-side-apply", "k9s", "Mozilla", "OpenLens", ""]
)
def test_what_people_use_is_no_machine(manager: str) -> None:
    assert not is_automation(manager)


@pytest.mark.parametrize("manager", ["argocd-controller", "pykube-ng", "kube-green", "octopus", "kubectlx", "helm"])
def test_everything_else_is(manager: str) -> None:
    assert is_automation(manager)
