"""Return to an old revision: what that changes, then a proposal whose review applies it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from baristaweb.lib.clock import now
from deployments import access
from deployments.actions import proposals
from deployments.actions.errors import Wrong
from deployments.domain.changes.diff import label, spec_diff
from deployments.domain.changes.effective import Side, filled
from deployments.domain.roles import Permission
from deployments.models import Deployment, Proposal, Revision
from deployments.queries import costs
from deployments.views.confirm import Confirm, page, where


@require_http_methods(["GET", "HEAD", "POST"])
def rollback(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """What returning to an old revision changes; a POST makes the proposal, whose review applies it."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    target = deployment.revisions.filter(number=number).first()
    if target is None or deployment.current is None:
        raise Http404
    words = _rollback_words(deployment, deployment.current, target)
    if request.method != "POST":
        return page(request, deployment, words)
    if deployment.is_retired:
        refusal = "This deployment is retired. Restore it first."
        return page(request, deployment, words, refusal=refusal, status=409)
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
        return page(request, deployment, words, refusal=refusal, note=request.POST.get("note", ""), status=422)
    return redirect("deployment-review", proposal.pk)


def _rollback_words(deployment: Deployment, current: Revision, target: Revision) -> Confirm:
    changes = spec_diff(current.to_spec(), target.to_spec())
    sides = [Side(row.to_spec(), row.to_runtime(), row.to_profile()) for row in (current, target)]
    how_many = "1 field" if len(changes) == 1 else f"{len(changes)} fields"
    return Confirm(
        title=f"Roll back {deployment.name} to revision {target.number}",
        say=f"Returning to revision {target.number} changes {how_many} of {deployment.name} in {where(deployment)}."
        if changes
        else f"Revision {target.number} says the same as revision {current.number}: there is nothing to return to.",
        points=(
            f"It becomes revision {current.number + 1}; nothing of the history is lost.",
            "The next page asks the cluster what would happen. Nothing is applied before that.",
            f"Saved by {target.author_name}" + (f": {target.reason}" if target.reason else "."),
        ),
        button=f"Review the return to revision {target.number}",
        icon="arrow-back-up",
        changes=filled(changes, *sides),
        cost=costs.return_to(deployment, target, at=now()) if changes else None,
    )


def _named(path: str) -> str:
    try:
        return label(path)
    except KeyError:
        return path.capitalize()
