"""The review: what a proposal will do, what the cluster says to it, and the decision."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_safe

from baristaweb.lib import passing
from deployments import access
from deployments.actions import proposals, revisions
from deployments.actions.errors import NotYet, Refused, Stale, Wrong
from deployments.audit import Actor
from deployments.domain.changes.diff import label
from deployments.domain.cost.budgets import Effect
from deployments.domain.roles import Permission
from deployments.domain.spec.fields.table import FIELDS
from deployments.models import Deployment, Proposal, User
from deployments.queries import costs, rules
from deployments.queries.review import Review
from deployments.views import conflict
from deployments.views.budget_bar import Bar, bar


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, proposal_id: uuid.UUID) -> HttpResponse:
    """Show a proposal; apply it, send it to the maintainers, drop it, or ask the cluster again."""
    if request.method != "POST":
        proposal = access.get_proposal(request, proposal_id, Permission.DEPLOYMENT_VIEW)
        return _page(request, proposal)
    what = request.POST.get("do", "")
    if what == "apply":
        return _apply(request, access.get_proposal(request, proposal_id, Permission.REVISION_APPLY))
    if what == "return":
        return _send_back(request, access.get_proposal(request, proposal_id, Permission.REVISION_APPLY))
    proposal = access.get_proposal(request, proposal_id, Permission.REVISION_PROPOSE)
    if what == "send":
        return _send(request, proposal)
    if what == "drop":
        return _drop(request, proposal)
    if what == "check":
        proposals.check_again(proposal=proposal)
        return redirect("deployment-review", proposal.pk)
    return _page(request, proposal, refusal="Choose what to do with the proposal.", status=422)


@require_safe
def verdict(request: HttpRequest, proposal_id: uuid.UUID) -> HttpResponse:
    """What the cluster says: polled until it has answered."""
    proposal = access.get_proposal(request, proposal_id, Permission.DEPLOYMENT_VIEW)
    context = _context(request, proposal) | {"is_patch": True}
    answer = render(request, "deployments/_verdict_patch.html", context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _apply(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    note = request.POST.get("note", "")
    found = Review(proposal, allowlist=rules.allowlist(proposal.namespace))
    was_number = found.current.number if found.current else 0
    if proposal.deployment is not None and proposal.deployment.is_retired:
        refusal = f"{proposal.name} was retired meanwhile. Restore it first, then apply."
        return _page(request, proposal, refusal=refusal, note=note, status=409)
    if found.verdict.is_refused and proposal.is_open:
        what = "Resolve what others hold" if found.verdict.said.left else "Change what it names"
        what = (
            "The platform team has to act in the cluster" if found.verdict.is_platforms else f"{what} and review again"
        )
        refusal = f"The cluster refuses this, so it was not applied. {what}."
        return _page(request, proposal, refusal=refusal, note=note, status=409)
    try:
        revision = revisions.apply(
            proposal=proposal,
            by=Actor.of(request),
            note=note,
            reviewed=request.POST.get("reviewed", ""),
            without_verdict=request.POST.get("without_verdict", "") == "1",
            over_budget=request.POST.get("over_budget", ""),
            priced_by=request.POST.get("priced_by"),
        )
    except Stale as problem:
        return conflict.three_columns(request, proposal, problem)
    except Wrong as problem:
        words = "; ".join(f"{_label(path)}: {message}" for path, message in problem.errors.items())
        return _page(request, proposal, refusal=f"This is not valid any more. {words}", note=note, status=422)
    except Refused as problem:
        status = 409 if isinstance(problem, NotYet) else 422
        return _page(request, proposal, refusal=str(problem), note=note, status=status)
    if revision.number == was_number:
        messages.info(request, f"Nothing changed: revision {revision.number} already says this.")
    else:
        passing.say(request, _done(revision.deployment, revision.number))
    return redirect("deployment-detail", revision.deployment.slug)


def _done(deployment: Deployment, number: int) -> str:
    if deployment.is_paused:
        return f"Revision {number} is saved. {deployment.name} is paused: it reaches the cluster when it is resumed."
    return f"Revision {number} is saved. This page shows how it gets to the cluster."


def _send(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    note = request.POST.get("note", "")
    try:
        proposals.send(proposal=proposal, by=Actor.of(request), note=note)
    except Refused as problem:
        return _page(request, proposal, refusal=str(problem), note=note, status=422)
    messages.success(request, "Sent to the maintainers. They see it on their home page; you can follow it here.")
    return redirect("deployment-review", proposal.pk)


def _send_back(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    try:
        proposals.send_back(proposal=proposal, by=Actor.of(request), note=request.POST.get("changes", ""))
    except Refused as problem:
        return _page(request, proposal, refusal=str(problem), status=422)
    messages.success(request, f"Sent back to {proposal.author}, who reads on the home page and here what you ask for.")
    return redirect("deployment-review", proposal.pk)


def _drop(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    try:
        proposals.drop(proposal=proposal, by=Actor.of(request), note=request.POST.get("note", ""))
    except Refused as problem:
        return _page(request, proposal, refusal=str(problem), status=409)
    messages.info(request, "The proposal is discarded. Nothing was applied.")
    if proposal.deployment is not None:
        return redirect("deployment-detail", proposal.deployment.slug)
    return redirect("fleet")


def _page(
    request: HttpRequest, proposal: Proposal, *, refusal: str = "", note: str | None = None, status: int = 200
) -> HttpResponse:
    context = _context(request, proposal) | {"refusal": refusal}
    if note is not None:
        context["note"] = note
    return render(request, "deployments/review.html", context, status=status)


def _context(request: HttpRequest, proposal: Proposal) -> dict[str, Any]:
    found = Review(proposal, allowlist=rules.allowlist(proposal.namespace))
    user = access.current_user(request)
    team_id, environment = proposal.namespace.team_id, found.environment
    is_author = proposal.author_id == user.pk
    may_exceed = access.may(user, Permission.BUDGET_EXCEED, team_id=team_id, environment=environment)
    over_limit = found.needs_budget_reason and not may_exceed
    edit_url = (
        reverse("deployment-edit", args=[proposal.deployment.slug])
        if proposal.deployment
        else reverse("deployment-new")
    )
    return {
        "proposal": proposal,
        "review": found,
        "verdict": found.verdict,
        "cost": found.cost,
        "priced_by": costs.price_key(found.cost) if found.cost else "",
        "budgets": [_drawn(effect, user) for effect in found.budgets],
        "over_budget": request.POST.get("over_budget", ""),
        "deployment": proposal.deployment,
        "environment": found.environment,
        "may_apply": access.may(user, Permission.REVISION_APPLY, team_id=team_id, environment=environment)
        and not over_limit,
        "over_limit": over_limit,
        "may_propose": access.may(user, Permission.REVISION_PROPOSE, team_id=team_id, environment=environment),
        "is_author": is_author,
        "note": proposal.note,
        "button": _button(found),
        "edit_url": f"{edit_url}?proposal={proposal.pk}" if is_author else "",
        "applied": getattr(proposal, "revision", None) if proposal.applied_at else None,
    }


def _drawn(effect: Effect, user: User) -> tuple[Effect, Bar | None]:
    """With its bar; sums over all teams are for those who see all teams."""
    if effect.is_shared and not user.sees_everything:
        return effect, None
    return effect, bar(effect.limits, effect.after, before=effect.before)


def _button(found: Review) -> str:
    """Verb, count, object and place."""
    name, where = found.proposal.name, found.environment.value
    if found.is_create:
        return f"Create {name} in {where}"
    if found.proposal.returns_to:
        return f"Roll back {name} in {where} to revision {found.proposal.returns_to}"
    count = len(found.changes)
    what = "1 change" if count == 1 else f"{count} changes"
    return f"Apply {what} to {name} in {where}" if count else f"Apply the new catalogue to {name} in {where}"


_KNOWN = frozenset(field.path for field in FIELDS)


def _label(path: str) -> str:
    return label(path) if path.partition(".")[0] in {item.partition(".")[0] for item in _KNOWN} else path.capitalize()
