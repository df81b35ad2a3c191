"""What a deployment costs by estimate, why, and what its revisions were said to cost; what has no price at all."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from deployments.access import current_user, get_deployment
from deployments.domain.roles import Permission
from deployments.models import PricePull
from deployments.queries import costs, fleet_costs, price_coverage
from deployments.queries.detail import revisions_of
from deployments.views.detail import shell_of

PAGE_SIZE = 50


@require_safe
def cost(request: HttpRequest, slug: str) -> HttpResponse:
    """The cost tab of a deployment."""
    deployment = get_deployment(request, slug, Permission.COST_VIEW)
    at = now()
    page = Paginator(revisions_of(deployment), PAGE_SIZE).get_page(request.GET.get("page"))
    size = fleet_costs.Size.of(deployment)
    context = shell_of(request, deployment, "cost") | {
        "cost": costs.now_of(deployment, at=at),
        "wanted": size.pods,
        "month": fleet_costs.months_of([size], at=at).get(deployment.pk),
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "rows": [(revision, costs.kept_with(revision)) for revision in page.object_list],
        "sees_coverage": current_user(request).sees_everything,
    }
    return render(request, "costs/tab.html", context)


@require_safe
def coverage(request: HttpRequest) -> HttpResponse:
    """What has no price, for those who can give it one."""
    if not current_user(request).sees_everything:
        raise PermissionDenied("Prices are the platform team's.")
    context = {"clusters": price_coverage.coverage(at=now()), "pull": PricePull.objects.first()}
    return render(request, "costs/coverage.html", context)
