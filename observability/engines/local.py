"""The local engine: threads over (batch of row groups, few columns).

One accumulator per column lives for the whole run: memory does not grow with rows, and there is nothing to merge.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.fold.feature import FeatureAccumulator
from observability.domain.fold.windows import NO_TIME, Registry, group_ids
from observability.domain.loops.grouping import Grouping, by_group, single
from observability.domain.profile.profile import Cell, Profile
from observability.domain.profile.states import State, merge
from observability.domain.specs.spec import FeatureSpec, Spec
from observability.engines.base import Options, Progress, naming
from observability.store.files import Source
from observability.store.logs import BadRows, Log, open_log
from observability.store.parquet import Batch

Job = tuple[Callable[..., None], tuple[Any, ...]]
EAGER_CELLS: Final = 512
KEPT_FOOTERS: Final = 8
SPAN_ROWS: Final = 1 << 19  # rows whose grouping is held at a time: 20 bytes each


@dataclass(eq=False)
class _Lane:
    """Accumulators of a few columns, owned by one task at a time."""

    features: Sequence[FeatureSpec]
    accumulators: list[FeatureAccumulator] = field(init=False)
    states: list[list[State]] = field(default_factory=list)  # per feature and cell, after the last batch

    def __post_init__(self) -> None:
        self.accumulators = [FeatureAccumulator(feature) for feature in self.features]

    def freeze(self, cells: int) -> None:
        """Turn the accumulators into states and let go of them; of very many cells the states are made when asked for.

        A state of a few rows is larger than the counts that it is made of.
        """
        if self.accumulators and cells <= EAGER_CELLS:
            self.states = [[one.state(number) for number in range(cells)] for one in self.accumulators]
            self.accumulators.clear()
        for one in self.accumulators:
            one.state(cells - 1)  # what is left to be sorted is sorted once, by this thread

    def state(self, place: int, number: int) -> State:
        """The state of one feature and cell, after `freeze`."""
        return self.states[place][number] if self.states else self.accumulators[place].state(number)


@dataclass(frozen=True, eq=False)
class _States(Mapping[str, State]):
    """The states of one cell, each made when it is asked for."""

    number: int
    made: Mapping[str, tuple[int, list[_Lane]]]

    def __getitem__(self, name: str) -> State:
        place, group = self.made[name]
        parts = [lane.state(place, self.number) for lane in group]
        return parts[0] if len(parts) == 1 else merge(parts)

    def __contains__(self, name: object) -> bool:
        return name in self.made

    def __iter__(self) -> Iterator[str]:
        return iter(self.made)

    def __len__(self) -> int:
        return len(self.made)


@dataclass(frozen=True, eq=False)
class _Rounds(Mapping[str, State]):
    """The states of one cell of which the columns were folded in several rounds."""

    first: Mapping[str, State]
    then: Mapping[str, State]

    def __getitem__(self, name: str) -> State:
        return self.first[name] if name in self.first else self.then[name]

    def __contains__(self, name: object) -> bool:
        return name in self.first or name in self.then

    def __iter__(self) -> Iterator[str]:
        return chain(self.first, self.then)

    def __len__(self) -> int:
        return len(self.first) + len(self.then)


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
        states: dict[Cell, Mapping[str, State]] = {}
        step = max(self.options.columns_at_once, 1)
        features = self.spec.features
        for place in range(0, len(features), step):
            chunk = features[place : place + step]
            # Bad rows are the same whichever columns are read with them: count them in the first round only.
            self.bad.is_counting = place == 0
            for cell, found in self._run_columns(sources, chunk):
                # Lookups of many rounds stay lookups: no state is made here.
                maps = states.get(cell)
                if maps is None:
                    states[cell] = found
                elif isinstance(maps, dict) and isinstance(found, dict):
                    maps.update(found)
                else:
                    states[cell] = _Rounds(maps, found)
        keys = self.options.keys
        note = {"sources": [source.note() for source in sources], **self.bad.note()}
        return Profile(self.spec, states, keys.window.value if keys.window else "", note)

    def _run_columns(
        self, sources: Sequence[Source], features: Sequence[FeatureSpec]
    ) -> Iterator[tuple[Cell, Mapping[str, State]]]:
        # Texts first: they take longest, and what takes longest must not be left to one thread at the end.
        texts = [feature for feature in features if feature.kind.is_categorical]
        others = [feature for feature in features if not feature.kind.is_categorical]
        step = max(self.options.columns_per_task, 1)
        chunks = [chunk for some in (texts, others) for chunk in _chunks(some, step)]
        # Fewer chunks than threads: the batches of one chunk are shared out as well, and merged at the end.
        width = 1 if len(chunks) >= self.threads else self.threads
        lanes = [[_Lane(chunk) for _ in range(width)] for chunk in chunks]
        if not self._keyed:
            self.registry.number(Cell())
        with ThreadPoolExecutor(self.threads, thread_name_prefix="fold") as pool:
            spans = self._spans(sources, features)
            span = next(spans, None)
            _wait(pool, self._group_jobs(span))
            while span is not None:
                following = next(spans, None)
                # The rows of the next span are grouped beside this one, so that no thread waits for the other.
                _wait(pool, [*self._fold_jobs(span, lanes, is_last=following is None), *self._group_jobs(following)])
                if span.is_last:
                    span.log.source.check_unchanged()
                span = following
        cells = self.registry.cells()
        for lane in (lane for group in lanes for lane in group):
            lane.freeze(len(cells))  # what no last span has frozen: there was no source
        made = {feature.name: (place, group) for group in lanes for place, feature in enumerate(group[0].features)}
        for cell, number in cells.items():
            states = _States(number, made)
            yield cell, states if len(cells) > EAGER_CELLS else dict(states)

    def _open(self, source: Source) -> Log:
        """Text is parsed once for all rounds of columns; of wide Parquet a few footers are kept, which are long."""
        if source.path in self._staged:
            return self._staged[source.path]
        log = open_log(source, self.spec, self.options.limits, self.bad, self.options.keys)
        is_kept = source.format != "parquet" or len(self._staged) < KEPT_FOOTERS
        if is_kept and len(self.spec) > self.options.columns_at_once:
            self._staged[source.path] = log
        return log

    def _spans(self, sources: Sequence[Source], features: Sequence[FeatureSpec]) -> Iterator[_Span]:
        """Consecutive batches of about SPAN_ROWS rows, of one source after the other; at least one span a source."""
        for source in sources:
            log = self._open(source)
            log.require([feature.name for feature in features] + self.options.keys.columns)
            span = _Span(log)
            for batch in log.batches():
                if span.batches and span.rows + batch.rows > SPAN_ROWS:
                    yield span
                    span = _Span(log)
                span.batches.append(batch)
                span.rows += batch.rows
            span.is_last = True
            yield span

    def _group_jobs(self, span: _Span | None) -> list[Job]:
        if span is None or not self._keyed:
            return []
        return [(naming(span.log.source, self._group), (span, batch)) for batch in span.batches]

    def _fold_jobs(self, span: _Span, lanes: list[list[_Lane]], *, is_last: bool) -> list[Job]:
        return [
            (naming(span.log.source, self._fold), (span, span.batches[turn :: len(group)], lane, is_last))
            for group in lanes
            for turn, lane in enumerate(group)
        ]

    def _group(self, span: _Span, batch: Batch) -> None:
        keys = self.options.keys
        for first, columns in span.log.read(batch, keys.columns):
            ids, unusable = group_ids(keys, columns, self.registry)
            span.groupings.put(first, ids)
            if len(unusable):
                reason = f"column {keys.time!r}: {NO_TIME}"
                self.bad.add_many(span.log.source, (unusable + first + 1).tolist(), reason)

    def _fold(self, span: _Span, batches: list[Batch], lane: _Lane, is_last: bool) -> None:
        names = [feature.name for feature in lane.features]
        for batch in batches:
            for first, columns in span.log.read(batch, names):
                rows = len(columns[0])
                grouping = span.groupings.get(first, rows) if self._keyed else single(rows)
                for accumulator, column in zip(lane.accumulators, columns, strict=True):
                    accumulator.fold(column, grouping)
                if self._progress is not None:
                    with self._lock:
                        self._progress(rows * len(names), rows)
        if is_last:  # all cells are known by now
            lane.freeze(len(self.registry.cells()))


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


@dataclass(eq=False)
class _Span:
    """Batches of one log whose rows are grouped together."""

    log: Log
    batches: list[Batch] = field(default_factory=list)
    rows: int = 0
    groupings: _Groupings = field(default_factory=_Groupings)
    is_last: bool = False  # of its log


def _chunks(features: Sequence[FeatureSpec], size: int) -> list[Sequence[FeatureSpec]]:
    return [features[place : place + size] for place in range(0, len(features), size)]


def _wait(pool: ThreadPoolExecutor, jobs: list[Job]) -> None:
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
