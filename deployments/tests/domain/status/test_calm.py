"""Nothing that is not well looks calm: what serves now against what is wanted, for each kind of trouble one row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.status.rows import together
from deployments.domain.status.states import ClusterView, NextAction, Phase, State, Summary
from deployments.domain.status.summary import summarise
from deployments.tests.domain.cluster import (
    NOW,
    condition,
    deployment,
    event,
    intent,
    pod,
    replica_set,
    stamp,
    unschedulable,
    view,
    waiting,
)

LABELS = {"app": "ranker", "pod-template-hash": "new"}
OLD_AND_NEW = [replica_set("new", 2), replica_set("old", 1)]


def labelled(name: str = "ranker-new-1", **parts: Any) -> dict[str, Any]:
    found = pod(name, **{"ready": True, **parts})
    found["metadata"]["labels"] = LABELS
    found["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8501}]
    return found


def service(port: str | int = "http", **selector: str) -> dict[str, Any]:
    return {"spec": {"selector": selector, "ports": [{"port": 80, "targetPort": port}]}}


def blind(ago: float) -> dict[str, Any]:
    said = condition("ScalingActive", "False", "FailedGetResourceMetric", "no metrics")
    return {"status": {"conditions": [said | {"lastTransitionTime": stamp(ago)}]}}


def starting(event_said: Any) -> ClusterView:
    held = pod(state=waiting("ContainerCreating"), phase="Pending")
    return view(deployment(1, ready=0, available=0), held, events=(event_said,))


def gated() -> dict[str, Any]:
    found = unschedulable("Scheduling is blocked due to non-empty scheduling gates")
    found["status"]["conditions"][0]["reason"] = "SchedulingGated"
    found["spec"]["schedulingGates"] = [{"name": "kueue.x-k8s.io/admission"}]
    return found


def lost_node(name: str) -> dict[str, Any]:
    found = labelled(name)
    found["status"]["conditions"] = [condition("PodScheduled", "True"), condition("Ready", "Unknown")]
    return found


def crash(name: str = "ranker-new-1") -> dict[str, Any]:
    return pod(name, state=waiting("CrashLoopBackOff"), restarts=5, last={"exitCode": 1, "reason": "Error"})


PULLS = pod("ranker-new-3", state=waiting("ImagePullBackOff"), phase="Pending")
WEBHOOK = condition(
    "ReplicaFailure", "True", "FailedCreate", 'Internal error: failed calling webhook "inject.acme.com": refused'
)
GOOD_SERVICE = service(app="ranker")

# name, view, changes of the intent, state, words of the headline, words of the reason
CASES: list[tuple[str, ClusterView, dict[str, Any], State, str, str]] = [
    (
        "a Service that reaches its pods",
        view(deployment(1), labelled(), service=GOOD_SERVICE),
        {},
        State.RUNNING,
        "Its pod is ready.",
        "",
    ),
    (
        "a Service that asks for other pods",
        view(deployment(1), labelled(), service=service(app="other")),
        {},
        State.FAILED,
        "Nothing reaches it: its Service sends requests to none of its pods.",
        "It asks for pods with app=other",
    ),
    (
        "a Service without a selector",
        view(deployment(1), labelled(), service=service()),
        {},
        State.FAILED,
        "Nothing reaches it",
        "no label at all",
    ),
    (
        "a Service whose port no pod has",
        view(deployment(1), labelled(), service=service("grpc", app="ranker")),
        {},
        State.FAILED,
        "Nothing reaches it",
        "the port grpc, which the pods do not have",
    ),
    (
        "no Service while a rollout goes on",
        view(deployment(2, total=3, updated=1), pod(), sets=OLD_AND_NEW),
        {"drifted": True, "missing": frozenset({"Service"})},
        State.FAILED,
        "Nothing reaches it: somebody deleted its Service",
        "Resolving it",
    ),
    (
        "no Ingress",
        view(deployment(1), labelled()),
        {"drifted": True, "missing": frozenset({"Ingress"})},
        State.DRIFTED,
        "Nothing from outside the cluster reaches it: somebody deleted its Ingress",
        "Its pod is ready",
    ),
    (
        "no autoscaler",
        view(deployment(1), labelled()),
        {"drifted": True, "missing": frozenset({"HorizontalPodAutoscaler"})},
        State.DRIFTED,
        "The number of pods does not follow the load",
        "Its pod is ready",
    ),
    (
        "an image not pulled on one of three",
        view(deployment(3, ready=2, available=2), labelled("a"), labelled("b"), PULLS),
        {},
        State.IMAGE_ERROR,
        "It still serves: 2 of 3 ready, the others fail.",
        "cannot pull",
    ),
    (
        "an autoscaler without figures",
        view(deployment(1), labelled(), hpa=blind(900)),
        {},
        State.DEGRADED,
        "its autoscaler has no figures",
        "no metrics",
    ),
    (
        "a volume that is not there",
        view(deployment(1, ready=0, available=0), unschedulable("0/3 nodes: unbound immediate PersistentVolumeClaims")),
        {},
        State.UNSCHEDULABLE,
        "Nothing serves",
        "waits for its volume",
    ),
    (
        "a scheduling gate",
        view(deployment(1, ready=0, available=0), gated()),
        {},
        State.UNSCHEDULABLE,
        "Nothing serves",
        "held back by kueue.x-k8s.io/admission",
    ),
    (
        "a node that went away with one of two",
        view(deployment(2, ready=1, available=1), labelled("a"), lost_node("b")),
        {},
        State.DEGRADED,
        "It still serves: 1 of 2 ready",
        "node-1 has stopped reporting",
    ),
    (
        "a node that went away with all",
        view(deployment(1, ready=0, available=0), lost_node("a")),
        {},
        State.FAILED,
        "nothing serves",
        "node-1 has stopped reporting",
    ),
    (
        "an admission webhook that does not answer",
        view(deployment(2, total=1, updated=1, ready=1, available=1, conditions=[WEBHOOK]), labelled()),
        {},
        State.BLOCKED,
        "It serves, 1 of 2 ready",
        "inject.acme.com does not answer",
    ),
    (
        "a volume that cannot be mounted",
        starting(event("FailedMount", 'MountVolume.SetUp failed: secret "istio" not found')),
        {},
        State.STARTING,
        "0 of 1 ready",
        'cannot be set up there: MountVolume.SetUp failed: secret "istio" not found',
    ),
    (
        "a network that is not set up",
        starting(event("FailedCreatePodSandBox", "cni plugin not initialized")),
        {},
        State.STARTING,
        "0 of 1 ready",
        "cni plugin not initialized",
    ),
    (
        "a pause of somebody else over pods that crash",
        view(deployment(2, ready=1, available=1, paused=True), labelled(), crash("b")),
        {},
        State.CRASH_LOOPING,
        "It still serves: 1 of 2",
        "paused in the cluster, not by Barista",
    ),
    (
        "a pause of somebody else while pods are missing",
        view(deployment(2, total=0, updated=0, ready=0, available=0, paused=True)),
        {},
        State.FAILED,
        "Nothing serves. The rollout is paused",
        "",
    ),
    (
        "a pause of somebody else while one is missing",
        view(deployment(2, ready=1, available=1, paused=True), labelled()),
        {},
        State.DEGRADED,
        "Only 1 of 2 ready. The rollout is paused",
        "",
    ),
    (
        "a controller that has not acted for a moment",
        view(deployment(2, seen=2, total=0, updated=0, ready=0, available=0)),
        {"applied_at": NOW - timedelta(seconds=5)},
        State.ROLLING_OUT,
        "its controller has not acted yet. Nothing serves yet.",
        "",
    ),
    (
        "a controller that never acts",
        view(deployment(2, seen=2, total=0, updated=0, ready=0, available=0)),
        {"applied_at": NOW - timedelta(minutes=7)},
        State.STALLED,
        "The cluster accepted it 7 min ago, and its controller does nothing.",
        "Ask the platform team",
    ),
    (
        "a controller that has not acted on a change beside pods that serve",
        view(deployment(2, seen=2), labelled()),
        {"applied_at": NOW - timedelta(days=7)},
        State.ROLLING_OUT,
        "2 of 2 ready.",
        "",
    ),
]


@pytest.mark.parametrize(
    ("name", "seen", "changes", "state", "words", "why"), CASES, ids=[case[0].replace(" ", "-") for case in CASES]
)
def test_what_it_says(
    name: str, seen: ClusterView, changes: dict[str, Any], state: State, words: str, why: str
) -> None:
    found = summarise(seen, intent=intent(**changes), at=NOW)
    assert (found.state, words in found.sentence, why in found.why) == (state, True, True), (found.sentence, found.why)


def test_the_promise_that_is_broken_for_longest_is_the_headline_and_the_others_follow() -> None:
    hpa = blind(900)
    crashed = pod("b", ready=True, restarts=4, last={"exitCode": 1, "finishedAt": stamp(60)})
    newer = summarise(view(deployment(2), labelled("a"), crashed, hpa=hpa), intent=intent(), at=NOW)
    assert "has no figures" in newer.sentence
    assert "one keeps restarting" in newer.why
    older = pod("b", ready=True, restarts=4, last={"exitCode": 1, "finishedAt": stamp(400)})
    found = summarise(view(deployment(2), labelled("a"), older, hpa=blind(350)), intent=intent(), at=NOW)
    assert "one keeps restarting" in found.sentence
    assert found.next_action is NextAction.OPEN_LOGS
    assert "has no figures" in found.why


counts = st.integers(0, 4)


@given(
    desired=st.integers(1, 4),
    total=counts,
    updated=counts,
    ready=counts,
    paused=st.booleans(),
    seen=st.sampled_from([2, 3]),
    pods=st.lists(
        st.sampled_from([pod(), pod(ready=True), crash(), PULLS, unschedulable("full"), pod(deleted=True)]), max_size=4
    ),
    conditions=st.lists(
        st.sampled_from(
            [
                condition("Progressing", "False", "ProgressDeadlineExceeded", "late"),
                condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: gpu"),
                condition("Progressing", "True", "ReplicaSetUpdated"),
            ]
        ),
        max_size=2,
    ),
    drifted=st.booleans(),
)
def test_less_than_what_is_wanted_is_never_calm(
    desired: int,
    total: int,
    updated: int,
    ready: int,
    paused: bool,
    seen: int,
    pods: list[dict[str, Any]],
    conditions: list[dict[str, Any]],
    drifted: bool,
) -> None:
    live = deployment(
        desired,
        paused=paused,
        seen=seen,
        total=total,
        updated=updated,
        ready=ready,
        available=ready,
        conditions=conditions,
    )
    found = summarise(view(live, *pods, sets=OLD_AND_NEW), intent=intent(drifted=drifted), at=NOW)
    if ready < desired:
        assert found.state not in (State.RUNNING, State.DRIFTED, State.PAUSED, State.ASLEEP), found.sentence
    if ready == 0:
        says_so = "othing serves" in found.sentence or "0 of" in found.sentence
        assert says_so, found.sentence


@pytest.mark.parametrize("phase", [Phase.BLOCKED, Phase.CONFLICT, Phase.PARKED, Phase.PAUSED, Phase.SAVED])
def test_what_our_rows_say_never_hides_that_nothing_serves(phase: Phase) -> None:
    seen = Summary(state=State.STARTING, sentence="0 of 2 ready.", ready=0, desired=2)
    ours = summarise(ClusterView(), intent=intent(phase=phase, generation=6), at=NOW)
    assert together(ours, seen).sentence.startswith("Nothing serves.")
