"""Falling asleep and waking: what is due by the schedules becomes intent; and keeping one awake by hand.

`step` looks at one deployment and does the next thing of its plan. Done twice, or by two at once, it is done once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import DatabaseError, transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions.deployments import RETIRED, change_intent, lock
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.replicas import for_plan
from deployments.domain.sleep.plan import steps, waves
from deployments.domain.sleep.plan.cases import Case, Do, Due, Live, Plan, Record, Spec
from deployments.domain.sleep.schedule import coming, history
from deployments.domain.sleep.schedule.decisions import Decision, decide
from deployments.domain.sleep.schedule.layers import Inputs
from deployments.domain.sleep.schedule.windows import Schedule, WakeOrder
from deployments.domain.status.states import State
from deployments.models import ClusterHealth, Deployment, KeepAwake, SleepDecision, SleepRecord
from deployments.queries import sleep as queries
from deployments.queries.sleep import Schedules

log = structlog.get_logger(__name__)

RELAY: Final = Actor.system("relay")
# What the watch saw less than this after an apply may be what was there before it.
SETTLES: Final = timedelta(seconds=10)
# So many wake at once; one that is not Ready this long after its wake began no longer keeps others waiting.
WAKES_AT_ONCE: Final = 20
GIVES_WAY: Final = timedelta(minutes=15)
LONGEST_KEEP_AWAKE: Final = timedelta(days=31)
_NEW_INTENT: Final = frozenset({Do.OPEN_RECORD, Do.SLEEP_ON, Do.START_WAKE})
_DONE_HERE: Final = _NEW_INTENT | {Do.RETARGET, Do.REACHED, Do.CLOSE_RECORD}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a look at many deployments reads once."""

    schedules: Schedules
    keep_awakes: Mapping[int, list[KeepAwake]]
    decisions: Mapping[int, Decision]
    may_wake: bool = True


@dataclass(frozen=True, kw_only=True)
class Look:
    """One deployment at one instant: what is decided, and the next step."""

    inputs: Inputs
    decision: Decision
    is_news: bool
    plan: Plan | None = None

    @property
    def do(self) -> Do:
        return self.plan.do if self.plan is not None and self.plan.do in _DONE_HERE else Do.NOTHING


def look(row: Deployment, known: Known, *, at: datetime) -> Look:
    """Reads only, and plans only what may change. `row` as `queries.sleep.covered_by` gives it."""
    inputs = queries.inputs_of(row, known.schedules, known.keep_awakes.get(row.pk, ()))
    record = _record(row)
    decision = decide(inputs, at=at, sleeping=record.open_sleep if record else None)
    last = known.decisions.get(row.pk)
    is_news = history.must_store(last, decision)
    if not is_news and _is_steady(decision, record, at):
        return Look(inputs=inputs, decision=decision, is_news=False)
    case = Case(
        spec=_planned(row),
        decision=decision,
        due=_due(row, inputs, decision, record, at, is_news=is_news),
        record=record,
        live=_live(row, record, at),
        may_wake=known.may_wake,
    )
    return Look(inputs=inputs, decision=decision, is_news=is_news, plan=steps.next_step(case, at=at))


def _is_steady(decision: Decision, record: Record | None, at: datetime) -> bool:
    """Awake with nothing open, or fast asleep with its wake far ahead: what most are at most times."""
    if record is None:
        return not decision.asleep
    if not decision.asleep or record.reached_at is None or record.wake_started_at is not None:
        return False
    return record.due_at is None or at < record.due_at - waves.LONGEST_LEAD


def step_all(*, at: datetime) -> list[tuple[int, Do]]:
    """One pass over what sleep may have something to do with; what was done."""
    known = queries.schedules()
    rows = list(queries.covered_by(known))
    ids = [row.pk for row in rows]
    awake, decisions = queries.keep_awakes_of(ids, at=at), queries.last_decisions_of(ids)
    seen = Known(schedules=known, keep_awakes=awake, decisions=decisions)
    due: list[tuple[int, int, Deployment]] = []
    done: list[tuple[int, Do]] = []
    for row in rows:
        with _alone(row):
            found = look(row, seen, at=at)
            if found.is_news or found.do is not Do.NOTHING:
                due.append((_rank(found), row.pk, row))
    for _, pk, row in sorted(due, key=lambda item: item[:2]):
        with _alone(row):
            did = step(row, at=at)
            done += [(pk, did)] if did is not Do.NOTHING else []
    return done


