"""What keeps a promise from being kept while no pod looks broken: the headline has to name it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from deployments.domain.apiserver.objects import condition, finalizers, instant, message, number, obj, text
from deployments.domain.manifests.metadata import LABEL_ID
from deployments.domain.status import containers
from deployments.domain.status.autoscaler import scaling
from deployments.domain.status.states import ClusterView

# The autoscaler lets a metric be so far off its target before it acts.
_TOLERANCE_PERCENT: Final = 110
# A pod has its grace period until the instant in deletionTimestamp; so much later something holds it.
_HELD_AFTER: Final = timedelta(seconds=30)
# A container that ended so often, and so lately, is not well although it is up again.
_OFTEN: Final = 3
_LATELY: Final = timedelta(minutes=10)
# The metrics of new pods take their time.
_BLIND_AFTER: Final = timedelta(minutes=5)
_OFF_ON_PURPOSE: Final = frozenset({"ScalingDisabled", "AmbiguousSelector"})


@dataclass(frozen=True, slots=True)
class Unmet:
    """`said` completes a sentence; `is_stuck`: it will not go on by itself; `since` None: not known; `pod` has it."""

    said: str
    why: str
    since: datetime | None = None
    is_stuck: bool = False
    pod: str = ""


def overloaded(hpa: Mapping[str, Any] | None) -> Unmet | None:
    """The load wants more pods than the maximum that are allowed."""
    found = scaling(hpa)
    if found is None or not found.most or found.now < found.most:
        return None
    limited = condition(hpa, "ScalingLimited")
    is_limited = limited.get("status") == "True" and text(limited, "reason") == "TooManyReplicas"
    over = [item for item in found.metrics if item.percent is not None and item.percent > _TOLERANCE_PERCENT]
    if not is_limited and not over:
        return None
    figures = " and ".join(f"{item.label} is at {item.current}, the target is {item.target}" for item in over)
    return Unmet(
        f"the load needs more than the maximum of {found.most}",
        f"{figures}." if figures else "",
        instant(limited, "lastTransitionTime") if is_limited else None,
    )


def restless(view: ClusterView, at: datetime) -> Unmet | None:
    """Pods that are ready between their crashes; the one that restarted most. None when all stay up."""
    found: list[tuple[int, str, Unmet]] = []
    for pod in view.pods:
        for status in containers.statuses(pod):
            ended, restarts = obj(status, "lastState", "terminated"), number(status, "restartCount")
            ended_at = instant(ended, "finishedAt")
            if (
                restarts < _OFTEN
                or ended_at is None
                or at - ended_at > _LATELY
                or text(pod, "metadata", "deletionTimestamp")
            ):
                continue
            name, code = message(text(pod, "metadata", "name"), 253), number(ended, "exitCode", default=-1)
            reason = "too little memory" if text(ended, "reason") == "OOMKilled" else f"exit code {code}"
            why = f"{name} ended with {reason} and has restarted {restarts} times: each time its requests fail."
            found.append((restarts, name, Unmet("keeps restarting in between", why, ended_at, pod=name)))
    if not found:
        return None
    worst = max(found, key=lambda item: (item[0], item[1]))[2]
    return worst if len(view.pods) == 1 else replace(worst, said="one keeps restarting in between")


def blind(hpa: Mapping[str, Any] | None, at: datetime) -> Unmet | None:
    """An autoscaler that has not been able to do its work for a while; None while it does, or has just begun."""
    for kind in ("AbleToScale", "ScalingActive"):
        found = condition(hpa, kind)
        reason, since = text(found, "reason"), instant(found, "lastTransitionTime")
        is_off = found.get("status") == "False" and reason not in _OFF_ON_PURPOSE
        if is_off and since is not None and at - since > _BLIND_AFTER:
            what = "its autoscaler has no figures" if reason.startswith("FailedGet") else "its autoscaler does not work"
            said = message(text(found, "message"), 300) or reason
            return Unmet(f"{what}: the number of pods does not follow the load", said, since, is_stuck=True)
    return None


def turns_with_time(
    live: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]], hpas: Iterable[Mapping[str, Any]]
) -> bool:
    """Whether something of these is patient with: a Deployment that its controller has not looked at, a pod that ends
    or starts, one that restarted, figures that lack."""
    moves = any(number(item, "metadata", "generation") > number(item, "status", "observedGeneration") for item in live)
    is_off = any(
        condition(hpa, kind).get("status") == "False" for hpa in hpas for kind in ("AbleToScale", "ScalingActive")
    )
    is_restless = any(
        bool(text(pod, "metadata", "deletionTimestamp"))
        or condition(pod, "Ready").get("status") != "True"
        or any(number(status, "restartCount") >= _OFTEN for status in containers.statuses(pod))
        for pod in pods
    )
    return moves or is_off or is_restless


def held_pods(view: ClusterView, at: datetime) -> Unmet | None:
    """Pods that have to end before new ones start, the one that waits longest; None when none is ending."""
    ending = [(since, pod) for pod in view.pods if (since := instant(pod, "metadata", "deletionTimestamp")) is not None]
    if not ending:
        return None
    since, pod = min(ending, key=lambda item: (item[0], text(item[1], "metadata", "name")))
    name, names = message(text(pod, "metadata", "name"), 253), finalizers(pod)
    many = len(ending)
    said = "1 old pod has to end first" if many == 1 else f"{many} old pods have to end first"
    if names:
        holds = f"the finalizer {names[0]}" if len(names) == 1 else f"the finalizers {', '.join(names)}"
        why = f"{name} is ending and waits for {holds}: whoever set it has to let it go."
    elif at - since > _HELD_AFTER:
        node = message(text(pod, "spec", "nodeName"), 253) or "its node"
        why = f"{name} should have ended, and {node} has not confirmed it: the node may be gone."
    else:
        why = f"{name} is ending."
    return Unmet(said, why, since, is_stuck=at - since > _HELD_AFTER)


def others(view: ClusterView) -> Unmet | None:
    """What somebody put beside the deployment in the cluster, while its own pods are well; None when nothing."""
    if view.strays and view.service is not None:
        count = len(view.strays)
        pods = "a pod that is" if count == 1 else f"{count} pods that are"
        carry = "carries" if count == 1 else "carry"
        names = ", ".join(message(name, 253) for name in view.strays[:3]) + (" ..." if count > 3 else "")
        return Unmet(
            f"Its Service sends requests to {pods} not its own too.",
            f"{names} {carry} its label {LABEL_ID}: whoever copied it has to take that label away.",
        )
    active = condition(view.hpa, "ScalingActive")
    if active.get("status") == "False" and text(active, "reason") == "AmbiguousSelector":
        return Unmet(
            "Its autoscaler has stopped: another one wants the same pods.",
            message(text(active, "message"), 300),
            instant(active, "lastTransitionTime"),
        )
    return None


def extra_pod(live: Mapping[str, Any], *, desired: int, ready: int) -> str:
    """Why a pod that finds no node is the extra one of a rollout, and what to do; empty when it is not."""
    rolling = obj(live, "spec", "strategy", "rollingUpdate")
    if not rolling or ready < desired or _share(rolling.get("maxUnavailable"), desired) > 0:
        return ""
    many = f"{desired} pods and an extra one" if desired > 1 else "the old pod and the new one"
    return (
        f"It is the rollout that needs the room: {many} run at once, because none may be missing meanwhile. "
        "Set max surge 0 and max unavailable 1, and they are replaced in place."
    )


def _share(value: object, desired: int) -> int:
    """Pods of an absolute number or a percentage, rounded down as for pods that may be missing."""
    if isinstance(value, str) and value.endswith("%") and value[:-1].isascii() and value[:-1].isdigit():
        return int(value[:-1][:6]) * desired // 100
    return number({"value": value}, "value")
