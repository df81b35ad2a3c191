"""Effective replicas and the one next step, as a function of now, the decision and the records. Level-triggered.

An order of doing that survives a crash anywhere: the record is stored before the first write, every write is one that
can be repeated, and a record closes only when what it promised was seen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from deployments.domain.sleep.plan.cases import (
    Answer,
    Autoscaler,
    Case,
    Do,
    Hold,
    Live,
    Plan,
    Record,
    Replicas,
    SleepState,
    Spec,
)
from deployments.domain.sleep.schedule.decisions import Step


def next_step(case: Case, *, at: datetime) -> Plan:
    """The next step and the state now. Do the step, store `record` and `conflict` as they are in the plan, plan again.

    WRITE_SLEEP and WRITE_WAKE first make `effective` true in the cluster with one write, then store; a write that fails
    stores nothing, so the same step comes again. All other steps only store.
    """
    if case.spec.is_retired:
        return _retired(case)
    if case.record is None:
        return _without_record(case, at)
    if _wants_sleep(case, at):
        return _asleep(case, case.record, at)
    return _waking(case, case.record, at)


def desired_of(spec: Spec) -> Replicas:
    if spec.autoscaler is not None:
        return Replicas(None, spec.autoscaler.minimum)
    return Replicas(spec.replicas)


def sleeping_at(spec: Spec, target: int, saved_replicas: int) -> Replicas:
    """While asleep: at 0 the autoscaler rests, above 0 its minimum moves. Sleep never adds replicas."""
    if spec.autoscaler is None:
        return Replicas(min(target, saved_replicas))
    if target == 0:
        return Replicas(0, spec.autoscaler.minimum)
    return Replicas(None, min(target, spec.autoscaler.minimum))


def waking_to(spec: Spec, record: Record, live: Live | None = None) -> Replicas:
    """After the wake: an edit made meanwhile counts; then the schedule's number; then what was saved.

    A manual change while asleep is kept where a person said so, and where it is more than that.
    """
    is_adopted = record.hold is not None and record.hold.answer is Answer.ADOPT
    if spec.autoscaler is not None:
        return _scaled_to(spec.autoscaler, record, live, is_adopted=is_adopted)
    if spec.replicas != record.spec_replicas:
        count = spec.replicas
    elif spec.wake_to is not None:
        count = max(1, spec.wake_to)
    else:
        count = record.saved_replicas
    if record.hold is not None and live is not None:
        count = live.replicas if is_adopted else max(count, live.replicas)
    return Replicas(count)


def _scaled_to(scaler: Autoscaler, record: Record, live: Live | None, *, is_adopted: bool) -> Replicas:
    """Its minimum, not last night's peak. At 0 an autoscaler does nothing, so from there it needs a count."""
    least = min(scaler.minimum, scaler.maximum)
    if live is not None and is_adopted:
        return Replicas(live.replicas, least)
    is_off = record.saved_replicas == 0
    count = 0 if is_off else max(1, least)
    if live is not None and record.hold is not None:
        count = max(count, min(live.replicas, scaler.maximum))
    needs_count = record.target == 0 or (not is_off and live is not None and live.replicas == 0)
    return Replicas(count if needs_count else None, least)


def _wants_sleep(case: Case, at: datetime) -> bool:
    """Asleep by the decision, and not yet time to start for the next time that it must be Ready."""
    return case.decision.asleep and (case.due is None or at < case.due.start_at)


def _plan(case: Case, do: Do, state: SleepState, words: str, effective: Replicas, record: Record | None) -> Plan:
    live = case.live
    seen = Replicas(live.replicas, live.minimum) if live is not None else None
    return Plan(
        do=do,
        state=state,
        words=words,
        desired=desired_of(case.spec),
        effective=effective,
        live=seen,
        record=record,
        conflict=case.conflict,
    )


