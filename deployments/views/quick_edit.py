"""A few everyday fields changed on the deployment's own page: straight into the review, by the way of the edit form."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from baristaweb.lib.numbers import whole
from deployments import access
from deployments.domain.roles import Permission
from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.models import Draft
from deployments.views import edit

FIELDS: Final = tuple(
    texts.path_name(path)
    for path in ("model_version", "image_override", "replicas.count", "replicas.min", "replicas.max")
)


@require_POST
def quick_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Propose the revision that the page showed with these fields changed; a mistake opens the whole form with it."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    base = deployment.revisions.filter(number=whole(request.POST.get("based_on"), 0)).first() or deployment.current
    if base is None:
        return redirect("deployment-edit", slug)
    spec = base.to_spec()
    data = spec_forms.data_of(texts.of_spec(spec, base.to_profile()), spec.env)
    for name in FIELDS:
        if name in request.POST:
            data[name] = request.POST[name]
    data["based_on"], data["review"] = str(base.number), "1"
    # An edit that was begun in the form stays, whatever is proposed here.
    begun = Draft.objects.filter(user=access.current_user(request), key=slug).first()
    data["beside"] = str(begun.pk) if begun else ""
    # The edit form has the one way to check a spec, to propose it and to meet a conflict.
    request.POST = data  # type: ignore[assignment]
    return edit.edit(request, slug)
