"""Every pod is ready: whether that is enough, whether it stays so, and whether nothing beside it takes its requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deployments.domain.apiserver.objects import condition, instant
from deployments.domain.status import unmet
from deployments.domain.status.states import ClusterView, NextAction, State, Summary


def all_ready(view: ClusterView, live: Mapping[str, Any], *, desired: int, at: datetime) -> Summary:
    """The headline of a deployment of which nothing is missing at this instant."""
    pods = "Its pod is ready" if desired == 1 else f"All {desired} pods are ready"
    over = unmet.overloaded(view.hpa)
    if over is not None:
        return Summary(
            state=State.OVERLOADED,
            sentence=f"{pods} and not enough: {over.said}.",
            why=over.why,
            next_action=NextAction.EDIT,
            since=over.since,
        )
    beside = unmet.others(view)
    if beside is not None:
        return Summary(state=State.DRIFTED, sentence=beside.said, why=beside.why, since=beside.since)
    restless = unmet.restless(view, at)
    if restless is not None:
        return Summary(
            state=State.DEGRADED,
            sentence=f"{pods} now, and {restless.said}.",
            why=restless.why,
            next_action=NextAction.OPEN_LOGS,
            worst_pod=restless.pod,
            since=restless.since,
        )
    blind = unmet.blind(view.hpa, at)
    if blind is not None:
        return Summary(state=State.DEGRADED, sentence=f"{pods}, but {blind.said}.", why=blind.why, since=blind.since)
    return Summary(
        state=State.RUNNING, sentence=f"{pods}.", since=instant(condition(live, "Available"), "lastTransitionTime")
    )
