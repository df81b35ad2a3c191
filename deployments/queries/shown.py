"""The state that a person sees: what the cluster last said, unless our own rows know better.

A saved change is newer than every observation, so the rows decide first, in the order of `domain.status`. The same
order exists twice, in Python for one deployment and in SQL for lists that filter and sort; a test holds them together.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import Case, CharField, F, IntegerField, Q, Value, When

from deployments.domain.states import ClusterView, Intent, NextAction, Phase, State, Summary
from deployments.domain.status import summarise
from deployments.models import ClusterHealth, Deployment

AWAY = (ClusterHealth.State.AWAY.value, ClusterHealth.State.REFUSED.value)
# States that only our rows can bring about: an observation that still says so is older than the rows.
FROM_ROWS = frozenset(
    {State.SAVED_NOT_APPLIED, State.CONFLICT, State.UNREACHABLE, State.RETIRING, State.RETIRED, State.UNKNOWN}
)
ATTENTION_FROM = State.DRIFTED.severity


def intent_of(deployment: Deployment) -> Intent:
    """What our rows say. Needs state, current and the cluster's health (`.related()`)."""
    state = deployment.state
    health = getattr(deployment.namespace.cluster, "health", None)
    return Intent(
        generation=deployment.generation,
        observed_generation=state.observed_generation,
        phase=Phase(state.phase),
        revision=deployment.current.number if deployment.current else 0,
        applied_at=state.applied_at,
        paused=deployment.is_paused,
        retired=deployment.is_retired,
        last_error=state.last_error,
        cluster_ok=health is None or health.state not in AWAY,
        drifted=bool(state.drift),
    )


def summary_of(deployment: Deployment, *, at: datetime) -> Summary:
    """State, sentence and next action of one deployment; reads no JSON of the cluster's objects."""
    seen = deployment.observation
    rows = summarise(ClusterView(), intent=intent_of(deployment), at=at)
    # Without an observation, `summarise` falls back to these two when our rows decide nothing.
    is_decided = rows.state not in (State.UNKNOWN, State.STARTING)
    if is_decided or seen.observed_at is None or State(seen.state) in FROM_ROWS:
        return replace(rows, ready=seen.ready, desired=seen.desired, updated=seen.updated)
    return Summary(
        state=State(seen.state),
        sentence=seen.sentence,
        why=seen.why,
        next_action=NextAction(seen.next_action) if seen.next_action else NextAction.NONE,
        ready=seen.ready,
        desired=seen.desired,
        updated=seen.updated,
        since=seen.since,
    )


def heard_at(deployment: Deployment) -> datetime | None:
    """How fresh the observation is: it is written when something changed, and holds as long as the watch is heard."""
    seen_at = deployment.observation.observed_at
    if seen_at is None:
        return None
    health = getattr(deployment.namespace.cluster, "health", None)
    return max(seen_at, health.watched_at) if health is not None and health.watched_at else seen_at


def shown_state() -> Case:
    """`summary_of(...).state` as SQL."""
    stale = [state.value for state in FROM_ROWS]
    phase = "state__phase"
    return Case(
        When(Q(**{phase: Phase.RETIRED}), then=Value(State.RETIRED.value)),
        When(Q(**{phase: Phase.RETIRING}) | Q(retired_at__isnull=False), then=Value(State.RETIRING.value)),
        When(
            Q(namespace__cluster__health__state__in=AWAY) | Q(**{phase: Phase.UNREACHABLE}),
            then=Value(State.UNREACHABLE.value),
        ),
        When(Q(**{phase: Phase.CONFLICT}), then=Value(State.CONFLICT.value)),
        When(Q(**{phase: Phase.BLOCKED}), then=Value(State.BLOCKED.value)),
        When(Q(**{phase: Phase.PARKED}), then=Value(State.FAILED.value)),
        When(Q(**{phase: Phase.PAUSED}) | Q(paused_at__isnull=False), then=Value(State.PAUSED.value)),
        When(~Q(generation=F("state__observed_generation")), then=Value(State.SAVED_NOT_APPLIED.value)),
        When(
            Q(observation__observed_at__isnull=True) | Q(observation__state__in=stale),
            then=Case(
                When(state__applied_at__isnull=False, then=Value(State.STARTING.value)),
                default=Value(State.UNKNOWN.value),
            ),
        ),
        default=F("observation__state"),
        output_field=CharField(),
    )


def shown_severity(field: str = "shown") -> Case:
    """The severity of an annotated state, for sorting worst first."""
    return Case(
        *(When(**{field: state.value}, then=Value(state.severity)) for state in State),
        default=Value(0),
        output_field=IntegerField(),
    )
