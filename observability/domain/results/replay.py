"""Every window of a log against a reference, in order: what a run over stored windows gives, without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from observability.domain.compare.instants import Windows
from observability.domain.fold.borders import QUARTER
from observability.domain.profile.profile import Cell
from observability.domain.results import quality, volume
from observability.domain.results.log import Finding, WindowedLog
from observability.domain.results.outcome import Result
from observability.domain.results.rules import Rules
from observability.domain.results.verdicts import FeatureResult, History, judge, worst
from observability.domain.results.windows import Reference, Slice, gaps, is_unfinished, long_gaps, slices
from observability.domain.specs.spec import FeatureSpec, Kind, Spec

DAY: Final = 86_400
SAME: Final = 3  # earlier hours or days that must have been empty as well


@dataclass(eq=False)
class WindowResult:
    """One window, or small ones joined, of one version; `version` is None of a gap and where versions were not asked
    for. Instants are seconds since 1970 UTC."""

    start: int
    end: int
    version: str | None
    rows: int
    is_partial: bool
    verdict: Result
    findings: list[Finding] = field(default_factory=list)
    features: list[FeatureResult] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "start": rfc3339(self.start),
            "end": rfc3339(self.end),
            "version": self.version,
            "rows": self.rows,
            "is_partial": self.is_partial,
            "verdict": self.verdict.value,
            "findings": [one.to_json() for one in self.findings],
            "features": [one.to_json() for one in self.features],
        }


@dataclass(frozen=True, kw_only=True)
class GoingOn:
    """A run that goes on where an earlier one stopped, and keeps little in memory.

    Windows before `since` are counted for what volume is usual, and are not judged: the log needs no states of them.
    `histories` are what was seen of each version before, `references` and `not_yet` (why nothing is judged) are by
    version. `taken` gets every window with its states as soon as it is judged; they are dropped afterwards.
    """

    since: int | None = None
    histories: Mapping[str, History] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    not_yet: Mapping[str, str] = field(default_factory=dict)
    taken: Callable[[Slice, WindowResult], None] | None = None


def rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def replay(
    log: WindowedLog,
    reference: Reference,
    spec: Spec,
    rules: Rules,
    *,
    has_versions: bool = False,
    going_on: GoingOn | None = None,
) -> list[WindowResult]:
    """Windows in order of start, then version; features by value / threshold falling, then name."""
    going_on = going_on or GoingOn()
    since = going_on.since
    found: list[tuple[Slice, WindowResult]] = []
    for version in log.versions:
        history = going_on.histories.get(version) or History(rules)
        against = going_on.references.get(version, reference)
        for one in slices(log, version, rules.min_rows, since):
            shown = version if has_versions else None
            result = _judged(one, log, against, spec, rules, history, shown, going_on.not_yet.get(version, ""))
            if going_on.taken is not None:
                going_on.taken(one, result)
                one.states = {}
            found.append((one, result))
    runs = [tuple(start for start in run if since is None or start >= since) for run in gaps(log)]
    runs = [run for run in runs if run]
    is_open = is_unfinished(log)
    ended = sorted({*(log.starts[:-1] if is_open else log.starts), *(start for run in runs for start in run)})
    amounts = volume.findings(log, ended)
    for start in [start for start in amounts if reference.is_silent(start)]:
        amounts[start] = [one for one in amounts[start] if one.name != "missing_window"]
    for start, said in amounts.items():
        holders = [(one.rows, result) for one, result in found if one.start <= start < one.end]
        if holders:
            max(holders, key=lambda pair: pair[0])[1].findings.extend(said)
    joined = [(one.start, one.end) for one, _ in found if len(one.starts) > 1]
    silent = [
        gap
        for run in runs
        for gap in _gaps(
            [at for at in run if not any(low <= at < high for low, high in joined)], log, reference, amounts
        )
    ]
    for span in long_gaps(log):
        if since is not None and span.end <= since:
            continue
        outage = Finding("missing_window", "", f"no rows for {span.length / DAY:,.0f} days", 0.0, None)
        silent.append(
            WindowResult(int(span.start), int(span.end), None, 0, False, Result.NOT_ENOUGH_DATA, findings=[outage])
        )
    results = [result for _, result in found] + silent
    for result in results:
        result.findings.sort(key=lambda one: (one.name, one.feature, one.reason))
    return sorted(results, key=lambda result: (result.start, result.version or "", result.end))


def _judged(
    one: Slice,
    log: WindowedLog,
    reference: Reference,
    spec: Spec,
    rules: Rules,
    history: History,
    version: str | None,
    why: str = "",
) -> WindowResult:
    if one.is_partial:
        why = f"the window has not ended: the last row is of {rfc3339(log.last)}"
    elif one.rows < rules.min_rows:
        windows = f" in {len(one.starts)} windows" if len(one.starts) > 1 else ""
        why = f"{one.rows:,} rows{windows}, and it needs {rules.min_rows:,}"
    said = {finding for start in one.starts for finding in log.columns.get(start, ())}
    features: list[FeatureResult] = []
    for feature in spec:
        if why:
            features.append(FeatureResult(feature.name, Result.NOT_ENOUGH_DATA, why))
            continue
        why_not = next((finding.reason for finding in sorted(said) if finding.feature == feature.name), "")
        result, quality_said = _feature(one, log, reference, feature, rules, history, why_not)
        features.append(result)
        known = {(finding.name, finding.feature) for finding in said}
        said |= {finding for finding in quality_said if (finding.name, finding.feature) not in known}
    features.sort(key=lambda result: result.sort_key)
    verdict = worst([result.verdict for result in features])
    return WindowResult(one.start, one.end, version, one.rows, one.is_partial, verdict, list(said), features)


def _feature(
    one: Slice, log: WindowedLog, reference: Reference, spec: FeatureSpec, rules: Rules, history: History, why_not: str
) -> tuple[FeatureResult, list[Finding]]:
    whole, cur = reference.state(spec.name), one.states.get(spec.name)
    cells = [Cell(one.version, start) for start in one.starts]
    read = cur.rows if cur else 0
    if log.knows_files:
        offered = sum(log.offered.get(cell, {}).get(spec.name, 0) for cell in cells)
        unread = quality.unread(read, offered, spec)
    else:
        unread = quality.lacking(read, one.rows, spec)
    if whole is None or cur is None or not cur.rows:
        side = "reference does" if whole is None else "files of this window do"
        reason = why_not or (unread[0].reason if unread else f"the {side} not have this column")
        return FeatureResult(spec.name, Result.CANNOT_BE_EVALUATED, reason), unread
    ref, windows = whole, None
    if spec.kind is Kind.TIMESTAMP:
        windows = _spans(reference, one)
    else:
        ref = reference.seasonal(spec.name, one.starts, rules.min_rows) or whole
    result = judge(ref, cur, spec, rules, history, windows)
    return result, unread + quality.findings(whole, cur, spec, result)


def _spans(reference: Reference, one: Slice) -> Windows | None:
    return None if reference.span is None else (reference.span, one.span)


def _gaps(
    run: Sequence[int], log: WindowedLog, reference: Reference, amounts: dict[int, list[Finding]]
) -> Iterator[WindowResult]:
    """A row for consecutive empty windows of one meaning: missing, expected to be empty, or neither."""
    found: WindowResult | None = None
    for start in run:
        said = amounts.get(start, [])
        is_silent = not said and (reference.is_silent(start) or _was_silent(log, start, run[0]))
        verdict = Result.EXPECTED_NO_DATA if is_silent else Result.NOT_ENOUGH_DATA
        if found is not None and found.end == start and (found.verdict, bool(found.findings)) == (verdict, bool(said)):
            found.end = log.end(start)
            continue
        if found is not None:
            yield found
        found = WindowResult(start, log.end(start), None, 0, False, verdict, list(said))
    if found is not None:
        yield found


def _was_silent(log: WindowedLog, start: int, gap: int) -> bool:
    """Whether the same hour of the last days before this gap, or the same day of the weeks, was empty too."""
    step = 7 * DAY if log.is_day else DAY
    first, length = log.starts[0], (log.end(start) - start) // QUARTER
    earlier = [at for at in range(start - step, max(first, start - 14 * step) - 1, -step) if at < gap][:SAME]
    return bool(earlier) and not any(
        log.quarters.get(at // QUARTER + place) for at in earlier for place in range(length)
    )
