"""Evaluating one source: windows that closed or changed since the last time, with the code that replays logs."""

from __future__ import annotations

import hashlib
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

import structlog
from django.db import transaction
from django.db.models import Q

from baristaweb.lib.clock import now
from deployments.models import SleepRecord
from observability.domain.fold.borders import QUARTER
from observability.domain.fold.windows import Window
from observability.domain.profile.encoding import FormatError
from observability.domain.profile.profile import Cell
from observability.domain.profile.states import State
from observability.domain.results.baselines import DAY, FIRST, Choice, How, Resolved, resolve
from observability.domain.results.levels import names_of
from observability.domain.results.log import WindowedLog
from observability.domain.results.outcome import Result
from observability.domain.results.replay import GoingOn, WindowResult, replay
from observability.domain.results.rules import Rules
from observability.domain.results.verdicts import History
from observability.domain.results.windows import MOST_JOINED, Reference, Slice
from observability.domain.specs.spec import Kind, Spec, canonical_json
from observability.evaluation import health, own_days, shelves
from observability.evaluation.rows import Newest, Writer, at, features_now
from observability.models import (
    Baseline,
    FeatureNow,
    FeatureVerdict,
    JudgedWindow,
    LogSource,
    SourceSpec,
    SourceVerdict,
    StoredWindow,
)
from observability.queries.rules import rules_of
from observability.queries.shelves import Shelves

log = structlog.get_logger(__name__)
COUNTED: Final = 36 * DAY  # of earlier windows whose rows say what is usual


@dataclass(eq=False)
class Task:
    """What one evaluation goes by."""

    source: LogSource
    source_spec: SourceSpec
    spec: Spec
    rules: Rules
    choice: Choice
    baseline: Baseline | None
    rows: list[StoredWindow]
    places: dict[str, int]
    shelves: Shelves = field(default_factory=Shelves)

    @property
    def key(self) -> str:
        """Changes with the spec, the baseline and the rules: then all windows are judged anew."""
        said: dict[str, Any] = {
            "spec": self.source_spec.pk,
            "baseline": self.baseline.pk if self.baseline else None,
            "rules": {"k": self.rules.k, "n": self.rules.n, "min_rows": self.rules.min_rows, **self.rules.thresholds},
        }
        return hashlib.sha256(canonical_json(said)).hexdigest()

    @property
    def is_day(self) -> bool:
        return self.source_spec.window == Window.DAY.value


def task_of(source: LogSource) -> Task | None:
    """None without a spec or a closed window."""
    if source.spec is None:
        return None
    rows = list(
        StoredWindow.objects.filter(
            source=source, spec=source.spec, length=source.spec.window, rows__gt=0, state=StoredWindow.State.CLOSED
        ).order_by("start", "version", "segment")
    )
    if not rows:
        return None
    spec = source.spec.to_spec()
    baseline = Baseline.objects.filter(source=source).first()
    return Task(
        source=source,
        source_spec=source.spec,
        spec=spec,
        rules=rules_of(source),
        choice=baseline.to_choice() if baseline else Choice(),
        baseline=baseline,
        rows=rows,
        places={feature.name: place for place, feature in enumerate(spec)},
    )


def evaluate(source_id: int, *, anew: bool = False) -> int:
    """Judge what is to be judged of a source; `anew` all of it. Gives the number of windows that were judged."""
    source = LogSource.objects.select_related("spec", "deployment").filter(pk=source_id, removed_at=None).first()
    began, seen_at = time.monotonic(), now()
    state = SourceVerdict.objects.get_or_create(source_id=source_id)[0] if source is not None else None
    task = task_of(source) if source is not None else None
    if source is None or state is None:
        return 0
    if task is None:
        SourceVerdict.objects.filter(pk=source_id).update(seen_at=seen_at, claimed_until=None, done_at=now())
        return 0
    changed = shelves.stale(task.rows)
    shelves.lay_out(changed, task.spec)
    since = None if anew or state.rules_key != task.key else _since(task, changed, state.seen_at)
    judged = 0
    if since is None or task.rows[-1].end.timestamp() > since:
        judged = _judge(task, since)
    health.refresh(source)
    SourceVerdict.objects.filter(pk=source_id).update(
        seen_at=max(row.replaced_at for row in task.rows),
        rules_key=task.key,
        claimed_until=None,
        done_at=now(),
        took_ms=int((time.monotonic() - began) * 1_000),
        failures=0,
        error="",
    )
    return judged


