"""What things cost: the page of all, the tab of a deployment, and what has no price at all."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from baristaweb.lib.csv_export import download
from deployments.access import TooSmallARole, current_user, get_deployment
from deployments.domain.cost.run_rate import month_before
from deployments.domain.cost.shares import By, Row
from deployments.domain.roles import Permission
from deployments.models import PricePull
from deployments.queries import cost_report, costs, fleet_costs, measured, price_coverage
from deployments.queries.detail import revisions_of
from deployments.views.detail import shell_of

PAGE_SIZE = 50
KEY_LENGTH = 80


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What the user's teams spend; all teams for the platform team and auditors."""
    user, filters = current_user(request), _filters(request)
    found = cost_report.report(user, filters, at=now())
    context = {
        "report": found,
        "bars": [_bar(row, found, filters) for row in found.rows] if found else [],
        "filters": filters,
        "dimensions": list(By),
        "sees_all": user.sees_everything,
    }
    return render(request, "costs/overview.html", context)


def _bar(
    row: Row, report: cost_report.Report, filters: cost_report.Filters
) -> tuple[Row, list[dict[str, str]], Decimal, str]:
    """A row with its bar in a box 100 wide, its forecast and where its name leads."""
    parts, x = [], Decimal(0)
    if row.currency == report.currency and report.largest > 0:
        for environment in ("prod", "staging", "dev"):
            width = 100 * max(Decimal(0), row.by_environment.get(environment, Decimal(0))) / report.largest
            if width:
                parts.append({"css": environment, "x": f"{x:.2f}", "width": f"{width:.2f}"})
                x += width
    return row, parts, row.forecast(report.end.left), _address(row, filters)


def _address(row: Row, filters: cost_report.Filters) -> str:
    if not row.key:
        return ""
    if filters.by is By.DEPLOYMENT:
        return reverse("deployment-cost", args=[row.key])
    within = {by.value: key for by, key in filters.within.items()} | {filters.by.value: row.key}
    return f"?{urlencode({'by': filters.by.inner.value} | within)}#where"


@require_safe
def days_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every priced row of this month and the last, as far as the user may see them."""
    user, today = current_user(request), now().date()
    rows = cost_report.day_rows(user, _filters(request), since=month_before(today), upto=today)
    return download(f"barista-costs-{today:%Y-%m-%d}.csv", cost_report.CSV_HEADER, rows)


def _filters(request: HttpRequest) -> cost_report.Filters:
    by = request.GET.get("by", "")
    within: dict[By, str] = {
        key: request.GET[key.value].replace("\0", "")[:KEY_LENGTH]
        for key in By
        if key is not By.DEPLOYMENT and request.GET.get(key.value)
    }
    return cost_report.Filters(by=By(by) if by in {item.value for item in By} else By.TEAM, within=within)


@require_safe
def cost(request: HttpRequest, slug: str) -> HttpResponse:
    """The cost tab of a deployment."""
    deployment = get_deployment(request, slug, Permission.COST_VIEW)
    at = now()
    page = Paginator(revisions_of(deployment), PAGE_SIZE).get_page(request.GET.get("page"))
    size = fleet_costs.Size.of(deployment)
    step = request.GET.get("step", "")
    context = shell_of(request, deployment, "cost") | {
        "measured": measured.measured(deployment, step=step if step in measured.BARS else "day", at=at),
        "steps": list(measured.BARS),
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
        raise TooSmallARole.platforms()
    context = {"clusters": price_coverage.coverage(at=now()), "pull": PricePull.objects.first()}
    return render(request, "costs/coverage.html", context)
