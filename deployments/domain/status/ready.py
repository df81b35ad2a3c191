"""Every pod is ready: whether that is enough, whether it stays so, and whether nothing beside it takes its requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from deployments.domain.apiserver.objects import condition, instant
from deployments.domain.status import unmet
from deployments.domain.status.states import ClusterView, NextAction, State, Summary

# What began at an unknown time comes after what is known to have begun.
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def all_ready(view: ClusterView, live: Mapping[str, Any], *, desired: int, at: datetime) -> Summary:
    """The headline where no pod is missing: the promise that is broken for longest, the others after it."""
    pods = "Its pod is ready" if desired == 1 else f"All {desired} pods are ready"
    found = sorted(_unmet(view, pods, at), key=lambda item: item.since or _LAST)
    if not found:
        since = instant(condition(live, "Available"), "lastTransitionTime")
        return Summary(state=State.RUNNING, sentence=f"{pods}.", since=since)
    first, *rest = found
    return replace(first, why=" ".join(text for text in (first.why, *(item.sentence for item in rest)) if text))


def _unmet(view: ClusterView, pods: str, at: datetime) -> list[Summary]:
    """Each promise that is not kept; of equally old ones the worst for requests comes first."""
    found = []
    if (over := unmet.overloaded(view.hpa)) is not None:
        sentence = f"{pods} and not enough: {over.said}."
        found.append(_of(over, State.OVERLOADED, sentence, NextAction.EDIT))
    if (beside := unmet.others(view)) is not None:
        found.append(_of(beside, State.DRIFTED, beside.said))
    if (restless := unmet.restless(view, at)) is not None:
        sentence = f"{pods} now, and {restless.said}."
        found.append(_of(restless, State.DEGRADED, sentence, NextAction.OPEN_LOGS))
    if (blind := unmet.blind(view.hpa, at)) is not None:
        found.append(_of(blind, State.DEGRADED, f"{pods}, but {blind.said}."))
    return found


def _of(it: unmet.Unmet, state: State, sentence: str, action: NextAction = NextAction.NONE) -> Summary:
    return Summary(state=state, sentence=sentence, why=it.why, next_action=action, worst_pod=it.pod, since=it.since)
