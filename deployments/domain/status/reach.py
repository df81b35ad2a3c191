"""Whether requests reach the pods: what is between them and the pods is gone, or asks for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from deployments.domain.apiserver.objects import condition, message, obj, objects, text
from deployments.domain.status.states import ClusterView, NextAction, State, Summary

# What serves in the cluster: what keeps requests from it comes first, whatever else there is to say.
_SERVES: Final = frozenset(
    {State.RUNNING, State.STARTING, State.ROLLING_OUT, State.DEGRADED, State.OVERLOADED, State.DRIFTED, State.STALLED}
)
_GONE: Final = {
    "Ingress": "Nothing from outside the cluster reaches it: somebody deleted its Ingress outside of Barista.",
    "HorizontalPodAutoscaler": "The number of pods does not follow the load: somebody deleted its autoscaler outside "
    "of Barista.",
}


def reached(seen: Summary, view: ClusterView, missing: frozenset[str], *, serving: int) -> Summary:
    """The headline, with what keeps requests from the `serving` pods first. `missing`: kinds of ours that are gone."""
    if seen.state not in _SERVES or not serving:
        return seen
    if "Service" in missing:
        return _cut_off(
            seen,
            "somebody deleted its Service outside of Barista.",
            "Resolving it creates the Service again.",
        )
    if why := _selects_others(view):
        return _cut_off(seen, "its Service sends requests to none of its pods.", why)
    gone = next((_GONE[kind] for kind in _GONE if kind in missing), "")
    if gone and seen.state is State.RUNNING:
        return replace(
            seen, state=State.DRIFTED, sentence=gone, why=seen.sentence, next_action=NextAction.RESOLVE_CONFLICT
        )
    return seen


def _cut_off(seen: Summary, what: str, why: str) -> Summary:
    return replace(
        seen,
        state=State.FAILED,
        sentence=f"Nothing reaches it: {what}",
        why=f"{seen.sentence} {why}",
        next_action=NextAction.RESOLVE_CONFLICT,
    )


def _selects_others(view: ClusterView) -> str:
    """Why a Service that is there has no endpoints among the pods that are ready; empty when it has some."""
    if view.service is None:
        return ""
    ready = [pod for pod in view.pods if _is_ready(pod)]
    selector = obj(view.service, "spec", "selector")
    labelled = [pod for pod in ready if selector and selector.items() <= obj(pod, "metadata", "labels").items()]
    if ready and not labelled:
        asked = ", ".join(f"{message(str(key), 100)}={message(str(value), 63)}" for key, value in selector.items())
        return f"It asks for pods with {asked or 'no label at all'}, and the pods that are ready are not labelled so."
    named = {port for item in objects(view.service, "spec", "ports") if isinstance(port := item.get("targetPort"), str)}
    lacking = sorted(port for port in named if labelled and not any(port in _ports(pod) for pod in labelled))
    if named and len(lacking) == len(objects(view.service, "spec", "ports")):
        return f"It sends them to the port {message(lacking[0], 63)}, which the pods do not have."
    return ""


def _is_ready(pod: Mapping[str, Any]) -> bool:
    return not text(pod, "metadata", "deletionTimestamp") and condition(pod, "Ready").get("status") == "True"


def _ports(pod: Mapping[str, Any]) -> set[str]:
    held = [*objects(pod, "spec", "containers"), *objects(pod, "spec", "initContainers")]
    return {text(port, "name") for item in held for port in objects(item, "ports")}
