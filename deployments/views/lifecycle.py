"""What is done to a deployment besides editing it: each has a page that says what will happen, then a POST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from baristaweb.lib.clock import now
from deployments import access
from deployments.actions import deployments as actions
from deployments.actions import proposals
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.catalogue import Environment
from deployments.domain.changes.diff import FieldChange, label, spec_diff
from deployments.domain.hints import kubectl
from deployments.domain.roles import Permission
from deployments.domain.spec.parts import RollingUpdate
from deployments.models import Deployment, Proposal, Revision

# How long a pause lasts: a value of the form and its words; 0 is until somebody resumes.
PAUSES = ((1, "1 hour"), (4, "4 hours"), (24, "1 day"), (72, "3 days"), (168, "1 week"), (0, "Until somebody resumes"))
USUAL_PAUSE = 4

View = Callable[..., HttpResponse]


@dataclass(frozen=True, kw_only=True)
class Confirm:
    """What a page of this kind says before it is done.

    `reason`: "required", "optional" or empty for none. `kubectl`: empty where kubectl has nothing that does the same.
    """

    title: str
    say: str
    points: tuple[str, ...]
    button: str
    kubectl: str = ""
    reason: str = "optional"
    icon: str = "info-circle"
    is_grave: bool = False
    type_to_confirm: str = ""
    pauses: tuple[tuple[int, str], ...] = ()
    changes: tuple[FieldChange, ...] = ()


@require_http_methods(["GET", "HEAD", "POST"])
def restart(request: HttpRequest, slug: str) -> HttpResponse:
    """Replace all pods."""
    deployment = access.get_deployment(request, slug, Permission.DEPLOYMENT_RESTART)
    if request.method == "POST":
        done = f"{deployment.name} restarts: its pods are replaced as the rollout strategy says."
        return _do(request, deployment, _restart_words, lambda by, note: _restart(deployment, by, note), done)
    return _page(request, deployment, _restart_words(deployment))


def _restart(deployment: Deployment, by: Actor, note: str) -> None:
    actions.restart(deployment=deployment, by=by, note=note)


def _restart_words(deployment: Deployment) -> Confirm:
    spec = deployment.current.to_spec() if deployment.current else None
    is_gradual = spec is None or isinstance(spec.strategy, RollingUpdate)
    how = "one after the other; the others keep serving" if is_gradual else "all at once: requests fail in between"
    return Confirm(
        title=f"Restart {deployment.name}",
        say=f"Replaces {_pods(deployment)} of {deployment.name} in {_where(deployment)}, {how}.",
        points=(
            "Image, settings and revision stay as they are.",
            "The restart is kept: a later apply does not undo it.",
        ),
        button=f"Restart {deployment.name} in {deployment.environment.value}",
        kubectl=kubectl.restart(**_at(deployment)),
        reason=_reason(deployment),
        icon="rotate-clockwise",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop applying changes for a while."""
    deployment = access.get_deployment(request, slug, Permission.DEPLOYMENT_PAUSE)
    if request.method != "POST":
        return _page(request, deployment, _pause_words(deployment))
    hours = request.POST.get("hours", "")
    if hours not in {str(choice) for choice, _ in PAUSES}:
        return _page(request, deployment, _pause_words(deployment), refusal="Choose how long it is paused.", status=422)
    until: datetime | None = now() + timedelta(hours=int(hours)) if hours != "0" else None

    def act(by: Actor, note: str) -> None:
        actions.pause(deployment=deployment, by=by, note=note, until=until)

    return _do(request, deployment, _pause_words, act, f"{deployment.name} is paused. Its pods go on serving.")


def _pause_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Pause {deployment.name}",
        say=f"Barista stops applying changes to {deployment.name} in {_where(deployment)}. Its pods go on serving.",
        points=(
            "Edits are still saved; they wait until it is resumed.",
            "A rollout that is under way goes on to its end: the cluster is not told to stop.",
            "The autoscaler goes on changing the number of pods.",
        ),
        button=f"Pause {deployment.name} in {deployment.environment.value}",
        reason="required",
        icon="player-pause",
        pauses=PAUSES,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """Apply again what is saved."""
    deployment = access.get_deployment(request, slug, Permission.DEPLOYMENT_PAUSE)

    def act(by: Actor, note: str) -> None:
        actions.resume(deployment=deployment, by=by, note=note)

    if request.method == "POST":
        done = f"{deployment.name} is resumed: what is saved is applied now."
        return _do(request, deployment, _resume_words, act, done)
    return _page(request, deployment, _resume_words(deployment))


