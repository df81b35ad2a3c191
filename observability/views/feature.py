"""One feature: did it move, from what to what, since which change, and why the number says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from observability.domain.charts.distributions import Drawn, Overlay, overlay
from observability.domain.charts.panels import (
    Panel,
    quantile_panel,
    rate_panel,
    share_panel,
    statistic_panel,
    volume_panel,
)
from observability.domain.charts.scales import number, share
from observability.domain.charts.values import Value, renamed, values
from observability.domain.compare.definitions import LABELS
from observability.domain.compare.result import Comparison
from observability.domain.profile.states import CategoryState, EmbeddingState, NumericState
from observability.domain.results.explain import Explanation, explain
from observability.domain.specs.spec import FeatureSpec
from observability.domain.tools.choose import Mode, compare_as
from observability.forms.compare import CompareForm
from observability.models import FeatureNow
from observability.queries import changes, decomposed, observed
from observability.queries.observed import Scope, Series
from observability.queries.rules import rules_of
from observability.queries.sides import UNNAMED, Sides, sides_of
from observability.views.frame import Axis, axis_of, open_page
from observability.views.words import row_of, shown, state_of

TABLE_ROWS: Final = 60
TONES: Final = {"bad": "bad", "warn": "warn", "ok": "ok"}


@dataclass(frozen=True, eq=False)
class Compared:
    """The two sides laid on each other."""

    sides: Sides
    made: Comparison | None
    overlay: Overlay | None = None
    values: Sequence[Value] = ()
    renamed: tuple[Value, Value] | None = None
    why_not: str = ""


@require_safe
def page(request: HttpRequest, slug: str, place: int) -> HttpResponse:
    """`drawn`, `as`, `explain`, `days` and the fields of CompareForm; what does not fit is said or ignored."""
    _, scope, context = open_page(request, slug, "features")
    if scope is None:
        raise Http404
    one, spec = feature_of(scope, place)
    form = CompareForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    compared = compare(scope, spec, sides_of(scope, place, chosen), _drawn(request))
    mode = _mode(request)
    judged = observed.judged_in(scope)
    axis = axis_of(scope, judged)
    series = observed.series_of(scope, place)
    explained = _explained(scope, compared, request.GET.get("explain", "") or one.statistic)
    context |= {
        "row": row_of(one, None),
        "feature": one,
        "spec": spec,
        "state": state_of(one),
        "verdict_tone_of_data": TONES.get(state_of(one).tone.value, "plan"),
        "form": form,
        "compared": compared,
        "explained": explained,
        "explained_name": LABELS.get(explained.statistic, explained.statistic) if explained else "",
        "statistics": statistics_of(compared.made),
        "modes": list(Mode),
        "mode": mode,
        "shown_as": shown_as(scope, spec, compared, mode),
        "drawings": list(Drawn),
        "axis": axis,
        "panels": panels_of(scope, one, series, axis),
        "table": table_of(series),
        "decomposition": decomposed.null_rate_and_mean(scope, place, spec, compared.sides),
        "versions": [(name or UNNAMED, name or "(unnamed)") for name in observed.versions_of(scope)],
        "presets": presets(scope, one),
        "neighbours": _neighbours(scope, one),
    }
    return render(request, "observability/feature.html", context, status=200 if form.is_valid() else 422)


def feature_of(scope: Scope, place: int) -> tuple[FeatureNow, FeatureSpec]:
    """The feature at that place of the spec in use; 404 where there is none."""
    one = observed.features(scope).filter(place=place, spec=scope.spec).first()
    spec = observed.feature_spec(scope, place) if one is not None else None
    if one is None or spec is None:
        raise Http404
    return one, spec


def compare(scope: Scope, spec: FeatureSpec, sides: Sides, drawn: Drawn | None) -> Compared:
    ref, cur = sides.against.state, sides.current.state
    if ref is None or cur is None:
        side = sides.against if ref is None else sides.current
        return Compared(sides, None, why_not=f"Nothing to compare: no row of {side.words} has this feature.")
    made = compare_as(Mode.BARISTA, ref, cur, spec)
    if isinstance(ref, EmbeddingState) and isinstance(cur, EmbeddingState):
        ref, cur = ref.parts[0], cur.parts[0]
    if isinstance(ref, NumericState) and isinstance(cur, NumericState):
        return Compared(sides, made, overlay=overlay(ref, cur, spec, drawn))
    if isinstance(ref, CategoryState) and isinstance(cur, CategoryState):
        found = values(ref, cur, spec)
        return Compared(sides, made, values=found, renamed=renamed(found))
    return Compared(sides, made, why_not="The two sides are of different kinds.")


def _drawn(request: HttpRequest) -> Drawn | None:
    given = request.GET.get("drawn", "")
    return Drawn(given) if given in Drawn.__members__.values() else None


def _mode(request: HttpRequest) -> Mode:
    given = request.GET.get("as", "")
    return Mode(given) if given in Mode.__members__.values() else Mode.BARISTA


def _explained(scope: Scope, compared: Compared, name: str) -> Explanation | None:
    if compared.made is None:
        return None
    rules = rules_of(scope.source)
    found = explain(compared.made, name, rules)
    if found is None or (found.value is None and name not in compared.made.statistics):
        first = next((key for key, one in compared.made.statistics.items() if one.value is not None), "")
        found = explain(compared.made, first, rules) if first else None
    return found


def statistics_of(made: Comparison | None) -> list[dict[str, Any]]:
    """All statistics of a comparison with what they are held against."""
    if made is None:
        return []
    return [
        {
            "key": name,
            "name": LABELS.get(name, name),
            "value": shown(one.value),
            "doubt": f"± {one.uncertainty:.2g}" if one.uncertainty >= 5e-4 else "",
            "floor": shown(one.noise_floor) if one.noise_floor is not None else "",
            "threshold": f"{one.threshold:g}" if one.threshold is not None else "",
            "is_over": one.is_over,
            "reason": one.reason if one.value is None else "",
        }
        for name, one in made.statistics.items()
    ]


def shown_as(scope: Scope, spec: FeatureSpec, compared: Compared, mode: Mode) -> dict[str, Any] | None:
    """The same two sides by another tool's definitions."""
    ref, cur = compared.sides.against.state, compared.sides.current.state
    if mode is Mode.BARISTA or ref is None or cur is None:
        return None
    made = compare_as(mode, ref, cur, spec)
    return {"verdict": made.verdict, "reason": made.reason, "statistics": statistics_of(made)}


