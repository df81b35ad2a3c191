"""What is done to a deployment besides editing it, one row each: whom it takes, what is said, what is done."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.http import QueryDict

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.actions.errors import Wrong
from deployments.audit import Actor
from deployments.domain.hints import kubectl
from deployments.domain.roles import Permission
from deployments.domain.spec.parts import RollingUpdate
from deployments.domain.spec.spec import effective_image
from deployments.domain.text.images import is_pinned
from deployments.models import Deployment
from deployments.queries import budgets, costs
from deployments.queries.replicas import scaled_back
from deployments.views import sleep_verbs
from deployments.views.confirm import Confirm, at, is_prod, pods_of, reason_of, where
from deployments.views.verb import Verb

# How long a pause lasts: hours and their words; 0 is until somebody resumes.
PAUSES = ((1, "1 hour"), (4, "4 hours"), (24, "1 day"), (72, "3 days"), (168, "1 week"), (0, "Until somebody resumes"))


def _restart_words(deployment: Deployment) -> Confirm:
    spec = deployment.current.to_spec() if deployment.current else None
    is_gradual = spec is None or isinstance(spec.strategy, RollingUpdate)
    is_one = pods_of(deployment) == "the only pod"
    how = "one after the other; the others keep serving" if is_gradual else "all at once: requests fail in between"
    if is_gradual and is_one:
        how = "after a new one is ready, if the rollout may start one more; else requests fail in between"
    return Confirm(
        title=f"Restart {deployment.name}",
        say=f"Replaces {pods_of(deployment)} of {deployment.name} in {where(deployment)}, {how}.",
        points=(
            _restarted_image(deployment),
            "The restart is kept: a later apply does not undo it.",
            *_at_the_next_wake(deployment),
            *_scaled_back(deployment),
        ),
        button=f"Restart {deployment.name} in {deployment.environment.value}",
        kubectl=kubectl.restart(**at(deployment)),
        reason=reason_of(deployment),
        icon="rotate-clockwise",
    )


def _restarted_image(deployment: Deployment) -> str:
    """A node that has an image of this name does not ask the registry again."""
    current = deployment.current
    image = effective_image(current.to_spec(), current.to_runtime()) if current else ""
    if not image or is_pinned(image):
        return "Image, settings and revision stay as they are."
    return (
        "Settings and revision stay as they are. The image is named by a tag, and nodes that have it do not pull it "
        "again: pin a digest to be sure of what was pushed since."
    )


def _pause_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Pause {deployment.name}",
        say=f"Barista stops applying changes to {deployment.name} in {where(deployment)}. Its pods go on serving.",
        points=(
            "Edits are still saved; they wait until it is resumed.",
            "A rollout that is under way goes on to its end: the cluster is not told to stop.",
            "The autoscaler goes on changing the number of pods.",
        ),
        button=f"Pause {deployment.name} in {deployment.environment.value}",
        reason="required",
        icon="player-pause",
        durations=PAUSES,
    )


def _resume_words(deployment: Deployment) -> Confirm:
    waits = deployment.state.applied_revision
    current = deployment.current.number if deployment.current else None
    point = "Nothing was saved meanwhile."
    if current is not None and current != waits:
        point = f"Revision {current} was saved meanwhile and is applied now: pods may be replaced."
    why = f"Paused by {deployment.paused_by}: {deployment.paused_reason}." if deployment.is_paused else ""
    return Confirm(
        title=f"Resume {deployment.name}",
        say=f"Barista applies changes to {deployment.name} in {where(deployment)} again.",
        points=tuple(text for text in (why, point, *_scaled_back(deployment)) if text),
        button=f"Resume {deployment.name} in {deployment.environment.value}",
        icon="player-play",
    )


def _retire_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Retire {deployment.name}",
        say=f"Ends {pods_of(deployment)} of {deployment.name} in {where(deployment)}. "
        "Requests to it fail from then on.",
        points=(
            "Its Deployment, Service, autoscaler and Ingress are deleted from the cluster.",
            "Revisions and audit stay. A maintainer can restore it with its last revision.",
        ),
        button=f"Retire {deployment.name} in {deployment.environment.value}",
        reason=reason_of(deployment),
        icon="archive",
        is_grave=True,
        type_to_confirm=deployment.name if is_prod(deployment) else "",
    )


def _restore_words(deployment: Deployment) -> Confirm:
    current = deployment.current
    number = current.number if current else 0
    effects = (
        budgets.effects(deployment, spec=current.spec, profile=current.profile, moves=True, at=now())
        if current and deployment.is_retired
        else ()
    )
    return Confirm(
        title=f"Restore {deployment.name}",
        say=f"Brings {deployment.name} back in {where(deployment)} with revision {number}, its last one.",
        points=("Its objects are created again in the cluster; pods start and load the model.",),
        button=f"Restore {deployment.name} in {deployment.environment.value}",
        reason="required" if any(effect.needs_reason for effect in effects) else reason_of(deployment),
        icon="restore",
        cost=costs.now_of(deployment, at=now()),
        effects=effects,
    )


def _try_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Try {deployment.name} again",
        say=f"A worker applies what is saved for {deployment.name} in {where(deployment)} now.",
        points=("It would have been tried again later by itself.",),
        button=f"Try {deployment.name} now",
        reason="",
        icon="refresh",
    )


def _at_the_next_wake(deployment: Deployment) -> list[str]:
    return ["It is asleep and stays so: this takes effect at the next wake."] if deployment.open_sleep else []


def _scaled_back(deployment: Deployment) -> list[str]:
    return [
        f"The cluster runs {change.before}: applying puts it back to {change.after}."
        for change in scaled_back(deployment, at=now())
    ]


def _restart(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    actions.restart(deployment=deployment, by=by, note=form.get("note", ""))


def _pause(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    hours = form.get("hours", "")
    if hours not in {str(choice) for choice, _ in PAUSES}:
        raise Wrong({"hours": "Choose how long it is paused."})
    until = now() + timedelta(hours=int(hours)) if hours != "0" else None
    actions.pause(deployment=deployment, by=by, note=form.get("note", ""), until=until)


def _resume(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    actions.resume(deployment=deployment, by=by, note=form.get("note", ""))


def _retire(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    typed = form.get("typed_name", "").strip()
    actions.retire(deployment=deployment, by=by, note=form.get("note", ""), typed_name=typed)


def _restore(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    actions.restore(deployment=deployment, by=by, note=form.get("note", ""))


def _try_now(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    actions.try_now(deployment=deployment, by=by)


VERBS: Final = (
    *sleep_verbs.VERBS,
    Verb(
        name="restart",
        permission=Permission.DEPLOYMENT_RESTART,
        words=_restart_words,
        act=_restart,
        done="{name} restarts: its pods are replaced as the rollout strategy says.",
    ),
    Verb(
        name="pause",
        permission=Permission.DEPLOYMENT_PAUSE,
        words=_pause_words,
        act=_pause,
        done="{name} is paused. Its pods go on serving.",
    ),
    Verb(
        name="resume",
        permission=Permission.DEPLOYMENT_PAUSE,
        words=_resume_words,
        act=_resume,
        done="{name} is resumed: what is saved is applied now.",
    ),
    Verb(
        name="retire",
        permission=Permission.DEPLOYMENT_RETIRE,
        words=_retire_words,
        act=_retire,
        done="{name} retires: its objects are being deleted. Its history stays, and it can be restored.",
    ),
    Verb(
        name="restore",
        permission=Permission.DEPLOYMENT_RESTORE,
        words=_restore_words,
        act=_restore,
        done="{name} is being brought back.",
    ),
    Verb(
        name="try-now",
        permission=Permission.DEPLOYMENT_RETRY,
        words=_try_words,
        act=_try_now,
        done="A worker tries again now.",
    ),
)
