"""Taking numbers out: each export is posted, and audited before anything is sent; sensitive columns by role."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_POST

from baristaweb.lib.csv_export import download
from deployments.access import require
from deployments.audit import Actor
from deployments.domain.roles import Permission
from observability.actions import exports
from observability.domain.results.explain import explain
from observability.forms.compare import CompareForm
from observability.models import FeatureNow
from observability.queries import observed
from observability.queries.rules import rules_of
from observability.queries.sides import sides_of
from observability.views.feature import compare, feature_of
from observability.views.frame import open_page

LISTED: Final = (
    "name",
    "kind",
    "version",
    "verdict",
    "statistic",
    "value",
    "floor",
    "threshold",
    "null_rate",
    "moved_since",
    "reason",
)
WINDOWS: Final = (
    "version",
    "start",
    "end",
    "rows",
    "verdict",
    "statistic",
    "value",
    "uncertainty",
    "floor",
    "threshold",
    "null_rate",
    "levels",
)


@require_POST
def features(request: HttpRequest, slug: str) -> HttpResponseBase:
    """All features as they are now; sensitive ones are left out for those who may not see them."""
    deployment, scope, context = open_page(request, slug, "features", Permission.DATA_EXPORT)
    if scope is None:
        raise Http404
    form = _form(request)
    found = observed.features(scope).order_by("place")
    if not context["data_rights"].see_sensitive:
        found = found.filter(is_sensitive=False)
    is_sensitive = found.filter(is_sensitive=True).exists()
    by, count = Actor.of(request), found.count()
    exports.note(
        deployment=deployment, what="all features", form=form, features=count, is_sensitive=is_sensitive, by=by
    )
    if form == "json":
        return JsonResponse({"deployment": slug, "features": [_listed(one) for one in found]})
    rows = (list(_listed(one).values()) for one in found.iterator())
    return download(f"{slug}-features.csv", LISTED, rows)


def _listed(one: FeatureNow) -> dict[str, Any]:
    return {name: _plain(getattr(one, name)) for name in LISTED}


@require_POST
def feature(request: HttpRequest, slug: str, place: int) -> HttpResponseBase:
    """One feature's windows; as JSON also the explained statistic of the two sides that the form names."""
    deployment, scope, _ = open_page(request, slug, "features", Permission.DATA_EXPORT)
    if scope is None:
        raise Http404
    one, spec = feature_of(scope, place)
    if one.is_sensitive:
        require(request, Permission.SENSITIVE_EXPORT, target=deployment)
    form = _form(request)
    exports.note(
        deployment=deployment, what=one.name, form=form, features=1, is_sensitive=one.is_sensitive, by=Actor.of(request)
    )
    series = observed.series_of(scope, place)
    if form == "csv":
        return download(f"{slug}-feature-{place}.csv", WINDOWS, _windows(series))
    given = CompareForm(request.POST)
    compared = compare(scope, spec, sides_of(scope, place, given.cleaned_data if given.is_valid() else {}), None)
    name = request.POST.get("explain", "") or one.statistic
    explained = explain(compared.made, name, rules_of(scope.source)) if compared.made is not None else None
    return JsonResponse(
        {
            "deployment": slug,
            "feature": one.name,
            "current": compared.sides.current.words,
            "against": compared.sides.against.words,
            "comparison": compared.made.to_json() if compared.made is not None else None,
            "explained": explained.to_json() if explained is not None else None,
            "windows": [dict(zip(WINDOWS, row, strict=True)) for row in _windows(series)],
        }
    )


def _windows(series: list[observed.Series]) -> Iterator[list[Any]]:
    for side in series:
        for row in side.rows:
            yield [side.version, *(_plain(row[name]) for name in WINDOWS[1:])]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return " ".join(f"{number:.6g}" for number in value)
    return value


def _form(request: HttpRequest) -> str:
    """CSV unless JSON is asked for."""
    return "json" if request.POST.get("format") == "json" else "csv"
