"""Two kinds of conflict: two people edited one deployment, or another writer holds a field in the cluster."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from baristaweb.lib import passing
from baristaweb.lib.numbers import whole
from deployments import access
from deployments.actions import deployments as actions
from deployments.actions import proposals
from deployments.actions.errors import Refused, Stale, Wrong
from deployments.audit import Actor
from deployments.domain.catalogue import HardwareProfile
from deployments.domain.changes.diff import label
from deployments.domain.changes.held import HeldField
from deployments.domain.hints import kubectl
from deployments.domain.roles import Permission
from deployments.domain.spec.fields.resources import OWN_SIZE
from deployments.domain.spec.fields.scaling import AUTOSCALE
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import Spec
from deployments.forms.spec import merge
from deployments.forms.spec.inputs import Texts
from deployments.models import Deployment, Proposal, Revision

ALL = "all"


def three_columns(request: HttpRequest, proposal: Proposal, problem: Stale) -> HttpResponse:
    """409: what was before both, theirs, yours, and the choice between them."""
    return _columns(request, proposal, problem.current, status=409)


@require_http_methods(["GET", "HEAD", "POST"])
def merge_page(request: HttpRequest, proposal_id: uuid.UUID) -> HttpResponse:
    """Choose field by field; a POST makes a proposal on top of the current revision and drops this one."""
    proposal = access.get_proposal(request, proposal_id, Permission.REVISION_PROPOSE)
    current = proposal.deployment.current if proposal.deployment else None
    if current is None or not proposal.is_open or current.number == proposal.based_on:
        return redirect("deployment-review", proposal.pk)
    if request.method != "POST":
        return _columns(request, proposal, current)
    if request.POST.get("seen") != str(current.number):
        return _columns(request, proposal, current, status=409)
    return _merge(request, proposal, current)


def _merge(request: HttpRequest, proposal: Proposal, current: Revision) -> HttpResponse:
    deployment = proposal.deployment
    if deployment is None:
        return redirect("deployment-review", proposal.pk)
    try:
        spec = merge.merged(
            _rows(proposal, current, request.POST.dict()), yours=_yours(proposal), theirs=_theirs(current)
        )
        if spec.digest() == current.spec_hash:
            proposals.drop(proposal=proposal, by=Actor.of(request))
            messages.info(request, f"Nothing of yours is left: revision {current.number} already says this.")
            return redirect("deployment-detail", deployment.slug)
        with transaction.atomic():
            proposals.drop(proposal=proposal, by=Actor.of(request))
            made = proposals.make(
                by=access.current_user(request),
                kind=Proposal.Kind.EDIT,
                spec=spec,
                deployment=deployment,
                model=proposal.model,
                namespace=proposal.namespace,
                name=proposal.name,
                based_on=current.number,
                note=proposal.note,
            )
    except (SpecInvalid, Wrong) as problem:
        return _columns(request, proposal, current, errors=problem.errors, status=422)
    except Refused as problem:
        messages.error(request, str(problem))
        return redirect("deployment-review", proposal.pk)
    return redirect("deployment-review", made.pk)


def _columns(
    request: HttpRequest,
    proposal: Proposal,
    current: Revision,
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = _rows(proposal, current, request.POST.dict())
    clashes = [row for row in rows if row.row.is_conflict]
    context = {
        "proposal": proposal,
        "deployment": proposal.deployment,
        "environment": proposal.namespace.environment,
        "current": current,
        "base": _base(proposal),
        "rows": rows,
        "clashes": clashes,
        "merged_count": len(rows) - len(clashes),
        "mine_count": sum(row.pick == merge.YOURS and row.can_pick for row in rows),
        "problems": [(_named(path), message) for path, message in (errors or {}).items()],
        "edit_url": reverse("deployment-detail", args=[proposal.deployment.slug]) if proposal.deployment else "/",
    }
    return render(request, "deployments/conflict.html", context, status=status)


def _rows(proposal: Proposal, current: Revision, picks: dict[str, str]) -> tuple[merge.MergeRow, ...]:
    base = _base(proposal)
    was = base.to_spec() if base else current.to_spec()
    return merge.rows_of(was, Spec.from_json(proposal.spec), current.to_spec(), picks)


def _base(proposal: Proposal) -> Revision | None:
    return Revision.objects.filter(deployment=proposal.deployment, number=proposal.based_on).first()


def _yours(proposal: Proposal) -> merge.Side:
    profile = HardwareProfile.from_json(proposal.profile) if proposal.profile else None
    return merge.Side(spec=Spec.from_json(proposal.spec), profile=profile)


def _theirs(current: Revision) -> merge.Side:
    return merge.Side(spec=current.to_spec(), profile=current.to_profile())


def _named(path: str) -> str:
    try:
        return label(path)
    except KeyError:
        return path


@require_http_methods(["GET", "HEAD", "POST"])
def fields(request: HttpRequest, slug: str) -> HttpResponse:
    """What another writer holds or changed in the cluster: take it over, or adopt the live value."""
    if request.method != "POST":
        return _fields(request, access.get_deployment(request, slug, Permission.DEPLOYMENT_VIEW))
    if request.POST.get("do") == "leave":
        return _leave(request, access.get_deployment(request, slug, Permission.REVISION_PROPOSE))
    deployment = access.get_deployment(request, slug, Permission.CONFLICT_RESOLVE)
    note = request.POST.get("note", "")
    try:
        actions.take_over(deployment=deployment, by=Actor.of(request), note=note)
    except Refused as problem:
        return _fields(request, deployment, refusal=str(problem), note=note, status=422)
    passing.say(request, "Barista applies its own values once more, by force. Other writers may set theirs again.")
    return redirect("deployment-detail", deployment.slug)


def _leave(request: HttpRequest, deployment: Deployment) -> HttpResponse:
    why = request.POST.get("why", "")
    try:
        actions.leave(deployment=deployment, by=Actor.of(request), days=whole(request.POST.get("days"), 0), note=why)
    except Refused as problem:
        return _fields(request, deployment, refusal=str(problem), status=422)
    passing.say(request, "Left as it is. It counts as trouble again when it changes, or when the time is over.")
    return redirect("deployment-detail", deployment.slug)


@require_POST
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask those who may settle it: for editors, who may not."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    try:
        actions.ask_to_settle(deployment=deployment, by=Actor.of(request))
    except Refused as problem:
        return _fields(request, deployment, refusal=str(problem), status=409)
    return redirect("deployment-conflict", deployment.slug)


def _fields(
    request: HttpRequest, deployment: Deployment, *, refusal: str = "", note: str = "", status: int = 200
) -> HttpResponse:
    user = access.current_user(request)
    team_id, environment = deployment.team.pk, deployment.environment
    held = [_held_row(item) for item in deployment.state.held]
    context = {
        "deployment": deployment,
        "environment": deployment.environment,
        "held": held,
        "managers": sorted({item.manager for item in held}),
        "is_applied": not deployment.state.conflict,
        "left": [item for item in deployment.state.held if item.is_left],
        "can_take": any(item.is_ours for item in held),
        "can_adopt": any(item.spec_path for item in held),
        "may_take": access.may(user, Permission.CONFLICT_RESOLVE, team_id=team_id, environment=environment),
        "may_edit": access.may(user, Permission.REVISION_PROPOSE, team_id=team_id, environment=environment),
        "who_may": access.who_may(Permission.CONFLICT_RESOLVE, team=deployment.team, environment=environment),
        "refusal": refusal,
        "note": note,
        "kubectl": kubectl.show(
            deployment.name, deployment.namespace.name, context=deployment.namespace.cluster.context
        ),
    }
    return render(request, "deployments/field_conflict.html", context, status=status)


@dataclass(frozen=True)
class HeldRow:
    """A held field as the page shows it. `is_ours`: what others added beside our fields is not ours to remove."""

    path: str
    kind: str
    manager: str
    live: str
    desired: str
    spec_path: str
    label: str
    is_ours: bool


def _held_row(item: HeldField) -> HeldRow:
    return HeldRow(
        path=item.path,
        kind=item.kind or "Deployment",
        manager=item.manager or "somebody",
        live=item.live_words,
        desired=item.desired_words,
        spec_path=item.spec_path,
        label=_named(item.spec_path) if item.spec_path else "",
        is_ours=item.is_ours,
    )


def adopt(deployment: Deployment, wanted: str, values: Texts, env: dict[str, str]) -> None:
    """Put the live value of one held field (or of all) into the texts of an edit form."""
    for item in deployment.state.held:
        path, live = item.spec_path, item.live
        if not path or wanted not in (path, ALL):
            continue
        if path.startswith("env."):
            _adopt_variable(env, path.removeprefix("env."), live)
        elif path in values:
            values[path] = "" if live is None else str(live)
            if path.startswith("resources."):
                values["profile"] = OWN_SIZE
            elif path in ("replicas.min", "replicas.max", "replicas.cpu_percent"):
                values["replicas.mode"] = AUTOSCALE


def _adopt_variable(env: dict[str, str], name: str, live: object) -> None:
    # A variable that was added comes whole, a changed one as its value.
    value = live.get("value") if isinstance(live, dict) else live
    if value is None:
        env.pop(name, None)
    else:
        env[name] = str(value)