def _resume_words(deployment: Deployment) -> Confirm:
    waits = deployment.state.applied_revision
    current = deployment.current.number if deployment.current else None
    point = "Nothing was saved meanwhile."
    if current is not None and current != waits:
        point = f"Revision {current} was saved meanwhile and is applied now: pods may be replaced."
    why = f"Paused by {deployment.paused_by}: {deployment.paused_reason}." if deployment.is_paused else ""
    return Confirm(
        title=f"Resume {deployment.name}",
        say=f"Barista applies changes to {deployment.name} in {_where(deployment)} again.",
        points=tuple(text for text in (why, point) if text),
        button=f"Resume {deployment.name} in {deployment.environment.value}",
        icon="player-play",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete its objects from the cluster, keep its history."""
    deployment = access.get_deployment(request, slug, Permission.DEPLOYMENT_RETIRE)

    def act(by: Actor, note: str) -> None:
        typed = request.POST.get("typed_name", "").strip()
        actions.retire(deployment=deployment, by=by, note=note, typed_name=typed)

    if request.method == "POST":
        done = f"{deployment.name} retires: its objects are being deleted. Its history stays, and it can be restored."
        return _do(request, deployment, _retire_words, act, done)
    return _page(request, deployment, _retire_words(deployment))


def _retire_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Retire {deployment.name}",
        say=f"Ends {_pods(deployment)} of {deployment.name} in {_where(deployment)}. Requests to it fail from then on.",
        points=(
            "Its Deployment, Service, autoscaler and Ingress are deleted from the cluster.",
            "Revisions and audit stay. A maintainer can restore it with its last revision.",
        ),
        button=f"Retire {deployment.name} in {deployment.environment.value}",
        kubectl=kubectl.retire(**_at(deployment)),
        reason=_reason(deployment),
        icon="archive",
        is_grave=True,
        type_to_confirm=deployment.name if _is_prod(deployment) else "",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Bring a retired deployment back."""
    deployment = access.get_deployment(request, slug, Permission.DEPLOYMENT_RESTORE)

    def act(by: Actor, note: str) -> None:
        actions.restore(deployment=deployment, by=by, note=note)

    if request.method == "POST":
        return _do(request, deployment, _restore_words, act, f"{deployment.name} is being brought back.")
    return _page(request, deployment, _restore_words(deployment))


def _restore_words(deployment: Deployment) -> Confirm:
    number = deployment.current.number if deployment.current else 0
    return Confirm(
        title=f"Restore {deployment.name}",
        say=f"Brings {deployment.name} back in {_where(deployment)} with revision {number}, its last one.",
        points=("Its objects are made anew in the cluster; pods start and load the model.",),
        button=f"Restore {deployment.name} in {deployment.environment.value}",
        kubectl=kubectl.apply(**_at(deployment)),
        reason=_reason(deployment),
        icon="restore",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def try_now(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for an attempt now instead of at the next scheduled one."""
    deployment = access.get_deployment(request, slug, Permission.DEPLOYMENT_RETRY)

    def act(by: Actor, note: str) -> None:
        actions.try_now(deployment=deployment, by=by)

    if request.method == "POST":
        return _do(request, deployment, _try_words, act, "A worker tries again now.")
    return _page(request, deployment, _try_words(deployment))


def _try_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Try {deployment.name} again",
        say=f"A worker applies what is saved for {deployment.name} in {_where(deployment)} now.",
        points=("It would have been tried again later by itself.",),
        button=f"Try {deployment.name} now",
        kubectl=kubectl.apply(**_at(deployment)),
        reason="",
        icon="refresh",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def rollback(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """What returning to an old revision changes; a POST makes the proposal, whose review applies it."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    target = deployment.revisions.filter(number=number).first()
    if target is None or deployment.current is None:
        raise Http404
    words = _rollback_words(deployment, deployment.current, target)
    if request.method != "POST":
        return _page(request, deployment, words)
    if deployment.is_retired:
        refusal = "This deployment is retired. Restore it first."
        return _page(request, deployment, words, refusal=refusal, status=409)
    if not words.changes:
        messages.info(request, f"Nothing changed: revision {deployment.current.number} says the same as {number}.")
        return redirect("deployment-revisions", deployment.slug)
    try:
        proposal = proposals.make(
            by=access.current_user(request),
            kind=Proposal.Kind.ROLLBACK,
            spec=target.to_spec(),
            deployment=deployment,
            model=deployment.model,
            namespace=deployment.namespace,
            name=deployment.name,
            based_on=deployment.current.number,
            returns_to=number,
            note=request.POST.get("note", ""),
        )
    except Wrong as problem:
        texts = "; ".join(f"{_named(path)}: {message}" for path, message in problem.errors.items())
        refusal = f"Revision {number} no longer fits. {texts}"
        return _page(request, deployment, words, refusal=refusal, note=request.POST.get("note", ""), status=422)
    return redirect("deployment-review", proposal.pk)


def _rollback_words(deployment: Deployment, current: Revision, target: Revision) -> Confirm:
    changes = spec_diff(current.to_spec(), target.to_spec())
    how_many = "1 field" if len(changes) == 1 else f"{len(changes)} fields"
    return Confirm(
        title=f"Roll back {deployment.name} to revision {target.number}",
        say=f"Returning to revision {target.number} changes {how_many} of {deployment.name} in {_where(deployment)}."
        if changes
        else f"Revision {target.number} says the same as revision {current.number}: there is nothing to return to.",
        points=(
            f"It becomes revision {current.number + 1}; nothing of the history is lost.",
            "The next page asks the cluster what would happen. Nothing is applied before that.",
            f"Saved by {target.author_name}" + (f": {target.reason}" if target.reason else "."),
        ),
        button=f"Review the return to revision {target.number}",
        kubectl=kubectl.roll_back(**_at(deployment)),
        icon="arrow-back-up",
        changes=changes,
    )


def _do(
    request: HttpRequest,
    deployment: Deployment,
    words: Callable[[Deployment], Confirm],
    act: Callable[[Actor, str], None],
    done: str,
) -> HttpResponse:
    """Act, say that it was done, and show the deployment; a refusal keeps what was typed."""
    note = request.POST.get("note", "")
    try:
        act(Actor.of(request), note)
    except Refused as problem:
        return _page(request, deployment, words(deployment), refusal=str(problem), note=note, status=409)
    messages.success(request, done)
    return redirect("deployment-detail", deployment.slug)


def _page(
    request: HttpRequest,
    deployment: Deployment,
    confirm: Confirm,
    *,
    refusal: str = "",
    note: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "deployment": deployment,
        "environment": deployment.environment,
        "confirm": confirm,
        "refusal": refusal,
        "note": note,
        "typed_name": request.POST.get("typed_name", ""),
        "hours": request.POST.get("hours", str(USUAL_PAUSE)),
    }
    return render(request, "deployments/confirm.html", context, status=status)


def _at(deployment: Deployment) -> dict[str, str]:
    cluster = deployment.namespace.cluster
    return {"name": deployment.name, "namespace": deployment.namespace.name, "context": cluster.context}


def _is_prod(deployment: Deployment) -> bool:
    return deployment.environment is Environment.PROD


def _reason(deployment: Deployment) -> str:
    return "required" if _is_prod(deployment) else "optional"


def _where(deployment: Deployment) -> str:
    return f"{deployment.environment.label.lower()} ({deployment.namespace.name})"


def _pods(deployment: Deployment) -> str:
    seen = deployment.observation
    count = max(seen.ready, seen.desired)
    if seen.observed_at is None or count == 0:
        return "every pod"
    return "the only pod" if count == 1 else f"all {count} pods"


def _named(path: str) -> str:
    try:
        return label(path)
    except KeyError:
        return path.capitalize()
