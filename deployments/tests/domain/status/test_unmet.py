"""The headline is computed from what serves against what is wanted: nothing that is not kept looks calm."""

from datetime import timedelta
from typing import Any

import pytest

from deployments.domain.status.pods import explain_pod
from deployments.domain.status.states import NextAction, PodState, State, Summary
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
)

OLD_AND_NEW = [replica_set("new", 2), replica_set("old", 1)]
QUOTA = [condition("ReplicaFailure", "True", "FailedCreate", 'pods "x" is forbidden: exceeded quota: gpu')]
NO_GPU = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."


def told(*args: Any, **kwargs: Any) -> Summary:
    return summarise(view(*args, **kwargs), intent=intent(), at=NOW)


def autoscaler(now: int, most: int, percent: int | None, *, target: int = 60, limited: str = "") -> dict[str, Any]:
    current = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": percent}}}
    return {
        "spec": {
            "minReplicas": 2,
            "maxReplicas": most,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
                }
            ],
        },
        "status": {
            "currentReplicas": now,
            "desiredReplicas": now,
            "currentMetrics": [current] if percent is not None else [],
            "conditions": [condition("ScalingLimited", "True", limited)] if limited else [],
        },
    }


def many(count: int) -> list[dict[str, Any]]:
    return [pod(f"p{number}", ready=True) for number in range(count)]


def test_all_pods_ready_at_the_maximum_and_above_the_target_is_not_calm() -> None:
    found = told(deployment(9), *many(9), hpa=autoscaler(9, 9, 95, limited="TooManyReplicas"))
    assert found.state is State.OVERLOADED
    assert found.sentence == "All 9 pods are ready and not enough: the load needs more than the maximum of 9."
    assert found.why == "CPU of the request is at 95 %, the target is 60 %."
    assert found.next_action is NextAction.EDIT
    assert found.state.severity >= State.DRIFTED.severity, "it needs attention"


@pytest.mark.parametrize(
    "hpa",
    [
        autoscaler(5, 9, 95),  # it still grows
        autoscaler(9, 9, 62),  # within what the controller tolerates
        autoscaler(9, 9, None),  # not measured is not too much
        autoscaler(2, 9, 10, limited="TooFewReplicas"),
        None,
        {},
    ],
)
def test_an_autoscaler_with_room_is_calm(hpa: Any) -> None:
    assert told(deployment(2), *many(2), hpa=hpa).state is State.RUNNING


def held(seconds: float, **metadata: Any) -> dict[str, Any]:
    found = pod("ranker-old-1", hash_="old", ready=True)
    found["metadata"] |= {"deletionTimestamp": stamp(seconds), **metadata}
    return found


STOPPED = {"total": 0, "updated": 0, "ready": 0, "available": 0}


def test_nothing_serves_while_an_old_pod_is_held_by_a_finalizer() -> None:
    found = told(deployment(1, **STOPPED), held(300, finalizers=["acme.com/backup"]), sets=OLD_AND_NEW)
    assert found.state is State.FAILED
    assert found.sentence == "Nothing serves: 1 old pod has to end first."
    assert "ranker-old-1 is ending and waits for the finalizer acme.com/backup" in found.why
    assert found.since == NOW - timedelta(seconds=300)


def test_a_pod_within_its_grace_period_is_a_rollout_that_says_that_nothing_serves() -> None:
    found = told(deployment(1, **STOPPED), held(-20), sets=OLD_AND_NEW)
    assert found.state is State.ROLLING_OUT
    assert found.sentence.startswith("Nothing serves: 1 old pod")


def test_a_pod_that_its_node_does_not_confirm_to_have_ended_is_named() -> None:
    assert "node-1 has not confirmed it" in told(deployment(1, **STOPPED), held(120), sets=OLD_AND_NEW).why


def test_a_rollout_without_a_ready_pod_says_that_nothing_serves() -> None:
    found = told(deployment(3, total=1, updated=1, ready=0, available=0), pod(), sets=OLD_AND_NEW)
    assert found.sentence == "Nothing serves yet: 1 of 3 created."


