"""The table of cases: name, then the case, the next step, the state, and the effective replicas and minimum."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from deployments.domain.sleep.plan.cases import (
    Answer,
    Autoscaler,
    Case,
    Do,
    Due,
    Hold,
    Live,
    Record,
    Rules,
    SleepState,
    Spec,
)
from deployments.domain.sleep.schedule.decisions import Decision, Source, Step

AT = datetime(2026, 11, 26, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DUE = Due(due_at=AT + 450 * MINUTE, start_at=AT + 440 * MINUTE)
ASLEEP = Decision(asleep=True, target=0, step=Step.WEEKLY, words="night", source=Source())
ASLEEP_AT_1 = replace(ASLEEP, target=1)
AWAKE = Decision(asleep=False, target=None, step=Step.AWAKE, words="nothing asks for sleep", source=Source())
SPEC = Spec(replicas=10)
SCALED = Spec(replicas=10, autoscaler=Autoscaler(minimum=2, maximum=8))


def live(replicas: int, **more: object) -> Live:
    return Live(**{"seen_at": AT, "replicas": replicas, "pods": replicas, "ready": replicas, **more})


def record(**more: object) -> Record:
    """Opened four hours ago with ten replicas, written and at zero since."""
    base = {
        "opened_at": AT - 240 * MINUTE,
        "due_at": DUE.due_at,
        "target": 0,
        "saved_replicas": 10,
        "saved_minimum": None,
        "spec_replicas": 10,
        "written_at": AT - 239 * MINUTE,
        "reached_at": AT - 238 * MINUTE,
    }
    return Record(**{**base, **more})


HELD = Hold(since=AT - 60 * MINUTE, replicas=3, writer="kubectl")
FRESH = {"written_at": None, "reached_at": None}
STARTED = {"wake_started_at": AT - 9 * MINUTE, "wake_due_at": AT}
WOKEN = {**STARTED, "wake_written_at": AT - 8 * MINUTE}
FLIPS = tuple(AT - minutes * MINUTE for minutes in (50, 30, 10))
ROBOT = {"writer": "argocd-controller", "is_automation": True}
N, S, D = None, SleepState, Do
GRACE = Rules(grace=15 * MINUTE)


def night(spec: Spec = SPEC, **more: object) -> Case:
    return Case(**{"spec": spec, "decision": ASLEEP, "due": DUE, **more})


def morning(spec: Spec = SPEC, **more: object) -> Case:
    return Case(**{"spec": spec, "decision": AWAKE, **more})


GOING_TO_SLEEP = {
    "awake and wanted awake": (morning(live=live(10)), D.NOTHING, S.AWAKE, 10, N),
    "the record is stored before the write": (night(live=live(10)), D.OPEN_RECORD, S.FALLING_ASLEEP, 0, N),
    "then one write": (night(live=live(10), record=record(**FRESH)), D.WRITE_SLEEP, S.FALLING_ASLEEP, 0, N),
    "a crash after the write does not write again": (
        night(live=live(0), record=record(**FRESH)),
        D.REACHED,
        S.ASLEEP,
        0,
        N,
    ),
    "pods that end are falling asleep": (
        night(live=live(0, pods=2), record=record(reached_at=N)),
        D.NOTHING,
        S.FALLING_ASLEEP,
        0,
        N,
    ),
    "at zero": (night(live=live(0), record=record(reached_at=N)), D.REACHED, S.ASLEEP, 0, N),
    "asleep stays asleep": (night(live=live(0), record=record()), D.NOTHING, S.ASLEEP, 0, N),
    "sleep never adds replicas": (
        night(Spec(replicas=2), decision=replace(ASLEEP, target=3), live=live(2)),
        D.OPEN_RECORD,
        S.FALLING_ASLEEP,
        2,
        N,
    ),
    "a target of 1 keeps one": (night(decision=ASLEEP_AT_1, live=live(10)), D.OPEN_RECORD, S.FALLING_ASLEEP, 1, N),
    "asleep for ever has no wake": (night(due=N, live=live(10)), D.OPEN_RECORD, S.FALLING_ASLEEP, 0, N),
    "a window shorter than the time to wake is left out": (
        night(decision=ASLEEP, due=Due(due_at=AT + 5 * MINUTE, start_at=AT - 5 * MINUTE), live=live(10)),
        D.NOTHING,
        S.AWAKE,
        10,
        N,
    ),
    "the target of an open sleep can move": (
        night(decision=ASLEEP_AT_1, live=live(0), record=record()),
        D.RETARGET,
        S.FALLING_ASLEEP,
        1,
        N,
    ),
    "not seen": (night(), D.NOTHING, S.AWAKE, 10, N),
    "paused": (night(replace(SPEC, is_paused=True), live=live(10)), D.NOTHING, S.AWAKE, 10, N),
    "just deployed": (
        night(replace(SPEC, deployed_at=AT - 5 * MINUTE), live=live(10), rules=GRACE),
        D.NOTHING,
        S.AWAKE,
        10,
        N,
    ),
    "the grace is over": (
        night(replace(SPEC, deployed_at=AT - 15 * MINUTE), live=live(10), rules=GRACE),
        D.OPEN_RECORD,
        S.FALLING_ASLEEP,
        0,
        N,
    ),
    "a conflict that nobody settled": (night(live=live(10), conflict=HELD), D.NOTHING, S.CONFLICT, 10, N),
    "the autoscaler took it to zero itself": (
        night(SCALED, live=live(0, scaled_to_zero=True)),
        D.NOTHING,
        S.IDLE,
        N,
        2,
    ),
    "retired": (night(replace(SPEC, is_retired=True), live=live(0)), D.NOTHING, S.AWAKE, N, N),
    "retired while asleep": (
        night(replace(SPEC, is_retired=True), live=live(0), record=record()),
        D.CLOSE_RECORD,
        S.AWAKE,
        N,
        N,
    ),
    "restored in the night starts asleep": (night(live=live(0, exists=False)), D.OPEN_RECORD, S.FALLING_ASLEEP, 0, N),
    "paused while asleep stays asleep": (
        night(replace(SPEC, is_paused=True), live=live(0), record=record()),
        D.NOTHING,
        S.ASLEEP,
        0,
        N,
    ),
    "a deploy while asleep keeps it asleep": (
        night(Spec(replicas=4, deployed_at=AT), live=live(0), record=record(), rules=GRACE),
        D.NOTHING,
        S.ASLEEP,
        0,
        N,
    ),
    "drifted away while asleep": (night(live=live(0, exists=False), record=record()), D.NOTHING, S.ASLEEP, 0, N),
    "a manual scale is held": (night(live=live(1, writer="kubectl"), record=record()), D.HOLD, S.HELD, 1, N),
    "held for the rest of the window": (night(live=live(3), record=record(hold=HELD)), D.NOTHING, S.HELD, 3, N),
    "an answer puts it back to sleep": (
        night(live=live(3), record=record(hold=replace(HELD, answer=Answer.RESTORE))),
        D.RELEASE_HOLD,
        S.FALLING_ASLEEP,
        0,
        N,
    ),
    "an older look is no manual scale": (
        night(live=live(10), record=record(written_at=AT, reached_at=N)),
        D.NOTHING,
        S.FALLING_ASLEEP,
        0,
        N,
    ),
    "a machine is put back": (
        night(live=live(10, **ROBOT), record=record(flips=FLIPS[:2])),
        D.FLIP,
        S.FALLING_ASLEEP,
        0,
        N,
    ),
    "the fourth flip in an hour is a conflict": (
        night(live=live(10, **ROBOT), record=record(flips=FLIPS)),
        D.CONFLICT,
        S.CONFLICT,
        10,
        N,
    ),
    "flips of long ago do not count": (
        night(live=live(10, **ROBOT), record=record(flips=tuple(at - 60 * MINUTE for at in FLIPS))),
        D.FLIP,
        S.FALLING_ASLEEP,
        0,
        N,
    ),
    "a conflict is not fought": (
        night(live=live(10, **ROBOT), record=record(hold=HELD), conflict=HELD),
        D.NOTHING,
        S.CONFLICT,
        10,
        N,
    ),
}

WAKING = {
    "due": (morning(live=live(0), record=record()), D.START_WAKE, S.WAKING, 10, N),
    "early by its lead": (
        night(decision=ASLEEP, due=Due(due_at=AT + 10 * MINUTE, start_at=AT), live=live(0), record=record()),
        D.START_WAKE,
        S.WAKING,
        10,
        N,
    ),
    "waits for its turn": (morning(live=live(0), record=record(), may_wake=False), D.NOTHING, S.WAKING, 0, N),
    "one write": (morning(live=live(0), record=record(**STARTED)), D.WRITE_WAKE, S.WAKING, 10, N),
    "not Ready yet": (morning(live=live(10, ready=9), record=record(**WOKEN)), D.NOTHING, S.WAKING, 10, N),
    "not Ready 15 minutes after it was due": (
        morning(live=live(10, ready=0), record=record(**{**WOKEN, "wake_due_at": AT - 16 * MINUTE})),
        D.NOTHING,
        S.WAKE_FAILED,
        10,
        N,
    ),
    "Ready closes the record": (morning(live=live(10), record=record(**WOKEN)), D.CLOSE_RECORD, S.AWAKE, 10, N),
    "paused while asleep wakes when due": (
        morning(replace(SPEC, is_paused=True), live=live(0), record=record(**STARTED)),
        D.WRITE_WAKE,
        S.WAKING,
        10,
        N,
    ),
    "an edit takes effect at the wake": (
        morning(Spec(replicas=4), live=live(0), record=record(**STARTED)),
        D.WRITE_WAKE,
        S.WAKING,
        4,
        N,
    ),
    "to the schedule's number": (
        morning(replace(SPEC, wake_to=2), live=live(0), record=record(**STARTED)),
        D.WRITE_WAKE,
        S.WAKING,
        2,
        N,
    ),
    "what was 0 before stays 0": (
        morning(live=live(0), record=record(**STARTED, saved_replicas=0)),
        D.CLOSE_RECORD,
        S.AWAKE,
        10,
        N,
    ),
    "a held smaller count wakes to what was saved": (
        morning(live=live(1), record=record(**STARTED, hold=HELD)),
        D.WRITE_WAKE,
        S.WAKING,
        10,
        N,
    ),
    "a held larger count is kept": (
        morning(live=live(12), record=record(**STARTED, hold=HELD)),
        D.CLOSE_RECORD,
        S.AWAKE,
        10,
        N,
    ),
    "an adopted count is kept": (
        morning(live=live(3), record=record(**STARTED, hold=replace(HELD, answer=Answer.ADOPT))),
        D.CLOSE_RECORD,
        S.AWAKE,
        10,
        N,
    ),
    "scaled by hand after it woke is left so": (
        morning(live=live(3), record=record(**WOKEN)),
        D.CLOSE_RECORD,
        S.AWAKE,
        10,
        N,
    ),
    "scaled to 0 by hand after it woke is left so": (
        morning(live=live(0, writer="kubectl"), record=record(**WOKEN)),
        D.CLOSE_RECORD,
        S.AWAKE,
        0,
        N,
    ),
    "a machine that undoes the wake is answered": (
        morning(live=live(0, **ROBOT), record=record(**WOKEN)),
        D.FLIP,
        S.WAKING,
        10,
        N,
    ),
    "and is a conflict at the fourth time": (
        morning(live=live(0, **ROBOT), record=record(**WOKEN, flips=FLIPS)),
        D.CONFLICT,
        S.CONFLICT,
        0,
        N,
    ),
    "a due wake happens in spite of a conflict": (
        morning(live=live(0), record=record(**STARTED, hold=HELD), conflict=HELD),
        D.WRITE_WAKE,
        S.WAKING,
        10,
        N,
    ),
    "not seen while it is due": (morning(record=record(**STARTED)), D.NOTHING, S.WAKING, 10, N),
    "keep-awake ended while it woke": (
        night(live=live(10, ready=0), record=record(**WOKEN)),
        D.SLEEP_ON,
        S.FALLING_ASLEEP,
        0,
        N,
    ),
    "at 0 the autoscaler rests": (night(SCALED, live=live(6, minimum=2)), D.OPEN_RECORD, S.FALLING_ASLEEP, 0, 2),
    "above 0 its minimum moves": (
        night(SCALED, decision=ASLEEP_AT_1, live=live(6, minimum=2), record=record(target=1, **FRESH)),
        D.WRITE_SLEEP,
        S.FALLING_ASLEEP,
        N,
        1,
    ),
    "and its replicas are its own": (
        night(SCALED, decision=ASLEEP_AT_1, live=live(4, minimum=1), record=record(target=1)),
        D.NOTHING,
        S.ASLEEP,
        N,
        1,
    ),
    "a minimum moved back by hand is held": (
        night(SCALED, decision=ASLEEP_AT_1, live=live(4, minimum=2), record=record(target=1)),
        D.HOLD,
        S.HELD,
        N,
        1,
    ),
    "wakes to its minimum, not to the peak": (
        morning(SCALED, live=live(0, minimum=2), record=record(**STARTED)),
        D.WRITE_WAKE,
        S.WAKING,
        2,
        2,
    ),
    "at 0 before stays 0 with an autoscaler too": (
        morning(SCALED, live=live(0, minimum=2), record=record(**STARTED, saved_replicas=0)),
        D.CLOSE_RECORD,
        S.AWAKE,
        N,
        2,
    ),
    "switched off by hand above a target of 1 wakes all the same": (
        morning(SCALED, live=live(0, minimum=1), record=record(target=1, **STARTED)),
        D.WRITE_WAKE,
        S.WAKING,
        2,
        2,
    ),
    "wakes to 1 at least": (
        morning(
            replace(SCALED, autoscaler=Autoscaler(minimum=0, maximum=8)),
            live=live(0, minimum=0),
            record=record(**STARTED),
        ),
        D.WRITE_WAKE,
        S.WAKING,
        1,
        0,
    ),
    "a minimum above a lowered maximum is cut": (
        morning(
            replace(SCALED, autoscaler=Autoscaler(minimum=9, maximum=3)),
            live=live(0, minimum=9),
            record=record(**STARTED),
        ),
        D.WRITE_WAKE,
        S.WAKING,
        3,
        3,
    ),
    "its minimum comes back": (
        morning(SCALED, live=live(1, minimum=1), record=record(target=1, **STARTED)),
        D.WRITE_WAKE,
        S.WAKING,
        N,
        2,
    ),
    "it may have gone further already": (
        morning(SCALED, live=live(5, minimum=2), record=record(**WOKEN)),
        D.CLOSE_RECORD,
        S.AWAKE,
        N,
        2,
    ),
}

TABLE = {**GOING_TO_SLEEP, **WAKING}
