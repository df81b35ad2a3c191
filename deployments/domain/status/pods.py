"""Pods and events in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from baristaweb.lib.looks import Tone
from deployments.domain.apiserver.objects import condition, instant, message, number, obj, objects, text
from deployments.domain.manifests.pod_template import CONTAINER
from deployments.domain.status import containers
from deployments.domain.status.states import ClusterView, PodState

_IMAGE_REASONS: Final = frozenset(
    {
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
_CONFIG_REASONS: Final = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
# Events of a pod that say more than its status does.
TELLING_REASONS: Final = frozenset(
    {"Failed", "FailedScheduling", "Unhealthy", "Killing", "TriggeredScaleUp", "NotTriggerScaleUp"}
    | {"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"}
)
# Of the kubelet's "Failed" events the one with the registry's answer; others only say "Error: ImagePullBackOff".
PULL_FAILED: Final = "failed to pull image"
# Of its "Killing" events those of a probe, by which a kill looks like any other SIGKILL in the status.
_PROBE_KILLS: Final = {
    "failed startup probe": "takes longer to start than its startup probe allows and is killed each time: "
    "allow more failures there",
    "failed liveness probe": "does not answer its liveness probe and is killed each time",
}
_ASKED_TO_END: Final = (0, 137, 143)
# Why a pod has to go, beside somebody deleting it: the reasons of its condition DisruptionTarget.
_SENT_AWAY: Final = {
    "DeletionByTaintManager": "its node does not answer or is closed to it",
    "EvictionByEvictionAPI": "its node is being drained",
    "PreemptionByScheduler": "it makes room for pods of a higher priority",
    "TerminationByKubelet": "its node ran short of something or shuts down",
}
HASH_LABEL: Final = "pod-template-hash"
REVISION_ANNOTATION: Final = "deployment.kubernetes.io/revision"

# The kubelet keeps 2 KiB or 80 lines of what a container said last: the end of it is what explains.
_WORDS_MAX: Final = 4096
_WORDS_LINES: Final = 12
_WORDS_WIDE: Final = 400

_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)

# The scheduler's second sentence, which repeats the first for pods that might be pushed out: noise for a reader.
_PREEMPTION: Final = "preemption: "
_NO_CLAIMS: Final = "no new claims to deallocate"

# A container that ended this often is in a loop also while its next attempt runs: the state must not flicker.
_LOOP_RESTARTS: Final = 3

# Exit codes worth a word; 128 + n is signal n.
_EXITS: Final = {
    126: "its command cannot be run",
    127: "its command was not found",
    134: "abort (SIGABRT)",
    137: "killed (SIGKILL), often too little memory",
    139: "a crash in native code (SIGSEGV)",
    143: "asked to stop (SIGTERM)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRow:
    """One line of the pod table.

    `revision` is the Deployment's own rollout number of the pod's ReplicaSet; `last_words` are the last lines of a
    container that ended badly, named by `failing_container` where there are several; `container_names` may be asked
    for logs.
    """

    name: str
    state: PodState
    label: str
    tone: Tone
    reason: str
    detail: str
    revision_hash: str
    revision: str
    ready: bool
    restarts: int
    last_exit_code: int | None
    node: str
    age_started_at: datetime | None
    container_names: tuple[str, ...]
    has_previous: bool
    failing_container: str
    last_words: str
    cpu_request: str
    memory_request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """`object` is "Pod/name", or "3 Pods" when the same happened to several."""

    reason: str
    message: str
    count: int
    first: datetime | None
    last: datetime | None
    tone: Tone
    object: str


def pod_rows(view: ClusterView) -> tuple[PodRow, ...]:
    """All pods, worst first, then by name."""
    revisions = {
        text(item, "metadata", "labels", HASH_LABEL): text(item, "metadata", "annotations", REVISION_ANNOTATION)
        for item in view.replica_sets
    }
    rows = [_row(pod, view.events, revisions) for pod in view.pods]
    return tuple(sorted(rows, key=lambda row: (-row.state.severity, row.name)))


def explain_pod(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> tuple[PodState, str]:
    """The state of a pod and one sentence saying why."""
    name = text(pod, "metadata", "name") or "The pod"
    phase = text(pod, "status", "phase")
    if text(pod, "metadata", "deletionTimestamp"):
        cause = _SENT_AWAY.get(text(condition(pod, "DisruptionTarget"), "reason"))
        return PodState.TERMINATING, f"{name} is ending{f': {cause}' if cause else ''}."
    if phase == "Succeeded":
        return PodState.COMPLETED, f"{name} has ended."
    if phase == "Failed":
        return _failed(pod, name)
    trouble = _container_trouble(pod, name, events)
    if trouble is not None:
        return trouble
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        reason = message(text(scheduled, "message")) or _last_event(pod, events, "FailedScheduling")
        reason = reason.partition(_PREEMPTION)[0].rstrip(" .,").removesuffix(_NO_CLAIMS).rstrip(" .,")
        return _no_node(pod, name, reason or "the scheduler gave no reason", events)
    if condition(pod, "Ready").get("status") == "True":
        return PodState.READY, f"{name} is ready."
    if phase == "Pending":
        return PodState.PENDING, _pending(pod, name, events)
    if phase == "Running":
        return _not_ready(pod, name, events)
    return PodState.UNKNOWN, f"The cluster does not know how {name} is; its node may be gone."


def without_name(sentence: str, name: str) -> str:
    """What is said of a pod, without its generated name: beside its deployment the name tells a person nothing."""
    rest = sentence
    if name:
        rest = sentence.removeprefix(f"{name} ").replace(f" of {name}", "").replace(f" {name}", "")
    # It may begin with the name of somebody else's pod, which has no capital letter.
    return rest if "-" in rest.partition(" ")[0] else rest[:1].upper() + rest[1:]


def last_words(pod: Mapping[str, Any]) -> str:
    """The last lines of a container that ended with an error, as the kubelet kept them; empty when it kept none."""
    for status in containers.statuses(pod):
        if status.get("ready") is True:
            continue
        for ended in (obj(status, "state", "terminated"), obj(status, "lastState", "terminated")):
            said = text(ended, "message")
            if said and number(ended, "exitCode") != 0:
                lines = [message(line, _WORDS_WIDE) for line in said[-_WORDS_MAX:].splitlines() if line.strip()]
                return "\n".join(lines[-_WORDS_LINES:])
    return ""


def group_events(events: Iterable[Mapping[str, Any]]) -> tuple[EventRow, ...]:
    """Events with the same reason and message about objects of one kind as one row, newest first."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for event in events:
        key = (text(event, "reason"), message(text(event, "message")), text(event, "involvedObject", "kind"))
        groups.setdefault(key, []).append(event)
    rows = [_event_row(*key, members) for key, members in groups.items()]
    return tuple(sorted(rows, key=lambda row: (row.last or _LONG_AGO, row.reason), reverse=True))


