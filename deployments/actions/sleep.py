"""Falling asleep and waking: what is due by the schedules becomes intent.

`step` looks at one deployment and does the next thing of its plan. Done twice, or by two at once, it is done once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction

from deployments.actions import sleep_mirror, sleep_records
from deployments.actions.deployments import lock
from deployments.domain.apiserver.objects import condition, number, obj
from deployments.domain.replicas import for_plan
from deployments.domain.sleep.plan import steps, waves, writers
from deployments.domain.sleep.plan.cases import Case, Do, Due, Live, Plan, Record, Rules, SleepState, Spec
from deployments.domain.sleep.schedule import coming, history
from deployments.domain.sleep.schedule.decisions import Decision, Step, decide
from deployments.domain.sleep.schedule.layers import Inputs
from deployments.domain.sleep.schedule.windows import Schedule, WakeOrder
from deployments.domain.status.states import State
from deployments.models import ClusterHealth, Deployment, DeploymentState, KeepAwake, SleepDecision, SleepRecord
from deployments.queries import sleep as queries
from deployments.queries.sleep_layers import Said, said

log = structlog.get_logger(__name__)

# What the watch saw less than this after an apply may be what was there before it.
SETTLES: Final = timedelta(seconds=10)
# One that is not Ready this long after its wake began no longer keeps others waiting.
GIVES_WAY: Final = timedelta(minutes=15)
# A clock that is set back by so much at most has only been put right.
STEPS_BACK: Final = timedelta(hours=1)
# So long after a manual change a worker may take to find out whose it is.
NAMED_WITHIN: Final = timedelta(seconds=60)
_DONE_HERE: Final = frozenset(
    {
        Do.OPEN_RECORD,
        Do.SLEEP_ON,
        Do.START_WAKE,
        Do.RETARGET,
        Do.REACHED,
        Do.CLOSE_RECORD,
        Do.HOLD,
        Do.FLIP,
        Do.CONFLICT,
        Do.RELEASE_HOLD,
    }
)
_OF_ANOTHER: Final = frozenset({Do.HOLD, Do.FLIP, Do.CONFLICT})


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a look at many deployments reads once."""

    said: Said
    keep_awakes: Mapping[int, list[KeepAwake]]
    decisions: Mapping[int, Decision]
    may_wake: bool = True


@dataclass(frozen=True, kw_only=True)
class Look:
    """One deployment at one instant: what is decided, and the next step.

    `is_decided`: some layer has a say, so it is looked at again. `follows`: the number that its holder chose anew.
    `mirrored`: the annotations that it has to carry now, where they are others than it has.
    """

    inputs: Inputs
    decision: Decision
    is_news: bool
    is_decided: bool
    plan: Plan | None = None
    is_failing: bool = False
    follows: int | None = None
    mirrored: dict[str, str] | None = None

    @property
    def do(self) -> Do:
        return self.plan.do if self.plan is not None and self.plan.do in _DONE_HERE else Do.NOTHING

    @property
    def is_due(self) -> bool:
        is_new = self.is_news or self.follows is not None or self.mirrored is not None
        return is_new or self.is_failing or self.do is not Do.NOTHING


def look(row: Deployment, known: Known, *, at: datetime) -> Look:
    """Reads only, and plans only what may change. `row` as `queries.sleep.covered_by` gives it."""
    inputs = queries.inputs_of(row, known.said, known.keep_awakes.get(row.pk, ()))
    record = _record(row)
    if _is_before(row, at):
        decision = known.decisions.get(row.pk) or decide(inputs, at=at)
        return Look(inputs=inputs, decision=decision, is_news=False, is_decided=row.state.is_sleep_decided)
    decision = decide(inputs, at=at, sleeping=record.open_sleep if record else None)
    last = known.decisions.get(row.pk)
    is_decided = known.said.speaks_of(row) or decision.step is not Step.AWAKE
    is_news = history.must_store(last, decision) or row.state.is_sleep_decided != is_decided
    annotations = sleep_mirror.wanted(row, known.said, inputs, at=at)
    mirrored = annotations if annotations != row.mirrored else None
    if not is_news and _is_steady(row, decision, record, at):
        return Look(inputs=inputs, decision=decision, is_news=False, is_decided=is_decided, mirrored=mirrored)
    case = Case(
        spec=_planned(row, inputs),
        decision=decision,
        due=_due(row, inputs, decision, record, at, is_news=is_news),
        record=record,
        live=_live(row, record, at),
        conflict=row.sleep.conflict if row.sleep else None,
        may_wake=known.may_wake,
        rules=_rules(row, known.said),
    )
    plan = steps.next_step(case, at=at)
    if plan.do in _OF_ANOTHER and not _is_named(row, at):
        plan = replace(plan, do=Do.NOTHING)
    opened = row.open_sleep
    return Look(
        inputs=inputs,
        decision=decision,
        is_news=is_news,
        is_decided=is_decided,
        plan=plan,
        is_failing=plan.state is SleepState.WAKE_FAILED
        and opened is not None
        and sleep_records.is_retry_due(opened, at),
        follows=_follows(plan, record),
        mirrored=mirrored,
    )


