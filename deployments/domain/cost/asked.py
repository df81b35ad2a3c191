"""What a live pod asks for, and when it began and ended, read from its object as the API server returns it.

The rules are those of Kubernetes' scheduler: sidecars (init containers that restart always) count with the containers;
every other init container counts alone, beside the sidecars started before it; the larger of both, plus overhead.
Requests of the pod as a whole, where they are set, stand in for its containers'. A resize in place counts as the larger
of what is wanted and what is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from deployments.domain.apiserver.objects import amount, condition, instant, obj, objects, text
from deployments.domain.cost.ledger import Asked

Quantities = dict[str, Decimal]
GPU_SUFFIX: Final = "/gpu"
MIG: Final = "/mig-"
NVIDIA: Final = "nvidia.com/gpu"
FINISHED: Final = ("Succeeded", "Failed")


def asked_of(pod: Mapping[str, Any], gpu_label: str) -> Asked:
    """`gpu_label` is the accelerator label of its node; without one, GPUs are named by their resource."""
    wanted = _effective(pod)
    gpus: dict[str, int] = {}
    for name, value in wanted.items():
        if value > 0 and (name.endswith(GPU_SUFFIX) or MIG in name):
            label = gpu_label if gpu_label and name == NVIDIA else name
            gpus[label] = gpus.get(label, 0) + int(value)
    return Asked(
        millicores=_whole(wanted.get("cpu", Decimal(0)) * 1000),
        memory_bytes=_whole(wanted.get("memory", Decimal(0))),
        gpus=tuple(sorted(gpus.items())),
    )


def scheduled_at(pod: Mapping[str, Any]) -> datetime | None:
    """When it was given a node; None while it waits for one."""
    found = condition(pod, "PodScheduled")
    return instant(found, "lastTransitionTime") if found.get("status") == "True" else None


def ended_at(pod: Mapping[str, Any], *, seen_at: datetime) -> datetime | None:
    """When its last container ended, for a pod that runs no more; where no container says so, when that was seen."""
    if text(pod, "status", "phase") not in FINISHED:
        return None
    statuses = [*objects(pod, "status", "containerStatuses"), *objects(pod, "status", "initContainerStatuses")]
    ends = [instant(status, "state", "terminated", "finishedAt") for status in statuses]
    return max((end for end in ends if end is not None), default=seen_at)


def _effective(pod: Mapping[str, Any]) -> Quantities:
    given = _given(pod)
    running: Quantities = {}
    for container in objects(pod, "spec", "containers"):
        running = _sum(running, _of(container, given))
    sidecars: Quantities = {}
    alone: Quantities = {}
    for container in objects(pod, "spec", "initContainers"):
        needs = _of(container, given)
        if text(container, "restartPolicy") == "Always":
            sidecars = _sum(sidecars, needs)
            alone = _larger(alone, sidecars)
        else:
            alone = _larger(alone, _sum(sidecars, needs))
    wanted = _larger(_sum(running, sidecars), alone)
    wanted |= _quantities(obj(pod, "spec", "resources", "requests"))
    return _sum(wanted, _quantities(obj(pod, "spec", "overhead")))


def _given(pod: Mapping[str, Any]) -> dict[str, Quantities]:
    """What the kubelet has given each container, by name."""
    statuses = [*objects(pod, "status", "containerStatuses"), *objects(pod, "status", "initContainerStatuses")]
    return {text(status, "name"): _quantities(obj(status, "allocatedResources")) for status in statuses}


def _of(container: Mapping[str, Any], given: Mapping[str, Quantities]) -> Quantities:
    """Requests, or limits where there is only a limit, as admission has it."""
    limits = _quantities(obj(container, "resources", "limits"))
    wanted = limits | _quantities(obj(container, "resources", "requests"))
    return _larger(wanted, given.get(text(container, "name"), {}))


def _quantities(found: Mapping[str, Any]) -> Quantities:
    return {name: max(Decimal(0), amount(value)) for name, value in found.items()}


def _sum(one: Quantities, other: Quantities) -> Quantities:
    return {name: one.get(name, Decimal(0)) + other.get(name, Decimal(0)) for name in one.keys() | other.keys()}


def _larger(one: Quantities, other: Quantities) -> Quantities:
    return {name: max(one.get(name, Decimal(0)), other.get(name, Decimal(0))) for name in one.keys() | other.keys()}


def _whole(value: Decimal) -> int:
    """Up: half a millicore asked for is set aside as one."""
    return int(value.to_integral_value(rounding="ROUND_CEILING"))