def event_time(event: Mapping[str, Any]) -> datetime | None:
    return (
        instant(event, "series", "lastObservedTime")
        or instant(event, "lastTimestamp")
        or instant(event, "eventTime")
        or instant(event, "metadata", "creationTimestamp")
    )


def _event_row(reason: str, said: str, kind: str, members: list[Mapping[str, Any]]) -> EventRow:
    names = {text(item, "involvedObject", "name") for item in members}
    firsts = [at for at in (instant(item, "firstTimestamp") or event_time(item) for item in members) if at]
    lasts = [at for at in map(event_time, members) if at]
    count = sum(max(1, number(item, "count", default=1), number(item, "series", "count")) for item in members)
    is_warning = any(text(item, "type") == "Warning" for item in members)
    return EventRow(
        reason=message(reason, 120),
        message=said,
        count=count,
        first=min(firsts, default=None),
        last=max(lasts, default=None),
        tone=Tone.WARN if is_warning else Tone.QUIET,
        object=f"{kind}/{min(names)}" if len(names) == 1 else f"{len(names)} {kind}s",
    )


def _row(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], revisions: Mapping[str, str]) -> PodRow:
    state, sentence = explain_pod(pod, events)
    statuses = containers.statuses(pod)
    first = next((item for item in objects(pod, "spec", "containers") if text(item, "name") == CONTAINER), {})
    failing, names = containers.failing(pod), tuple(containers.kinds(pod))
    revision_hash = text(pod, "metadata", "labels", HASH_LABEL)
    exits = [obj(item, "lastState", "terminated").get("exitCode") for item in [failing, *statuses]]
    exits.append(obj(failing, "state", "terminated").get("exitCode"))
    return PodRow(
        name=text(pod, "metadata", "name"),
        state=state,
        label=state.label,
        tone=state.tone,
        reason=_reason(pod, statuses),
        detail=sentence,
        revision_hash=revision_hash,
        revision=revisions.get(revision_hash, ""),
        ready=condition(pod, "Ready").get("status") == "True" and state is not PodState.TERMINATING,
        restarts=sum(max(0, number(item, "restartCount")) for item in statuses),
        last_exit_code=next((code for code in exits if isinstance(code, int)), None),
        node=text(pod, "spec", "nodeName"),
        age_started_at=instant(pod, "metadata", "creationTimestamp"),
        container_names=names,
        has_previous=any(obj(item, "lastState", "terminated") for item in ([failing] if failing else statuses)),
        failing_container=text(failing, "name") if len(names) > 1 else "",
        last_words=last_words(pod),
        cpu_request=text(first, "resources", "requests", "cpu"),
        memory_request=text(first, "resources", "requests", "memory"),
    )