def _is_before(row: Deployment, at: datetime) -> bool:
    """Whether the clock has stepped back to before what was done last: what was done stands, and is not undone.

    By more than STEPS_BACK it was wrong before, and what is due now counts.
    """
    record = row.sleep
    if record is None:
        return False
    done = (record.opened_at, record.reached_at, record.wake_started_at, record.closed_at)
    last = max(instant for instant in done if instant is not None)
    return at < last <= at + STEPS_BACK


def _follows(plan: Plan, record: Record | None) -> int | None:
    if plan.do is not Do.NOTHING or plan.live is None or record is None or record.hold is None:
        return None
    return plan.live.count if plan.live.count != record.hold.replicas else None


def _is_steady(row: Deployment, decision: Decision, record: Record | None, at: datetime) -> bool:
    """Awake with nothing open, or fast asleep with its wake far ahead: what most are at most times."""
    if record is None:
        return not decision.asleep
    if (
        row.is_retired
        or not decision.asleep
        or record.reached_at is None
        or record.wake_started_at is not None
        or record.hold
    ):
        return False
    if decision.target != record.target or row.observation.state != State.ASLEEP:
        return False
    return record.due_at is None or at < record.due_at - waves.LONGEST_LEAD


def step_all(*, at: datetime) -> list[tuple[int, Do]]:
    """One pass over what sleep may have something to do with; what was done."""
    known = said(at=at)
    rows = list(queries.covered_by(known))
    ids = [row.pk for row in rows]
    awake, decisions = queries.keep_awakes_of(ids, at=at), queries.last_decisions_of(ids)
    seen = Known(said=known, keep_awakes=awake, decisions=decisions)
    due: list[tuple[int, datetime, int, Deployment]] = []
    done: list[tuple[int, Do]] = []
    for row in rows:
        with _alone(row):
            found = look(row, seen, at=at)
            if found.is_due:
                due.append((_rank(found), _wanted_at(row, at), row.pk, row))
    for _, _, pk, row in sorted(due, key=lambda item: item[:3]):
        with _alone(row):
            did = step(row, at=at)
            done += [(pk, did)] if did is not Do.NOTHING else []
    return done


def _rank(found: Look) -> int:
    """Whose schedule says so wakes first."""
    _, weekly = found.inputs.weekly()
    return weekly.order.rank if isinstance(weekly, Schedule) else WakeOrder.NORMAL.rank


def _wanted_at(row: Deployment, at: datetime) -> datetime:
    """Of one rank, who has waited longest wakes first."""
    record = row.open_sleep
    return record.due_at if record is not None and record.due_at is not None else at


@contextlib.contextmanager
def _alone(row: Deployment) -> Iterator[None]:
    """What goes wrong with one keeps no other from waking."""
    try:
        yield
    except DatabaseError:
        raise
    except Exception:
        log.exception("sleep_broke", deployment=row.pk)


@transaction.atomic
def step(deployment: Deployment, *, at: datetime) -> Do:
    """Do the next step of the deployment, if there is one now, and keep the decision if it is a new one."""
    row = lock(deployment)
    if row.current is None:
        return Do.NOTHING
    known = Known(
        said=said(at=at),
        keep_awakes=queries.keep_awakes_of([row.pk], at=at),
        decisions=queries.last_decisions_of([row.pk]),
        may_wake=_may_wake(row, at),
    )
    found = look(row, known, at=at)
    if found.is_news:
        _decided(row, found, known, at)
    if found.mirrored is not None:
        sleep_mirror.write(row, found.mirrored, by=sleep_records.RELAY)
    record = row.open_sleep
    if found.plan is not None and found.do is not Do.NOTHING:
        sleep_records.do(row, found.plan, found.decision, at)
    elif found.is_failing and record is not None:
        sleep_records.fail_wake(row, record, at)
    elif found.follows is not None and record is not None:
        sleep_records.follow_hold(record, found.follows)
    return found.do


def _decided(row: Deployment, found: Look, known: Known, at: datetime) -> None:
    """Keep what was decided, and whether any layer still has a say: without one it is looked at no more."""
    if history.must_store(known.decisions.get(row.pk), found.decision):
        SleepDecision.objects.create(deployment=row, at=at, decision=history.to_json(found.decision))
    DeploymentState.objects.filter(deployment=row).update(is_sleep_decided=found.is_decided)


