"""What a change did: the last full windows before it against the first after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from observability.domain.profile.states import CategoryState, NumericState, State, merge
from observability.domain.results.levels import levels_of
from observability.domain.results.outcome import Result
from observability.domain.results.quality import absent
from observability.domain.results.rules import Rules
from observability.domain.results.verdicts import FeatureResult, History, judge
from observability.domain.specs.spec import FeatureSpec, Spec
from observability.models import StoredWindow
from observability.queries.observed import Scope
from observability.queries.shelves import LazyStates, Shelves

HOURS: Final = 24
SETTLE: Final = timedelta(hours=6)  # rollouts take time: the first window that began after the change
MOST: Final = 12


@dataclass(frozen=True, eq=False)
class Moved:
    """One feature before and after. `before` and `after` are the median, or the share of the largest value."""

    spec: FeatureSpec
    place: int
    result: FeatureResult
    before: float | None
    after: float | None
    what: str
    null_before: float | None
    null_after: float | None
    is_prediction: bool

    @property
    def is_over(self) -> bool:
        return self.result.verdict in (Result.MOVED, Result.DRIFT)


@dataclass(frozen=True, eq=False)
class BeforeAfter:
    """`rows` are an hour, before and after; `moved` the predictions first, then the most moved features."""

    before: tuple[datetime, datetime]
    after: tuple[datetime, datetime]
    rows: tuple[float, float]
    windows: tuple[int, int]
    moved: Sequence[Moved]
    over: int
    judged: int


def before_after(scope: Scope, at: datetime, rules: Rules) -> BeforeAfter | None:
    """None while either side has no full window."""
    step = timedelta(seconds=scope.step_s)
    span = max(timedelta(hours=HOURS), step)
    rows = list(
        StoredWindow.objects.filter(
            source=scope.source,
            spec=scope.spec,
            length=scope.spec.window,
            rows__gt=0,
            shelf__isnull=False,
            state=StoredWindow.State.CLOSED,
            end__gt=at - span - step,
            start__lt=at + span + step + SETTLE,
        ).order_by("start")
    )
    before = [row for row in rows if row.end <= at and row.end > at - span]
    after = [row for row in rows if row.start >= at]
    after = [row for row in after if row.start < after[0].start + span]
    if not before or not after:
        return None
    spec = scope.spec.to_spec()
    names = {*scope.spec.columns.get("predictions", ()), *scope.spec.columns.get("scores", ())}
    found = _judged(spec, before, after, rules, names)
    shown = [one for one in found if one.is_prediction] + [one for one in found if not one.is_prediction]
    hours = step.total_seconds() / 3_600
    return BeforeAfter(
        before=(before[0].start, before[-1].end),
        after=(after[0].start, after[-1].end),
        rows=(_hourly(before, hours), _hourly(after, hours)),
        windows=(len({row.start for row in before}), len({row.start for row in after})),
        moved=shown[:MOST],
        over=sum(one.is_over for one in found),
        judged=len(found),
    )


def _hourly(rows: Sequence[StoredWindow], hours: float) -> float:
    return sum(row.rows for row in rows) / (len({row.start for row in rows}) * hours)


def _judged(
    spec: Spec, before: Sequence[StoredWindow], after: Sequence[StoredWindow], rules: Rules, predictions: set[str]
) -> list[Moved]:
    """Every feature, what moved most first."""
    shelves = Shelves(most=len(before) + len(after))
    places = {feature.name: place for place, feature in enumerate(spec)}
    sides = [_merged(rows, places, shelves) for rows in (before, after)]
    found = []
    for feature in spec:
        ref, cur = (side.get(feature.name) for side in sides)
        if ref is None or cur is None or not ref.rows or not cur.rows:
            continue
        result = judge(ref, cur, feature, rules, History(rules))
        found.append(_moved(feature, places[feature.name], result, ref, cur, feature.name in predictions))
    found.sort(key=lambda one: (not one.is_over, one.result.sort_key))
    return found


def _merged(rows: Sequence[StoredWindow], places: dict[str, int], shelves: Shelves) -> dict[str, State]:
    cells = [LazyStates(shelves, [row.pk], places) for row in rows]
    gathered: dict[str, list[State]] = {}
    for cell in cells:
        for name, state in cell.items():
            gathered.setdefault(name, []).append(state)
    return {name: merge(parts) for name, parts in gathered.items()}


def _moved(
    feature: FeatureSpec, place: int, result: FeatureResult, ref: State, cur: State, is_prediction: bool
) -> Moved:
    before, after, what = None, None, ""
    if isinstance(ref, NumericState) and isinstance(cur, NumericState):
        sides = [levels_of(state, feature, (), None) for state in (ref, cur)]
        before, after, what = (*(side[2] if side else None for side in sides), "median")
    elif (
        isinstance(ref, CategoryState)
        and isinstance(cur, CategoryState)
        and not ref.table.overflow
        and ref.table.values
    ):
        most = max(range(len(ref.table.values)), key=lambda at: int(ref.table.counts[at]))
        value = ref.table.values[most]
        before = int(ref.table.counts[most]) / ref.rows
        after = _share(cur, value)
        what = f"share of {value[:40]}"
    return Moved(
        feature, place, result, before, after, what, absent(ref) / ref.rows, absent(cur) / cur.rows, is_prediction
    )


def _share(state: CategoryState, value: str) -> float | None:
    if state.table.overflow:
        return None
    found = [int(count) for name, count in zip(state.table.values, state.table.counts, strict=True) if name == value]
    return (found[0] if found else 0) / state.rows
