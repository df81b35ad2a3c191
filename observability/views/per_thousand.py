"""The box of the Cost tab that says what 1,000 predictions cost."""

from __future__ import annotations

from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from deployments.access import get_deployment
from deployments.domain.cost.charts import Bar, Stacked, stacked
from deployments.domain.roles import Permission
from deployments.views.detail import shell_of
from observability.domain.charts.scales import number
from observability.domain.results.per_thousand import Day
from observability.queries.per_thousand import PerThousand, per_thousand


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """`hx-request`: only the box. Cost and data are both seen by whoever sees this."""
    get_deployment(request, slug, Permission.COST_VIEW)
    deployment = get_deployment(request, slug, Permission.DATA_VIEW)
    found = per_thousand(deployment, at=now())
    context = {"deployment": deployment, "found": found, "chart": _chart(found) if found else None}
    if request.htmx and request.htmx.target != "main":  # type: ignore[attr-defined]
        return render(request, "observability/_per_thousand.html", context)
    return render(request, "observability/per_thousand.html", shell_of(request, deployment, "cost") | context)


def _chart(found: PerThousand) -> Stacked | None:
    """None where no day has both."""
    bars = [_bar(day, found.currency) for day in found.days]
    return stacked(bars, every=max(1, len(bars) // 8), height=180) if found.whole.days else None


def _bar(day: Day, currency: str) -> Bar:
    value = day.per_thousand
    if value is not None and day.predictions is not None:
        words = f"{value:.4f} {currency} per 1,000 of {number(float(day.predictions))} predictions"
    else:
        words = day.why or "no prediction"
    return Bar(
        label=f"{day.day.day} {day.day:%b}",
        title=f"{day.day:%a} {day.day.day} {day.day:%b}: {words}",
        values=(Decimal(0), value or Decimal(0), Decimal(0)),
        is_unknown=not day.is_counted,
    )
