"""What pages of a deployment's data read: its log, a range of time, judged windows in it, and what changed then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, QuerySet

from deployments.models import Deployment, SleepRecord
from observability.domain.charts.frame import Because, Stretch
from observability.domain.charts.paths import Point
from observability.domain.charts.sparks import Spark, spark
from observability.domain.fold.windows import Window
from observability.domain.specs.kept import kept_spec
from observability.domain.specs.spec import FeatureSpec, Spec
from observability.models import (
    Baseline,
    FeatureNow,
    FeatureVerdict,
    JudgedWindow,
    LogSource,
    SourceSpec,
    StoredWindow,
)
from observability.queries import windows

SLOTS: Final = 56  # of a sparkline: two pixels each, the largest value of each kept
DAYS: Final = (7, 14, 30, 90)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A deployment's log in a range of time; `spec` is the version that counts now."""

    deployment: Deployment
    source: LogSource
    spec: SourceSpec
    since: datetime
    until: datetime
    days: int

    @property
    def zone(self) -> str:
        return self.spec.zone or "UTC"

    @property
    def step_s(self) -> int:
        return Window(self.spec.window).seconds

    @property
    def seconds(self) -> tuple[int, int]:
        return int(self.since.timestamp()), int(self.until.timestamp())


def scope_of(deployment: Deployment, *, days: int, at: datetime) -> Scope | None:
    """The last days until now; until the newest window where all of them are older. None without a source or spec."""
    source = windows.source_of(deployment)
    if source is None or source.spec is None:
        return None
    newest = JudgedWindow.objects.filter(source=source).order_by("-start").values_list("end", flat=True).first()
    until = at
    if newest is not None and at - newest > timedelta(days=days) / 2:
        until = newest
    return Scope(
        deployment=deployment,
        source=source,
        spec=source.spec,
        since=until - timedelta(days=days),
        until=until,
        days=days,
    )


def judged_in(scope: Scope) -> list[JudgedWindow]:
    """All judged windows that overlap the range, those of older specs too, in order."""
    found = JudgedWindow.objects.filter(
        source=scope.source, start__lt=scope.until, start__gte=scope.since - timedelta(days=31), end__gt=scope.since
    )
    return list(found.defer("findings").order_by("start", "version"))


def findings_in(scope: Scope, most: int = 40) -> list[tuple[JudgedWindow, dict[str, Any]]]:
    """What was found about the data, newest first; of what lasts, only the newest window."""
    rows = JudgedWindow.objects.filter(source=scope.source, start__lt=scope.until, end__gt=scope.since).exclude(
        findings=[]
    )
    found: dict[tuple[str, str | None], tuple[JudgedWindow, dict[str, Any]]] = {}
    for row in rows.order_by("-start")[:400]:
        for one in row.findings:
            key = (one["name"], one["feature"])
            if key in found:
                found[key][1]["since"] = row.start
            elif len(found) < most:
                found[key] = (row, dict(one) | {"since": row.start, "until": row.end})
    return list(found.values())


def stretches_of(scope: Scope, judged: Sequence[JudgedWindow]) -> list[Stretch]:
    """Hours without a line, each with its reason: asleep, no logs, or counted by another spec."""
    low, high = scope.seconds
    found = [
        Stretch(
            row.start.timestamp(),
            row.end.timestamp(),
            Because.ASLEEP if row.verdict == "expected no data" else Because.GAP,
            "no data expected" if row.verdict == "expected no data" else "no logs",
        )
        for row in judged
        if row.is_gap
    ]
    slept = SleepRecord.objects.filter(deployment=scope.deployment, opened_at__lt=scope.until).order_by("-opened_at")
    for opened, closed in slept.values_list("opened_at", "closed_at")[:60]:
        end = closed or scope.until
        if end > scope.since and not any(one.start <= opened.timestamp() < one.end for one in found):
            found.append(Stretch(max(opened.timestamp(), low), min(end.timestamp(), high), Because.ASLEEP, "asleep"))
    other = [row for row in judged if row.spec_id != scope.spec.pk and not row.is_gap]
    if other:
        found.append(
            Stretch(
                min(row.start for row in other).timestamp(),
                max(row.end for row in other).timestamp(),
                Because.OTHER,
                "not comparable: an older spec",
            )
        )
    return found


def features(scope: Scope) -> QuerySet[FeatureNow]:
    return FeatureNow.objects.filter(source=scope.source)


def feature_spec(scope: Scope, place: int) -> FeatureSpec | None:
    """One feature of the spec in use, without reading the others; None where there is none at that place."""
    found = SourceSpec.objects.filter(pk=scope.spec.pk).values_list(f"spec__features__{int(place)}", "sensitive")
    data, sensitive = found.get()
    return kept_spec(Spec((FeatureSpec.from_json(data),)), sensitive).features[0] if data else None


