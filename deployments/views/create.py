"""The page that makes a deployment: where and of what model, then the same form as an edit."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from deployments import access, rendering
from deployments.actions import proposals, records
from deployments.actions.errors import Wrong
from deployments.audit import Actor
from deployments.domain.catalogue import Environment, HardwareProfile
from deployments.domain.roles import Permission
from deployments.domain.spec.spec import Spec
from deployments.forms.choices import Choices
from deployments.forms.new_deployment import LABELS, PlaceForm, namespaces_for
from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.forms.spec.form import Show, SpecForm
from deployments.models import Deployment, Draft, Proposal, Revision, User
from deployments.queries.awake import of_place
from deployments.views import drafts, form_cost, spec_pages


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """A new deployment. ?from= copies the settings of another, ?proposal= goes on with one's own proposal."""
    user = access.current_user(request)
    namespaces = namespaces_for(user)
    if not namespaces:
        raise _nowhere(user)
    if spec_pages.is_discard(request):
        drafts.forget(request, Draft.NEW)
        return redirect("fleet")
    is_opened = request.method != "POST"
    data: QueryDict = _opened(request) if is_opened else request.POST
    rework = not is_opened and spec_pages.is_rework(request)
    show = Show.NONE if is_opened else spec_pages.shown_of(request)
    if rework:
        data = spec_pages.reworked(data, SpecForm(data, choices=Choices.of(None), baseline=None, show=Show.NONE))
    place = PlaceForm(
        data,
        user,
        namespaces,
        shows_errors=show is Show.ALL,
        trigger="" if is_opened else request.headers.get("HX-Trigger-Name", ""),
    )
    choices = Choices.of(place.namespace)
    form = SpecForm(data, choices=choices, baseline=None, show=show, trigger=place.trigger)
    if is_opened or rework or spec_pages.is_step(request):
        if is_opened:
            place.errors.clear()
        else:
            drafts.keep(request, Draft.NEW, data)
        return _page(request, place, form)
    return _propose(request, place, form)


def _nowhere(user: User) -> PermissionDenied:
    """Why there is no namespace to choose: the role is not enough, or the teams have none."""
    teams = access.teams_of(user)
    if user.is_platform_admin or any(
        access.may(user, Permission.DEPLOYMENT_CREATE, team_id=team.pk, environment=Environment.DEV) for team in teams
    ):
        return PermissionDenied("There is no namespace for it yet: the platform team gives a team its namespaces.")
    return access.TooSmallARole(Permission.DEPLOYMENT_CREATE, teams=teams, environment=Environment.DEV)


def _opened(request: HttpRequest) -> QueryDict:
    """The texts of a page just opened."""
    drafted = drafts.taken_up(request, Draft.NEW)
    if drafted is not None:
        return drafted
    proposal = _reopened(request)
    if proposal is not None:
        size = HardwareProfile.from_json(proposal.profile) if proposal.profile else None
        spec = spec_pages.opened(request, Spec.from_json(proposal.spec))
        data = spec_forms.data_of(texts.of_spec(spec, size), spec.env)
        data.update({"namespace": str(proposal.namespace_id), "model": str(proposal.model_id), "name": proposal.name})
        return data
    source = request.GET.get("from", "")
    if source:
        origin = access.get_deployment(request, source, Permission.DEPLOYMENT_VIEW)
        if origin.current is not None:
            return _copied(request, origin, origin.current)
    return spec_forms.data_of(dict(texts.DEFAULTS), ())


def _copied(request: HttpRequest, origin: Deployment, revision: Revision) -> QueryDict:
    spec = spec_pages.opened(request, revision.to_spec())
    values = texts.of_spec(spec, revision.to_profile())
    # Two deployments cannot answer on one host.
    values["ingress_host"] = ""
    data = spec_forms.data_of(values, spec.env)
    data.update({"model": str(origin.model_id), "name": origin.name})
    messages.info(request, f"Filled in from {origin.name} in {origin.environment.value}, revision {revision.number}.")
    return data


def _reopened(request: HttpRequest) -> Proposal | None:
    wanted = request.GET.get("proposal", "")
    mine = Proposal.objects.filter(author=access.current_user(request), deployment=None) if wanted else ()
    return next((item for item in mine if str(item.pk) == wanted), None)


def _page(request: HttpRequest, place: PlaceForm, form: SpecForm, *, status: int = 200) -> HttpResponse:
    namespace, model = place.namespace, place.model or place.new_model
    at = None
    if namespace is not None and model is not None:
        at = rendering.placement(namespace=namespace, model=model, name=place.value("name") or "name", deployment=None)
    context = {
        "place_form": place,
        "place_template": "deployments/_place.html",
        "form": form,
        "name": place.value("name"),
        "environment": namespace.environment if namespace else "",
        "action": reverse("deployment-new"),
        "drafts": drafts.offered(request, Draft.NEW),
        "draft_id": drafts.of_page(request, Draft.NEW),
        "manifests": spec_pages.manifests_of(form, at, revision=1, deployment=None),
        "price": form_cost.of_form(form, deployment=of_place(namespace, model=place.model), before=None)
        if namespace is not None
        else form_cost.NOWHERE,
    }
    return spec_pages.respond(request, "deployments/new.html", context, status=status)


def _propose(request: HttpRequest, place: PlaceForm, form: SpecForm) -> HttpResponse:
    spec, namespace, model = form.spec, place.namespace, place.model or place.new_model
    if spec is None or place.errors or namespace is None or model is None:
        drafts.keep(request, Draft.NEW, request.POST)
        return _page(request, place, form, status=422)
    try:
        with transaction.atomic():
            if place.new_model is not None:
                access.require(request, Permission.MODEL_CREATE, target=namespace)
                model = records.save(row=place.new_model, by=Actor.of(request))
            proposal = proposals.make(
                by=access.current_user(request),
                kind=Proposal.Kind.CREATE,
                spec=spec,
                deployment=None,
                model=model,
                namespace=namespace,
                name=place.value("name"),
                based_on=0,
            )
    except Wrong as problem:
        place.errors |= {path: text for path, text in problem.errors.items() if path in LABELS}
        form.add_errors({path: text for path, text in problem.errors.items() if path not in LABELS})
        return _page(request, place, form, status=422)
    except IntegrityError:
        # Somebody made the same model between the check and the save.
        place.errors["model_name"] = "A model of this name was created a moment ago. Choose it from the list."
        return _page(request, place, form, status=422)
    drafts.forget(request, Draft.NEW)
    return redirect("deployment-review", proposal.pk)
