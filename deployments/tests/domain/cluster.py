"""Objects as an API server answers them, with only what the tests look at."""

from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.domain.status.states import ClusterView, Intent, Phase

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def stamp(seconds_ago: float = 0) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": stamp(60),
        "lastUpdateTime": stamp(60),
    }


def deployment(
    desired: int = 2, *, generation: int = 3, seen: int = 3, paused: bool = False, **status: Any
) -> dict[str, Any]:
    """`status` holds total, updated, ready, available (default: all desired) and conditions. Zeros are left out."""
    names = {
        "total": "replicas",
        "updated": "updatedReplicas",
        "ready": "readyReplicas",
        "available": "availableReplicas",
    }
    numbers = {names[key]: status.get(key, desired) for key in names if status.get(key, desired)}
    spec: dict[str, Any] = {"replicas": desired}
    if paused:
        spec["paused"] = True
    # Progressing stays True for ever after a complete rollout: every example carries it.
    conditions = status.get("conditions", [condition("Progressing", "True", "NewReplicaSetAvailable")])
    return {
        "metadata": {
            "name": "ranker",
            "generation": generation,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": spec,
        "status": {"observedGeneration": seen, "conditions": conditions, **numbers},
    }


def replica_set(hash_: str, revision: int, replicas: int = 1) -> dict[str, Any]:
    return {
        "metadata": {
            "labels": {"pod-template-hash": hash_},
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
        },
        "status": {"replicas": replicas} if replicas else {},
    }


def pod(name: str = "ranker-new-1", *, hash_: str = "new", ready: bool = False, **parts: Any) -> dict[str, Any]:
    conditions = parts.get("conditions") or [
        condition("PodScheduled", "True"),
        condition("Ready", "True" if ready else "False"),
    ]
    container = {
        "name": "model",
        "ready": ready,
        "restartCount": parts.get("restarts", 0),
        "image": "r.example.com/a:1",
    }
    container["state"] = parts.get("state", {"running": {"startedAt": stamp(50)}})
    if "last" in parts:
        container["lastState"] = {"terminated": parts["last"]}
    found: dict[str, Any] = {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": stamp(120),
            "labels": {"pod-template-hash": hash_},
        },
        "spec": {
            "nodeName": parts.get("node", "node-1"),
            "containers": [{"name": "model", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}],
        },
        "status": {
            "phase": parts.get("phase", "Running"),
            "conditions": conditions,
            "startTime": stamp(118),
            "containerStatuses": parts.get("statuses", [container]),
        },
    }
    if "reason" in parts:
        found["status"]["reason"] = parts["reason"]
    if parts.get("deleted"):
        found["metadata"]["deletionTimestamp"] = stamp()
    return found


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def unschedulable(message: str) -> dict[str, Any]:
    return pod(
        node="", phase="Pending", statuses=[], conditions=[condition("PodScheduled", "False", "Unschedulable", message)]
    )


def event(
    reason: str, message: str, *, name: str = "ranker-new-1", count: int = 1, ago: float = 10, kind: str = "Warning"
) -> Any:
    return {
        "type": kind,
        "reason": reason,
        "message": message,
        "count": count,
        "firstTimestamp": stamp(ago + 30),
        "lastTimestamp": stamp(ago),
        "involvedObject": {"kind": "Pod", "name": name, "uid": f"uid-{name}"},
    }


def view(live: dict[str, Any] | None, *pods: dict[str, Any], sets: Any = None, **more: Any) -> ClusterView:
    return ClusterView(
        deployment=live,
        pods=pods,
        replica_sets=tuple(sets if sets is not None else [replica_set("new", 2)]),
        observed_at=more.pop("observed_at", NOW),
        **more,
    )


def intent(**changes: Any) -> Intent:
    values: dict[str, Any] = {
        "generation": 5,
        "observed_generation": 5,
        "phase": Phase.APPLIED,
        "revision": 5,
        "applied_at": NOW - timedelta(minutes=2),
    }
    return Intent(**(values | changes))
