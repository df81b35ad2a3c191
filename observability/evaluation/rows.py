"""Results of windows as rows, and what lists show of each feature now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction

from baristaweb.lib.clock import now
from observability.domain.profile.states import State
from observability.domain.results.health import FeatureState, feature_state
from observability.domain.results.levels import levels_of
from observability.domain.results.outcome import Result
from observability.domain.results.quality import absent
from observability.domain.results.replay import WindowResult
from observability.domain.results.verdicts import FeatureResult
from observability.domain.specs.spec import Spec
from observability.models import FeatureNow, FeatureVerdict, JudgedWindow, ReferenceShelf, SourceSpec

OVER: Final = (Result.MOVED, Result.DRIFT)
SAID: Final = (*OVER, Result.CANNOT_BE_EVALUATED, Result.NOT_ENOUGH_DATA)
BATCH: Final = 2_000
STANDS: Final = timedelta(days=1)  # a verdict while newer windows have too few rows


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(eq=False)
class Newest:
    """The newest window of a version, and since when each feature's run of moved windows lasts.

    `few` is a newer one that waits for more rows: until it has them, what the last one said stands for a day.
    """

    row: JudgedWindow | None = None
    results: dict[str, FeatureResult] = field(default_factory=dict)
    null_rates: dict[str, float | None] = field(default_factory=dict)
    few: Newest | None = None
    since: dict[str, datetime] = field(default_factory=dict)
    last_moved: dict[str, datetime] = field(default_factory=dict)


@dataclass(eq=False)
class Writer:
    """Writes each window as it is judged, and keeps the newest of each version."""

    source_spec: SourceSpec
    spec: Spec
    names: Mapping[str, Sequence[str]]
    places: Mapping[str, int]
    newest: dict[str, Newest] = field(default_factory=dict)
    written: int = 0

    def window(
        self,
        result: WindowResult,
        version: str,
        reference: ReferenceShelf | None,
        states: Mapping[str, State],
        whole: Mapping[str, State | None],
    ) -> JudgedWindow:
        row = self.row(result, version, reference)
        row.moved = sum(one.verdict in OVER for one in result.features)
        kept = self.newest.setdefault(version, Newest())
        found = []
        rates: dict[str, float | None] = {}
        for one in result.features:
            state = states.get(one.name)
            rates[one.name] = absent(state) / state.rows if state is not None and state.rows else None
            found.append(self._feature(one, row, state, rates[one.name], whole.get(one.name)))
        with transaction.atomic():
            row.save(force_insert=True)
            FeatureVerdict.objects.bulk_create(found, batch_size=BATCH)
        self.written += 1
        _go_on(kept, row, result.features, rates)
        return row

    def row(self, result: WindowResult, version: str, reference: ReferenceShelf | None) -> JudgedWindow:
        return JudgedWindow(
            source_id=self.source_spec.source_id,
            spec=self.source_spec,
            reference=reference,
            version=version,
            is_gap=not result.rows,
            start=at(result.start),
            end=at(result.end),
            rows=result.rows,
            verdict=result.verdict.value,
            findings=[one.to_json() for one in result.findings],
        )

    def _feature(
        self, one: FeatureResult, row: JudgedWindow, state: State | None, null_rate: float | None, whole: State | None
    ) -> FeatureVerdict:
        spec = self.spec.by_name[one.name]
        levels = levels_of(state, spec, self.names.get(one.name, ()), whole) if state is not None else []
        return FeatureVerdict(
            judged=row,
            spec=self.source_spec,
            place=self.places[one.name],
            start=row.start,
            verdict=one.verdict.value,
            statistic=one.statistic or "",
            value=one.value,
            uncertainty=one.uncertainty,
            floor=one.floor,
            threshold=one.threshold,
            null_rate=null_rate,
            levels=levels,
            reason=one.reason if one.verdict in SAID else "",
        )


def _go_on(kept: Newest, row: JudgedWindow, features: Sequence[FeatureResult], rates: dict[str, float | None]) -> None:
    results = {one.name: one for one in features}
    if row.verdict == Result.NOT_ENOUGH_DATA:
        kept.few = Newest(row, results, rates)
        return
    kept.row, kept.results, kept.null_rates, kept.few = row, results, rates, None
    for one in features:
        if one.verdict in OVER:
            kept.since.setdefault(one.name, row.start)
            kept.last_moved[one.name] = row.start
        elif one.verdict not in (Result.NOT_ENOUGH_DATA, Result.CANNOT_BE_EVALUATED):
            kept.since.pop(one.name, None)


def features_now(writer: Writer, roles: Mapping[str, str], sensitive: Sequence[str]) -> list[FeatureNow]:
    """One row a feature: of the versions with a window in the last day, the one whose verdict is the worst.

    A version that has just begun has no verdict yet, beside one that has.
    """
    ends = [one.row.end for kept in writer.newest.values() for one in (kept, kept.few) if one and one.row]
    if not ends:
        return []
    for version, kept in writer.newest.items():
        _settle(writer.source_spec, version, kept, max(ends))
    limit = max(ends).timestamp() - 86_400
    serving = {
        version: kept
        for version, kept in writer.newest.items()
        if kept.row is not None and kept.row.end.timestamp() > limit
    }
    judged = {version: kept for version, kept in serving.items() if not _is_few(kept)}
    serving = judged or serving
    return [
        found
        for feature in writer.spec
        if (found := _feature_now(writer, serving, feature.name, roles, sensitive)) is not None
    ]


def _is_few(kept: Newest) -> bool:
    return kept.row is not None and kept.row.verdict == Result.NOT_ENOUGH_DATA


def _settle(spec: SourceSpec, version: str, kept: Newest, newest: datetime) -> None:
    """Whether the window that waits for rows speaks, or the last one that had enough, in this run or in one before."""
    if kept.row is None:
        _recall(spec, version, kept, newest)
    few = kept.few
    if few is not None and few.row is not None and (kept.row is None or few.row.end - kept.row.end > STANDS):
        kept.row, kept.results, kept.null_rates = few.row, few.results, few.null_rates


def _recall(spec: SourceSpec, version: str, kept: Newest, newest: datetime) -> None:
    rows = JudgedWindow.objects.filter(source=spec.source_id, spec=spec, version=version, is_gap=False)
    rows = rows.filter(end__gte=newest - STANDS).exclude(verdict=Result.NOT_ENOUGH_DATA.value)
    kept.row = rows.order_by("-end").first()
    names = [feature.name for feature in spec.to_spec()]
    for one in FeatureVerdict.objects.filter(judged=kept.row).defer("levels") if kept.row else ():
        name = names[one.place]
        kept.null_rates[name] = one.null_rate
        kept.results[name] = FeatureResult(
            name, Result(one.verdict), one.reason, one.statistic or None, one.value, one.uncertainty, one.floor,
            one.threshold,
        )  # fmt: skip


def _feature_now(
    writer: Writer, serving: Mapping[str, Newest], name: str, roles: Mapping[str, str], sensitive: Sequence[str]
) -> FeatureNow | None:
    found: list[tuple[tuple[Any, ...], str, Newest, FeatureResult, list[list[str]], FeatureState]] = []
    for version, kept in serving.items():
        one = kept.results.get(name)
        if one is None or kept.row is None:
            continue
        said = [[item["name"], item["reason"]] for item in kept.row.findings if item["feature"] == name]
        state = feature_state(one.verdict, [item[0] for item in said])
        ratio = one.value / one.threshold if one.value is not None and one.threshold else 0.0
        found.append(((state.severity, ratio, version), version, kept, one, said, state))
    if not found:
        return None
    _, version, kept, one, said, state = max(found, key=lambda item: item[0])
    return FeatureNow(
        source_id=writer.source_spec.source_id,
        spec=writer.source_spec,
        place=writer.places[name],
        name=name,
        kind=writer.spec.by_name[name].kind.value,
        role=roles.get(name, ""),
        is_sensitive=name in sensitive,
        names=list(writer.names.get(name, ())),
        version=version,
        verdict=one.verdict.value,
        severity=state.severity,
        statistic=one.statistic or "",
        value=one.value,
        floor=one.floor,
        threshold=one.threshold,
        ratio=one.value / one.threshold if one.value is not None and one.threshold else None,
        null_rate=kept.null_rates.get(name),
        reason=one.reason if one.verdict in SAID else "",
        findings=said,
        moved_since=kept.since.get(name),
        last_moved_at=kept.last_moved.get(name),
        judged_at=now(),
    )
