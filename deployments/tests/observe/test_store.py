"""Whose object it is, what a view holds, and what counts as somebody else's change."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.domain.status.usage import PodUse
from deployments.kube.api import ObjectKind
from deployments.observe import figures
from deployments.observe.store import KINDS, Store, Target

MARK = "11111111-2222-3333-4444-555555555555"


def item(kind: str, name: str, *, uid: str = "", parent: str = "", mark: str = MARK, **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "search-dev",
        "uid": uid or f"{kind}-{name}",
        "resourceVersion": "1",
        "labels": {"barista.io/deployment-id": "7"},
        "annotations": {"barista.io/install": mark},
        "managedFields": [{"manager": "x"}],
    }
    if parent:
        metadata["ownerReferences"] = [{"uid": parent}]
    return {"kind": kind, "metadata": metadata} | more


@pytest.fixture
def store() -> Store:
    store = Store(mark=MARK)
    store.set_targets({7: Target(7, "search-dev", "ranker")})
    return store


def test_a_view_holds_the_deployment_and_its_own_children(store: Store) -> None:
    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker", uid="d"))
    store.put(ObjectKind.REPLICA_SET, item("ReplicaSet", "ranker-1", uid="r", parent="d"))
    store.put(ObjectKind.REPLICA_SET, item("ReplicaSet", "other-1", uid="o", parent="elsewhere"))
    store.put(ObjectKind.POD, item("Pod", "ranker-1-a", parent="r"))
    store.put(ObjectKind.POD, item("Pod", "other-1-a", parent="o"))
    store.put_usage({("search-dev", "ranker-1-a"): PodUse(cpu_m=5, memory_b=6, at="now")})

    view = store.view(7)

    assert [entry["metadata"]["name"] for entry in view.replica_sets] == ["ranker-1"]
    assert [entry["metadata"]["name"] for entry in view.pods] == ["ranker-1-a"]
    assert list(view.usage) == ["ranker-1-a"]
    assert "managedFields" not in str(view)
    assert view.hpa is None


def test_what_a_relabelled_deployment_made_is_still_shown(store: Store) -> None:
    store.put(ObjectKind.REPLICA_SET, item("ReplicaSet", "ranker-1", uid="r", parent="d"))
    store.put(ObjectKind.REPLICA_SET, item("ReplicaSet", "alien-1", uid="o", parent="x", mark="someone-else"))
    store.put(ObjectKind.POD, item("Pod", "ranker-1-a", parent="r"))
    store.put(ObjectKind.POD, item("Pod", "alien-1-a", parent="o"))
    assert [entry["metadata"]["name"] for entry in store.view(7).pods] == ["ranker-1-a"]


def test_pods_of_a_copy_that_the_service_selects_are_strays(store: Store) -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    selector = {"selector": {"barista.io/deployment-id": "7"}}
    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker", uid="d"))
    store.put(ObjectKind.REPLICA_SET, item("ReplicaSet", "ranker-1", uid="r", parent="d"))
    store.put(ObjectKind.POD, item("Pod", "ranker-1-a", parent="r", status=ready))
    store.put(ObjectKind.POD, item("Pod", "copy-1-a", parent="o", status=ready))
    store.put(ObjectKind.POD, item("Pod", "copy-1-b", parent="o", status={}))
    assert store.view(7).strays == (), "there is no Service"
    store.put(ObjectKind.SERVICE, item("Service", "ranker", spec=selector))
    assert store.view(7).strays == ("copy-1-a",)


@pytest.mark.parametrize(("ending", "turns"), [(True, True), (False, False)])
def test_a_pod_that_ends_is_looked_at_again(store: Store, ending: bool, turns: bool) -> None:
    assert store.turns_with_time(7), "what is not there may turn out to be missing"
    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker", uid="d"))
    pod = item("Pod", "ranker-1-a", parent="r", status={"conditions": [{"type": "Ready", "status": "True"}]})
    if ending:
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    store.put(ObjectKind.POD, pod)
    assert store.turns_with_time(7) is turns


def test_another_installation_with_the_same_id_is_not_ours(store: Store) -> None:
    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker", mark="someone-else"))

    assert store.view(7).deployment is None


def test_an_object_that_came_before_its_row_is_kept_for_it() -> None:
    store = Store(mark=MARK)
    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker"))
    assert store.has_strangers.is_set()

    store.set_targets({7: Target(7, "search-dev", "ranker")})

    assert store.view(7).deployment is not None
    assert set(store.take_changed({})) == {7}


def test_a_list_forgets_what_is_gone(store: Store) -> None:
    for kind in KINDS:
        store.replace(kind, [item("Deployment", "ranker")] if kind is ObjectKind.DEPLOYMENT else [])
    assert store.is_synced
    store.take_changed({})

    store.replace(ObjectKind.DEPLOYMENT, [])

    assert store.view(7).deployment is None
    assert set(store.take_changed({})) == {7}
    assert store.take_suspects() == {7}


def test_the_same_version_twice_is_no_change(store: Store) -> None:
    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker"))
    store.take_changed({})

    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker"))

    assert store.take_changed({}) == {}


@pytest.mark.parametrize(
    ("manager", "replicas", "is_suspect"),
    [("barista-config", 1, False), ("kube-controller-manager", 1, False), ("kubectl-edit", 1, True), ("", 4, True)],
)
def test_who_changed_it(store: Store, manager: str, replicas: int, is_suspect: bool) -> None:
    before = item("Deployment", "ranker", spec={"replicas": 1})
    before["metadata"]["generation"] = 1
    after = item("Deployment", "ranker", spec={"replicas": replicas})
    after["metadata"] |= {"generation": 2, "resourceVersion": "2"}
    after["metadata"]["managedFields"] = [
        {"manager": "kubectl-edit", "time": "2026-01-01T00:00:00Z"},
        {"manager": manager, "time": "2026-01-02T00:00:00Z"},
        {"manager": "kubelet", "time": "2026-01-03T00:00:00Z", "subresource": "status"},
    ]
    store.put(ObjectKind.DEPLOYMENT, before)

    store.put(ObjectKind.DEPLOYMENT, after)

    assert (store.take_suspects() == {7}) is is_suspect


def test_figures_are_numbers_or_absent() -> None:
    metrics = [
        {
            "metadata": {"namespace": "a", "name": "p"},
            "timestamp": "t",
            "containers": [
                {"usage": {"cpu": "250m", "memory": "1Gi"}},
                {"usage": {"cpu": "1500000n", "memory": "1Ki"}},
            ],
        },
        {"metadata": {"namespace": "a", "name": "unmeasured"}, "timestamp": None, "containers": []},
    ]
    assert figures.usage_by_pod(metrics) == {("a", "p"): PodUse(cpu_m=251, memory_b=(1 << 30) + 1024, at="t")}


def test_capacity_is_summed_by_pool() -> None:
    taints = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]

    def node(pool: str, *, gone: bool = False, zone: str = "b", cpu: str = "3920m") -> dict[str, Any]:
        return {
            "metadata": {"labels": {"cloud.google.com/gke-nodepool": pool, "zone": zone}},
            "spec": {"unschedulable": gone, "taints": taints},
            "status": {"allocatable": {"cpu": cpu, "memory": "12Gi", "nvidia.com/gpu": "2"}},
        }

    nodes = [node("gpu"), node("gpu", zone="c", cpu="4"), node("gpu", gone=True, cpu="1")]
    (pool,) = figures.capacity_by_pool(nodes)

    assert pool == {
        "pool": "gpu",
        "nodes": 2,
        "machine": "",
        "labels": {"cloud.google.com/gke-nodepool": "gpu"},
        "taints": taints,
        "least": {"cpu_m": 3920, "memory_b": 12 << 30, "gpus": 2},
        "cpu_m": 7920,
        "memory_b": 24 << 30,
        "gpus": 4,
    }


def told(pod: str, reason: str, message: str, at: str = "2026-11-01T10:00:00Z", kind: str = "Pod") -> dict[str, Any]:
    return {
        "metadata": {"uid": f"event-{message}"},
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
        "involvedObject": {"kind": kind, "uid": f"Pod-{pod}", "name": pod},
    }


def test_a_view_holds_the_newest_of_what_was_told_of_its_pods(store: Store) -> None:
    store.put_event(told("ranker-1-a", "Failed", "Failed to pull image: not found", at="2026-11-01T10:00:05Z"))
    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker", uid="d"))
    store.put(ObjectKind.REPLICA_SET, item("ReplicaSet", "ranker-1", uid="r", parent="d"))
    store.put(ObjectKind.POD, item("Pod", "ranker-1-a", parent="r"))
    store.put_event(told("ranker-1-a", "Failed", "Failed to pull image: older"))
    store.put_event(told("ranker-1-a", "Failed", "Error: ImagePullBackOff", at="2026-11-01T10:00:09Z"))
    store.put_event(told("ranker-1-a", "Scheduled", "on a node"))
    store.put_event(told("ranker-1-a", "Failed", "about a claim", kind="PersistentVolumeClaim"))
    store.put_event(told("other-1-a", "Failed", "of others"))

    said = [event["message"] for event in store.view(7).events]

    assert said == ["Failed to pull image: not found", "Error: ImagePullBackOff"]


def test_news_of_a_pod_make_its_deployment_be_written_again(store: Store) -> None:
    store.put(ObjectKind.DEPLOYMENT, item("Deployment", "ranker", uid="d"))
    store.put(ObjectKind.REPLICA_SET, item("ReplicaSet", "ranker-1", uid="r", parent="d"))
    store.put(ObjectKind.POD, item("Pod", "ranker-1-a", parent="r"))
    store.take_changed({})
    event = told("ranker-1-a", "Unhealthy", "Readiness probe failed: HTTP 503")
    store.put_event(event)
    assert set(store.take_changed({})) == {7}
    store.put_event(event | {"lastTimestamp": "2026-11-01T10:01:00Z"})
    assert store.take_changed({}) == {}, "the same words again are no news"
    store.delete(ObjectKind.POD, item("Pod", "ranker-1-a", parent="r"))
    assert store.view(7).events == ()
