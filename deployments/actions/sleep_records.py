"""What the relay writes when a step of sleep is due: the record first, then the intent, the audit event last."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from baristaweb.lib.clock import now
from deployments import audit, dispatch
from deployments.actions import sleep_ledger
from deployments.actions.deployments import change_intent
from deployments.audit import Actor
from deployments.domain.sleep.plan.cases import Do, Plan, Record
from deployments.domain.sleep.schedule.decisions import Decision
from deployments.models import Deployment, DeploymentState, SleepRecord

RELAY: Final = Actor.system("relay")
RETRIES: Final = 24
RETRY_EVERY: Final = timedelta(minutes=5)


def do(row: Deployment, plan: Plan, decision: Decision, at: datetime) -> None:
    """Store the step of `plan`. The row is locked, in a transaction that ends with this."""
    record = row.open_sleep
    if plan.do is Do.OPEN_RECORD and plan.record is not None:
        fall_asleep(row, plan.record, words=decision.words)
    elif record is None:
        return
    elif plan.do is Do.CLOSE_RECORD:
        _close(row, record, plan, at)
    elif plan.do is Do.REACHED:
        SleepRecord.objects.filter(pk=record.pk).update(reached_at=at)
    elif plan.do is Do.START_WAKE and plan.record is not None:
        sleep_ledger.end(row, record, at=at)
        start_wake(row, record, at=at, due_at=plan.record.wake_due_at, words=plan.words)
        change_intent(row, by=RELAY, what="wake", fields=())
        audit.record("deployment.woken", row, by=RELAY, note=plan.words, facts=facts_of(record))
    elif plan.do in (Do.HOLD, Do.CONFLICT):
        _hold(row, record, plan, at)
    elif plan.do is Do.FLIP:
        _flip(row, record, plan, at)
    elif plan.record is not None:
        _sleep_on(row, record, plan, decision, at)


def fall_asleep(row: Deployment, planned: Record, *, words: str) -> None:
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
        words=words[:300],
    )
    row.sleep = record
    change_intent(row, by=RELAY, what="sleep", fields=("sleep",))
    audit.record("deployment.slept", row, by=RELAY, note=words, facts=facts_of(record))


def _sleep_on(row: Deployment, record: SleepRecord, plan: Plan, decision: Decision, at: datetime) -> None:
    """Another due time or target, asleep again before it had woken, or a manual change put back; saved stays saved."""
    planned = plan.record
    if planned is None:
        return
    is_intent = plan.do in (Do.SLEEP_ON, Do.RELEASE_HOLD) or planned.target != record.target
    if is_intent:
        sleep_ledger.end(row, record, at=at)
    record.due_at, record.target, record.words = planned.due_at, planned.target, decision.words[:300]
    if plan.do is Do.RELEASE_HOLD:
        record.hold_since = record.hold_replicas = None
        record.hold_writer = record.hold_answer = ""
        record.flips = []
    if is_intent:
        record.reached_at = record.wake_started_at = record.wake_due_at = None
        record.wake_failed_at = record.wake_retried_at = None
        record.wake_problem, record.wake_retries = "", 0
        record.generation = row.generation + 1
    record.save()
    if is_intent:
        change_intent(row, by=RELAY, what="sleep", fields=())
        audit.record("deployment.slept", row, by=RELAY, note=decision.words, facts=facts_of(record))


def start_wake(row: Deployment, record: SleepRecord, *, at: datetime, due_at: datetime | None, words: str) -> None:
    """The caller changes the intent and records the event after it."""
    sleep_ledger.end(row, record, at=at)
    record.wake_started_at, record.wake_due_at = at, due_at
    record.generation = row.generation + 1
    record.wake_words = words[:300]
    record.save(update_fields=["wake_started_at", "wake_due_at", "generation", "wake_words"])


def _hold(row: Deployment, record: SleepRecord, plan: Plan, at: datetime) -> None:
    """Somebody else's number stands; what is saved is not touched."""
    held = plan.record.hold if plan.record is not None else plan.conflict
    if held is None:
        return
    sleep_ledger.end(row, record, at=at)
    record.hold_since, record.hold_replicas, record.hold_writer = at, held.replicas, held.writer[:120]
    record.hold_answer = ""
    is_conflict = plan.do is Do.CONFLICT
    record.conflict_at = at if is_conflict else None
    if plan.record is None:
        record.closed_at = at
    record.save()
    kind = "deployment.sleep_conflict" if is_conflict else "deployment.sleep_held"
    facts = {"writer": held.writer, "replicas": held.replicas, "saved_replicas": record.saved_replicas}
    audit.record(kind, row, by=RELAY, note=plan.words, facts=facts)


def _flip(row: Deployment, record: SleepRecord, plan: Plan, at: datetime) -> None:
    """Another machine's change is put back by a new intent, which the worker writes as any other."""
    if plan.record is None:
        return
    sleep_ledger.end(row, record, at=at)
    record.flips = [one.isoformat() for one in plan.record.flips]
    record.reached_at = plan.record.reached_at
    record.generation = row.generation + 1
    record.save(update_fields=["flips", "reached_at", "generation"])
    change_intent(row, by=RELAY, what="sleep", fields=())
    audit.record("deployment.sleep_put_back", row, by=RELAY, note=plan.words, facts=facts_of(record))


def _close(row: Deployment, record: SleepRecord, plan: Plan, at: datetime) -> None:
    sleep_ledger.end(row, record, at=at)
    SleepRecord.objects.filter(pk=record.pk).update(closed_at=at)


def follow_hold(record: SleepRecord, seen: int) -> None:
    """The number that somebody else chose, as it is now: a wake starts from it."""
    SleepRecord.objects.filter(pk=record.pk).update(hold_replicas=seen)


def is_retry_due(record: SleepRecord, at: datetime) -> bool:
    """Whether a wake that failed is to be said, or tried, again."""
    last = record.wake_retried_at
    return record.wake_retries < RETRIES and (last is None or at >= last + RETRY_EVERY)


def fail_wake(row: Deployment, record: SleepRecord, at: datetime) -> None:
    """Not Ready in time: say so once, with what the cluster says, and have a worker look at it every few minutes."""
    seen = row.observation
    is_first = record.wake_failed_at is None
    record.wake_failed_at = record.wake_failed_at or at
    record.wake_problem = (seen.why or row.state.last_error or seen.sentence or "The cluster does not say why.")[:500]
    record.wake_retried_at, record.wake_retries = at, record.wake_retries + 1
    record.save(update_fields=["wake_failed_at", "wake_problem", "wake_retried_at", "wake_retries"])
    DeploymentState.objects.filter(deployment=row).update(next_reconcile_at=now(), failures=0)
    dispatch.reconcile_soon(row.pk)
    if is_first:
        due = record.wake_due_at.isoformat(timespec="minutes") if record.wake_due_at else None
        audit.record("deployment.wake_failed", row, by=RELAY, note=record.wake_problem, facts={"due": due})


def facts_of(record: SleepRecord) -> dict[str, Any]:
    return {
        "record": record.pk,
        "saved_replicas": record.saved_replicas,
        "saved_minimum": record.saved_minimum,
        "target": record.target,
        "due": record.due_at.isoformat(timespec="minutes") if record.due_at else None,
    }