def panels_of(scope: Scope, one: FeatureNow, series: Sequence[Series], axis: Axis) -> list[Panel]:
    """Quantiles or shares, statistic, null rate, rows: on one time axis."""
    if not series:
        return []
    newest = _joined(series)
    last = newest.rows[-1]
    is_one = len({row["statistic"] for row in newest.rows}) <= 1
    found = _levels_panel(scope, one, series, newest, axis)
    name = LABELS.get(one.statistic, one.statistic) or "statistic"
    found.append(
        statistic_panel(
            axis.frame,
            name=name if is_one else "Leading statistic ÷ threshold",
            values=_statistic(newest, "value"),
            floors=_statistic(newest, "floor"),
            threshold=last["threshold"] if is_one else 1.0,
            value=_newest(last, is_one=is_one),
            note="newest window; grey is what noise alone reaches",
            says=f"{name} of {one.name} over {scope.days} days, with its threshold",
        )
    )
    found.append(
        rate_panel(
            axis.frame,
            name="No value",
            values=newest.points("null_rate"),
            value=share(last["null_rate"]) if last["null_rate"] is not None else "",
            says=f"Share of rows without a value of {one.name}",
        )
    )
    found.append(
        volume_panel(
            axis.frame,
            name="Rows",
            versions=[(side.version, side.points("rows")) for side in series],
            value=number(last["rows"]),
            note="a window, by model version",
            says="Rows of each window by model version",
            height=48.0,
        )
    )
    return found


