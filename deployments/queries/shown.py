"""The state that a person sees: what the cluster last said, unless our own rows know better.

A saved change is newer than every observation, so the rows decide first, in the order of `domain.status`. The same
order exists twice, in Python for one deployment and in SQL for lists that filter and sort; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, F, Field, IntegerField, Q, Value, When

from deployments.domain.status.rows import TROUBLE_FROM, together
from deployments.domain.status.sleeping import HELD_UP, NOT_UP, ON_THE_WAY, OpenSleep, in_sleep
from deployments.domain.status.states import ClusterView, Intent, NextAction, Phase, State, Summary
from deployments.domain.status.summary import summarise
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
        last_error=_reason(state.last_error, health, is_waiting=state.phase == Phase.UNREACHABLE),
        cluster_ok=health is None or health.state not in AWAY,
        cluster_refuses=health is not None and health.state == ClusterHealth.State.REFUSED,
        drifted=bool(state.drift) and not deployment.is_left,
        missing=state.missing_kinds,
        waiting_since=state.waiting_since,
        sleep_change=_sleep_change(deployment),
    )


def _reason(said: str, health: ClusterHealth | None, *, is_waiting: bool) -> str:
    """What keeps the cluster away now, before what a worker heard when it last tried, or when none has tried yet."""
    is_ok = health is None or health.state == ClusterHealth.State.OK
    return said if health is None or is_ok or (said and not is_waiting) else health.last_error or said


def _sleep_change(deployment: Deployment) -> State | None:
    sleep = deployment.open_sleep
    if sleep is None or sleep.generation != deployment.generation:
        return None
    return State.WAKING if sleep.is_waking else State.FALLING_ASLEEP


def _sleep_of(deployment: Deployment) -> OpenSleep | None:
    sleep = deployment.open_sleep
    if sleep is None:
        return None
    if sleep.wake_started_at is None:
        return OpenSleep(
            is_waking=False,
            words=sleep.words,
            started_at=sleep.opened_at,
            due_at=sleep.due_at,
            held_by=sleep.hold_writer if sleep.hold_since else None,
            is_conflict=sleep.conflict_at is not None,
        )
    return OpenSleep(
        is_waking=True,
        words=sleep.wake_words,
        started_at=sleep.wake_started_at,
        due_at=sleep.wake_due_at,
        failed_at=sleep.wake_failed_at,
        problem=sleep.wake_problem,
    )


def summary_of(deployment: Deployment, *, at: datetime) -> Summary:
    """State, sentence and next action of one deployment; reads no JSON of the cluster's objects."""
    seen = deployment.observation
    rows = summarise(ClusterView(), intent=intent_of(deployment), at=at)
    # Without an observation, `summarise` falls back to these two when our rows decide nothing.
    is_decided = rows.state not in (State.UNKNOWN, State.STARTING)
    if seen.observed_at is None or State(seen.state) in FROM_ROWS:
        return replace(rows, ready=seen.ready, desired=seen.desired, updated=seen.updated)
    observed = Summary(
        state=State(seen.state),
        sentence=seen.sentence,
        why=seen.why,
        next_action=NextAction(seen.next_action) if seen.next_action else NextAction.NONE,
        worst_pod=seen.worst_pod,
        ready=seen.ready,
        desired=seen.desired,
        updated=seen.updated,
        since=seen.since,
    )
    if is_decided:
        return together(rows, observed)
    return in_sleep(observed, _sleep_of(deployment), at=at)


def heard_at(deployment: Deployment) -> datetime | None:
    """How fresh the observation is: it is written when something changed, and holds as long as the watch is heard."""
    seen_at = deployment.observation.observed_at
    if seen_at is None:
        return None
    health = getattr(deployment.namespace.cluster, "health", None)
    return max(seen_at, health.watched_at) if health is not None and health.watched_at else seen_at


def shown_state() -> Case:
    """`summary_of(...).state` as SQL."""
    return _decided(lambda state: state.value, seen="observation__state", output=CharField())


def shown_severity() -> Case:
    """The severity of the same state. One CASE of its own: a CASE over the other would be computed once a state."""
    return _decided(lambda state: state.severity, seen="observation__severity", output=IntegerField())


def _decided(pick: Callable[[State], str | int], *, seen: str, output: Field[Any, Any]) -> Case:
    """What our rows decide, in order; else, and where a rule names no state, what was observed."""
    phase = "state__phase"
    stale = [state.value for state in FROM_ROWS]
    is_gone = Q(**{phase: Phase.RETIRING}) | Q(retired_at__isnull=False)
    is_away = Q(namespace__cluster__health__state__in=AWAY) | Q(**{phase: Phase.UNREACHABLE})
    is_unseen = Q(observation__observed_at__isnull=True) | Q(observation__state__in=stale)
    is_waiting = ~Q(generation=F("state__observed_generation"))
    is_paused = Q(**{phase: Phase.PAUSED}) | Q(paused_at__isnull=False)
    is_open = Q(sleep__isnull=False, sleep__closed_at=None)
    is_of_sleep = is_open & Q(sleep__generation=F("generation"))
    is_waking = is_open & Q(sleep__wake_started_at__isnull=False)
    is_on_the_way = Q(observation__state__in=[state.value for state in ON_THE_WAY])
    is_not_up = Q(observation__state__in=[state.value for state in NOT_UP])
    is_up = Q(observation__state__in=[state.value for state in HELD_UP])
    is_held = is_open & is_up & Q(sleep__wake_started_at__isnull=True, sleep__hold_since__isnull=False)
    rules: list[tuple[Q, State | None]] = [
        # Restored: a worker has not begun yet, and what it says of the time before is over.
        (Q(**{phase: Phase.RETIRED}) & (Q(retired_at__isnull=False) | ~is_waiting), State.RETIRED),
        (is_gone, State.RETIRING),
        (is_away, State.UNREACHABLE),
        (Q(**{phase: Phase.CONFLICT}), State.CONFLICT),
        (Q(**{phase: Phase.BLOCKED}), State.BLOCKED),
        (Q(**{phase: Phase.PARKED}), State.FAILED),
        (is_paused & ~is_unseen & Q(observation__severity__gte=TROUBLE_FROM), None),
        (is_paused, State.PAUSED),
        (is_waiting & is_of_sleep & Q(sleep__wake_started_at__isnull=True), State.FALLING_ASLEEP),
        (is_waiting & is_of_sleep, State.WAKING),
        (is_waiting, State.SAVED_NOT_APPLIED),
        (is_unseen & Q(state__applied_at__isnull=False), State.STARTING),
        (is_unseen, State.UNKNOWN),
        (is_waking & is_not_up & Q(sleep__wake_failed_at__isnull=False), State.WAKE_FAILED),
        (is_held & Q(sleep__conflict_at__isnull=False), State.CONFLICT),
        (is_held, State.HELD_AWAKE),
        (is_waking & is_on_the_way, State.WAKING),
    ]
    return Case(
        *(When(condition, then=F(seen) if state is None else Value(pick(state))) for condition, state in rules),
        default=F(seen),
        output_field=output,
    )
