"""A few everyday fields changed on the deployment's own page: straight into the review, by the way of the edit form."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from baristaweb.lib.numbers import whole
from deployments import access
from deployments.actions import drafts
from deployments.domain.roles import Permission
from deployments.forms.choices import Choices
from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.forms.spec.form import SpecForm
from deployments.models import Deployment, Draft, Revision
from deployments.views import edit, form_cost, spec_pages

FIELDS: Final = tuple(
    texts.path_name(path)
    for path in ("model_version", "artifact_uri", "image_override", "replicas.count", "replicas.min", "replicas.max")
)


@require_POST
def quick_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Propose the revision that the page showed with these fields changed; a mistake opens the whole form with it."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    if spec_pages.is_step(request):
        return _price(request, deployment)
    base = deployment.revisions.filter(number=whole(request.POST.get("based_on"), 0)).first() or deployment.current
    if base is None:
        return redirect("deployment-edit", slug)
    draft = Draft.objects.filter(user=access.current_user(request), key=slug).first()
    if draft is not None:
        # Proposing this alone would leave the draft behind on an old revision: both go on together.
        drafts.fill_in(draft=draft, fields=_changed(request, base))
        messages.info(request, "You began an edit and did not finish it. Your change is filled in there: review both.")
        return HttpResponseRedirect(f"{reverse('deployment-edit', args=[slug])}?draft=1")
    data = _data(request, base)
    # The edit form has the one way to check a spec, to propose it and to meet a conflict.
    request.POST = data  # type: ignore[assignment]
    return edit.edit(request, slug)


def _price(request: HttpRequest, deployment: Deployment) -> HttpResponse:
    """What the numbers that are typed would cost; nothing is proposed."""
    base = deployment.current
    if base is None or deployment.is_retired:
        return HttpResponse(status=204)
    form = SpecForm(
        _data(request, base),
        choices=Choices.of(deployment.namespace, kept=base),
        baseline=base.to_spec(),
        baseline_profile=base.to_profile(),
    )
    price = form_cost.of_form(form, deployment=deployment, before=base)
    return render(request, "costs/_quick_cost.html", {"price": price, "problems": form.problems})


def _changed(request: HttpRequest, base: Revision) -> dict[str, str]:
    """What was posted and is not what the revision says anyway."""
    spec = base.to_spec()
    start = spec_forms.data_of(texts.of_spec(spec, base.to_profile()), spec.env)
    posted = {name: request.POST[name] for name in FIELDS if name in request.POST}
    return {name: value for name, value in posted.items() if value.strip() != start.get(name, "")}


def _data(request: HttpRequest, base: Revision) -> QueryDict:
    """The whole form of the revision with the few fields that were posted."""
    spec = base.to_spec()
    data = spec_forms.data_of(texts.of_spec(spec, base.to_profile()), spec.env)
    for name in FIELDS:
        if name in request.POST:
            data[name] = request.POST[name]
    data["based_on"], data["review"] = str(base.number), "1"
    return data