def _retired(case: Case) -> Plan:
    do = Do.NOTHING if case.record is None else Do.CLOSE_RECORD
    return _plan(case, do, SleepState.AWAKE, "retired: sleep has nothing to do with it", Replicas(None), None)


def _without_record(case: Case, at: datetime) -> Plan:
    awake, live = desired_of(case.spec), case.live
    state = SleepState.CONFLICT if case.conflict is not None else SleepState.AWAKE
    if live is not None and live.scaled_to_zero:
        return _plan(case, Do.NOTHING, SleepState.IDLE, "its autoscaler took it to zero and wakes it", awake, None)
    if not _wants_sleep(case, at):
        return _plan(case, Do.NOTHING, state, case.decision.words, awake, None)
    reason = _why_not_now(case, at)
    if reason or live is None:
        return _plan(case, Do.NOTHING, state, reason, awake, None)
    saved = live.replicas if live.exists else _first_count(case.spec)
    record = Record(
        opened_at=at,
        due_at=case.due.due_at if case.due else None,
        target=case.decision.target or 0,
        saved_replicas=saved,
        saved_minimum=case.spec.autoscaler.minimum if case.spec.autoscaler else None,
        spec_replicas=case.spec.replicas,
    )
    effective = sleeping_at(case.spec, record.target, saved)
    return _plan(case, Do.OPEN_RECORD, SleepState.FALLING_ASLEEP, case.decision.words, effective, record)


def _why_not_now(case: Case, at: datetime) -> str:
    """Why nothing new sleeps although the decision says so; empty: it sleeps."""
    if case.live is None:
        return "not seen in the cluster yet, and what was not seen is not put to sleep"
    if case.spec.is_paused:
        return "applying is paused, so nothing new is done to it"
    if case.conflict is not None:
        return f"{case.conflict.writer} keeps changing the replicas: resolve the conflict first"
    deployed = case.spec.deployed_at
    if deployed is not None and at < deployed + case.rules.grace:
        return f"deployed a moment ago: may sleep from {(deployed + case.rules.grace).isoformat(timespec='minutes')}"
    return ""


def _first_count(spec: Spec) -> int:
    """What something that is not in the cluster yet would start with."""
    return max(1, spec.autoscaler.minimum) if spec.autoscaler else spec.replicas


def _asleep(case: Case, record: Record, at: datetime) -> Plan:
    words, wanted = case.decision.words, case.decision.target or 0
    if record.wake_started_at is not None:
        again = replace(record, wake_started_at=None, wake_due_at=None, wake_written_at=None)
        again = replace(again, written_at=None, reached_at=None, due_at=case.due.due_at if case.due else None)
        effective = sleeping_at(case.spec, record.target, record.saved_replicas)
        return _plan(case, Do.SLEEP_ON, SleepState.FALLING_ASLEEP, words, effective, again)
    due = _renewed_due(case, record)
    if record.hold is None and (wanted != record.target or due != record.due_at):
        moved = replace(record, target=wanted, due_at=due)
        if wanted != record.target:
            moved = replace(moved, written_at=None, reached_at=None)
        effective = sleeping_at(case.spec, wanted, record.saved_replicas)
        state = SleepState.ASLEEP if moved.reached_at else SleepState.FALLING_ASLEEP
        return _plan(case, Do.RETARGET, state, words, effective, moved)
    if record.hold is not None:
        return _held(case, record, record.hold)
    return _enforced(case, record, at)


def _renewed_due(case: Case, record: Record) -> datetime | None:
    """What cannot be read does not move the wake that was due."""
    if case.due is not None:
        return case.due.due_at
    return record.due_at if case.decision.step is Step.MISSING else None