def _record(row: Deployment) -> Record | None:
    record, state = row.open_sleep, row.state
    if record is None:
        return None
    is_written = state.observed_generation >= record.generation and state.applied_at is not None
    return record.to_record(written_at=state.applied_at + SETTLES if is_written and state.applied_at else None)


def _planned(row: Deployment, inputs: Inputs) -> Spec:
    if row.current is None:
        raise LookupError("without a revision nothing is planned")
    _, weekly = inputs.weekly()
    return replace(
        for_plan(row.current.to_spec()),
        is_paused=row.is_paused,
        is_retired=row.is_retired,
        wake_to=weekly.wake_to if isinstance(weekly, Schedule) else None,
        deployed_at=row.current.saved_at,
    )


def _rules(row: Deployment, known: Said) -> Rules:
    grace = queries.grace_of(row, known)
    return Rules(grace=grace, ready_within=timedelta(minutes=settings.BARISTA.wake_within_min))


def _due(
    row: Deployment, inputs: Inputs, decision: Decision, record: Record | None, at: datetime, *, is_news: bool
) -> Due | None:
    """When it must be Ready next: as the record has it while the decision stays, and asked anew in the last hour."""
    if not decision.asleep:
        return None
    is_far = record is not None and (record.due_at is None or at < record.due_at - waves.LONGEST_LEAD)
    if record is not None and is_far and not is_news and record.wake_started_at is None:
        return waves.due(record.due_at, queries.lead_of(row.pk, inputs))
    due_at = coming.awake_again(inputs, at=at, sleeping=record.open_sleep if record else None)
    if record is None and row.sleep is not None and due_at is not None and row.sleep.wake_due_at == due_at:
        # It woke early for that very time: a lead that is shorter now does not put it to sleep again.
        return Due(due_at=due_at, start_at=at)
    return waves.due(due_at, queries.lead_of(row.pk, inputs))


def _live(row: Deployment, record: Record | None, at: datetime) -> Live | None:
    """What the cluster runs, when that is known for certain: settled, seen, and from a cluster that answers."""
    state, seen = row.state, row.observation
    health = getattr(row.namespace.cluster, "health", None)
    if health is None or health.state != ClusterHealth.State.OK:
        return None
    if row.generation != state.observed_generation or state.applied_at is None or seen.observed_at is None:
        return None
    if at < state.applied_at + SETTLES:
        return None
    scaler = obj(seen.figures, "hpa")
    expected = for_plan(row.current.to_spec()).autoscaler if row.current else None
    minimum = None
    if record is not None and record.wake_started_at is None and expected is not None:
        wanted = steps.sleeping_at(_planned(row, Inputs()), record.target, record.saved_replicas).minimum
        # An autoscaler that was not seen has what was written.
        minimum = number(scaler, "spec", "minReplicas", default=wanted or 0) if scaler else wanted
    writer = _writer(row)
    return Live(
        # What was seen is written when it changes, and holds as long as the watch is heard.
        seen_at=max(seen.observed_at, health.watched_at or seen.observed_at),
        exists=seen.state != State.MISSING,
        replicas=seen.desired,
        pods=0 if seen.state == State.ASLEEP else max(seen.ready, seen.updated, 1),
        ready=seen.ready,
        minimum=minimum,
        scaled_to_zero=condition(scaler, "ScaledToZero").get("status") == "True",
        writer=writer,
        is_automation=writers.is_automation(writer),
    )


def _writer(row: Deployment) -> str:
    """The field manager that changed the number, as a worker found it; empty: not known.

    The API server keeps no owner of a number that was scaled from 0 through /scale, as `kubectl scale` does: it leaves
    0 out and tracks nothing from there. Who writes the Deployment itself, as GitOps and other downscalers do, is named.
    """
    paths = ("Deployment.spec.replicas", "HorizontalPodAutoscaler.spec.minReplicas")
    return next((item.manager for item in row.state.drifted if item.path in paths and item.manager), "")


def _is_named(row: Deployment, at: datetime) -> bool:
    """Whether a worker has looked at who changed it, or had the time to."""
    seen, checked = row.observation.observed_at, row.state.drift_checked_at
    if seen is None or (checked is not None and checked >= seen):
        return True
    return bool(_writer(row)) or at >= seen + NAMED_WITHIN


def _may_wake(row: Deployment, at: datetime) -> bool:
    """Whether its turn has come: a cluster that starts everything at once starts nothing in time."""
    others = SleepRecord.objects.filter(
        closed_at=None,
        wake_started_at__gt=at - GIVES_WAY,
        deployment__namespace__cluster=row.namespace.cluster_id,
    ).exclude(deployment=row)
    return others.count() < settings.BARISTA.wakes_at_once
