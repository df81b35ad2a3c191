"""The containers of a pod: the model's own, those that others put beside it, and what runs before them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from deployments.domain.apiserver.objects import message, number, obj, objects, text
from deployments.domain.manifests.pod_template import CONTAINER


class Kind(StrEnum):
    """`label` says whose a container is when it is not the model's own."""

    OWN = ""
    BESIDE = "sidecar"
    SIDECAR = "native sidecar"
    INIT = "init container"


def kinds(pod: Mapping[str, Any]) -> dict[str, Kind]:
    """Every container by name, in the order in which they start."""
    found = {}
    for item in objects(pod, "spec", "initContainers"):
        found[text(item, "name")] = Kind.SIDECAR if text(item, "restartPolicy") == "Always" else Kind.INIT
    for item in objects(pod, "spec", "containers"):
        name = text(item, "name")
        found[name] = Kind.OWN if name == CONTAINER else Kind.BESIDE
    return found


def statuses(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of all containers, those that start first in front."""
    return objects(pod, "status", "initContainerStatuses") + objects(pod, "status", "containerStatuses")


def in_words(pod: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """ "init container istio-init" of one that is not the model's own; empty for that."""
    name = text(status, "name")
    inits = {text(item, "name") for item in objects(pod, "status", "initContainerStatuses")}
    kind = kinds(pod).get(name, Kind.INIT if name in inits else Kind.OWN)
    if kind is Kind.OWN or (kind is Kind.BESIDE and len(objects(pod, "spec", "containers")) == 1):
        return ""
    return f"{'sidecar' if kind is Kind.SIDECAR else kind.value} {message(name, 63)}"


def containers_to_read(pod: Mapping[str, Any], chosen: str = "") -> list[str]:
    """Names whose log lines are worth fetching: the chosen one, or all that run, and init containers that failed."""
    found = kinds(pod)
    if chosen:
        return [chosen] if chosen in found else []
    began = {text(item, "name"): item for item in statuses(pod) if not _has_ended_well(item) and _has_begun(item)}
    return [name for name, kind in found.items() if kind is not Kind.INIT or name in began]


def failing(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The status of the first container that ended badly or cannot start; empty when none did."""
    for status in statuses(pod):
        if status.get("ready") is True or _has_ended_well(status):
            continue
        ended = obj(status, "state", "terminated") or obj(status, "lastState", "terminated")
        if (ended and number(ended, "exitCode") != 0) or text(
            status, "state", "waiting", "reason"
        ) == "CrashLoopBackOff":
            return status
    return {}


def _has_ended_well(status: Mapping[str, Any]) -> bool:
    ended = obj(status, "state", "terminated")
    return bool(ended) and number(ended, "exitCode") == 0


def _has_begun(status: Mapping[str, Any]) -> bool:
    return any(obj(status, kind, phase) for kind in ("state", "lastState") for phase in ("running", "terminated"))