def _held(case: Case, record: Record, hold: Hold) -> Plan:
    effective = sleeping_at(case.spec, record.target, record.saved_replicas)
    if hold.answer is Answer.RESTORE:
        released = replace(record, hold=None, written_at=None, reached_at=None)
        words = "the manual change is put back"
        found = _plan(case, Do.RELEASE_HOLD, SleepState.FALLING_ASLEEP, words, effective, released)
        return replace(found, conflict=None)
    words = f"scaled to {hold.replicas} by {hold.writer or 'somebody'} while asleep: held until its next window"
    now = _with_value(case.spec, record, effective, case.live.replicas if case.live else hold.replicas)
    if case.conflict is not None:
        words = f"{case.conflict.writer} keeps undoing this sleep: Barista stopped until somebody resolves it"
        return _plan(case, Do.NOTHING, SleepState.CONFLICT, words, now, record)
    return _plan(case, Do.NOTHING, SleepState.HELD, words, now, record)


def _with_value(spec: Spec, record: Record, effective: Replicas, count: int) -> Replicas:
    return effective if _moves_minimum(spec, record) else Replicas(count, effective.minimum)


def _moves_minimum(spec: Spec, record: Record) -> bool:
    return spec.autoscaler is not None and record.target > 0


def _enforced(case: Case, record: Record, at: datetime) -> Plan:
    words, live = case.decision.words, case.live
    effective = sleeping_at(case.spec, record.target, record.saved_replicas)
    if live is None or not live.exists:
        state = SleepState.ASLEEP if record.reached_at else SleepState.FALLING_ASLEEP
        return _plan(case, Do.NOTHING, state, f"{words}; not seen in the cluster now", effective, record)
    value, wanted = _compared(case.spec, record, live, effective)
    if record.written_at is None:
        if value == wanted:
            return _noted(case, replace(record, written_at=live.seen_at), live, effective, at)
        stored = replace(record, written_at=at)
        return _plan(case, Do.WRITE_SLEEP, SleepState.FALLING_ASLEEP, words, effective, stored)
    if value != wanted and live.seen_at > record.written_at:
        return _changed_by_another(case, record, live, effective, at)
    return _noted(case, record, live, effective, at)


def _compared(spec: Spec, record: Record, live: Live, effective: Replicas) -> tuple[int | None, int | None]:
    """The one number that sleep owns, as seen and as wanted."""
    if _moves_minimum(spec, record):
        return live.minimum, effective.minimum
    return live.replicas, effective.count


def _noted(case: Case, record: Record, live: Live, effective: Replicas, at: datetime) -> Plan:
    """The write is in the cluster; asleep once the pods beyond it are gone."""
    words = case.decision.words
    is_down = _moves_minimum(case.spec, record) or live.pods <= (effective.count or 0)
    if record.reached_at is None and is_down:
        return _plan(case, Do.REACHED, SleepState.ASLEEP, words, effective, replace(record, reached_at=at))
    if record != case.record:
        return _plan(case, Do.REACHED, SleepState.FALLING_ASLEEP, words, effective, record)
    state = SleepState.ASLEEP if record.reached_at else SleepState.FALLING_ASLEEP
    return _plan(case, Do.NOTHING, state, words, effective, record)


def _changed_by_another(case: Case, record: Record, live: Live, effective: Replicas, at: datetime) -> Plan:
    """A person's change is held; a machine's is put back a few times an hour, and then it is a conflict.

    What is saved stays as it is, so the morning finds what the evening had.
    """
    hold = Hold(since=at, replicas=live.replicas, writer=live.writer)
    seen = _with_value(case.spec, record, effective, live.replicas)
    if not live.is_automation:
        words = f"scaled to {live.replicas} by {live.writer or 'somebody'} while asleep: held until its next window"
        return _plan(case, Do.HOLD, SleepState.HELD, words, seen, replace(record, hold=hold))
    if record.flips_in_the_last_hour(at) >= case.rules.most_flips:
        words = f"{live.writer} undid this sleep {case.rules.most_flips + 1} times in an hour: Barista stopped"
        found = _plan(case, Do.CONFLICT, SleepState.CONFLICT, words, seen, replace(record, hold=hold))
        return replace(found, conflict=hold)
    flipped = replace(record, flips=(*record.flips[-9:], at), written_at=None, reached_at=None)
    words = f"{live.writer} scaled it to {live.replicas}: put back"
    return _plan(case, Do.FLIP, SleepState.FALLING_ASLEEP, words, effective, flipped)