def _since(task: Task, changed: Sequence[StoredWindow], seen_at: datetime | None) -> int | None:
    """The first window that is to be judged: the first that changed, with those that were joined to it. None: all."""
    judged = JudgedWindow.objects.filter(source=task.source, spec=task.source_spec, is_gap=False)
    last = judged.order_by("-end").values_list("end", flat=True).first()
    if last is None or seen_at is None:
        return None
    starts = [row.start for row in task.rows if row.start >= last or row.replaced_at > seen_at]
    starts += [row.start for row in changed]
    if not starts:
        return int(task.rows[-1].end.timestamp())
    first = min(starts)
    least = task.rules.min_rows
    # Windows that had too few rows wait for the next: they are judged again together.
    pending = judged.filter(rows__lt=least, end__gt=first - MOST_JOINED * (task.rows[0].end - task.rows[0].start))
    begun = (
        judged.filter(Q(end__gt=first) | Q(pk__in=pending)).order_by("start").values_list("start", flat=True).first()
    )
    return int(min(first, begun).timestamp()) if begun else int(first.timestamp())


def _judge(task: Task, since: int | None) -> int:
    """From `since` on; a trailing baseline goes day by day, since each day has its own."""
    writer = Writer(task.source_spec, task.spec, {}, task.places)
    _seed(task, writer, since)
    old = JudgedWindow.objects.filter(source=task.source, spec=task.source_spec)
    _delete(list((old if since is None else old.filter(start__gte=at(since))).values_list("pk", flat=True)))
    histories = _histories(task, since)
    for stretch in _stretches(task, since):
        _run(task, writer, stretch, histories)
    found = features_now(writer, _roles(task.source_spec), task.source_spec.sensitive)
    if found:
        with transaction.atomic():
            FeatureNow.objects.filter(source=task.source).delete()
            FeatureNow.objects.bulk_create(found, batch_size=1_000)
    return writer.written


def _delete(keys: list[int]) -> None:
    for place in range(0, len(keys), 200):
        some = keys[place : place + 200]
        with transaction.atomic():
            FeatureVerdict.objects.filter(judged__in=some)._raw_delete("default")
            JudgedWindow.objects.filter(pk__in=some)._raw_delete("default")


@dataclass(frozen=True)
class Stretch:
    """Windows from `since` on and before `until`, with the baselines of `at`; None: no limit."""

    since: int | None
    until: int | None
    at: int | None


def _stretches(task: Task, since: int | None) -> list[Stretch]:
    """Times within which the baselines stay the same: all, or days where each day has another. A gap over the border of
    two days belongs to the later."""
    began, last = int(task.rows[0].start.timestamp()), int(task.rows[-1].end.timestamp())
    first = began if since is None else since
    if task.choice.how is How.TRAILING:
        borders = list(range(first - first % DAY + DAY, last, DAY))
    elif task.choice.how is How.PREVIOUS:  # a first version's own days
        borders = [at for at in range(began + DAY, min(began + FIRST + 1, last), DAY) if at > first]
    else:
        borders = []
    if not borders:
        return [Stretch(since, None, since)]
    starts = [int(row.start.timestamp()) for row in task.rows]
    ends = [int(row.end.timestamp()) for row in task.rows]
    cuts = [ends[bisect_left(starts, border) - 1] for border in borders]
    times = [(first, first), *zip(cuts, borders, strict=True)]
    return [Stretch(begin, end, at_) for (begin, at_), end in zip(times, [*cuts, None], strict=True) if begin != end]


