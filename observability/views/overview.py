"""The tab: is the data all right, since when not, what changed then; volume, features that moved, findings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from deployments.access import get_deployment
from deployments.domain.roles import Permission
from observability.domain.charts.panels import Panel, lines_panel, volume_panel
from observability.domain.charts.paths import Point
from observability.domain.charts.scales import number
from observability.domain.results.baselines import OWN
from observability.domain.results.health import FeatureState
from observability.models import DataHealth, FeatureNow, JudgedWindow, SourceFinding
from observability.queries import observed
from observability.queries.observed import Scope
from observability.views.frame import Axis, axis_of, health_of, open_page
from observability.views.words import row_of

WORST: Final = 8


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Works for a deployment without a log, without a window, and with thousands of them."""
    _, scope, context = open_page(request, slug, "summary")
    if scope is None:
        return render(request, "observability/overview.html", context)
    judged = observed.judged_in(scope)
    axis, newest = axis_of(scope, judged), observed.newest_of(scope)
    worst = list(observed.features(scope).order_by("-severity", "-ratio", "name")[:WORST])
    sparks, by = observed.sparks_of(scope, [one.place for one in worst]), observed.severities(scope)
    context |= {
        "axis": axis,
        "panels": _panels(scope, judged, axis),
        "days_table": _table(judged, scope),
        "worst": [row_of(one, sparks.get(one.place)) for one in worst],
        "features_total": sum(by.values()),
        "findings": observed.findings_in(scope),
        "column_findings": SourceFinding.objects.filter(source=scope.source, closed_at=None)[:20],
        "changes": list(reversed(axis.changes))[:12],
        "newest": newest,
        "is_own_baseline": newest is not None
        and newest.reference is not None
        and newest.reference.words.startswith(OWN),
        "versions": observed.versions_of(scope),
        "counts": {state.name.lower(): by.get(state.severity, 0) for state in FeatureState},
    }
    return render(request, "observability/overview.html", context)


@require_safe
def part(request: HttpRequest, slug: str) -> HttpResponse:
    """The line about data on the deployment's own overview."""
    deployment = get_deployment(request, slug, Permission.DATA_VIEW)
    scope = observed.scope_of(deployment, days=14, at=now())
    row = DataHealth.objects.filter(pk=deployment.pk).first()
    context = {"deployment": deployment, "health": health_of(deployment, scope), "row": row}
    return render(request, "observability/_data_health_box.html", context)


def _panels(scope: Scope, judged: Sequence[JudgedWindow], axis: Axis) -> list[Panel]:
    known = [row for row in judged if not row.is_gap]
    versions: dict[str, list[Point]] = {}
    totals: dict[float, list[float]] = {}
    for row in known:
        windows = max((row.end - row.start).total_seconds() / scope.step_s, 1.0)
        point = Point(row.start.timestamp(), row.end.timestamp(), row.rows / windows)
        versions.setdefault(row.version, []).append(point)
        if row.spec_id == scope.spec.pk:
            held = totals.setdefault(point.start, [point.end, 0.0])
            held[1] = max(held[1], float(row.moved))
    newest = known[-1] if known else None
    last_day = sum(row.rows for row in known if newest and row.end > newest.end - timedelta(days=1))
    at_end = sum([row.rows for row in known if newest is not None and row.end == newest.end])
    unit = scope.spec.window
    found = [
        volume_panel(
            axis.frame,
            name=f"Rows a{'n hour' if unit == 'hour' else ' day'}",
            versions=list(versions.items()),
            value=number(float(at_end)) if newest else "",
            note=f"newest window; {last_day:,} in the last 24 h of the log" if newest else "no window yet",
            says=f"Rows of each {unit} over {scope.days} days by model version",
        ),
        _not_as_before(axis, totals, known, scope),
    ]
    scores = list(observed.features(scope).filter(role="score").order_by("place")[:1])
    if scores:
        found.append(_scores(axis, scope, scores[0]))
    return found


def _not_as_before(axis: Axis, totals: dict[float, list[float]], known: Sequence[JudgedWindow], scope: Scope) -> Panel:
    points = [Point(start, end, count) for start, (end, count) in sorted(totals.items())]
    return volume_panel(
        axis.frame,
        name="Features that moved",
        versions=[("", points)],
        value=number(points[-1].value or 0.0) if points else "",
        note="moved or drifted, of each window",
        says=f"How many features moved or drifted in each window over {scope.days} days",
        height=56.0,
    )


def _scores(axis: Axis, scope: Scope, score: FeatureNow) -> Panel:
    series = observed.series_of(scope, score.place)[-3:]
    newest = next(
        (row["levels"][2] for one in reversed(series) for row in reversed(one.rows) if len(row["levels"]) == 5), None
    )
    return lines_panel(
        axis.frame,
        name=f"Median {score.name[:40]}",
        series=[(f"version {one.version}" if one.version else "median", one.levels(2)) for one in series],
        value=f"{newest:.3g}" if newest is not None else "",
        note="by model version",
        says=f"The median of {score.name} over {scope.days} days by model version",
    )


def _table(judged: Sequence[JudgedWindow], scope: Scope) -> list[dict[str, Any]]:
    """The numbers behind the panels, by day."""
    found: dict[str, dict[str, Any]] = {}
    for row in judged:
        day = f"{max(row.start, scope.since):%a %d %b}"
        held = found.setdefault(day, {"day": day, "rows": 0, "windows": 0, "moved": 0, "gaps": 0})
        held["gaps" if row.is_gap else "windows"] += 1
        held["rows"] += row.rows
        held["moved"] = max(held["moved"], row.moved)
    return list(found.values())
