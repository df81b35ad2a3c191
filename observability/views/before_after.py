"""Before and after a revision: rows, predictions, the features that moved most. A page, and a part of others."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployments.models import Revision
from observability.domain.charts.scales import number, share
from observability.domain.compare.definitions import LABELS
from observability.queries import before_after as queries
from observability.queries.rules import rules_of
from observability.views.frame import open_page
from observability.views.words import shown


@require_safe
def page(request: HttpRequest, slug: str, number_: int) -> HttpResponse:
    """`hx-request`: only the box."""
    deployment, scope, context = open_page(request, slug, "summary")
    revision = Revision.objects.filter(deployment=deployment, number=number_).first()
    if revision is None:
        raise Http404
    found = queries.before_after(scope, revision.saved_at, rules_of(scope.source)) if scope is not None else None
    context |= {
        "revision": revision,
        "found": found,
        "moved": [_row(one) for one in found.moved] if found else [],
        "step": scope.spec.window if scope is not None else "hour",
    }
    is_part = request.htmx and request.htmx.target != "main"  # type: ignore[attr-defined]
    return render(request, "observability/revision.html#box" if is_part else "observability/revision.html", context)


def _row(one: queries.Moved) -> dict[str, object]:
    is_share = one.what.startswith("share")
    sides = [
        None if value is None else share(value) if is_share else number(value) for value in (one.before, one.after)
    ]
    name = one.result.statistic or ""
    return {
        "place": one.place,
        "name": one.spec.name,
        "is_prediction": one.is_prediction,
        "what": one.what,
        "before": sides[0],
        "after": sides[1],
        "null_before": share(one.null_before) if one.null_before is not None else "",
        "null_after": share(one.null_after) if one.null_after is not None else "",
        "statistic": f"{LABELS.get(name, name)} {shown(one.result.value)}" if one.result.value is not None else "",
        "threshold": f"threshold {one.result.threshold:g}" if one.result.threshold is not None else "",
        "is_over": one.is_over,
        "reason": one.result.reason,
    }