def _rank(found: Look) -> int:
    """Whose schedule says so wakes first."""
    _, weekly = found.inputs.weekly()
    return weekly.order.rank if isinstance(weekly, Schedule) else WakeOrder.NORMAL.rank


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
        schedules=queries.schedules(),
        keep_awakes=queries.keep_awakes_of([row.pk], at=at),
        decisions=queries.last_decisions_of([row.pk]),
        may_wake=_may_wake(row, at),
    )
    found = look(row, known, at=at)
    if found.is_news:
        SleepDecision.objects.create(deployment=row, at=at, decision=history.to_json(found.decision))
    if found.plan is not None and found.do is not Do.NOTHING:
        _do(row, found.plan, found.decision, at)
    return found.do


def _do(row: Deployment, plan: Plan, decision: Decision, at: datetime) -> None:
    record = row.open_sleep
    if plan.do is Do.OPEN_RECORD and plan.record is not None:
        _fall_asleep(row, plan.record, decision)
    elif record is None:
        return
    elif plan.do is Do.CLOSE_RECORD:
        SleepRecord.objects.filter(pk=record.pk).update(closed_at=at)
    elif plan.do is Do.REACHED:
        SleepRecord.objects.filter(pk=record.pk).update(reached_at=at)
    elif plan.do is Do.START_WAKE and plan.record is not None:
        start_wake(row, record, at=at, due_at=plan.record.wake_due_at, words=plan.words)
        change_intent(row, by=RELAY, what="wake", fields=())
        audit.record("deployment.woken", row, by=RELAY, note=plan.words, facts=_facts(record))
    elif plan.record is not None:
        _sleep_on(row, record, plan, decision)


def _fall_asleep(row: Deployment, planned: Record, decision: Decision) -> None:
    """The record before anything is scaled; the worker that finds the new intent scales."""
    record = SleepRecord.objects.create(
        deployment=row,
        opened_at=planned.opened_at,
        due_at=planned.due_at,
        target=planned.target,
        saved_replicas=planned.saved_replicas,
        saved_minimum=planned.saved_minimum,
        spec_replicas=planned.spec_replicas,
        generation=row.generation + 1,
        words=decision.words[:300],
    )
    row.sleep = record
    change_intent(row, by=RELAY, what="sleep", fields=("sleep",))
    audit.record("deployment.slept", row, by=RELAY, note=decision.words, facts=_facts(record))


def _sleep_on(row: Deployment, record: SleepRecord, plan: Plan, decision: Decision) -> None:
    """Another due time or target, or asleep again before it had woken; what is saved stays."""
    planned = plan.record
    if planned is None:
        return
    is_intent = plan.do is Do.SLEEP_ON or planned.target != record.target
    record.due_at, record.target, record.words = planned.due_at, planned.target, decision.words[:300]
    if is_intent:
        record.reached_at = record.wake_started_at = record.wake_due_at = None
        record.generation = row.generation + 1
    record.save()
    if is_intent:
        change_intent(row, by=RELAY, what="sleep", fields=())
        audit.record("deployment.slept", row, by=RELAY, note=decision.words, facts=_facts(record))


def start_wake(row: Deployment, record: SleepRecord, *, at: datetime, due_at: datetime | None, words: str) -> None:
    """The caller changes the intent and records the event after it."""
    record.wake_started_at, record.wake_due_at = at, due_at
    record.generation = row.generation + 1
    record.wake_words = words[:300]
    record.save(update_fields=["wake_started_at", "wake_due_at", "generation", "wake_words"])


@transaction.atomic
def keep_awake(*, deployment: Deployment, by: Actor, until: datetime, note: str) -> KeepAwake:
    """Keep it awake until then, waking it at once if it sleeps. Raises Refused."""
    row, at = lock(deployment), now()
    if row.is_retired:
        raise Refused(RETIRED)
    if not note.strip():
        raise Refused("Say why, for the others of the team.")
    if not at < until <= at + LONGEST_KEEP_AWAKE:
        raise Refused("Choose an end within the next 31 days.")
    record = row.open_sleep
    is_woken = record is not None and not record.is_waking
    kept = KeepAwake.objects.create(deployment=row, since=at, until=until, by=by.name[:120], reason=note.strip()[:300])
    if record is not None and is_woken:
        start_wake(row, record, at=at, due_at=at, words=f"kept awake by {by.name}: {note.strip()}")
        change_intent(row, by=by, what="wake", fields=())
    facts: dict[str, Any] = {"until": until.isoformat(timespec="minutes"), "woken": is_woken}
    audit.record("deployment.kept_awake", row, by=by, note=note, facts=facts)
    return kept


