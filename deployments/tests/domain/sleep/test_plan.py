"""What sleep does together with pauses, retirement, restore, drift, autoscalers and other writers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.domain.sleep.plan.cases import Do, Due, Replicas, SleepState
from deployments.domain.sleep.plan.steps import next_step
from deployments.domain.sleep.schedule.decisions import Step
from deployments.tests.domain.sleep.plan_cases import (
    ASLEEP,
    AT,
    DUE,
    FRESH,
    HELD,
    MINUTE,
    SCALED,
    TABLE,
    live,
    morning,
    night,
    record,
)


@pytest.mark.parametrize("name", TABLE)
def test_case(name: str) -> None:
    case, do, state, count, minimum = TABLE[name]
    found = next_step(case, at=AT)
    assert (found.do, found.state, found.effective) == (do, state, Replicas(count, minimum)), found.words
    assert found.words


@pytest.mark.parametrize("name", TABLE)
def test_what_was_saved_never_changes_while_the_record_is_open(name: str) -> None:
    case = TABLE[name][0]
    found = next_step(case, at=AT)
    if case.record is not None and found.record is not None:
        kept = ("opened_at", "saved_replicas", "saved_minimum", "spec_replicas")
        assert [getattr(found.record, key) for key in kept] == [getattr(case.record, key) for key in kept]


def test_a_new_record_holds_what_the_wake_needs() -> None:
    found = next_step(night(SCALED, live=live(6, minimum=2)), at=AT).record
    assert (found.saved_replicas, found.saved_minimum, found.target, found.due_at) == (6, 2, 0, DUE.due_at)


def test_a_wake_by_keep_awake_is_due_at_once_and_an_early_one_when_it_was_due() -> None:
    pressed = next_step(morning(live=live(0), record=record()), at=AT).record
    soon = Due(due_at=AT + 10 * MINUTE, start_at=AT)
    early = next_step(night(decision=ASLEEP, due=soon, live=live(0), record=record()), at=AT).record
    late = next_step(morning(live=live(0), record=record(due_at=AT - MINUTE)), at=AT).record
    assert (pressed.wake_due_at, early.wake_due_at, late.wake_due_at) == (AT, soon.due_at, AT - MINUTE)


def test_what_cannot_be_read_does_not_forget_when_the_wake_is_due() -> None:
    unread = replace(ASLEEP, step=Step.MISSING)
    found = next_step(night(decision=unread, live=live(0), record=record()), at=AT)
    assert (found.do, found.record.due_at) == (Do.NOTHING, DUE.due_at)


def test_three_numbers_are_told_apart() -> None:
    found = next_step(night(live=live(3), record=record(hold=HELD)), at=AT)
    assert (found.desired.count, found.effective.count, found.live.count) == (10, 3, 3)
    found = next_step(night(live=live(10), record=record(**FRESH)), at=AT)
    assert (found.desired.count, found.effective.count, found.live.count) == (10, 0, 10)


@pytest.mark.parametrize("state", SleepState)
def test_every_state_has_its_words(state: SleepState) -> None:
    assert state.label
    assert state.tone
