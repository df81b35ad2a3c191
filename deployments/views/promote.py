"""Promoting a deployment to the next environment: what differs, what to take over, then the review."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from baristaweb.lib.clock import now
from deployments import access
from deployments.actions import promotions
from deployments.actions.errors import Wrong
from deployments.domain.changes.diff import label
from deployments.domain.changes.promotion import Setting
from deployments.domain.roles import Permission
from deployments.domain.spec.unclean import unclean_values
from deployments.models import Deployment, HardwareProfile
from deployments.queries.awake import of_place
from deployments.queries.detail import view_of
from deployments.queries.promotion import Promotion, Target, state_of, targets_of
from deployments.views import form_cost, spec_pages, usage
from deployments.views.form_cost import FormCost


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A setting and whether it is ticked."""

    setting: Setting
    is_on: bool


@require_http_methods(["GET", "HEAD", "POST"])
def promote(request: HttpRequest, slug: str) -> HttpResponse:
    """The difference to the next environment; a POST makes the proposal, whose review applies it."""
    source = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    targets = targets_of(source)
    why_not = _why_not(source, targets)
    if why_not or source.current is None:
        messages.error(request, why_not)
        return redirect("deployment-detail", source.slug)
    target = _chosen(request, targets)
    access.require(request, Permission.REVISION_PROPOSE, target=target.deployment or target.namespace)
    promotion = Promotion(source=source, revision=source.current, target=target)
    if request.method != "POST":
        return _page(request, promotion, targets)
    if spec_pages.is_step(request):
        return render(request, "costs/_form_cost.html", {"price": _price(request, promotion), "is_patch": True})
    if _moved(request, promotion):
        refusal = "A revision was saved since you opened this page. This is the difference now: review it."
        return _page(request, promotion, targets, refusal=refusal, status=409)
    return _propose(request, promotion, targets)


def _why_not(source: Deployment, targets: list[Target]) -> str:
    if source.is_retired or source.current is None:
        return f"{source.name} is retired. Restore it before you promote it."
    if not targets:
        return f"{source.team} has no namespace in an environment after {source.environment.label.lower()}."
    return ""


def _chosen(request: HttpRequest, targets: list[Target]) -> Target:
    wanted = (request.POST if request.method == "POST" else request.GET).get("to", "")
    if not wanted:
        return targets[0]
    found = next((target for target in targets if target.key == wanted), None)
    if found is None:
        raise Http404
    return found


def _moved(request: HttpRequest, promotion: Promotion) -> bool:
    """Whether what was looked at is not what would be taken over."""
    seen = (request.POST.get("source_revision"), request.POST.get("target_revision"))
    return seen != (str(promotion.revision.number), str(_number(promotion)))


def _number(promotion: Promotion) -> int:
    return promotion.target.current.number if promotion.target.current else 0


def _propose(request: HttpRequest, promotion: Promotion, targets: list[Target]) -> HttpResponse:
    source, target = promotion.source, promotion.target
    keys = set(request.POST.getlist("carry"))
    if promotion.base is not None and promotion.carried(keys) == promotion.base:
        refusal = "Select at least one setting: this would change nothing."
        return _page(request, promotion, targets, refusal=refusal, status=422)
    try:
        proposal = promotions.propose(
            promotion=promotion,
            keys=keys,
            by=access.current_user(request),
            name=_name(request, source),
            based_on=_number(promotion),
            override=request.POST.get("override", ""),
        )
    except promotions.NotServing as problem:
        return _page(request, promotion, targets, refusal=str(problem), status=422)
    except Wrong as problem:
        words = " ".join(f"{_named(path)}: {text}" for path, text in problem.errors.items())
        refusal = f"This is not valid in {target.namespace.name}. {words}"
        return _page(request, promotion, targets, refusal=refusal, status=422)
    return redirect("deployment-review", proposal.pk)


def _name(request: HttpRequest, source: Deployment) -> str:
    return request.POST.get("name", source.name).strip()


def _ticked(request: HttpRequest, promotion: Promotion) -> set[str]:
    """The settings that are taken over: what is offered as ticked, until somebody says otherwise."""
    if request.method == "POST":
        return set(request.POST.getlist("carry"))
    is_broken = state_of(promotion.source, promotion.revision.number, at=now()).is_broken
    return {item.key for item in promotion.settings if item.is_fixed or (item.is_on and not is_broken)}


def _price(request: HttpRequest, promotion: Promotion) -> FormCost:
    target = promotion.target
    spec = promotion.carried(_ticked(request, promotion))
    row = HardwareProfile.objects.filter(slug=spec.profile).first() if spec.profile else None
    profile = row.to_domain() if row else None
    if spec.resources is None and profile is None:
        return FormCost(cost=None, missing="Its hardware profile is not in the catalogue any more.")
    deployment = target.deployment or of_place(target.namespace, model=promotion.source.model)
    return form_cost.of_spec(spec, profile, deployment=deployment, before=target.current)


def _page(
    request: HttpRequest, promotion: Promotion, targets: list[Target], *, refusal: str = "", status: int = 200
) -> HttpResponse:
    posted = set(request.POST.getlist("carry")) if request.method == "POST" else None
    state = state_of(promotion.source, promotion.revision.number, at=now())
    choices = [
        # Nothing of what fails is ticked by itself.
        Choice(
            setting=item,
            is_on=item.is_fixed or (item.is_on and not state.is_broken if posted is None else item.key in posted),
        )
        for item in promotion.settings
    ]
    context: dict[str, Any] = {
        "deployment": promotion.source,
        "promotion": promotion,
        "target": promotion.target,
        "targets": targets,
        "environment": promotion.target.environment,
        "target_revision": _number(promotion),
        "sections": [(name, list(items)) for name, items in groupby(choices, key=lambda item: item.setting.section)],
        "carried": sum(choice.is_on for choice in choices),
        "left": sum(not choice.is_on for choice in choices),
        "name": _name(request, promotion.source),
        "price": _price(request, promotion),
        "refusal": refusal,
        "state": state,
        "use": usage.of_view(view_of(promotion.source), promotion.revision),
        "override": request.POST.get("override", ""),
        "unclean_values": unclean_values(promotion.offered),
        "named": [choice.setting for choice in choices if choice.setting.names],
    }
    return render(request, "deployments/promote.html", context, status=status)


def _named(path: str) -> str:
    try:
        return label(path)
    except KeyError:
        return path.capitalize()
