"""The page that edits a deployment: a form, marks on what it changes, and the manifest in step."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from baristaweb.lib.numbers import whole
from deployments import access, rendering
from deployments.actions import proposals
from deployments.actions.errors import Stale, Wrong
from deployments.domain.catalogue import HardwareProfile as Size
from deployments.domain.roles import Permission
from deployments.domain.spec.fields.scaling import AUTOSCALE
from deployments.domain.spec.spec import Spec
from deployments.forms.choices import Choices
from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.forms.spec.form import Show, SpecForm
from deployments.models import Deployment, HardwareProfile, Proposal, Revision, Runtime
from deployments.queries import form_notes
from deployments.views import conflict, drafts, form_cost, spec_pages


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change the spec. A POST makes a proposal and goes on to its review; nothing is applied here."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    if deployment.is_retired or deployment.current is None:
        messages.error(request, f"{deployment.name} is retired. Restore it before you edit it.")
        return redirect("deployment-detail", deployment.slug)
    if spec_pages.is_discard(request):
        drafts.forget(request, deployment.slug)
        return redirect("deployment-detail", deployment.slug)
    base = _base(request, deployment, deployment.current)
    choices = Choices.of(deployment.namespace, kept=deployment.current)
    notes = form_notes.notes_of(deployment)

    def form_of(data: QueryDict, show: Show) -> SpecForm:
        trigger = request.headers.get("HX-Trigger-Name", "")
        return SpecForm(
            data,
            choices=choices,
            baseline=base.to_spec(),
            baseline_profile=base.to_profile(),
            show=show,
            trigger=trigger,
            notes=notes,
        )

    if request.method != "POST":
        form = form_of(_opened(request, deployment, base), Show.NONE)
        return _page(request, deployment, base, form)
    if spec_pages.is_step(request) or spec_pages.is_rework(request):
        data: QueryDict = request.POST
        if spec_pages.is_rework(request):
            data = spec_pages.reworked(data, form_of(data, Show.NONE))
        drafts.keep(request, deployment.slug, data)
        return _page(request, deployment, base, form_of(data, Show.TOUCHED))
    return _propose(request, deployment, base, form_of(request.POST, Show.ALL))


def _base(request: HttpRequest, deployment: Deployment, current: Revision) -> Revision:
    """The revision that the author saw, which the marks and a later conflict compare with."""
    drafted = drafts.taken_up(request, deployment.slug)
    wanted = request.POST.get("based_on", "") or _of_proposal(request, deployment, "based_on")
    wanted = wanted or (drafted.get("based_on", "") if drafted else "")
    number = whole(str(wanted), current.number)
    if number == current.number:
        return current
    return deployment.revisions.filter(number=number).first() or current


def _of_proposal(request: HttpRequest, deployment: Deployment, field: str) -> Any:
    proposal = _reopened(request, deployment)
    return getattr(proposal, field) if proposal else ""


def _reopened(request: HttpRequest, deployment: Deployment) -> Proposal | None:
    """?proposal=: the author's own proposal, to go on with."""
    wanted = request.GET.get("proposal", "")
    if not wanted:
        return None
    mine = Proposal.objects.filter(deployment=deployment, author=access.current_user(request))
    return next((item for item in mine if str(item.pk) == wanted), None)


def _opened(request: HttpRequest, deployment: Deployment, base: Revision) -> QueryDict:
    """The texts of a page just opened: the current revision's, a proposal's, or with a live value adopted."""
    drafted = drafts.taken_up(request, deployment.slug)
    if drafted is not None:
        return drafted
    proposal = _reopened(request, deployment)
    if proposal is not None:
        spec = Spec.from_json(proposal.spec)
        size = Size.from_json(proposal.profile) if proposal.profile else None
    else:
        spec, size = base.to_spec(), base.to_profile()
    spec = spec_pages.opened(request, spec)
    values, env = texts.of_spec(spec, size), dict(spec.env)
    live = deployment.observation.desired
    if values["replicas.mode"] == AUTOSCALE and live:
        # Turned off, the autoscaler leaves as many pods as it had chosen, unless somebody says otherwise.
        values["replicas.count"] = str(live)
    adopted = request.GET.get("adopt", "")
    if adopted:
        conflict.adopt(deployment, adopted, values, env)
    return spec_forms.data_of(values, tuple(env.items()))


def _page(
    request: HttpRequest, deployment: Deployment, base: Revision, form: SpecForm, *, status: int = 200
) -> HttpResponse:
    place = rendering.placement(
        namespace=deployment.namespace, model=deployment.model, name=deployment.name, deployment=deployment
    )
    context = {
        "deployment": deployment,
        "base": base,
        "form": form,
        "name": deployment.name,
        "environment": deployment.environment,
        "action": reverse("deployment-edit", args=[deployment.slug]),
        "manifests": spec_pages.manifests_of(form, place, revision=base.number + 1, deployment=deployment),
        "is_stale": deployment.current is not None and base.number != deployment.current.number,
        "catalogue_moved": _catalogue_moved(base),
        "drafts": drafts.offered(request, deployment.slug),
        "draft_id": drafts.of_page(request, deployment.slug),
        "price": form_cost.of_form(form, deployment=deployment, before=base),
    }
    return spec_pages.respond(request, "deployments/edit.html", context, status=status)


def _catalogue_moved(base: Revision) -> bool:
    """Whether the platform team has changed the runtime or the profile since the revision was saved."""
    runtime = Runtime.objects.filter(slug=base.runtime.get("slug", "")).first()
    if runtime is not None and runtime.to_domain().to_json() != base.runtime:
        return True
    if not base.profile:
        return False
    profile = HardwareProfile.objects.filter(slug=base.profile.get("slug", "")).first()
    return profile is not None and profile.to_domain().to_json() != base.profile


def _propose(request: HttpRequest, deployment: Deployment, base: Revision, form: SpecForm) -> HttpResponse:
    spec = form.spec
    if spec is None:
        drafts.keep(request, deployment.slug, request.POST)
        return _page(request, deployment, base, form, status=422)
    if not form.is_changed and not _catalogue_moved(base):
        messages.info(request, "Nothing changed, so there is nothing to review.")
        return HttpResponseRedirect(reverse("deployment-edit", args=[deployment.slug]))
    try:
        proposal = proposals.make(
            by=access.current_user(request),
            kind=Proposal.Kind.EDIT,
            spec=spec,
            deployment=deployment,
            model=deployment.model,
            namespace=deployment.namespace,
            name=deployment.name,
            based_on=base.number,
        )
    except Wrong as problem:
        form.add_errors(problem.errors)
        return _page(request, deployment, base, form, status=422)
    drafts.forget(request, deployment.slug)
    current = deployment.current
    if current is None:
        raise Http404
    if current.number != base.number:
        return conflict.three_columns(request, proposal, Stale(current=current))
    return redirect("deployment-review", proposal.pk)