def _reason(pod: Mapping[str, Any], statuses: Sequence[Mapping[str, Any]]) -> str:
    """The cluster's own word, for people who search for it."""
    for status in statuses:
        for kind in ("waiting", "terminated"):
            word = text(status, "state", kind, "reason")
            if word:
                return message(word, 120)
    scheduled = text(condition(pod, "PodScheduled"), "reason")
    return message(text(pod, "status", "reason") or scheduled or text(pod, "status", "phase"), 120)


def _failed(pod: Mapping[str, Any], name: str) -> tuple[PodState, str]:
    said = message(text(pod, "status", "message"))
    if text(pod, "status", "reason") == "Evicted":
        return PodState.EVICTED, f"{name} was evicted: {said or 'its node ran short of something'}"
    return PodState.FAILED, f"{name} failed: {said or message(text(pod, 'status', 'reason'), 120) or 'no reason given'}"


def _container_trouble(
    pod: Mapping[str, Any], name: str, events: Sequence[Mapping[str, Any]]
) -> tuple[PodState, str] | None:
    for status in containers.statuses(pod):
        whose = containers.in_words(pod, status)
        who = f"The {whose} of {name}" if whose else name
        waiting = obj(status, "state", "waiting")
        reason, said = text(waiting, "reason"), message(text(waiting, "message"))
        if reason in _IMAGE_REASONS:
            image = text(status, "image") or "the image"
            answer = _last_event(pod, events, "Failed", containing=PULL_FAILED) or said
            return PodState.IMAGE_ERROR, f"{who} cannot pull {message(image, 200)}: {answer or reason}"
        if reason in _CONFIG_REASONS:
            return PodState.CONFIG_ERROR, f"{who} cannot start{'' if whose else ' its container'}: {said or reason}"
        ended, last = obj(status, "state", "terminated"), obj(status, "lastState", "terminated")
        if reason == "CrashLoopBackOff":
            return _crashed(status, last, who, pod, events)
        if ended and number(ended, "exitCode") != 0:
            return _crashed(status, ended, who, pod, events)
        if last and status.get("ready") is not True and number(status, "restartCount") >= _LOOP_RESTARTS:
            return _crashed(status, last, who, pod, events)
    return None


def _crashed(
    status: Mapping[str, Any],
    ended: Mapping[str, Any],
    name: str,
    pod: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
) -> tuple[PodState, str]:
    restarts = number(status, "restartCount")
    times = "once" if restarts == 1 else f"{restarts} times"
    if text(ended, "reason") == "OOMKilled":
        return PodState.OOM_KILLED, f"{name} needed more memory than its limit and was killed; it restarted {times}."
    code = ended.get("exitCode")
    by_probe = (said for said in _PROBE_KILLS if _last_event(pod, events, "Killing", containing=said))
    if code in _ASKED_TO_END and (said := next(by_probe, "")):
        answer = _last_event(pod, events, "Unhealthy")
        asked = f" Its last check said: {answer}" if answer else ""
        return PodState.CRASH_LOOPING, f"{name} {_PROBE_KILLS[said]}; it restarted {times}.{asked}"
    if not isinstance(code, int):
        return PodState.CRASH_LOOPING, f"{name} keeps crashing soon after it starts; it restarted {times}."
    meaning = _EXITS.get(code, f"signal {code - 128}" if 128 < code < 160 else "its log says why")
    if code == 0:
        meaning = "it ended by itself, a server should keep running"
    return PodState.CRASH_LOOPING, f"{name} keeps crashing: exit code {code} ({meaning}); it restarted {times}."


