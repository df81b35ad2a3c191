"""What pods use and what nodes offer, as numbers: millicores and bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from deployments.domain.apiserver.objects import amount, obj, objects, text
from deployments.domain.status.usage import PodUse
from deployments.kube.api import Object

POOL_LABELS: Final = (
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "barista.io/node-pool",
    "node.kubernetes.io/instance-type",
)
GPU: Final = "nvidia.com/gpu"


def usage_by_pod(metrics: Iterable[Object]) -> dict[tuple[str, str], PodUse]:
    """From PodMetrics: by namespace and pod, summed over containers."""
    found = {}
    for item in metrics:
        containers = [obj(container, "usage") for container in objects(item, "containers")]
        if not containers or not text(item, "timestamp"):
            # Not measured yet, which is not the same as nothing.
            continue
        found[text(item, "metadata", "namespace"), text(item, "metadata", "name")] = PodUse(
            cpu_m=int(sum(amount(entry.get("cpu")) for entry in containers) * 1000),
            memory_b=int(sum(amount(entry.get("memory")) for entry in containers)),
            at=text(item, "timestamp"),
        )
    return found


def capacity_by_pool(nodes: Iterable[Object]) -> list[dict[str, Any]]:
    """Allocatable of the schedulable nodes, by pool; what all nodes of a pool share, and the least that one offers."""
    pools: dict[str, dict[str, Any]] = {}
    for node in nodes:
        labels, offered = obj(node, "metadata", "labels"), obj(node, "status", "allocatable")
        name = next((str(labels[label]) for label in POOL_LABELS if labels.get(label)), "nodes")
        pool = pools.setdefault(name, _empty(name))
        if obj(node, "spec").get("unschedulable") is True:
            continue
        one = {
            "cpu_m": int(amount(offered.get("cpu")) * 1000),
            "memory_b": int(amount(offered.get("memory"))),
            "gpus": int(amount(offered.get(GPU))),
        }
        taints = objects(node, "spec", "taints")
        is_first = pool["nodes"] == 0
        pool["nodes"] += 1
        pool["machine"] = str(labels.get("node.kubernetes.io/instance-type") or pool["machine"])
        # A label of some nodes does not admit a pod to all, and a taint of one keeps it from that one only.
        pool["labels"] = dict(labels) if is_first else dict(pool["labels"].items() & labels.items())
        pool["taints"] = taints if is_first else [taint for taint in pool["taints"] if taint in taints]
        pool["least"] = one if is_first else {key: min(value, pool["least"][key]) for key, value in one.items()}
        for key, value in one.items():
            pool[key] += value
    return sorted(pools.values(), key=lambda pool: str(pool["pool"]))


def _empty(name: str) -> dict[str, Any]:
    nothing = {"cpu_m": 0, "memory_b": 0, "gpus": 0}
    return {"pool": name, "nodes": 0, "machine": "", "labels": {}, "taints": [], "least": dict(nothing), **nothing}
