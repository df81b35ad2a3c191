"""From what the cluster said and what our rows want to one state, one sentence and one next action.

The order of the tests is that of `kubectl rollout status`, with its traps: Progressing stays True after pods die,
a scale also bumps the generation, an exceeded deadline is not the end, and a paused first create is not a pause.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deployments.domain.apiserver.objects import condition, finalizers, instant, message, number, obj, text
from deployments.domain.status import ready, rows, unmet
from deployments.domain.status.pods import (
    HASH_LABEL,
    REVISION_ANNOTATION,
    PodRow,
    pod_rows,
)
from deployments.domain.status.reach import reached
from deployments.domain.status.refusals import with_advice
from deployments.domain.status.states import ClusterView, Intent, NextAction, Phase, PodState, State, Summary

_POD_TROUBLE: Final = {
    PodState.CRASH_LOOPING: (State.CRASH_LOOPING, NextAction.OPEN_LOGS),
    PodState.OOM_KILLED: (State.CRASH_LOOPING, NextAction.EDIT),
    PodState.IMAGE_ERROR: (State.IMAGE_ERROR, NextAction.EDIT),
    PodState.CONFIG_ERROR: (State.FAILED, NextAction.EDIT),
    PodState.FAILED: (State.FAILED, NextAction.OPEN_LOGS),
    PodState.UNSCHEDULABLE: (State.UNSCHEDULABLE, NextAction.EDIT),
}

# Pods that ended for good: the controller has replaced them, and they only lie there until they are collected.
_OVER: Final = frozenset({PodState.EVICTED, PodState.FAILED, PodState.COMPLETED})

_NOW: Final = datetime.max.replace(tzinfo=UTC)

# How long the watch may lag behind an apply before "not there" means missing.
_SETTLE_S: Final = 15
# A Deployment controller acts within moments; after this it is not coming.
_ACTS_WITHIN: Final = timedelta(minutes=2)
# Kubernetes' own deadline for the progress of a rollout, where none is set.
_PATIENCE_S: Final = 600


@dataclass(frozen=True, slots=True)
class _Counts:
    """Numbers of a Deployment. The API server leaves zeros out of status."""

    desired: int
    total: int
    updated: int
    ready: int
    available: int


def summarise(view: ClusterView, *, intent: Intent, at: datetime) -> Summary:
    summary = _decide(view, intent, at)
    if view.deployment is None:
        return summary
    counts = _counts(view.deployment)
    return replace(summary, ready=counts.ready, desired=counts.desired, updated=counts.updated)


def _decide(view: ClusterView, intent: Intent, at: datetime) -> Summary:
    ours = rows.decided(intent)
    if ours is not None:
        return ours
    if view.deployment is None:
        return _absent(view, intent, at)
    seen = _rollout(view, view.deployment, intent, at)
    summary = reached(seen, view, intent.missing, serving=_counts(view.deployment).available)
    is_quiet = summary.state in (State.RUNNING, State.ASLEEP)
    if intent.drifted and is_quiet:
        return replace(
            summary,
            state=State.DRIFTED,
            sentence="The cluster differs from the current revision: someone changed it outside Barista.",
            why=summary.sentence,
            next_action=NextAction.RESOLVE_CONFLICT,
        )
    return summary


def _absent(view: ClusterView, intent: Intent, at: datetime) -> Summary:
    seen = view.observed_at
    if seen is None or (intent.applied_at is not None and seen <= intent.applied_at):
        return Summary(
            state=State.STARTING if intent.applied_at else State.UNKNOWN,
            sentence=f"Revision {intent.revision} is applied; the cluster has not reported on it yet."
            if intent.applied_at
            else "Nothing is known about it yet.",
            since=intent.applied_at,
        )
    if intent.applied_at is not None and (at - intent.applied_at).total_seconds() < _SETTLE_S:
        return Summary(
            state=State.STARTING, sentence=f"Revision {intent.revision} is applied.", since=intent.applied_at
        )
    ready = sum(row.ready for row in pod_rows(view))
    if ready:
        return Summary(
            state=State.DRIFTED,
            sentence="The Deployment does not carry Barista's label any more, and its pods go on serving.",
            why="Somebody changed app.kubernetes.io/managed-by outside of Barista: until it is put back, nothing of "
            "the Deployment is seen here.",
            next_action=NextAction.RESOLVE_CONFLICT if intent.drifted else NextAction.TRY_NOW,
            since=seen,
            ready=ready,
            desired=len(view.pods),
        )
    return Summary(
        state=State.MISSING,
        sentence="The Deployment is gone from the cluster: someone deleted it outside Barista.",
        next_action=NextAction.TRY_NOW,
        since=seen,
    )


def _rollout(view: ClusterView, live: dict[str, Any], intent: Intent, at: datetime) -> Summary:
    counts = _counts(live)
    progressing = condition(live, "Progressing")
    if text(live, "metadata", "deletionTimestamp"):
        return _going(live)
    if number(live, "metadata", "generation") > number(live, "status", "observedGeneration"):
        return _not_acted(counts, intent, at)
    trouble = _trouble(view, live, counts, intent) if counts.desired else None
    if obj(live, "spec").get("paused") is True:
        return _live_paused(intent, counts, trouble)
    if counts.desired == 0:
        return _sleeping(view, counts, intent)
    failure = condition(live, "ReplicaFailure")
    refused_at = instant(failure, "lastTransitionTime")
    is_older = (
        trouble is not None and trouble.since is not None and refused_at is not None and trouble.since < refused_at
    )
    if failure.get("status") == "True" and not is_older:
        said = message(text(failure, "message")) or text(failure, "reason")
        return Summary(
            state=State.BLOCKED,
            sentence=f"It serves, {counts.available} of {counts.desired} ready: the cluster refuses to create more."
            if counts.available
            else "Nothing serves: the cluster refuses to create its pods.",
            why=with_advice(said),
            next_action=NextAction.EDIT,
            since=refused_at,
        )
    is_late = progressing.get("status") == "False" and text(progressing, "reason") == "ProgressDeadlineExceeded"
    if trouble is not None:
        # Where only the extra pod of the rollout finds no room, going back is not the cure.
        is_extra = trouble.state is State.UNSCHEDULABLE and trouble.next_action is NextAction.EDIT
        if is_late and not (is_extra and counts.ready >= counts.desired):
            return replace(trouble, next_action=NextAction.ROLLBACK)
        return trouble
    if is_late:
        worst = _worst(view, live)
        return Summary(
            state=State.STALLED,
            sentence=f"No progress within the deadline: {counts.available} of {counts.desired} ready. "
            "Kubernetes keeps trying.",
            why=worst.detail if worst else message(text(progressing, "message")),
            worst_pod=worst.name if worst else "",
            next_action=NextAction.ROLLBACK,
            since=instant(progressing, "lastUpdateTime"),
        )
    return _progress(view, live, counts, at)


def _going(live: dict[str, Any]) -> Summary:
    names = finalizers(live)
    return Summary(
        state=State.MISSING,
        sentence="Its Deployment is being deleted in the cluster: someone does that outside Barista.",
        why=f"It waits for the finalizers {', '.join(names)}." if names else "",
        next_action=NextAction.TRY_NOW,
        since=instant(live, "metadata", "deletionTimestamp"),
    )


def _progress(view: ClusterView, live: dict[str, Any], counts: _Counts, at: datetime) -> Summary:
    since = instant(condition(live, "Progressing"), "lastUpdateTime")
    worst = _worst(view, live)
    why, pod = (worst.detail, worst.name) if worst and not worst.ready else ("", "")
    is_rollout = _has_old_pods(view, live) or counts.ready == 0
    if counts.updated < counts.desired:
        held = unmet.held_pods(view, at) if counts.available == 0 else None
        if held is not None:
            return Summary(
                state=State.FAILED if held.is_stuck else State.ROLLING_OUT,
                sentence=f"Nothing serves: {held.said}.",
                why=held.why,
                since=held.since if held.is_stuck else since,
            )
        if not is_rollout:
            sentence = f"Scaling: {counts.updated} of {counts.desired} created."
            return _late(live, counts, worst, at) or Summary(
                state=State.STARTING, sentence=sentence, why=why, worst_pod=pod, since=since
            )
        sentence = f"Replacing pods: {counts.updated} of {counts.desired} of the new revision"
        sentence += f", {counts.available} serving." if counts.available < counts.desired else "."
        if counts.available == 0:
            sentence = f"Nothing serves yet: {counts.updated} of {counts.desired} created."
        return Summary(state=State.ROLLING_OUT, sentence=sentence, why=why, worst_pod=pod, since=since)
    if counts.total > counts.updated:
        leaving = counts.total - counts.updated
        sentence = f"All new pods exist; {leaving} old {'pod is' if leaving == 1 else 'pods are'} leaving."
        if counts.available == 0:
            sentence = f"Nothing serves yet: new pods, 0 of {counts.desired} ready."
        return Summary(state=State.ROLLING_OUT, sentence=sentence, why=why, worst_pod=pod, since=since)
    if counts.available < counts.updated:
        if worst is not None and worst.state is PodState.NOT_READY:
            serves = f"It still serves: {counts.available} of {counts.desired} ready; the others were ready before."
            return Summary(
                state=State.DEGRADED if counts.available else State.FAILED,
                sentence=serves if counts.available else "No pod is ready any more: nothing serves.",
                why=why,
                next_action=NextAction.OPEN_LOGS,
                worst_pod=pod,
                since=instant(condition(live, "Available"), "lastTransitionTime"),
            )
        sentence = f"{counts.available} of {counts.desired} ready."
        if counts.ready >= counts.desired:
            wait_s = number(live, "spec", "minReadySeconds")
            sentence = f"{counts.ready} of {counts.desired} ready; each counts after {wait_s} s."
        return _late(live, counts, worst, at) or Summary(
            state=State.STARTING, sentence=sentence, why=why, worst_pod=pod, since=since
        )
    return ready.all_ready(view, live, desired=counts.desired, at=at)


def _late(live: dict[str, Any], counts: _Counts, worst: PodRow | None, at: datetime) -> Summary | None:
    """A pod that was added and does not start: Kubernetes has a deadline for rollouts, and none for more pods."""
    began = worst.age_started_at if worst is not None and not worst.ready else None
    if worst is None or began is None or counts.ready >= counts.desired:
        return None
    patience_s = max(number(live, "spec", "progressDeadlineSeconds", default=_PATIENCE_S), _PATIENCE_S)
    if (at - began).total_seconds() < patience_s:
        return None
    return Summary(
        state=State.STALLED,
        sentence=f"{counts.ready} of {counts.desired} ready: another has been starting for too long."
        if counts.ready
        else "Nothing serves: its pods have been starting for too long.",
        why=worst.detail,
        next_action=NextAction.OPEN_LOGS if worst.node else NextAction.EDIT,
        worst_pod=worst.name,
        since=began,
    )


def _not_acted(counts: _Counts, intent: Intent, at: datetime) -> Summary:
    """The API server has it and the Deployment controller has not looked at it, which takes it less than a second."""
    serve = f"{counts.available} of {counts.desired} ready." if counts.available else "Nothing serves yet."
    waited = at - intent.applied_at if intent.applied_at is not None else timedelta()
    if waited < _ACTS_WITHIN or counts.available >= counts.desired:
        sentence = f"Accepted by the cluster; its controller has not acted yet. {serve}"
        return Summary(state=State.ROLLING_OUT, sentence=sentence, since=intent.applied_at)
    return Summary(
        state=State.STALLED,
        sentence=f"{serve} The cluster accepted it {int(waited.total_seconds()) // 60} min ago, and its controller "
        "does nothing.",
        why="The controller manager of the cluster may be down. Ask the platform team.",
        since=intent.applied_at,
    )


def _live_paused(intent: Intent, counts: _Counts, trouble: Summary | None) -> Summary:
    # The first apply is paused on purpose until the number of replicas is written.
    if intent.phase is not Phase.APPLIED:
        return Summary(
            state=State.STARTING, sentence="Created; its number of pods is being set.", since=intent.applied_at
        )
    paused = "The rollout is paused in the cluster, not by Barista; changes start no pods until it is resumed."
    if trouble is not None:
        return replace(trouble, why=f"{trouble.why} {paused}", next_action=NextAction.RESOLVE_CONFLICT)
    state, sentence = State.PAUSED, paused
    if counts.available < counts.desired:
        state = State.DEGRADED if counts.available else State.FAILED
        serve = f"Only {counts.available} of {counts.desired} ready" if counts.available else "Nothing serves"
        sentence = f"{serve}. {paused}"
    return Summary(state=state, sentence=sentence, next_action=NextAction.RESOLVE_CONFLICT)


def _sleeping(view: ClusterView, counts: _Counts, intent: Intent) -> Summary:
    is_idle = condition(view.hpa, "ScaledToZero").get("status") == "True"
    if intent.is_awake and not is_idle:
        ending = f" {counts.total} {'is' if counts.total == 1 else 'are'} ending." if counts.total else ""
        who = intent.scaled_by or "somebody"
        return Summary(
            state=State.FAILED,
            sentence=f"Nothing serves: {who} scaled it to no pods outside of Barista.{ending}",
            why="No schedule put it to sleep, so none wakes it. Resolving it, or applying a revision, starts its pods."
            if view.hpa is None
            else "No schedule put it to sleep, and its autoscaler does nothing while there are no pods. Resolving it "
            "starts them again.",
            next_action=NextAction.RESOLVE_CONFLICT,
        )
    if counts.total > 0:
        return Summary(
            state=State.FALLING_ASLEEP,
            sentence=f"Going to sleep: {counts.total} {'pod is' if counts.total == 1 else 'pods are'} ending.",
        )
    reason = intent.asleep_reason
    if not reason and is_idle:
        reason = "idle, by the autoscaler"
    return Summary(
        state=State.ASLEEP,
        sentence=f"Asleep{f': {reason}' if reason else ''}. No pods run; changes take effect when it wakes.",
    )


def _trouble(view: ClusterView, live: dict[str, Any], counts: _Counts, intent: Intent) -> Summary | None:
    """The worst pod of the current template when its state explains everything else; who is affected comes first."""
    worst = _worst(view, live)
    if worst is None or worst.state not in _POD_TROUBLE:
        return None
    state, action = _POD_TROUBLE[worst.state]
    has_old, ready = _has_old_pods(view, live), f"{counts.ready} of {counts.desired} ready"
    if counts.ready == 0:
        sentence = f"Nothing serves: {ready}."
    elif has_old:
        sentence = f"Revision {intent.revision} does not start. The pods before it keep serving: {ready}."
    else:
        sentence = f"It still serves: {ready}, the others fail."
    extra = ""
    if worst.state is PodState.UNSCHEDULABLE and has_old:
        extra = unmet.extra_pod(live, desired=counts.desired, ready=counts.ready)
    return Summary(
        state=state,
        sentence=sentence,
        why=f"{worst.detail} {extra}".rstrip(),
        next_action=NextAction.ROLLBACK if has_old and not extra else action,
        worst_pod=worst.name,
        since=worst.age_started_at,
    )


def _worst(view: ClusterView, live: dict[str, Any]) -> PodRow | None:
    """Pods of an older template are on their way out: how they fail is no news once new ones exist.

    Nor is how those ended that were replaced, as long as there is a pod in their place.
    """
    rows = [row for row in pod_rows(view) if row.state is not PodState.TERMINATING]
    current = _current_hash(view, live)
    newest = [row for row in rows if row.revision_hash == current] if current else rows
    serving = [row for row in newest or rows if row.state not in _OVER]
    # Of equally bad ones the one that is unwell for longest.
    return min(
        serving or newest or rows, key=lambda row: (-row.state.severity, row.age_started_at or _NOW), default=None
    )


def _current_hash(view: ClusterView, live: dict[str, Any]) -> str:
    wanted = text(live, "metadata", "annotations", REVISION_ANNOTATION)
    for item in view.replica_sets:
        if wanted and text(item, "metadata", "annotations", REVISION_ANNOTATION) == wanted:
            return text(item, "metadata", "labels", HASH_LABEL)
    return ""


def _has_old_pods(view: ClusterView, live: dict[str, Any]) -> bool:
    current = _current_hash(view, live)
    return any(
        number(item, "status", "replicas") > 0
        for item in view.replica_sets
        if current and text(item, "metadata", "labels", HASH_LABEL) != current
    )


def _counts(live: dict[str, Any]) -> _Counts:
    return _Counts(
        desired=number(live, "spec", "replicas", default=1),
        total=number(live, "status", "replicas"),
        updated=number(live, "status", "updatedReplicas"),
        ready=number(live, "status", "readyReplicas"),
        available=number(live, "status", "availableReplicas"),
    )
