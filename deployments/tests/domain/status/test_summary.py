from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baristaweb.lib.looks import Tone
from deployments.domain.status.pods import explain_pod
from deployments.domain.status.states import ClusterView, NextAction, Phase, PodState, State
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

OLD_AND_NEW = [replica_set("new", 2), replica_set("old", 1)]
DEADLINE = [condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out")]
QUOTA = [condition("ReplicaFailure", "True", "FailedCreate", 'pods "x" is forbidden: exceeded quota: gpu')]
CRASH: dict[str, Any] = {
    "state": waiting("CrashLoopBackOff"),
    "restarts": 5,
    "last": {"exitCode": 1, "reason": "Error"},
}
KILLED: dict[str, Any] = {
    "state": waiting("CrashLoopBackOff"),
    "restarts": 2,
    "last": {"exitCode": 137, "reason": "OOMKilled"},
}

# name, view, state, words of sentence or why, next action
CASES: list[tuple[str, ClusterView, State, str, NextAction]] = [
    ("complete", view(deployment(2), pod(ready=True)), State.RUNNING, "All 2 pods are ready", NextAction.NONE),
    ("one pod", view(deployment(1), pod(ready=True)), State.RUNNING, "Its pod is ready", NextAction.NONE),
    ("1 not seen", view(deployment(seen=2)), State.ROLLING_OUT, "not acted yet", NextAction.NONE),
    ("2 paused by others", view(deployment(paused=True)), State.PAUSED, "not by Barista", NextAction.RESOLVE_CONFLICT),
    ("3 falling asleep", view(deployment(0, total=2)), State.FALLING_ASLEEP, "2 pods are ending", NextAction.NONE),
    ("4 asleep", view(deployment(0)), State.ASLEEP, "when it wakes", NextAction.NONE),
    (
        "4 idle by the autoscaler",
        view(deployment(0), hpa={"status": {"conditions": [condition("ScaledToZero", "True")]}}),
        State.ASLEEP,
        "autoscaler",
        NextAction.NONE,
    ),
    (
        "5 quota, before any deadline",
        view(deployment(2, total=0, updated=0, ready=0, available=0, conditions=QUOTA)),
        State.BLOCKED,
        "exceeded quota",
        NextAction.EDIT,
    ),
    (
        "6 stalled",
        view(deployment(2, ready=0, available=0, conditions=DEADLINE), pod()),
        State.STALLED,
        "Kubernetes keeps trying",
        NextAction.ROLLBACK,
    ),
    (
        "7 updating",
        view(deployment(3, total=4, updated=1, available=3), pod(), sets=OLD_AND_NEW),
        State.ROLLING_OUT,
        "1 of 3",
        NextAction.NONE,
    ),
    (
        "7 scaling is no rollout",
        view(deployment(4, total=2, updated=2, ready=2, available=2), pod(ready=True)),
        State.STARTING,
        "Scaling: 2 of 4",
        NextAction.NONE,
    ),
    (
        "8 old pods leaving",
        view(deployment(2, total=3), pod(ready=True), sets=OLD_AND_NEW),
        State.ROLLING_OUT,
        "1 old pod is leaving",
        NextAction.NONE,
    ),
    (
        "9 starting",
        view(deployment(2, ready=1, available=1), pod()),
        State.STARTING,
        "1 of 2 ready",
        NextAction.NONE,
    ),
    (
        "9 crash, no older pods",
        view(deployment(1, ready=0, available=0), pod(**CRASH)),
        State.CRASH_LOOPING,
        "exit code 1",
        NextAction.OPEN_LOGS,
    ),
    (
        "crash during a rollout",
        view(deployment(2, total=3, updated=1), pod(**CRASH), pod("old", hash_="old", ready=True), sets=OLD_AND_NEW),
        State.CRASH_LOOPING,
        "exit code 1",
        NextAction.ROLLBACK,
    ),
    (
        "pods die after a complete rollout, Progressing stays True",
        view(deployment(1, ready=0, available=0), pod(**KILLED)),
        State.CRASH_LOOPING,
        "more memory than its limit",
        NextAction.EDIT,
    ),
    (
        "old pods crash while the fix rolls out",
        view(deployment(2, total=3, updated=1), pod(), pod("old", hash_="old", **CRASH), sets=OLD_AND_NEW),
        State.ROLLING_OUT,
        "1 of 2",
        NextAction.NONE,
    ),
    (
        "image",
        view(deployment(1, ready=0, available=0), pod(state=waiting("ImagePullBackOff"), phase="Pending")),
        State.IMAGE_ERROR,
        "cannot pull r.example.com/a:1",
        NextAction.EDIT,
    ),
    (
        "no node",
        view(
            deployment(1, ready=0, available=0),
            unschedulable("0/3 nodes are available: 3 Insufficient nvidia.com/gpu."),
        ),
        State.UNSCHEDULABLE,
        "Insufficient nvidia.com/gpu",
        NextAction.EDIT,
    ),
    (
        "no node beyond the deadline",
        view(deployment(1, ready=0, available=0, conditions=DEADLINE), unschedulable("no")),
        State.UNSCHEDULABLE,
        "No node fits",
        NextAction.ROLLBACK,
    ),
    (
        "all pods lost readiness",
        view(deployment(1, ready=0, available=0), pod(state={"running": {"startedAt": "2026-01-05T11:00:00Z"}})),
        State.FAILED,
        "nothing serves",
        NextAction.OPEN_LOGS,
    ),
    (
        "one of two pods lost readiness",
        view(
            deployment(2, ready=1, available=1),
            pod(ready=True),
            pod("ranker-new-2", state={"running": {"startedAt": "2026-01-05T11:00:00Z"}}),
        ),
        State.DEGRADED,
        "1 of 2 ready; the others were",
        NextAction.OPEN_LOGS,
    ),
    (
        "one of two pods is not ready yet",
        view(deployment(2, ready=1, available=1), pod(ready=True), pod("ranker-new-2")),
        State.STARTING,
        "1 of 2 ready",
        NextAction.NONE,
    ),
    ("missing", view(None), State.MISSING, "deleted it outside", NextAction.TRY_NOW),
]


@pytest.mark.parametrize(("name", "seen", "state", "words", "action"), CASES, ids=[case[0] for case in CASES])
def test_what_the_cluster_says(name: str, seen: ClusterView, state: State, words: str, action: NextAction) -> None:
    summary = summarise(seen, intent=intent(), at=NOW)
    assert summary.state is state, name
    assert words in f"{summary.sentence} {summary.why}"
    assert summary.next_action is action


@pytest.mark.parametrize(
    ("changes", "state", "words", "action"),
    [
        (
            {"phase": Phase.SAVED, "generation": 6, "revision": 6},
            State.SAVED_NOT_APPLIED,
            "6 is saved",
            NextAction.NONE,
        ),
        ({"phase": Phase.CONFLICT}, State.CONFLICT, "someone else holds", NextAction.RESOLVE_CONFLICT),
        (
            {"phase": Phase.BLOCKED, "generation": 6, "last_error": "a\nb"},
            State.BLOCKED,
            "applied. a b",
            NextAction.EDIT,
        ),
        ({"phase": Phase.BLOCKED, "last_error": "a\nb"}, State.BLOCKED, "5 is applied, but", NextAction.TRY_NOW),
        (
            {"phase": Phase.BLOCKED, "generation": 6, "last_error": "The cluster eu is switched off."},
            State.BLOCKED,
            "Ask the platform team",
            NextAction.TRY_NOW,
        ),
        ({"cluster_ok": False, "cluster_refuses": True}, State.UNREACHABLE, "our credentials", NextAction.TRY_NOW),
        ({"phase": Phase.PARKED}, State.FAILED, "was stopped", NextAction.TRY_NOW),
        ({"phase": Phase.PAUSED}, State.PAUSED, "until it is resumed", NextAction.RESUME),
        ({"paused": True, "generation": 6}, State.PAUSED, "waits", NextAction.RESUME),
        ({"cluster_ok": False}, State.UNREACHABLE, "last said", NextAction.TRY_NOW),
        ({"cluster_ok": False, "generation": 6}, State.UNREACHABLE, "saved and waits", NextAction.TRY_NOW),
        ({"phase": Phase.RETIRING}, State.RETIRING, "being removed", NextAction.NONE),
        ({"phase": Phase.RETIRED, "cluster_ok": False}, State.RETIRED, "nothing of it is left", NextAction.NONE),
        ({"drifted": True}, State.DRIFTED, "outside Barista", NextAction.RESOLVE_CONFLICT),
    ],
)
def test_what_our_rows_say_comes_first(changes: dict[str, Any], state: State, words: str, action: NextAction) -> None:
    summary = summarise(view(deployment(2), pod(ready=True)), intent=intent(**changes), at=NOW)
    assert summary.state is state
    assert words in f"{summary.sentence} {summary.why}"
    assert summary.next_action is action
    assert (summary.ready, summary.desired) == (2, 2)


def test_drift_does_not_hide_a_failure() -> None:
    seen = view(deployment(1, ready=0, available=0), pod(**CRASH))
    assert summarise(seen, intent=intent(drifted=True), at=NOW).state is State.CRASH_LOOPING


@pytest.mark.parametrize("reason", ["Evicted", "NodeShutdown", ""])
def test_pods_that_ended_and_were_replaced_are_no_trouble(reason: str) -> None:
    gone = pod("old", phase="Failed", reason=reason, statuses=[])
    healthy = view(deployment(2), pod("a", ready=True), pod("b", ready=True), gone)
    assert summarise(healthy, intent=intent(), at=NOW).state is State.RUNNING
    short = view(deployment(2, ready=1, available=1), pod("a", ready=True), unschedulable("0/3 nodes: full"), gone)
    assert summarise(short, intent=intent(), at=NOW).state is State.UNSCHEDULABLE
    alone = view(deployment(1, ready=0, available=0, total=0, updated=0), gone)
    assert "old" in summarise(alone, intent=intent(), at=NOW).why


def test_ready_pods_that_do_not_count_yet() -> None:
    live = deployment(2, available=0)
    live["spec"]["minReadySeconds"] = 30
    summary = summarise(view(live, pod("a", ready=True), pod("b", ready=True)), intent=intent(), at=NOW)
    assert summary.state is State.STARTING
    assert summary.sentence == "2 of 2 ready; each counts after 30 s."


def test_a_deployment_that_others_delete_and_whose_leave_it_waits_for() -> None:
    live = deployment(2)
    live["metadata"] |= {"deletionTimestamp": stamp(60), "finalizers": ["foregroundDeletion", "acme.com/backup"]}
    summary = summarise(view(live, pod(ready=True)), intent=intent(), at=NOW)
    assert summary.state is State.MISSING
    assert "being deleted" in summary.sentence
    assert summary.why == "It waits for the finalizers acme.com/backup."


def test_first_create_is_paused_on_purpose() -> None:
    summary = summarise(view(deployment(paused=True)), intent=intent(phase=Phase.APPLYING), at=NOW)
    assert summary.state is State.STARTING


def test_a_watch_that_lags_is_not_missing() -> None:
    early = NOW - timedelta(minutes=5)
    assert summarise(view(None, observed_at=early), intent=intent(), at=NOW).state is State.STARTING
    assert summarise(view(None), intent=intent(applied_at=NOW - timedelta(seconds=3)), at=NOW).state is State.STARTING
    assert summarise(ClusterView(), intent=intent(applied_at=None), at=NOW).state is State.UNKNOWN


def test_worst_pod_is_named() -> None:
    seen = view(deployment(2, ready=1, available=1), pod("a", ready=True), pod("b", **CRASH))
    summary = summarise(seen, intent=intent(), at=NOW)
    assert summary.worst_pod == "b"
    assert "1 of 2 ready" in summary.sentence


def test_the_registrys_answer_is_quoted() -> None:
    seen = pod(state=waiting("ImagePullBackOff", "Back-off"), phase="Pending")
    said = event("Failed", 'Failed to pull image "a": 404 manifest unknown')
    assert "manifest unknown" in explain_pod(seen, [said])[1]


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_look(state: State) -> None:
    assert state.label
    assert isinstance(state.tone, Tone)
    assert state.icon
    assert isinstance(state.settled, bool)


def test_severities_sort_worst_first() -> None:
    ranked = sorted(State, key=lambda state: -state.severity)
    assert ranked[0] is State.CRASH_LOOPING
    assert ranked[-1] is State.RETIRED
    assert State.UNREACHABLE.severity > State.RUNNING.severity
    assert all(phase.label and phase.tone and phase.icon for phase in Phase)
    assert all(state.label and state.tone and state.icon for state in PodState)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "metadata",
                    "spec",
                    "status",
                    "conditions",
                    "replicas",
                    "type",
                    "reason",
                    "message",
                    "name",
                    "state",
                    "containerStatuses",
                    "waiting",
                    "terminated",
                    "exitCode",
                    "generation",
                    "labels",
                    "phase",
                    "uid",
                    "count",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
json_objects = json_values.map(lambda value: value if isinstance(value, dict) else {"status": value})


@given(st.none() | json_objects, st.lists(json_objects, max_size=3), st.lists(json_objects, max_size=2))
def test_no_answer_of_a_cluster_breaks_it(live: Any, pods: list[Any], events: list[Any]) -> None:
    seen = ClusterView(deployment=live, pods=tuple(pods), events=tuple(events), observed_at=NOW)
    summary = summarise(seen, intent=intent(), at=NOW)
    assert summary.sentence
    assert summary.state in State