def _log(task: Task, until: int | None) -> WindowedLog:
    """Counts of all windows, and their states to be decoded as they are needed."""
    zone = "" if task.source_spec.zone == "UTC" else task.source_spec.zone
    made = WindowedLog(task.is_day, zone, knows_files=False)
    rows = [row for row in task.rows if until is None or row.start.timestamp() < until]
    # Decoded one by one as they are asked for: all of them at once would not fit.
    made.states = cast("dict[Cell, dict[str, State]]", shelves.cells_of(rows, task.places, task.shelves))
    for row in rows:
        start, end = int(row.start.timestamp()), int(row.end.timestamp())
        cell = Cell(row.version, start)
        made.rows[cell] = made.rows.get(cell, 0) + row.rows
        quarters = range(start // QUARTER, max(end // QUARTER, start // QUARTER + 1))
        each, rest = divmod(row.rows, len(quarters))
        for place, quarter in enumerate(quarters):
            made.quarters[quarter] = made.quarters.get(quarter, 0) + each + (place < rest)
        made.last = max(made.last, end - 1)
    return made


def _run(task: Task, writer: Writer, stretch: Stretch, histories: dict[str, History]) -> None:
    since = stretch.since
    found = _log(task, stretch.until)
    if not found.rows or (since is not None and found.last < since):
        return
    starts = {
        version: [cell.window or 0 for cell in found.rows if cell.version == version] for version in found.versions
    }
    references: dict[str, shelves.StoredReference] = {}
    not_yet: dict[str, str] = {}
    for version in found.versions:
        if since is not None and max(starts[version]) < since:
            continue
        reference, why = _reference(task, version, max(stretch.at or 0, starts[version][0]), starts)
        references[version] = reference
        if why:
            not_yet[version] = why
        writer.names = {**writer.names, **_names(task.spec, reference)}

    def taken(one: Slice, result: WindowResult) -> None:
        reference = references[one.version]
        whole = {feature.name: _whole(reference, feature.name) for feature in task.spec if feature.kind in WORDS}
        against = None if one.version in not_yet else reference.row
        rows_by_slice[id(result)] = writer.window(result, one.version, against, one.states, whole)
        result.features.clear()

    rows_by_slice: dict[int, JudgedWindow] = {}
    default: Reference = (
        next(iter(references.values())) if references else Reference({}, 0, is_day=task.is_day, zone="")
    )
    going_on = GoingOn(since=since, histories=histories, references=references, not_yet=not_yet, taken=taken)
    results = replay(found, default, task.spec, task.rules, has_versions=True, going_on=going_on)
    _finish(task, writer, results, rows_by_slice)


WORDS: Final = (Kind.CATEGORY, Kind.BOOLEAN, Kind.CODE)


def _whole(reference: shelves.StoredReference, name: str) -> State | None:
    return reference.state(name)


def _names(spec: Spec, reference: shelves.StoredReference) -> dict[str, list[str]]:
    return {feature.name: names_of(reference.state(feature.name)) for feature in spec if feature.kind in WORDS}


def _reference(
    task: Task, version: str, since: int, starts: Mapping[str, Sequence[int]]
) -> tuple[shelves.StoredReference, str]:
    """The baseline of a version, and why nothing is judged by it yet."""
    if task.choice.how is How.PROFILE and task.baseline is not None and task.baseline.profile:
        key = f"profile-{task.baseline.pk}"
        try:
            row = shelves.of_profile(
                bytes(task.baseline.profile), task.source_spec, task.spec, key=key, words="a profile"
            )
        except FormatError as problem:
            return _nothing(task), f"the baseline cannot be read: {problem}"
        return shelves.StoredReference(row, {}, task.places, 0, is_day=task.is_day, zone=""), ""
    resolved = resolve(task.choice, version, since, starts)
    if resolved is None:
        return _nothing(task), "there is nothing to compare with yet"
    gone = own_days.left_out(resolved, task.rows, task.source, task.source_spec)
    reference = shelves.reference_of(resolved, task.rows, task.source_spec, task.spec, task.shelves, gone)
    return reference, _not_yet(task, resolved, reference, since)


def _nothing(task: Task) -> shelves.StoredReference:
    return shelves.StoredReference(None, {}, task.places, 0, is_day=task.is_day, zone="")


def _not_yet(task: Task, resolved: Resolved, reference: shelves.StoredReference, at: int) -> str:
    row = reference.row
    if row is None:
        return f"the baseline ({resolved.words}) has no rows"
    if row.rows < task.rules.min_rows:
        return f"the baseline has {row.rows:,} rows, and it needs {task.rules.min_rows:,}"
    if resolved.is_own and at < resolved.since + DAY:
        return "the first day is being gathered: there is nothing to compare with yet"
    return ""


def _finish(task: Task, writer: Writer, results: Sequence[WindowResult], written: Mapping[int, JudgedWindow]) -> None:
    """What is known only at the end: volume of each window, and gaps."""
    sleeps = list(
        SleepRecord.objects.filter(deployment=task.source.deployment_id).values_list("opened_at", "closed_at")
    )
    gaps = []
    with transaction.atomic():
        for result in results:
            row = written.get(id(result))
            if row is not None:
                said = [one.to_json() for one in result.findings]
                if said != row.findings:
                    row.findings = said
                    JudgedWindow.objects.filter(pk=row.pk).update(findings=said)
                continue
            gap = writer.row(result, "", None)
            if any(opened <= gap.start and (closed is None or closed >= gap.end) for opened, closed in sleeps):
                gap.verdict, gap.findings = Result.EXPECTED_NO_DATA.value, []
            gaps.append(gap)
        JudgedWindow.objects.bulk_create(gaps, ignore_conflicts=True)


def _histories(task: Task, since: int | None) -> dict[str, History]:
    """What was seen of each version before, by its last judged windows."""
    found: dict[str, History] = {row.version: History(task.rules) for row in task.rows}
    if since is None:
        return found
    names = [feature.name for feature in task.spec]
    for version, history in found.items():
        rows = JudgedWindow.objects.filter(
            source=task.source, spec=task.source_spec, version=version, is_gap=False, start__lt=at(since)
        ).order_by("-start")
        keys = list(rows.values_list("pk", flat=True)[: task.rules.n])
        seen = FeatureVerdict.objects.filter(judged__in=keys).order_by("start").values_list("place", "verdict")
        for place, verdict in seen.iterator():
            if place < len(names) and verdict in JUDGED:
                history.remember(names[place], is_over=verdict in (Result.MOVED.value, Result.DRIFT.value))
    return found


JUDGED: Final = frozenset({Result.STABLE, Result.NO_DRIFT_SEEN, Result.MOVED, Result.DRIFT})


def _seed(task: Task, writer: Writer, since: int | None) -> None:
    """Since when each feature's run lasts, of what was judged before."""
    if since is None:
        return
    for row in FeatureNow.objects.filter(source=task.source, spec=task.source_spec):
        kept = writer.newest.setdefault(row.version, Newest())
        if row.moved_since is not None and row.moved_since < at(since):
            kept.since[row.name] = row.moved_since
        if row.last_moved_at is not None:
            kept.last_moved[row.name] = row.last_moved_at


def _roles(source_spec: SourceSpec) -> dict[str, str]:
    columns = source_spec.columns
    found = dict.fromkeys(columns.get("predictions", ()), "prediction")
    return found | dict.fromkeys(columns.get("scores", ()), "score")


def note_failure(source_id: int, error: Exception, lease: timedelta) -> None:
    """The next try waits longer each time; the page says why."""
    state = SourceVerdict.objects.get_or_create(source_id=source_id)[0]
    state.failures += 1
    state.error = f"{type(error).__name__}: {error}"[:500]
    state.claimed_until = now() + lease * min(2**state.failures, 64)
    state.save(update_fields=["failures", "error", "claimed_until"])
    log.warning("evaluation failed", source=source_id, error=state.error)
