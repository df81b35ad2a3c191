"""How many pods of a hardware profile a cluster's nodes could hold, if nothing else ran on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.catalogue import HardwareProfile, Toleration

KEEPS_AWAY: Final = ("NoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """`nodes` that pods of the profile may run on, in `pools`; `pods` that fit there, node by node."""

    profile: HardwareProfile
    nodes: int
    pods: int
    pools: tuple[str, ...]


def room(profile: HardwareProfile, pools: Iterable[Mapping[str, Any]]) -> Room | None:
    """None while the pools were not described well enough. Each: pool, nodes, labels, taints, least (of one node)."""
    fitting = []
    for pool in pools:
        if not isinstance(pool.get("least"), dict):
            return None
        if _may_run(profile, pool):
            fitting.append(pool)
    return Room(
        profile=profile,
        nodes=sum(pool["nodes"] for pool in fitting),
        pods=sum(pool["nodes"] * _per_node(profile, pool["least"]) for pool in fitting),
        pools=tuple(str(pool["pool"]) for pool in fitting),
    )


def _may_run(profile: HardwareProfile, pool: Mapping[str, Any]) -> bool:
    labels = pool.get("labels") or {}
    if any(labels.get(key) != value for key, value in profile.node_selector.items()):
        return False
    taints = [taint for taint in pool.get("taints") or () if taint.get("effect") in KEEPS_AWAY]
    return all(any(_tolerates(item, taint) for item in profile.tolerations) for taint in taints)


def _tolerates(toleration: Toleration, taint: Mapping[str, Any]) -> bool:
    if toleration.effect not in ("", taint.get("effect")):
        return False
    if toleration.operator == "Exists":
        return toleration.key in ("", taint.get("key"))
    return toleration.key == taint.get("key") and toleration.value == (taint.get("value") or "")


def _per_node(profile: HardwareProfile, node: Mapping[str, int]) -> int:
    """Of the smallest node of the pool. What the system's own pods take there is not known."""
    asked = (
        (profile.cpu_request, node["cpu_m"]),
        (profile.memory_request, node["memory_b"]),
        (profile.gpu_count, node["gpus"]),
    )
    return min(offered // wanted for wanted, offered in asked if wanted)
