"""Reading what other downscalers were told: how each setting is understood, and what cannot be. Stores nothing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from baristaweb.lib.clock import now
from deployments.access import current_user
from deployments.domain.sleep.dialects import files
from deployments.domain.sleep.dialects.files import Found
from deployments.domain.sleep.dialects.spans import Defaults, Dialect
from deployments.forms.sleep_import import ImportForm
from deployments.models import Deployment
from deployments.queries.sleep_elsewhere import elsewhere
from deployments.views.sleep_night import frame


@require_http_methods(["GET", "HEAD", "POST"])
def read(request: HttpRequest) -> HttpResponse:
    """What is found is shown with the deployment of that name and namespace, where its schedule can be set."""
    clusters = elsewhere(current_user(request))
    context = frame(request, current_user(request), "sleep-import") | {"clusters": clusters}
    if request.method != "POST":
        return render(request, "sleep/import.html", context | {"form": ImportForm(found=clusters)})
    form = ImportForm(request.POST, request.FILES, found=clusters)
    if not form.is_valid():
        return render(request, "sleep/import.html", context | {"form": form}, status=422)
    data = form.cleaned_data
    defaults = Defaults(zone=data["zone"] or None)
    found = files.understood(data["documents"], Dialect(data["dialect"]), defaults, at=now())
    known = _known(request, found, data["cluster"])
    rows = [(one, known.get((one.namespace, one.name))) for one in found]
    # What Barista wrote there itself is nothing to import.
    rows = [(one, row) for one, row in rows if not (data["cluster"] and row is not None and row.mirrored)]
    return render(request, "sleep/import.html", context | {"form": form, "rows": rows, "is_read": True})


def _known(request: HttpRequest, found: list[Found], cluster: str) -> dict[tuple[str, str], Deployment]:
    """By namespace and name; `cluster` empty: of any."""
    names = {one.name for one in found if one.kind == "Deployment"}
    rows = Deployment.objects.visible_to(current_user(request)).live().filter(name__in=names)
    if cluster:
        rows = rows.filter(namespace__cluster__slug=cluster)
    return {(row.namespace.name, row.name): row for row in rows.select_related("namespace")}