def severities(scope: Scope) -> dict[int, int]:
    """How many features there are by their severity."""
    return dict(features(scope).order_by().values_list("severity").annotate(number=Count("pk")))


_SPARKS = """
SELECT place, width_bucket(date_part('epoch', start), %s::float8, %s::float8, %s) AS slot,
    max(value / nullif(threshold, 0))
FROM observability_featureverdict
WHERE spec_id = %s AND place = ANY(%s) AND start >= %s AND start < %s
GROUP BY 1, 2 ORDER BY 1, 2
"""


def sparks_of(scope: Scope, places: Sequence[int]) -> dict[int, Spark]:
    """Sparklines of statistic / threshold, the largest of each slot, by the place of a feature."""
    low, high = scope.seconds
    slots = min(SLOTS, max((high - low) // scope.step_s, 1))
    with connection.cursor() as cursor:
        cursor.execute(_SPARKS, [low, high, slots, scope.spec.pk, list(places), scope.since, scope.until])
        rows = cursor.fetchall()
    size = (high - low) / slots
    gathered: dict[int, dict[int, float | None]] = {}
    for place, slot, ratio in rows:
        gathered.setdefault(place, {})[slot] = ratio
    found = {}
    for place, values in gathered.items():
        points = [Point(low + (slot - 1) * size, low + slot * size, values.get(slot)) for slot in range(1, slots + 1)]
        made = spark(points, (low, high))
        if made is not None:
            found[place] = made
    return found


@dataclass(frozen=True, eq=False)
class Series:
    """One feature over judged windows in order; of one model version."""

    version: str
    rows: list[dict[str, Any]]

    def points(self, name: str) -> list[Point]:
        return [Point(row["from"], row["to"], row[name]) for row in self.rows]

    def levels(self, place: int) -> list[Point]:
        return [
            Point(row["from"], row["to"], row["levels"][place] if place < len(row["levels"]) else None)
            for row in self.rows
        ]


def series_of(scope: Scope, place: int) -> list[Series]:
    """By version, the newest version last."""
    fields = (
        "judged__version",
        "start",
        "judged__end",
        "judged__rows",
        "value",
        "uncertainty",
        "floor",
        "threshold",
        "null_rate",
        "levels",
        "verdict",
        "statistic",
    )
    found = FeatureVerdict.objects.filter(
        spec=scope.spec, place=place, start__gte=scope.since, start__lt=scope.until
    ).order_by("start")
    gathered: dict[str, list[dict[str, Any]]] = {}
    for (
        version,
        start,
        end,
        rows,
        value,
        doubt,
        floor,
        threshold,
        null_rate,
        levels,
        verdict,
        statistic,
    ) in found.values_list(*fields):
        gathered.setdefault(version, []).append(
            {
                "start": start,
                "end": end,
                "from": start.timestamp(),
                "to": end.timestamp(),
                "rows": float(rows),
                "value": value,
                "uncertainty": doubt,
                "floor": floor,
                "threshold": threshold,
                "null_rate": null_rate,
                "levels": levels,
                "verdict": verdict,
                "statistic": statistic,
            }
        )
    return sorted((Series(version, rows) for version, rows in gathered.items()), key=lambda one: one.rows[0]["from"])


def stored_in(scope: Scope, since: datetime, until: datetime, version: str | None) -> list[tuple[int, int]]:
    """(key, rows) of the spec's windows that begin in [since, until), of one version or of all."""
    found = StoredWindow.objects.filter(
        source=scope.source,
        spec=scope.spec,
        length=scope.spec.window,
        start__gte=since,
        start__lt=until,
        shelf__isnull=False,
    )
    if version is not None:
        found = found.filter(version=version)
    return list(found.order_by("start").values_list("pk", "rows"))


def versions_of(scope: Scope) -> list[str]:
    """Model versions with a judged window in the range, the newest last."""
    found: dict[str, datetime] = {}
    rows = JudgedWindow.objects.filter(source=scope.source, is_gap=False, start__gte=scope.since, start__lt=scope.until)
    for version, start in rows.order_by("start").values_list("version", "start"):
        found.setdefault(version, start)
    return list(found)


def newest_of(scope: Scope, version: str | None = None) -> JudgedWindow | None:
    """The newest judged window of the spec, of a version or of any."""
    found = JudgedWindow.objects.filter(source=scope.source, spec=scope.spec, is_gap=False)
    if version is not None:
        found = found.filter(version=version)
    return found.select_related("reference").defer("reference__data", "reference__offsets").order_by("-start").first()


def baseline_of(scope: Scope) -> Baseline | None:
    return Baseline.objects.filter(source=scope.source).defer("profile").first()