def _waking(case: Case, record: Record, at: datetime) -> Plan:
    effective, live = waking_to(case.spec, record, case.live), case.live
    words = case.decision.words if not case.decision.asleep else "starts early, to be Ready when it is due"
    if record.wake_started_at is None:
        if not case.may_wake:
            asleep = sleeping_at(case.spec, record.target, record.saved_replicas)
            return _plan(case, Do.NOTHING, SleepState.WAKING, "waits for its turn to wake", asleep, record)
        due = case.due.due_at if case.due and case.decision.asleep else at
        if record.due_at is not None and record.due_at <= at and not case.decision.asleep:
            due = record.due_at
        started = replace(record, wake_started_at=at, wake_due_at=due)
        return _plan(case, Do.START_WAKE, SleepState.WAKING, words, effective, started)
    if live is None or not live.exists:
        return _plan(case, Do.NOTHING, _late(case, record, at), "not seen in the cluster now", effective, record)
    written_at = record.wake_written_at
    if written_at is None and not _is_as(live, effective):
        stored = replace(record, wake_written_at=at)
        return _plan(case, Do.WRITE_WAKE, SleepState.WAKING, words, effective, stored)
    if _is_up(live, effective):
        return _plan(case, Do.CLOSE_RECORD, SleepState.AWAKE, words, desired_of(case.spec), None)
    if live.replicas == 0 and written_at is not None and live.seen_at > written_at:
        return _undone(case, record, live, effective, at)
    state = _late(case, record, at)
    if state is SleepState.WAKE_FAILED:
        words = f"{live.ready} of {effective.count or effective.minimum} Ready, due {record.wake_due_at}"
    return _plan(case, Do.NOTHING, state, words, effective, record)


def _undone(case: Case, record: Record, live: Live, effective: Replicas, at: datetime) -> Plan:
    """Scaled to zero after the wake was written: a person meant it; a machine is answered a few times an hour."""
    if not live.is_automation:
        words = f"scaled to 0 by {live.writer or 'somebody'} after it woke: left so"
        return _plan(case, Do.CLOSE_RECORD, SleepState.AWAKE, words, Replicas(0, effective.minimum), None)
    words = f"{live.writer} scaled it to 0 while it woke"
    if record.flips_in_the_last_hour(at) >= case.rules.most_flips:
        found = _plan(case, Do.CONFLICT, SleepState.CONFLICT, words, Replicas(0, effective.minimum), None)
        return replace(found, conflict=Hold(since=at, replicas=0, writer=live.writer))
    flipped = replace(record, flips=(*record.flips[-9:], at), wake_written_at=None)
    return _plan(case, Do.FLIP, _late(case, record, at), f"{words}: put back", effective, flipped)


def _is_as(live: Live, effective: Replicas) -> bool:
    """Whether nothing has to be written for the wake; an autoscaler may have gone further already."""
    if effective.minimum is None:
        return live.replicas == effective.count
    enough = effective.count is None or live.replicas >= effective.count
    return enough and (live.minimum is None or live.minimum == effective.minimum)


def _is_up(live: Live, effective: Replicas) -> bool:
    """Ready as far as it is wanted: a count that somebody lowered since is what is wanted."""
    if effective.count is None:
        # At 0 without a count: it was switched off before the night.
        return live.replicas == 0 or live.ready >= min(effective.minimum or 0, live.replicas)
    if effective.count == 0:
        return True
    return live.replicas > 0 and live.ready >= min(effective.count, live.replicas)


def _late(case: Case, record: Record, at: datetime) -> SleepState:
    due = record.wake_due_at
    is_late = due is not None and at > due + case.rules.ready_within
    return SleepState.WAKE_FAILED if is_late else SleepState.WAKING