@transaction.atomic
def end_keep_awake(*, deployment: Deployment, by: Actor, note: str = "") -> int:
    """End what keeps it awake: its schedule decides again. How many; raises Refused when there is nothing."""
    row, at = lock(deployment), now()
    count = KeepAwake.objects.filter(deployment=row, until__gt=at, ended_at=None).update(ended_at=at)
    if not count:
        raise Refused("Nobody keeps it awake.")
    audit.record("deployment.keep_awake_ended", row, by=by, note=note)
    return count


def why_no_wake(row: Deployment) -> str:
    """Empty when it can be woken now."""
    if row.is_retired:
        return RETIRED
    if row.open_sleep is None:
        return "It is not asleep."
    return "It is waking already." if row.open_sleep.is_waking else ""


def wake_now(*, deployment: Deployment, by: Actor, note: str) -> KeepAwake:
    """Awake until the wake that was due anyway. Raises Refused."""
    row = Deployment.objects.select_related("sleep").get(pk=deployment.pk)
    why, record = why_no_wake(row), row.open_sleep
    if why or record is None:
        raise Refused(why)
    until = record.due_at or now() + LONGEST_KEEP_AWAKE
    until = min(max(until, now() + timedelta(hours=1)), now() + LONGEST_KEEP_AWAKE)
    return keep_awake(deployment=deployment, by=by, until=until, note=note.strip() or "woken by hand")


def _record(row: Deployment) -> Record | None:
    record, state = row.open_sleep, row.state
    if record is None:
        return None
    is_written = state.observed_generation >= record.generation and state.applied_at is not None
    return record.to_record(written_at=state.applied_at + SETTLES if is_written and state.applied_at else None)


def _planned(row: Deployment) -> Spec:
    if row.current is None:
        raise LookupError("without a revision nothing is planned")
    return replace(for_plan(row.current.to_spec()), is_paused=row.is_paused, is_retired=row.is_retired)


def _due(
    row: Deployment, inputs: Inputs, decision: Decision, record: Record | None, at: datetime, *, is_news: bool
) -> Due | None:
    """When it must be Ready next. While the decision stays the same, so does the time that the record has."""
    if not decision.asleep:
        return None
    if record is not None and not is_news and record.wake_started_at is None:
        return waves.due(record.due_at, queries.lead_of(row.pk))
    due_at = coming.awake_again(inputs, at=at, sleeping=record.open_sleep if record else None)
    if record is None and row.sleep is not None and due_at is not None and row.sleep.wake_due_at == due_at:
        # It woke early for that very time: a lead that is shorter now does not put it to sleep again.
        return Due(due_at=due_at, start_at=at)
    return waves.due(due_at, queries.lead_of(row.pk))


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
    minimum = None
    if record is not None and record.wake_started_at is None:
        minimum = steps.sleeping_at(_planned(row), record.target, record.saved_replicas).minimum
    return Live(
        seen_at=seen.observed_at,
        exists=seen.state != State.MISSING,
        replicas=seen.desired,
        pods=0 if seen.state == State.ASLEEP else max(seen.ready, seen.updated, 1),
        ready=seen.ready,
        minimum=minimum,
    )


def _may_wake(row: Deployment, at: datetime) -> bool:
    """Whether its turn has come: a cluster that starts everything at once starts nothing in time."""
    others = SleepRecord.objects.filter(
        closed_at=None,
        wake_started_at__gt=at - GIVES_WAY,
        deployment__namespace__cluster=row.namespace.cluster_id,
    ).exclude(deployment=row)
    return others.count() < WAKES_AT_ONCE


def _facts(record: SleepRecord) -> dict[str, Any]:
    return {
        "saved_replicas": record.saved_replicas,
        "saved_minimum": record.saved_minimum,
        "target": record.target,
        "due": record.due_at.isoformat(timespec="minutes") if record.due_at else None,
    }
