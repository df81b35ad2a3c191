"""Data health of all deployments: who does not serve data as before, worst first."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.db.models import Count, F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployments.access import current_user
from deployments.models import Deployment
from observability.domain.charts.sparks import strip
from observability.domain.results.health import DataState
from observability.models import DataHealth, LogSource

PAGE_SIZE: Final = 80
SORTS: Final = {
    "state": ("-severity", F("since").desc(nulls_last=True), "deployment__name"),
    "name": ("deployment__name", "deployment__slug"),
    "since": (F("since").desc(nulls_last=True), "deployment__name"),
    "newest": (F("newest_at").asc(nulls_first=True), "deployment__name"),
}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """`state`, `q`, `sort`, `page`; what does not fit is ignored."""
    user = current_user(request)
    visible = Deployment.objects.visible_to(user).live()
    known = DataHealth.objects.filter(deployment__in=visible)
    given = request.GET.get("state", "")
    state = given if given in DataState.__members__.values() else ""
    words = request.GET.get("q", "")[:100].strip()
    sort = request.GET.get("sort", "state")
    found = known.filter(state=state) if state else known
    for word in words.split()[:5]:
        found = found.filter(deployment__name__icontains=word)
    chosen = found.select_related("deployment__namespace__team").order_by(*SORTS.get(sort, SORTS["state"]))
    pages = Paginator(chosen, PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    counts = dict(known.order_by().values_list("state").annotate(number=Count("pk")))
    connected = (
        LogSource.objects.filter(deployment__in=visible, removed_at=None).values("deployment").distinct().count()
    )
    context = {
        "rows": [(row, DataState(row.state), strip([(one, day) for day, one in row.days])) for row in page.object_list],
        "page": page,
        "page_numbers": pages.get_elided_page_range(page.number),
        "states": [(one, counts.get(one.value, 0)) for one in DataState if counts.get(one.value)],
        "state": state,
        "words": words,
        "sort": sort if sort in SORTS else "state",
        "total": sum(counts.values()),
        "connected": connected,
        "deployments": visible.count(),
        "bad": sum(counts.get(one.value, 0) for one in DataState if one.severity >= DataState.MOVED.severity),
    }
    return render(request, "observability/fleet.html", context)
