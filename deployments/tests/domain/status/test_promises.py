"""Promises not kept while all looks well: pods that crash in between, figures that lack, long starts."""

from datetime import timedelta
from typing import Any

import pytest

from deployments.domain.status.rows import together
from deployments.domain.status.states import NextAction, Phase, State, Summary
from deployments.domain.status.summary import summarise
from deployments.domain.status.unmet import turns_with_time
from deployments.tests.domain.cluster import (
    NOW,
    condition,
    deployment,
    intent,
    pod,
    replica_set,
    stamp,
    unschedulable,
    view,
    waiting,
)

OLD_AND_NEW = [replica_set("new", 2), replica_set("old", 1)]


def told(*args: Any, changes: dict[str, Any] | None = None, **kwargs: Any) -> Summary:
    return summarise(view(*args, **kwargs), intent=intent(**(changes or {})), at=NOW)


def crashed(seconds_ago: float, restarts: int = 4) -> dict[str, Any]:
    last = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": stamp(seconds_ago)}
    return pod("ranker-new-2", ready=True, restarts=restarts, last=last)


def test_pods_that_are_ready_between_their_crashes_are_not_calm() -> None:
    found = told(deployment(2), pod(ready=True), crashed(60))
    assert found.state is State.DEGRADED
    assert found.sentence == "All 2 pods are ready now, and one keeps restarting in between."
    assert found.why.startswith("ranker-new-2 ended with too little memory and has restarted 4 times")
    assert (found.worst_pod, found.next_action) == ("ranker-new-2", NextAction.OPEN_LOGS)
    assert found.since == NOW - timedelta(seconds=60)


@pytest.mark.parametrize("item", [crashed(3600), crashed(60, restarts=2)])
def test_an_old_or_a_rare_crash_is_over(item: dict[str, Any]) -> None:
    assert told(deployment(2), pod(ready=True), item).state is State.RUNNING


def autoscaler(kind: str, reason: str, ago: float) -> dict[str, Any]:
    found = condition(kind, "False", reason, "unable to fetch metrics from resource metrics API")
    return {"status": {"conditions": [found | {"lastTransitionTime": stamp(ago)}]}}


def test_an_autoscaler_without_figures_is_not_calm() -> None:
    found = told(deployment(2), pod(ready=True), hpa=autoscaler("ScalingActive", "FailedGetResourceMetric", 900))
    assert found.state is State.DEGRADED
    assert "its autoscaler has no figures: the number of pods does not follow the load" in found.sentence
    assert found.why == "unable to fetch metrics from resource metrics API"


@pytest.mark.parametrize(
    "hpa",
    [
        autoscaler("ScalingActive", "FailedGetResourceMetric", 60),  # the metrics of new pods take their time
        autoscaler("ScalingActive", "ScalingDisabled", 900),
    ],
)
def test_an_autoscaler_that_has_just_begun_is_calm(hpa: dict[str, Any]) -> None:
    assert told(deployment(2), pod(ready=True), hpa=hpa).state is State.RUNNING


def added(seconds_ago: float) -> dict[str, Any]:
    found = pod("ranker-new-3", phase="Pending", state=waiting("ContainerCreating"))
    found["metadata"]["creationTimestamp"] = stamp(seconds_ago)
    return found


MORE = deployment(3, total=3, updated=3, ready=2, available=2)


def test_a_pod_that_was_added_and_does_not_start_is_not_starting_for_ever() -> None:
    found = told(MORE, pod(ready=True), added(1500))
    assert found.state is State.STALLED
    assert found.sentence == "2 of 3 ready: another has been starting for too long."
    assert (found.worst_pod, found.since) == ("ranker-new-3", NOW - timedelta(seconds=1500))
    assert told(MORE, pod(ready=True), added(120)).state is State.STARTING


def test_a_longer_deadline_is_more_patience() -> None:
    live = {**MORE, "spec": MORE["spec"] | {"progressDeadlineSeconds": 3600}}
    assert told(live, pod(ready=True), added(1500)).state is State.STARTING


AWAKE = {"is_awake": True}


def test_pods_that_somebody_took_away_are_no_sleep() -> None:
    found = told(deployment(0), changes=AWAKE | {"scaled_by": "kubectl", "drifted": True})
    assert found.state is State.FAILED
    assert found.sentence == "Nothing serves: kubectl scaled it to no pods outside of Barista."
    assert found.next_action is NextAction.RESOLVE_CONFLICT
    assert "wakes" not in found.sentence
    assert told(deployment(0)).state is State.ASLEEP, "with a sleep of ours open"


