"""All features of a log: searched, filtered, sorted in the database, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from observability.domain.results.health import FeatureState
from observability.domain.specs.spec import Kind
from observability.models import FeatureNow
from observability.queries import observed
from observability.views.frame import open_page
from observability.views.words import row_of

PAGE_SIZE: Final = 25
SORTS: Final[dict[str, tuple[Any, ...]]] = {
    "drift": ("-severity", F("ratio").desc(nulls_last=True), "name"),
    "-drift": ("severity", F("ratio").asc(nulls_first=True), "name"),
    "name": ("name",),
    "-name": ("-name",),
    "null": (F("null_rate").desc(nulls_last=True), "name"),
    "-null": (F("null_rate").asc(nulls_last=True), "name"),
    "moved": (F("last_moved_at").desc(nulls_last=True), "name"),
    "-moved": (F("last_moved_at").asc(nulls_last=True), "name"),
}
VIEWS: Final = {
    "": "All",
    "bad": "Not ok",
    "drift": "Drift",
    "moved": "Moved",
    "broken": "Broken",
    "few": "Not enough data",
    "unknown": "Cannot be evaluated",
}


@dataclass(frozen=True)
class Filters:
    view: str
    words: str
    kind: str
    sort: str


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """`q`, `view`, `kind`, `sort`, `page`, `days`; what does not fit is ignored."""
    _, scope, context = open_page(request, slug, "features")
    if scope is None:
        return render(request, "observability/overview.html", context)
    filters = filters_of(request)
    found = chosen(observed.features(scope), filters)
    pages = Paginator(found, PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    rows = list(page.object_list)
    sparks = observed.sparks_of(scope, [one.place for one in rows])
    counts = _counts(scope)
    context |= {
        "filters": filters,
        "rows": [row_of(one, sparks.get(one.place)) for one in rows],
        "page": page,
        "page_numbers": pages.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "views": [(key, words, counts.get(key, 0)) for key, words in VIEWS.items()],
        "kinds": list(Kind),
        "total": counts[""],
        "not_ok": counts["bad"],
    }
    is_part = request.htmx and request.htmx.target == "feature-rows"  # type: ignore[attr-defined]
    answer = render(request, "observability/features.html#rows" if is_part else "observability/features.html", context)
    patch_vary_headers(answer, ["HX-Request", "HX-Target"])
    return answer


def filters_of(request: HttpRequest) -> Filters:
    given = {name: request.GET.get(name, "")[:100].strip() for name in ("view", "q", "kind", "sort")}
    return Filters(
        given["view"] if given["view"] in VIEWS else "",
        given["q"],
        given["kind"] if given["kind"] in Kind.__members__.values() else "",
        given["sort"] if given["sort"] in SORTS else "drift",
    )


_SEVERITY: Final = {
    "broken": FeatureState.BROKEN,
    "drift": FeatureState.DRIFT,
    "moved": FeatureState.MOVED,
    "few": FeatureState.FEW,
    "unknown": FeatureState.UNKNOWN,
}


def chosen(found: QuerySet[FeatureNow], filters: Filters) -> QuerySet[FeatureNow]:
    if filters.view == "bad":
        found = found.filter(severity__gte=FeatureState.MOVED.severity)
    elif filters.view:
        found = found.filter(severity=_SEVERITY[filters.view].severity)
    if filters.kind:
        found = found.filter(kind=filters.kind)
    for word in filters.words.split()[:5]:
        found = found.filter(Q(name__icontains=word) | Q(reason__icontains=word))
    return found.order_by(*SORTS[filters.sort])


def _counts(scope: observed.Scope) -> dict[str, int]:
    by = observed.severities(scope)
    found = {key: by.get(state.severity, 0) for key, state in _SEVERITY.items()}
    found[""] = sum(by.values())
    found["bad"] = found["broken"] + found["drift"] + found["moved"]
    return found
