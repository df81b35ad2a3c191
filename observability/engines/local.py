"""The local engine: threads over (batch of row groups, few columns).

One accumulator per column lives for the whole run: memory does not grow with rows, and there is nothing to merge.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.fold import FeatureAccumulator
from observability.domain.grouping import Grouping, by_group, single
from observability.domain.profile import Cell, Profile
from observability.domain.spec import FeatureSpec, Spec
from observability.domain.states import State, merge
from observability.domain.windows import Registry, group_ids
from observability.store.files import Source
from observability.store.logs import BadRows, Log, open_log
from observability.store.parquet import Batch

from .base import Options, Progress

SPAN_ROWS: Final = 1 << 20  # rows whose grouping is held at a time: 20 bytes each


@dataclass(eq=False)
class _Lane:
    """Accumulators of a few columns, owned by one task at a time."""

    features: Sequence[FeatureSpec]
    accumulators: list[FeatureAccumulator] = field(init=False)

    def __post_init__(self) -> None:
        self.accumulators = [FeatureAccumulator(feature) for feature in self.features]


class LocalFold:
    """Folds sources one after the other into one profile."""

    def __init__(self, spec: Spec, options: Options | None = None, progress: Progress | None = None) -> None:
        self.spec, self.options = spec, options or Options()
        self.threads = self.options.threads or len(os.sched_getaffinity(0))
        self.registry = Registry(self.options.limits.groups)
        self.bad = BadRows()
        self._progress, self._lock = progress, threading.Lock()
        self._keyed = bool(self.options.keys.columns)
        self._staged: dict[str, Log] = {}

    def run(self, sources: Sequence[Source]) -> Profile:
        """The profile of all sources. Raises SourceError, ColumnError or GroupError; a failed run keeps nothing."""
        states: dict[Cell, dict[str, State]] = {}
        step = max(self.options.columns_at_once, 1)
        features = self.spec.features
        for place in range(0, len(features), step):
            chunk = features[place : place + step]
            # Bad rows are the same whichever columns are read with them: count them in the first round only.
            self.bad.is_counting = place == 0
            for cell, found in self._run_columns(sources, chunk):
                states.setdefault(cell, {}).update(found)
        keys = self.options.keys
        note = {"sources": [source.note() for source in sources], **self.bad.note()}
        return Profile(self.spec, states, keys.window.value if keys.window else "", note)

    def _run_columns(
        self, sources: Sequence[Source], features: Sequence[FeatureSpec]
    ) -> Iterator[tuple[Cell, dict[str, State]]]:
        step = max(self.options.columns_per_task, 1)
        # Texts first: they take longest, and what takes longest must not be left to one thread at the end.
        features = sorted(features, key=lambda feature: not feature.kind.is_categorical)
        chunks = [features[place : place + step] for place in range(0, len(features), step)]
        # Fewer chunks than threads: the batches of one chunk are shared out as well, and merged at the end.
        width = 1 if len(chunks) >= self.threads else self.threads
        lanes = [[_Lane(chunk) for _ in range(width)] for chunk in chunks]
        with ThreadPoolExecutor(self.threads, thread_name_prefix="fold") as pool:
            for source in sources:
                log = self._open(source)
                log.require([feature.name for feature in features] + self.options.keys.columns)
                for span in _spans(log.batches()):
                    self._run_span(pool, log, span, lanes)
                source.check_unchanged()
        if not self._keyed:
            self.registry.number(Cell())
        for cell, number in self.registry.cells().items():
            found: dict[str, State] = {}
            for group in lanes:
                for place, feature in enumerate(group[0].features):
                    parts = [lane.accumulators[place].state(number) for lane in group]
                    found[feature.name] = parts[0] if len(parts) == 1 else merge(parts)
            yield cell, found

    def _open(self, source: Source) -> Log:
        """Text is parsed once for all rounds of columns; Parquet is opened again, its footer is cheap."""
        if source.path in self._staged:
            return self._staged[source.path]
        log = open_log(source, self.spec, self.options.limits, self.bad, self.options.keys)
        if source.format != "parquet" and len(self.spec) > self.options.columns_at_once:
            self._staged[source.path] = log
        return log

    def _run_span(self, pool: ThreadPoolExecutor, log: Log, span: list[Batch], lanes: list[list[_Lane]]) -> None:
        groupings = _Groupings()
        if self._keyed:
            _wait(pool, [(self._group, (log, batch, groupings)) for batch in span])
        jobs = []
        for group in lanes:
            for turn, lane in enumerate(group):
                jobs.append((self._fold, (log, span[turn :: len(group)], lane, groupings)))
        _wait(pool, jobs)

    def _group(self, log: Log, batch: Batch, groupings: _Groupings) -> None:
        keys = self.options.keys
        for first, columns in log.read(batch, keys.columns):
            ids, unusable = group_ids(keys, columns, self.registry)
            groupings.put(first, ids)
            if len(unusable):
                reason = f"column {keys.time!r}: no time between the years 1 and 9999"
                self.bad.add_many(log.source, (unusable + first + 1).tolist(), reason)

    def _fold(self, log: Log, batches: list[Batch], lane: _Lane, groupings: _Groupings) -> None:
        names = [feature.name for feature in lane.features]
        for batch in batches:
            for first, columns in log.read(batch, names):
                rows = len(columns[0])
                grouping = groupings.get(first, rows) if self._keyed else single(rows)
                for accumulator, column in zip(lane.accumulators, columns, strict=True):
                    accumulator.fold(column, grouping)
                if self._progress is not None:
                    with self._lock:
                        self._progress(rows * len(names), rows)


class _Groupings:
    """Groupings of one span by first row, each made once."""

    def __init__(self) -> None:
        self._made: dict[int, Grouping] = {}
        self._ids: dict[int, NDArray[np.int32]] = {}

    def put(self, first: int, ids: NDArray[np.int32]) -> None:
        self._made[first], self._ids[first] = by_group(ids), ids

    def get(self, first: int, rows: int) -> Grouping:
        """Pieces of one batch may be cut differently for other columns: then the grouping is made for that cut."""
        ids = self._ids.get(first)
        if ids is not None and len(ids) == rows:
            return self._made[first]
        starts = sorted(self._ids)
        everything = np.concatenate([self._ids[start] for start in starts])
        return by_group(everything[first - starts[0] : first - starts[0] + rows])


def _spans(batches: list[Batch]) -> Iterator[list[Batch]]:
    """Consecutive batches of about SPAN_ROWS rows."""
    span: list[Batch] = []
    rows = 0
    for batch in batches:
        if span and rows + batch.rows > SPAN_ROWS:
            yield span
            span, rows = [], 0
        span.append(batch)
        rows += batch.rows
    if span:
        yield span


def _wait(pool: ThreadPoolExecutor, jobs: list[tuple[Any, tuple[Any, ...]]]) -> None:
    """Run the jobs; the first error stops what has not begun."""
    futures = [pool.submit(job, *arguments) for job, arguments in jobs]
    try:
        for future in futures:
            future.result()
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def profile_sources(
    sources: Sequence[Source], spec: Spec, options: Options | None = None, progress: Progress | None = None
) -> Profile:
    """Fold sources on this machine."""
    return LocalFold(spec, options, progress).run(sources)
