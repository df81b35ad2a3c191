"""What a plan is made from, and what it says: desired, effective and live replicas are three different things."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from baristaweb.lib.looks import Look, Shown, Tone
from deployments.domain.sleep.schedule.decisions import Decision
from deployments.domain.sleep.schedule.layers import OpenSleep

FLIP_WINDOW: Final = timedelta(hours=1)


class SleepState(Shown):
    """Where a deployment is between asleep and awake."""

    AWAKE = "awake"
    FALLING_ASLEEP = "falling-asleep"
    ASLEEP = "asleep"
    WAKING = "waking"
    WAKE_FAILED = "wake-failed"
    HELD = "held"
    CONFLICT = "sleep-conflict"
    IDLE = "idle"

    @property
    def look(self) -> Look:
        return _LOOKS[self]


_LOOKS: Final = {
    SleepState.WAKE_FAILED: Look("Did not wake", Tone.BAD, "alert-octagon", False, 95),
    SleepState.CONFLICT: Look("Conflict", Tone.WARN, "git-compare", True, 84),
    SleepState.HELD: Look("Held awake", Tone.WARN, "sun", True, 32),
    SleepState.WAKING: Look("Waking", Tone.BUSY, "refresh", False, 39),
    SleepState.FALLING_ASLEEP: Look("Falling asleep", Tone.SLEEP, "moon", False, 22),
    SleepState.ASLEEP: Look("Asleep", Tone.SLEEP, "moon", True, 20),
    SleepState.IDLE: Look("Idle, by its autoscaler", Tone.SLEEP, "moon", True, 12),
    SleepState.AWAKE: Look("Awake", Tone.OK, "circle-check", True, 10),
}


class Do(StrEnum):
    """The one next step. The shell does it, stores what the docstring of `plan.next_step` says, and plans again."""

    NOTHING = "nothing"
    OPEN_RECORD = "open-record"
    WRITE_SLEEP = "write-sleep"
    RETARGET = "retarget"
    REACHED = "reached"
    FLIP = "flip"
    HOLD = "hold"
    RELEASE_HOLD = "release-hold"
    CONFLICT = "conflict"
    SLEEP_ON = "sleep-on"
    START_WAKE = "start-wake"
    WRITE_WAKE = "write-wake"
    CLOSE_RECORD = "close-record"


class Answer(StrEnum):
    """What a person said about a manual change: keep it, put it back, or nothing yet."""

    NONE = ""
    ADOPT = "adopt"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What our rows want when awake: `replicas`, or the autoscaler's range where there is one.

    `wake_to` is the schedule's number to wake to without an autoscaler; None: to what it was.
    """

    replicas: int
    autoscaler: Autoscaler | None = None
    wake_to: int | None = None
    is_paused: bool = False
    is_retired: bool = False
    deployed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the cluster said at `seen_at`. `writer` is the field manager that wrote the replicas last, "" if unknown."""

    seen_at: datetime
    exists: bool = True
    replicas: int = 0
    pods: int = 0
    ready: int = 0
    minimum: int | None = None
    scaled_to_zero: bool = False
    writer: str = ""
    is_automation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Another writer changed the replicas while asleep; nothing is enforced until the record closes."""

    since: datetime
    replicas: int
    writer: str
    answer: Answer = Answer.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An open sleep, stored before anything is written. `saved_*` never change while it is open."""

    opened_at: datetime
    due_at: datetime | None
    target: int
    saved_replicas: int
    saved_minimum: int | None
    spec_replicas: int
    written_at: datetime | None = None
    reached_at: datetime | None = None
    hold: Hold | None = None
    flips: tuple[datetime, ...] = ()
    wake_started_at: datetime | None = None
    wake_due_at: datetime | None = None
    wake_written_at: datetime | None = None

    @property
    def open_sleep(self) -> OpenSleep:
        """As `schedule.decisions.decide` wants to know of it."""
        return OpenSleep(since=self.opened_at, due_at=self.due_at, target=self.target)

    def flips_in_the_last_hour(self, at: datetime) -> int:
        return sum(at - FLIP_WINDOW < flip <= at for flip in self.flips)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When it must be Ready next, and when waking starts for that (`waves.start_at`)."""

    due_at: datetime
    start_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Settings of the installation."""

    grace: timedelta = timedelta(0)
    ready_within: timedelta = timedelta(minutes=15)
    most_flips: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a plan depends on besides the instant. `live` None: not seen; `conflict`: a person must settle it."""

    spec: Spec
    decision: Decision
    due: Due | None = None
    record: Record | None = None
    live: Live | None = None
    conflict: Hold | None = None
    may_wake: bool = True
    rules: Rules = Rules()


@dataclass(frozen=True, slots=True)
class Replicas:
    """A number of replicas, None: the autoscaler's to choose; and the autoscaler's minimum, None: there is none."""

    count: int | None
    minimum: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`desired`: what the spec wants when awake. `effective`: what is to hold now. `live`: what was seen, None: not.

    `words` say why. `record` is the record as it is to be stored with `do`, None: none is open after it.
    """

    do: Do
    state: SleepState
    words: str
    desired: Replicas
    effective: Replicas
    live: Replicas | None
    record: Record | None = None
    conflict: Hold | None = None
