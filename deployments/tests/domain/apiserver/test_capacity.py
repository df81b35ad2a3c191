"""Room on a cluster's nodes by hardware profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deployments.domain.apiserver.capacity import room
from deployments.domain.catalogue import HardwareProfile, Toleration

GIB = 1 << 30
SMALL = HardwareProfile(slug="s", name="Small", cpu_request=500, memory_request=GIB, memory_limit=GIB)
TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


def pool(name: str, nodes: int, cpu_m: int, memory_gib: int, *, gpus: int = 0, **more: Any) -> dict[str, Any]:
    least = {"cpu_m": cpu_m, "memory_b": memory_gib * GIB, "gpus": gpus}
    return {"pool": name, "nodes": nodes, "labels": {}, "taints": [], "least": least} | more


CPU = pool("cpu", 3, 4000, 6)
GPU = pool("gpu", 2, 8000, 64, gpus=4, labels={"kind": "gpu"}, taints=[TAINT])


def test_the_scarcest_thing_of_one_node_decides() -> None:
    found = room(SMALL, [CPU, GPU])
    assert found is not None
    assert (found.nodes, found.pods, found.pools) == (3, 18, ("cpu",)), "6 GiB a node; the taint keeps it from GPUs"


def test_a_pod_is_not_spread_over_nodes() -> None:
    found = room(replace(SMALL, cpu_request=3000), [CPU])
    assert found is not None
    assert found.pods == 3


def test_selector_and_tolerations_choose_the_pool() -> None:
    gpu = replace(SMALL, gpu_count=1, node_selector={"kind": "gpu"})
    for tolerations, pods in (
        ((), 0),
        ((Toleration(key="other", operator="Exists"),), 0),
        ((Toleration(key="nvidia.com/gpu", value="absent"),), 0),
        ((Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoExecute"),), 0),
        ((Toleration(key="nvidia.com/gpu", value="present", effect="NoSchedule"),), 8),
        ((Toleration(key="", operator="Exists"),), 8),
    ):
        found = room(replace(gpu, tolerations=tolerations), [CPU, GPU])
        assert found is not None
        assert found.pods == pods, tolerations


def test_what_was_not_described_is_unknown_and_not_none() -> None:
    assert room(SMALL, [CPU, {"pool": "old", "nodes": 3}]) is None
