"""The page of all log sources, and of one: whether it delivers, its objects, findings and backfill."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from deployments.access import current_user, get_deployment, may
from deployments.domain.roles import Permission
from deployments.models import Deployment
from deployments.views.detail import shell_of
from observability.models import Backfill, LogSource
from observability.queries import sources as queries
from observability.views import bars

PAGE_SIZE = 50
OBJECTS_PAGE = 25
SPECS_SHOWN = 6


def may_edit(request: HttpRequest, deployment: Deployment) -> bool:
    """Whether the person may connect, change and stop sources of this deployment."""
    user, place = current_user(request), deployment.environment
    is_allowed = may(user, Permission.SOURCE_EDIT, team_id=deployment.team.pk, environment=place)
    return is_allowed and not deployment.is_retired


def get_source(request: HttpRequest, slug: str, name: str, permission: Permission) -> LogSource:
    """A source of a deployment that the user may do this to; 404 to strangers."""
    deployment = get_deployment(request, slug, permission)
    found = next((row for row in queries.of_deployment(deployment) if row.name == name), None)
    if found is None:
        raise Http404
    return found


@require_safe
def every(request: HttpRequest) -> HttpResponse:
    """All sources that the user sees, those that need a look first."""
    at = now()
    words = request.GET.get("q", "").strip()[:100]
    rows = queries.visible(current_user(request))
    if words:
        rows = rows.filter(deployment__name__icontains=words)
    found = sorted(
        queries.healths(list(rows), at=at), key=lambda one: (-one.severity, one.source.deployment.name, one.source.name)
    )
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "rows": list(page.object_list),
        "all": len(found),
        "in_trouble": sum(1 for one in found if one.severity >= 6),
        "q": words,
        "is_settled": all(one.is_settled for one in page.object_list),
    }
    template = "sources/sources.html#sources" if request.htmx else "sources/sources.html"  # type: ignore[attr-defined]
    return render(request, template, context)


@require_safe
def tab(request: HttpRequest, slug: str) -> HttpResponse:
    """The tab of a deployment: its only source, a list of several, or how to connect one."""
    deployment = get_deployment(request, slug, Permission.DEPLOYMENT_VIEW)
    found = queries.of_deployment(deployment)
    if len(found) == 1:
        return HttpResponseRedirect(reverse("source", args=[slug, found[0].name]))
    context = shell_of(request, deployment, "source") | {
        "healths": queries.healths(found, at=now()),
        "may_edit": may_edit(request, deployment),
    }
    return render(request, "sources/none_or_many.html", context)


@require_safe
def source(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One source. htmx asks for the part that moves."""
    row = get_source(request, slug, name, Permission.DEPLOYMENT_VIEW)
    context = _live(request, row)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "sources/source.html#live", context)
    return render(request, "sources/source.html", shell_of(request, row.deployment, "source") | context)


def _live(request: HttpRequest, row: LogSource) -> dict[str, Any]:
    at = now()
    [health] = queries.healths([row], at=at)
    which = request.GET.get("show", "newest")
    which = which if which in queries.FILTERS else "newest"
    counts = queries.counts_of(row)
    page = Paginator(queries.objects_of(row, which=which), OBJECTS_PAGE).get_page(request.GET.get("page"))
    objects = list(page.object_list)
    hours = queries.folded_by_hour(row, at=at)
    return {
        "deployment": row.deployment,
        "source": row,
        "health": health,
        "said_at": queries.silence_said_at(row, health.state) if health.state else None,
        "may_edit": may_edit(request, row.deployment),
        "which": which,
        "filters": [(name, words, counts[name]) for name, (words, _) in queries.FILTERS.items()],
        "objects": [(one, queries.LOOKS[one.state], _short(one.uri, row)) for one in objects],
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "bad": queries.bad_reasons(queries.objects_of(row).filter(bad_rows__gt=0).order_by("-folded_at")[:200])[:8],
        "hours": hours,
        "panels": bars.panels(hours),
        "findings": row.findings.filter(closed_at=None)[:20],
        "backfill": health.backfill or row.backfills.first(),
        "left_s": _left(health.backfill, at) if health.backfill else None,
        "specs": row.specs.all()[:SPECS_SHOWN],
        "here": reverse("source", args=[row.deployment.slug, row.name]),
    }


def _left(running: Backfill, at: datetime) -> float | None:
    """Seconds at the pace so far, by bytes; None where nothing is known of it yet."""
    if running.started_at is None or (running.listed_at is None and not running.bytes_all) or not running.bytes_done:
        return None
    spent = (at - running.started_at).total_seconds()
    return max(running.bytes_all - running.bytes_done, 0) * spent / running.bytes_done


def _short(uri: str, source: LogSource) -> str:
    """The name of an object without what all of them share."""
    return uri.removeprefix(source.root.uri)