def test_an_autoscaler_at_none_by_hand_says_that_it_stays_there() -> None:
    hpa = autoscaler("ScalingActive", "ScalingDisabled", 60)
    assert "its autoscaler does nothing while there are no pods" in told(deployment(0), hpa=hpa, changes=AWAKE).why


REFUSED = {
    **condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: gpu"),
    "lastTransitionTime": stamp(60),
}


def test_the_oldest_of_two_promises_comes_first() -> None:
    def failing(seconds_ago: float) -> dict[str, Any]:
        found = unschedulable("no GPU")
        found["metadata"]["creationTimestamp"] = stamp(seconds_ago)
        return found

    live = deployment(3, total=2, updated=2, ready=1, available=1, conditions=[REFUSED])
    assert told(live, pod(ready=True), failing(900)).state is State.UNSCHEDULABLE
    assert told(live, pod(ready=True), failing(10)).state is State.BLOCKED


def test_old_pods_that_leave_do_not_hide_that_nothing_serves() -> None:
    found = told(deployment(2, total=3, updated=2, ready=0, available=0), pod(), sets=OLD_AND_NEW)
    assert found.sentence == "Nothing serves yet: new pods, 0 of 2 ready."


def test_a_rollout_says_how_many_serve_when_some_are_missing() -> None:
    found = told(deployment(4, total=4, updated=1, ready=2, available=2), pod(), sets=OLD_AND_NEW)
    assert found.sentence == "Replacing pods: 1 of 4 of the new revision, 2 serving."


@pytest.mark.parametrize("live", [MORE, deployment(3, total=4, updated=1, ready=3, available=3)])
def test_nothing_reaches_it_comes_before_a_rollout(live: dict[str, Any]) -> None:
    found = told(live, pod(), sets=OLD_AND_NEW, changes={"drifted": True, "missing": frozenset({"Service"})})
    assert found.sentence.startswith("Nothing reaches it")


def seen(state: State, ready: int, desired: int = 2) -> Summary:
    return Summary(state=state, sentence="As seen.", why="Because.", ready=ready, desired=desired)


def ours(**changes: Any) -> Summary:
    return summarise(view(None), intent=intent(**changes), at=NOW)


def test_a_pause_does_not_cover_pods_that_fail() -> None:
    found = together(ours(phase=Phase.PAUSED), seen(State.CRASH_LOOPING, 0))
    assert (found.state, found.sentence, found.next_action) == (State.CRASH_LOOPING, "As seen.", NextAction.RESUME)
    assert found.why == "Because. Paused: Barista applies nothing until it is resumed."
    assert together(ours(phase=Phase.PAUSED), seen(State.ROLLING_OUT, 2)).state is State.PAUSED


@pytest.mark.parametrize(
    ("ready", "words"),
    [
        (0, "Nothing serves. Revision 5 cannot be applied."),
        (1, "Only 1 of 2 ready. Revision 5 cannot be applied."),
        (2, "Revision 5 cannot be applied."),
    ],
)
def test_what_is_not_applied_says_what_serves_meanwhile(ready: int, words: str) -> None:
    blocked = ours(phase=Phase.BLOCKED, generation=6)
    found = together(blocked, seen(State.FAILED, ready))
    assert (found.state, found.sentence) == (State.BLOCKED, words)
    assert (found.ready, found.desired) == (ready, 2)


def test_what_waits_says_since_when() -> None:
    since = NOW - timedelta(minutes=12)
    assert ours(phase=Phase.SAVED, generation=6, waiting_since=since).since == since


@pytest.mark.parametrize(
    ("live", "pods", "hpas", "turns"),
    [
        (deployment(1), [pod(ready=True)], [], False),
        (deployment(1, seen=2), [pod(ready=True)], [], True),
        (deployment(1), [pod(ready=True), added(10)], [], True),
        (deployment(1), [crashed(10)], [], True),
        (deployment(1), [pod(ready=True, deleted=True)], [], True),
        (deployment(1), [], [autoscaler("ScalingActive", "FailedGetResourceMetric", 10)], True),
    ],
)
def test_what_turns_with_time_is_looked_at_again(live: Any, pods: Any, hpas: Any, turns: bool) -> None:
    assert turns_with_time([live], pods, hpas) is turns
