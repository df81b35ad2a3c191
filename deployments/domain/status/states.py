"""The words for states: one enum per state machine, each member with its label, tone, icon and severity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from baristaweb.lib.looks import Look, Shown, Tone
from deployments.domain.status.usage import PodUse, uses_from_json


class Phase(Shown):
    """How far the apply machine is. It says nothing about pods."""

    NEW = "new"
    SAVED = "saved"
    APPLYING = "applying"
    APPLIED = "applied"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    UNREACHABLE = "unreachable"
    PARKED = "parked"
    PAUSED = "paused"
    RETIRING = "retiring"
    RETIRED = "retired"

    @property
    def look(self) -> Look:
        return _PHASES[self]


class State(Shown):
    """What a person sees: the one answer to "is it all right?"."""

    RUNNING = "running"
    ROLLING_OUT = "rolling-out"
    STARTING = "starting"
    STALLED = "stalled"
    DEGRADED = "degraded"
    OVERLOADED = "overloaded"
    CRASH_LOOPING = "crash-looping"
    IMAGE_ERROR = "image-error"
    UNSCHEDULABLE = "unschedulable"
    FAILED = "failed"
    CONFLICT = "conflict"
    BLOCKED = "blocked"
    DRIFTED = "drifted"
    PAUSED = "paused"
    ASLEEP = "asleep"
    FALLING_ASLEEP = "falling-asleep"
    WAKING = "waking"
    WAKE_FAILED = "wake-failed"
    HELD_AWAKE = "held-awake"
    SAVED_NOT_APPLIED = "saved-not-applied"
    UNREACHABLE = "unreachable"
    RETIRING = "retiring"
    RETIRED = "retired"
    MISSING = "missing"
    UNKNOWN = "unknown"

    @property
    def look(self) -> Look:
        return _STATES[self]


class PodState(Shown):
    READY = "ready"
    STARTING = "starting"
    PENDING = "pending"
    NOT_READY = "not-ready"
    TERMINATING = "terminating"
    COMPLETED = "completed"
    EVICTED = "evicted"
    FAILED = "failed"
    CONFIG_ERROR = "config-error"
    UNSCHEDULABLE = "unschedulable"
    IMAGE_ERROR = "image-error"
    OOM_KILLED = "oom-killed"
    CRASH_LOOPING = "crash-looping"
    UNKNOWN = "unknown"

    @property
    def look(self) -> Look:
        return _PODS[self]


class NextAction(StrEnum):
    ROLLBACK = "rollback"
    OPEN_LOGS = "open_logs"
    EDIT = "edit"
    RESOLVE_CONFLICT = "resolve_conflict"
    TRY_NOW = "try_now"
    RESUME = "resume"
    NONE = "none"

    @property
    def label(self) -> str:
        return {
            "rollback": "Roll back",
            "open_logs": "Open logs",
            "edit": "Edit",
            "resolve_conflict": "Resolve",
            "try_now": "Try now",
            "resume": "Resume",
            "none": "",
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """Objects as the API server answered them (plain JSON, without managedFields), and when.

    `events`: what was last told of each pod and why. `usage` by pod. `strays`: names of other pods that carry the
    deployment's label, so that its Service selects them too. `observed_at` None: never seen.
    """

    deployment: dict[str, Any] | None = None
    replica_sets: tuple[dict[str, Any], ...] = ()
    pods: tuple[dict[str, Any], ...] = ()
    hpa: dict[str, Any] | None = None
    service: dict[str, Any] | None = None
    ingress: dict[str, Any] | None = None
    pdb: dict[str, Any] | None = None
    events: tuple[dict[str, Any], ...] = ()
    usage: Mapping[str, PodUse] = field(default_factory=dict)
    strays: tuple[str, ...] = ()
    observed_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """As Observation.view holds it; when it was seen is a column beside it."""
        return {
            "deployment": self.deployment,
            "replicasets": list(self.replica_sets),
            "pods": list(self.pods),
            "hpa": self.hpa,
            "service": self.service,
            "ingress": self.ingress,
            "pdb": self.pdb,
            "events": list(self.events),
            "usage": {name: use.to_json() for name, use in self.usage.items()},
            "strays": list(self.strays),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], observed_at: datetime | None) -> Self:
        """Of `to_json`, and of views that were stored before it existed."""
        return cls(
            **{name: data.get(name) for name in ("deployment", "hpa", "service", "ingress", "pdb")},
            replica_sets=tuple(data.get("replicasets") or ()),
            pods=tuple(data.get("pods") or ()),
            events=tuple(data.get("events") or ()),
            usage=uses_from_json(data.get("usage")),
            strays=tuple(data.get("strays") or ()),
            observed_at=observed_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What our rows say. `cluster_ok` False: the cluster does not answer at present, or refuses our credentials.

    `missing`: kinds of its objects that are not in the cluster. `is_awake`: no sleep of ours is open, so pods are
    wanted; `scaled_by` who took them away all the same, if that is known. `waiting_since`: when the oldest change was
    saved that the cluster has not accepted. `sleep_change`: the newest intent is to fall asleep or to wake.
    """

    generation: int
    observed_generation: int
    phase: Phase
    revision: int
    applied_at: datetime | None = None
    paused: bool = False
    retired: bool = False
    last_error: str = ""
    cluster_ok: bool = True
    cluster_refuses: bool = False
    drifted: bool = False
    missing: frozenset[str] = frozenset()
    asleep_reason: str = ""
    is_awake: bool = False
    scaled_by: str = ""
    waiting_since: datetime | None = None
    sleep_change: State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`why` is the detail under the sentence, in words; `since` is when the state began, None when unknown."""

    state: State
    sentence: str
    why: str = ""
    next_action: NextAction = NextAction.NONE
    worst_pod: str = ""
    ready: int = 0
    desired: int | None = None
    updated: int = 0
    since: datetime | None = None


_T = Tone
_STATES: Final[dict[State, Look]] = {
    State.CRASH_LOOPING: Look("Crash-looping", _T.BAD, "alert-octagon", True, 100),
    State.IMAGE_ERROR: Look("Image not pulled", _T.BAD, "photo-off", True, 96),
    State.FAILED: Look("Failed", _T.BAD, "alert-octagon", True, 94),
    State.MISSING: Look("Missing", _T.BAD, "ghost", True, 92),
    State.UNSCHEDULABLE: Look("Unschedulable", _T.BAD, "server-off", True, 90),
    State.BLOCKED: Look("Blocked", _T.BAD, "ban", True, 88),
    State.DEGRADED: Look("Degraded", _T.STALL, "heartbeat", True, 86),
    State.CONFLICT: Look("Conflict", _T.WARN, "git-compare", True, 84),
    State.STALLED: Look("Stalled", _T.STALL, "hourglass", True, 80),
    State.UNREACHABLE: Look("Cluster unreachable", _T.STALL, "plug-connected-x", False, 70),
    State.OVERLOADED: Look("At its maximum", _T.WARN, "arrow-up", True, 65),
    State.WAKE_FAILED: Look("Did not wake", _T.BAD, "alert-octagon", False, 89),
    State.DRIFTED: Look("Drifted", _T.WARN, "wave-sine", True, 60),
    State.SAVED_NOT_APPLIED: Look("Saved, not applied", _T.DRAFT, "device-floppy", False, 50),
    State.UNKNOWN: Look("Not seen yet", _T.QUIET, "help", False, 45),
    State.STARTING: Look("Starting", _T.BUSY, "refresh", False, 40),
    State.WAKING: Look("Waking", _T.BUSY, "sunrise", False, 39),
    State.ROLLING_OUT: Look("Rolling out", _T.BUSY, "refresh", False, 38),
    State.RETIRING: Look("Retiring", _T.BUSY, "archive", False, 34),
    State.PAUSED: Look("Paused", _T.WARN, "player-pause", True, 30),
    State.HELD_AWAKE: Look("Held awake", _T.WARN, "sun", True, 32),
    State.FALLING_ASLEEP: Look("Falling asleep", _T.SLEEP, "moon", False, 22),
    State.ASLEEP: Look("Asleep", _T.SLEEP, "moon", True, 20),
    State.RUNNING: Look("Running", _T.OK, "circle-check", True, 10),
    State.RETIRED: Look("Retired", _T.QUIET, "archive", True, 0),
}

_PHASES: Final[dict[Phase, Look]] = {
    Phase.NEW: Look("New", _T.DRAFT, "device-floppy", False, 40),
    Phase.SAVED: Look("Saved, not applied", _T.DRAFT, "device-floppy", False, 50),
    Phase.APPLYING: Look("Applying", _T.BUSY, "refresh", False, 45),
    Phase.APPLIED: Look("Applied", _T.OK, "circle-check", True, 10),
    Phase.BLOCKED: Look("Blocked", _T.BAD, "ban", True, 88),
    Phase.CONFLICT: Look("Conflict", _T.WARN, "git-compare", True, 84),
    Phase.UNREACHABLE: Look("Cluster unreachable", _T.STALL, "plug-connected-x", False, 70),
    Phase.PARKED: Look("Parked after repeated failures", _T.BAD, "alert-octagon", True, 94),
    Phase.PAUSED: Look("Paused", _T.WARN, "player-pause", True, 30),
    Phase.RETIRING: Look("Retiring", _T.BUSY, "archive", False, 34),
    Phase.RETIRED: Look("Retired", _T.QUIET, "archive", True, 0),
}

_PODS: Final[dict[PodState, Look]] = {
    PodState.CRASH_LOOPING: Look("Crash-looping", _T.BAD, "alert-octagon", True, 100),
    PodState.OOM_KILLED: Look("Out of memory", _T.BAD, "alert-octagon", True, 98),
    PodState.IMAGE_ERROR: Look("Image not pulled", _T.BAD, "photo-off", True, 96),
    PodState.CONFIG_ERROR: Look("Configuration missing", _T.BAD, "file-off", True, 95),
    PodState.FAILED: Look("Failed", _T.BAD, "alert-octagon", True, 94),
    PodState.UNSCHEDULABLE: Look("Unschedulable", _T.BAD, "server-off", True, 90),
    PodState.EVICTED: Look("Evicted", _T.WARN, "logout", True, 70),
    PodState.NOT_READY: Look("Not ready", _T.WARN, "heartbeat", False, 60),
    PodState.UNKNOWN: Look("Unknown", _T.QUIET, "help", False, 50),
    PodState.PENDING: Look("Pending", _T.BUSY, "clock", False, 40),
    PodState.STARTING: Look("Starting", _T.BUSY, "refresh", False, 38),
    PodState.TERMINATING: Look("Ending", _T.QUIET, "logout", False, 5),
    PodState.COMPLETED: Look("Ended", _T.QUIET, "circle-check", True, 4),
    PodState.READY: Look("Ready", _T.OK, "circle-check", True, 1),
}
