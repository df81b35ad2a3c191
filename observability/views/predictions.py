"""What the model answered: distribution of each score and prediction by version, on each other and over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from observability.domain.charts.panels import Panel
from observability.queries import observed
from observability.queries.sides import UNNAMED, sides_of
from observability.views.feature import Compared, compare, feature_of, panels_of
from observability.views.frame import Axis, axis_of, open_page
from observability.views.words import Row, row_of

MOST: Final = 6


@dataclass(frozen=True, eq=False)
class Prediction:
    """One predicted column: the newest day against the baseline, the two newest versions in the same hours."""

    row: Row
    compared: Compared
    by_version: Compared | None
    panels: list[Panel]


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Empty when the spec names no prediction and no score."""
    _, scope, context = open_page(request, slug, "predictions")
    if scope is None:
        return render(request, "observability/overview.html", context)
    axis = axis_of(scope, observed.judged_in(scope))
    versions = observed.versions_of(scope)
    found = [
        _prediction(scope, one.place, versions, axis)
        for one in observed.features(scope).exclude(role="").filter(spec=scope.spec).order_by("place")[:MOST]
    ]
    context |= {"predictions": found, "axis": axis, "versions": versions}
    return render(request, "observability/predictions.html", context)


def _prediction(scope: observed.Scope, place: int, versions: list[str], axis: Axis) -> Prediction:
    one, spec = feature_of(scope, place)
    by_version = None
    if len(versions) >= 2:
        chosen = {"version": versions[-1] or UNNAMED, "against_version": versions[-2] or UNNAMED}
        by_version = compare(scope, spec, sides_of(scope, place, chosen), None)
    panels = panels_of(scope, one, observed.series_of(scope, place), axis)
    return Prediction(row_of(one, None), compare(scope, spec, sides_of(scope, place, {}), None), by_version, panels)
