"""What people see of an open sleep: held, in conflict, waking, and not awake in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.domain.status.sleeping import OpenSleep, in_sleep
from deployments.domain.status.states import NextAction, State, Summary

AT = datetime(2026, 11, 27, 8, tzinfo=UTC)


def seen(state: State, **more: Any) -> Summary:
    return Summary(**{"state": state, "sentence": "As the cluster shows it.", "ready": 0, "desired": 2, **more})


def asleep(**more: Any) -> OpenSleep:
    return OpenSleep(**{"is_waking": False, "words": "a night", "started_at": AT - timedelta(hours=9), **more})


def waking(**more: Any) -> OpenSleep:
    return asleep(is_waking=True, due_at=AT - timedelta(minutes=30), **more)


def test_a_manual_change_in_the_night_is_said_with_its_writer() -> None:
    found = in_sleep(seen(State.RUNNING), asleep(held_by="kubectl"), at=AT)
    assert found.state is State.HELD_AWAKE
    assert "kubectl" in found.sentence


def test_an_unknown_writer_is_somebody() -> None:
    assert "somebody outside of Barista" in in_sleep(seen(State.STARTING), asleep(held_by=""), at=AT).sentence


def test_a_fight_is_a_conflict_that_names_the_other() -> None:
    found = in_sleep(seen(State.RUNNING), asleep(held_by="argocd-controller", is_conflict=True), at=AT)
    assert found.state is State.CONFLICT
    assert found.sentence.startswith("argocd-controller keeps undoing")


def test_held_and_scaled_to_zero_again_is_asleep() -> None:
    assert in_sleep(seen(State.ASLEEP), asleep(held_by="kubectl"), at=AT).state is State.ASLEEP


def test_trouble_of_held_pods_is_shown_as_it_is() -> None:
    assert in_sleep(seen(State.CRASH_LOOPING), asleep(held_by="kubectl"), at=AT).state is State.CRASH_LOOPING


@pytest.mark.parametrize("state", [State.STARTING, State.UNSCHEDULABLE, State.IMAGE_ERROR, State.STALLED])
def test_not_awake_in_time_is_said_with_the_reason_that_the_cluster_gives(state: State) -> None:
    shown = seen(state, why="0/3 nodes have a GPU", next_action=NextAction.EDIT)
    found = in_sleep(shown, waking(failed_at=AT), at=AT)
    assert found.state is State.WAKE_FAILED
    assert "0/3 nodes have a GPU" in found.why
    assert found.next_action is NextAction.EDIT


def test_a_wake_that_failed_and_runs_in_the_end_runs() -> None:
    assert in_sleep(seen(State.RUNNING), waking(failed_at=AT), at=AT).state is State.RUNNING


def test_before_it_has_failed_trouble_is_shown_as_it_is() -> None:
    assert in_sleep(seen(State.UNSCHEDULABLE), waking(), at=AT).state is State.UNSCHEDULABLE
    assert in_sleep(seen(State.STARTING), waking(), at=AT).state is State.WAKING
