"""Windows of a deployment as they are counted now: rows of the database to states, objects merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from deployments.models import Deployment
from observability.domain.profile.profile import Cell
from observability.domain.profile.states import State
from observability.domain.profile.stored import load_states, merge_states
from observability.domain.specs.spec import Spec
from observability.models import LogSource, ObjectPart, SourceSpec, StoredWindow

AT_ONCE = 200  # blobs that are held at a time


@dataclass(frozen=True, eq=False)
class WindowStates:
    """One window with its states by feature. `states` lacks features that no row had a column for."""

    row: StoredWindow
    spec: Spec
    states: dict[str, State] = field(default_factory=dict)

    @property
    def cell(self) -> Cell:
        return Cell(self.row.version, int(self.row.start.timestamp()), self.row.segment)

    @property
    def rows(self) -> int:
        return self.row.rows

    @property
    def is_provisional(self) -> bool:
        return self.row.state != StoredWindow.State.CLOSED


def source_of(deployment: Deployment) -> LogSource | None:
    """The prediction log of a deployment; the first of several. What its spec holds is read when it is asked for: that
    of thousands of features takes longer than the rest of a page."""
    found = LogSource.objects.filter(deployment=deployment, kind=LogSource.Kind.PREDICTIONS, removed_at=None)
    return found.select_related("spec").defer("spec__spec", "spec__columns").order_by("pk").first()


def rows_of(
    source: LogSource, since: datetime, until: datetime, *, spec: SourceSpec | None = None
) -> list[StoredWindow]:
    """Windows that overlap [since, until), without their bytes, in order of start and version.

    Where several spec versions counted the same time, all of them are given, unless `spec` names one.
    """
    found = StoredWindow.objects.filter(source=source, start__lt=until, end__gt=since)
    if spec is not None:
        found = found.filter(spec=spec)
    return list(found.order_by("start", "version", "segment", "spec_id"))


def states_of(rows: Iterable[StoredWindow], *, names: Collection[str] | None = None) -> list[WindowStates]:
    """The states of these windows, of the named features or of all, merged over their objects; in the order given.

    Each is as one transaction of the importer left it, and its `rows` are made to fit. Windows that are gone meanwhile
    are left out.
    """
    found: list[WindowStates] = []
    rows = list(rows)
    specs = {row.pk: row.to_spec() for row in SourceSpec.objects.filter(pk__in={row.spec_id for row in rows})}
    for place in range(0, len(rows), AT_ONCE):
        some = {row.pk: row for row in rows[place : place + AT_ONCE]}
        gathered: dict[int, list[dict[str, State]]] = defaultdict(list)
        for pk, count, data in _bytes_of(list(some)):
            some[pk].rows = count
            gathered[pk].append(load_states(specs[some[pk].spec_id], data, names))
        found += [
            WindowStates(row, specs[row.spec_id], merge_states(gathered[row.pk]))
            for row in some.values()
            if row.pk in gathered
        ]
    return found


def _bytes_of(windows: list[int]) -> Iterator[tuple[int, int, bytes | memoryview]]:
    """(window, its rows, states) of compacted objects, and of each that still stands alone: one statement, so that
    nothing moves from the one to the other between two."""
    merged = StoredWindow.objects.filter(pk__in=windows, blob__isnull=False).order_by()
    alone = ObjectPart.objects.filter(window__in=windows, in_base=False).order_by()
    both = merged.values_list("pk", "rows", "blob__data").union(
        alone.values_list("window_id", "window__rows", "blob__data"), all=True
    )
    return both.iterator(chunk_size=AT_ONCE)


def newest_spec(rows: Iterable[StoredWindow]) -> list[StoredWindow]:
    """Of windows of one time and version that several specs counted, only the one of the newest spec."""
    kept: dict[tuple[datetime, str, str], StoredWindow] = {}
    for row in rows:
        key = (row.start, row.version, row.segment)
        if key not in kept or row.spec_id > kept[key].spec_id:
            kept[key] = row
    return list(kept.values())


def in_range(
    deployment: Deployment, since: datetime, until: datetime, *, names: Collection[str] | None = None
) -> list[WindowStates]:
    """The windows of a deployment's prediction log that overlap [since, until), with states; empty without a source."""
    source = source_of(deployment)
    return states_of(newest_spec(rows_of(source, since, until)), names=names) if source is not None else []
