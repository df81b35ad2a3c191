"""What a first version's own baseline leaves out: windows in which a feature had moved, and stayed so."""

from __future__ import annotations

from bisect import bisect_left

from observability.domain.results.baselines import Resolved, lasting
from observability.domain.results.outcome import Result
from observability.evaluation.rows import at
from observability.evaluation.shelves import LeftOut
from observability.models import FeatureVerdict, JudgedWindow, LogSource, SourceSpec, StoredWindow

OVER = (Result.MOVED.value, Result.DRIFT.value)
JUDGED = (*OVER, Result.STABLE.value, Result.NO_DRIFT_SEEN.value)


def left_out(resolved: Resolved, rows: list[StoredWindow], source: LogSource, source_spec: SourceSpec) -> LeftOut:
    """Places of features by the start of the windows that do not count for them, by what was judged of these so far."""
    if not resolved.is_own or resolved.version is None:
        return {}
    judged = list(
        JudgedWindow.objects.filter(
            source=source,
            spec=source_spec,
            version=resolved.version,
            is_gap=False,
            verdict__in=JUDGED,
            start__gte=at(resolved.since),
            start__lt=at(resolved.until),
        )
        .order_by("start")
        .values_list("pk", "start", "end", "moved")
    )
    over: dict[int, set[int]] = {}
    found = FeatureVerdict.objects.filter(
        judged__in=[key for key, _, _, moved in judged if moved], verdict__in=OVER
    ).values_list("place", "start")
    for place, moved_at in found.iterator():
        over.setdefault(place, set()).add(int(moved_at.timestamp()))
    spans = {int(start.timestamp()): int(end.timestamp()) for _, start, end, _ in judged}
    starts = sorted({int(row.start.timestamp()) for row in rows if row.version == resolved.version})
    gone: dict[int, set[int]] = {}
    for place, some in over.items():
        for start in lasting(list(spans), some, resolved.since):
            # One judged window may be several that were joined.
            for each in starts[bisect_left(starts, start) : bisect_left(starts, spans[start])]:
                gone.setdefault(each, set()).add(place)
    return {start: frozenset(places) for start, places in gone.items()}