def _no_node(
    pod: Mapping[str, Any], name: str, reason: str, events: Sequence[Mapping[str, Any]]
) -> tuple[PodState, str]:
    """No node has room; whether the cluster autoscaler adds one is told by its newest event."""
    if text(condition(pod, "PodScheduled"), "reason") == "SchedulingGated":
        gates = ", ".join(message(text(gate, "name"), 253) for gate in objects(pod, "spec", "schedulingGates"))
        return (
            PodState.UNSCHEDULABLE,
            f"{name} is held back by {gates or 'a scheduling gate'}: whoever set it lets it go.",
        )
    adds, adds_none = (_newest(pod, events, kind) for kind in ("TriggeredScaleUp", "NotTriggerScaleUp"))
    if adds and (not adds_none or str(event_time(adds)) >= str(event_time(adds_none))):
        said = message(text(adds, "message"), 300).removeprefix("pod triggered scale-up: ")
        return PodState.PENDING, f"{name} waits for a node that the cluster autoscaler adds: {said}."
    if adds_none:
        said = message(text(adds_none, "message"), 300)
        said = said.removeprefix("pod didn't trigger scale-up: ").removeprefix("pod didn't trigger scale-up")
        why = f": {said}" if said else ""
        return PodState.UNSCHEDULABLE, f"No node fits {name}: {reason}. The cluster autoscaler adds none{why}."
    if "persistentvolumeclaim" in reason.lower():
        return PodState.UNSCHEDULABLE, f"{name} waits for its volume: {reason}."
    return PodState.UNSCHEDULABLE, f"No node fits {name}: {reason}."


def _pending(pod: Mapping[str, Any], name: str, events: Sequence[Mapping[str, Any]]) -> str:
    if not text(pod, "spec", "nodeName"):
        return f"{name} waits for a node."
    for status in objects(pod, "status", "initContainerStatuses"):
        if obj(status, "state", "running") and status.get("ready") is not True:
            return f"{name} waits for its init container {message(text(status, 'name'), 63)}, which the cluster added."
    node = message(text(pod, "spec", "nodeName"), 253)
    held = (_newest(pod, events, reason) for reason in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"))
    worst = max((event for event in held if event), key=lambda event: str(event_time(event) or ""), default=None)
    if worst is not None:
        return f"{name} is on {node} and cannot be set up there: {message(text(worst, 'message'), 300)}"
    return f"{name} is on {node}, pulling its image and creating its container."


def _not_ready(pod: Mapping[str, Any], name: str, events: Sequence[Mapping[str, Any]]) -> tuple[PodState, str]:
    statuses = objects(pod, "status", "containerStatuses")
    node = text(pod, "spec", "nodeName") or "its node"
    # The kubelet says that the containers are ready; only the control plane can have taken the pod's word away.
    if statuses and all(item.get("ready") is True for item in statuses) and not objects(pod, "spec", "readinessGates"):
        return PodState.NOT_READY, f"{name} was ready, but {node} has stopped reporting: it may be overloaded or gone."
    answer = _last_event(pod, events, "Unhealthy")
    said = f" Its last check said: {answer}" if answer else ""
    changed = instant(condition(pod, "Ready"), "lastTransitionTime")
    started = [at for at in (instant(item, "state", "running", "startedAt") for item in statuses) if at]
    # Not ready since later than its containers started: it must have been ready in between.
    if changed and started and (changed - max(started)).total_seconds() > 1:
        return PodState.NOT_READY, f"{name} was ready and does not pass its readiness check any more.{said}"
    return PodState.STARTING, f"{name} is running and not ready yet.{said}"


def _last_event(
    pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], reason: str, *, containing: str = ""
) -> str:
    return message(text(_newest(pod, events, reason, containing=containing), "message"))


def _newest(
    pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], reason: str, *, containing: str = ""
) -> Mapping[str, Any]:
    """The newest event of a pod for this reason; empty when there is none."""
    uid = text(pod, "metadata", "uid")
    matching = [
        event
        for event in events
        if text(event, "reason") == reason
        and uid
        and text(event, "involvedObject", "uid") == uid
        and containing in text(event, "message").lower()
    ]
    return max(matching, key=lambda event: str(event_time(event) or ""), default={})