def _levels_panel(scope: Scope, one: FeatureNow, series: Sequence[Series], newest: Series, axis: Axis) -> list[Panel]:
    """Quantiles of numbers, shares of a category's values; nothing where neither is kept."""
    last = newest.rows[-1]
    found: list[Panel] = []
    if len(last["levels"]) == 5 and not one.names:
        found.append(
            quantile_panel(
                axis.frame,
                name="Quantiles",
                series=[newest.levels(place) for place in range(5)],
                value=number(last["levels"][2]),
                note="median of the newest window" + _of(series),
                says=f"Quantiles of {one.name} over {scope.days} days",
            )
        )
    elif one.names:
        found.append(
            share_panel(
                axis.frame,
                name="Shares",
                values=[(name, newest.levels(place)) for place, name in enumerate(one.names)],
                note="of the baseline's most frequent values" + _of(series),
                says=f"Shares of the values of {one.name} over {scope.days} days",
            )
        )
    return found


def _of(series: Sequence[Series]) -> str:
    return ", of the newest version then" if len(series) > 1 else ""


def _joined(series: Sequence[Series]) -> Series:
    """One line for all versions: of each hour the newest version that served in it."""
    rows = {row["from"]: row for side in series for row in side.rows}
    return Series(series[-1].version, [rows[start] for start in sorted(rows)])


def _newest(last: dict[str, Any], *, is_one: bool) -> str:
    if last["value"] is None:
        return ""
    return shown(last["value"] if is_one or not last["threshold"] else last["value"] / last["threshold"])


def _statistic(side: Series, name: str) -> list[Any]:
    """The leading statistic changes with what moves most: then all are shown by their threshold."""
    points = side.points(name)
    if len({row["statistic"] for row in side.rows}) <= 1:
        return points
    return [
        type(point)(
            point.start,
            point.end,
            point.value / row["threshold"] if point.value is not None and row["threshold"] else None,
        )
        for point, row in zip(points, side.rows, strict=True)
    ]


def table_of(series: Sequence[Series]) -> list[dict[str, Any]]:
    """The newest windows of all versions, newest first: the numbers behind the panels."""
    rows = [row | {"version": side.version} for side in series for row in side.rows[-TABLE_ROWS:]]
    rows.sort(key=lambda row: row["from"], reverse=True)
    for row in rows[:TABLE_ROWS]:
        row["value_shown"] = shown(row["value"]) if row["value"] is not None else "unknown"
        row["floor_shown"] = shown(row["floor"]) if row["floor"] is not None else "unknown"
        row["null_shown"] = share(row["null_rate"]) if row["null_rate"] is not None else "unknown"
        row["name"] = LABELS.get(row["statistic"], row["statistic"])
    return rows[:TABLE_ROWS]


def presets(scope: Scope, one: FeatureNow) -> list[tuple[str, str]]:
    """(words, query) of comparisons that people ask for most."""
    newest = observed.newest_of(scope)
    if newest is None:
        return []
    end = newest.end
    found = [("Last 24 h against the baseline", "")]
    past = changes.changes_of(scope.deployment, scope.since, scope.until)
    last = next((change for change in reversed(past) if change.label.startswith("rev ")), None)
    if last is not None:
        at = datetime.fromtimestamp(last.at, tz=end.tzinfo)
        ranges = (at, min(at + timedelta(days=1), end), at - timedelta(days=1), at)
        if ranges[1] > ranges[0]:
            found.append((f"Before and after {last.label}", _query(*ranges)))
    week = timedelta(days=7)
    found.append(("This week against last week", _query(end - week, end, end - 2 * week, end - week)))
    versions = observed.versions_of(scope)
    if len(versions) >= 2:
        query = {"version": versions[-1] or UNNAMED, "against_version": versions[-2] or UNNAMED}
        words = f"{versions[-1] or '(unnamed)'} against {versions[-2] or '(unnamed)'}, same hours"
        found.append((f"Version {words}", urlencode(query)))
    return found


def _query(since: datetime, until: datetime, against_since: datetime, against_until: datetime) -> str:
    names = ("since", "until", "against_since", "against_until")
    moments = (since, until, against_since, against_until)
    return urlencode({name: f"{moment:%Y-%m-%dT%H:%M}" for name, moment in zip(names, moments, strict=True)})


def _neighbours(scope: Scope, one: FeatureNow) -> tuple[FeatureNow | None, FeatureNow | None]:
    """The features before and after this one in the order of the spec."""
    found = observed.features(scope)
    return (
        found.filter(place__lt=one.place).order_by("-place").first(),
        found.filter(place__gt=one.place).order_by("place").first(),
    )