def surge(**rolling: Any) -> dict[str, Any]:
    live = deployment(5, total=6, updated=1)
    live["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0} | rolling}
    return live


def test_the_extra_pod_of_a_rollout_is_named_as_the_cause() -> None:
    found = told(surge(), unschedulable(NO_GPU), *many(0), sets=OLD_AND_NEW)
    assert found.state is State.UNSCHEDULABLE
    assert "5 pods and an extra one run at once" in found.why
    assert "max surge 0 and max unavailable 1" in found.why
    assert found.next_action is NextAction.EDIT


def test_a_pod_that_is_no_extra_one_is_not_blamed_on_the_rollout() -> None:
    for live in (surge(maxUnavailable=1), surge(maxUnavailable="25%")):
        assert "extra" not in told(live, unschedulable(NO_GPU), sets=OLD_AND_NEW).why
    few = deployment(5, total=5, updated=1, ready=4, available=4)
    few["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert "extra" not in told(few, unschedulable(NO_GPU), sets=OLD_AND_NEW).why


def test_a_quota_says_how_many_serve() -> None:
    some = told(deployment(3, total=2, updated=2, ready=2, available=2, conditions=QUOTA), *many(2))
    assert some.sentence == "It serves, 2 of 3 ready: the cluster refuses to create more."
    none = told(deployment(3, **STOPPED, conditions=QUOTA))
    assert none.sentence == "Nothing serves: the cluster refuses to create its pods."


UP = event("TriggeredScaleUp", "pod triggered scale-up: [{gpu-pool 0->1 (max: 4)}]", ago=10, kind="Normal")
NOT_UP = event("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached", ago=5, kind="Normal")


def test_a_node_that_is_being_added_is_no_failure() -> None:
    state, said = explain_pod(unschedulable(NO_GPU), [UP])
    assert state is PodState.PENDING
    assert said == "ranker-new-1 waits for a node that the cluster autoscaler adds: [{gpu-pool 0->1 (max: 4)}]."
    found = told(deployment(1, ready=0, available=0), unschedulable(NO_GPU), events=(UP,))
    assert found.state is State.STARTING
    assert "the cluster autoscaler adds" in found.why


def test_a_node_that_is_not_added_says_why() -> None:
    state, said = explain_pod(unschedulable(NO_GPU), [UP, NOT_UP])
    assert state is PodState.UNSCHEDULABLE
    assert said.endswith("The cluster autoscaler adds none: 1 max node group size reached.")


def test_of_equally_bad_pods_the_one_unwell_for_longest_is_named() -> None:
    old, new = unschedulable("old"), unschedulable("new")
    old["metadata"] |= {"name": "z", "creationTimestamp": stamp(900)}
    new["metadata"]["name"] = "a"
    assert told(deployment(2, ready=0, available=0), new, old).worst_pod == "z"


def test_nothing_reaches_it_without_its_service() -> None:
    found = summarise(
        view(deployment(2), *many(2)), intent=intent(drifted=True, missing=frozenset({"Service"})), at=NOW
    )
    assert found.state is State.FAILED
    assert found.sentence.startswith("Nothing reaches it")
    assert found.next_action is NextAction.RESOLVE_CONFLICT


def test_pods_of_a_copy_that_the_service_selects_are_said() -> None:
    service = {"spec": {"selector": {"pod-template-hash": "new"}}}
    found = told(deployment(2), *many(2), service=service, strays=("ranker-copy-1",))
    assert found.state is State.DRIFTED
    assert found.sentence == "Its Service sends requests to a pod that is not its own too."
    assert "ranker-copy-1 carries its label barista.io/deployment-id" in found.why
    assert told(deployment(2), *many(2), strays=("x",)).state is State.RUNNING, "no Service, no requests"


def test_a_second_autoscaler_on_the_same_pods_is_named() -> None:
    said = "pods by selector app=x are controlled by multiple HPAs: [default/ranker default/other]"
    stopped = {"status": {"conditions": [condition("ScalingActive", "False", "AmbiguousSelector", said)]}}
    found = told(deployment(2), *many(2), hpa=stopped)
    assert found.state is State.DRIFTED
    assert "default/other" in found.why


def test_a_deployment_without_our_label_is_not_gone_while_its_pods_serve() -> None:
    found = summarise(view(None, *many(2)), intent=intent(drifted=True), at=NOW)
    assert found.state is State.DRIFTED
    assert "its pods go on serving" in found.sentence
    assert (found.ready, found.desired) == (2, 2)
    assert found.next_action is NextAction.RESOLVE_CONFLICT
    assert told(None, pod(deleted=True, ready=True)).state is State.MISSING
