"""States of windows and of whole baselines, laid out feature by feature."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from baristaweb.lib.clock import now
from observability.domain.fold.windows import Window
from observability.domain.profile.profile import Cell, Profile
from observability.domain.profile.shelf import Shelf
from observability.domain.profile.states import State, merge
from observability.domain.results.baselines import Resolved
from observability.domain.results.windows import Reference
from observability.domain.specs.spec import Spec
from observability.models import ReferenceShelf, SourceSpec, StoredWindow, WindowShelf
from observability.queries import windows as queries
from observability.queries.shelves import LazyStates, Shelves, of_reference

AT_ONCE = 24  # windows whose states are in memory together
MOST_MERGED = 20_000  # merged states of a season that are held
LeftOut = Mapping[int, frozenset[int]]  # places of features by the start of a window that counts not for them


def lay_out(rows: Sequence[StoredWindow], spec: Spec) -> None:
    """Shelves of these windows as they are now; each in a transaction of its own."""
    names = [feature.name for feature in spec]
    for place in range(0, len(rows), AT_ONCE):
        for found in queries.states_of(rows[place : place + AT_ONCE]):
            shelf = Shelf.of([found.states.get(name) for name in names])
            values = {"offsets": list(shelf.offsets), "data": shelf.data, "replaced_at": found.row.replaced_at}
            with transaction.atomic():
                WindowShelf.objects.update_or_create(window_id=found.row.pk, defaults=values)


def stale(rows: Sequence[StoredWindow]) -> list[StoredWindow]:
    """Those without a shelf, or whose contents changed since."""
    made = dict(WindowShelf.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "replaced_at"))
    return [row for row in rows if made.get(row.pk) != row.replaced_at]


class StoredReference(Reference):
    """A baseline of stored windows: all rows from its shelf, the same hours from the windows' own."""

    def __init__(
        self,
        row: ReferenceShelf | None,
        cells: Mapping[Cell, Mapping[str, State]],
        places: Mapping[str, int],
        step: int,
        *,
        is_day: bool,
        zone: str,
    ) -> None:
        super().__init__(cells, step, is_day=is_day, zone=zone)
        self.row, self._places = row, places
        self._whole: dict[str, State | None] = {}

    def state(self, name: str) -> State | None:
        if name not in self._whole:
            place = self._places.get(name)
            self._whole[name] = of_reference(self.row, place) if self.row is not None and place is not None else None
        return self._whole[name]

    def _merge(self, slots: tuple[int, ...] | None, name: str) -> State | None:
        if len(self._merged) > MOST_MERGED:
            self._merged.clear()
        return super()._merge(slots, name)


def reference_of(
    resolved: Resolved,
    rows: Sequence[StoredWindow],
    source_spec: SourceSpec,
    spec: Spec,
    shelves: Shelves,
    left_out: LeftOut | None = None,
) -> StoredReference:
    """The baseline as its windows are now; its shelf is made anew when one of them changed."""
    left_out = left_out or {}
    inside = [
        row
        for row in rows
        if resolved.since <= row.start.timestamp() < resolved.until
        and (resolved.version is None or row.version == resolved.version)
    ]
    places = {feature.name: place for place, feature in enumerate(spec)}
    is_day = source_spec.window == Window.DAY.value
    row = _kept(resolved, inside, source_spec, spec, places, shelves, left_out) if inside else None
    zone = "" if source_spec.zone == "UTC" else source_spec.zone
    cells = cells_of(inside, places, shelves, left_out)
    return StoredReference(row, cells, places, 86_400 if is_day else 3_600, is_day=is_day, zone=zone)


def cells_of(
    rows: Sequence[StoredWindow], places: Mapping[str, int], shelves: Shelves, left_out: LeftOut | None = None
) -> dict[Cell, Mapping[str, State]]:
    """States by version and start; segments of one window are added up."""
    without = left_out or {}
    gathered: dict[Cell, list[int]] = {}
    for row in rows:
        gathered.setdefault(Cell(row.version, int(row.start.timestamp())), []).append(row.pk)
    return {
        cell: LazyStates(shelves, windows, _without(places, without.get(cell.window or 0)))
        for cell, windows in gathered.items()
    }


def _without(places: Mapping[str, int], gone: frozenset[int] | None) -> Mapping[str, int]:
    return {name: place for name, place in places.items() if place not in gone} if gone else places


def _kept(
    resolved: Resolved,
    inside: Sequence[StoredWindow],
    source_spec: SourceSpec,
    spec: Spec,
    places: Mapping[str, int],
    shelves: Shelves,
    left_out: LeftOut,
) -> ReferenceShelf:
    newest = max(row.replaced_at for row in inside)
    key, words = resolved.key, resolved.words
    if left_out:
        said = sorted((start, sorted(gone)) for start, gone in left_out.items())
        key = f"{key}-{hashlib.sha256(repr(said).encode()).hexdigest()[:16]}"
        words = f"{words}, without what moved in them and stayed so"
    known = ReferenceShelf.objects.filter(spec=source_spec, key=key).defer("data").first()
    if known is not None and known.contents_at == newest and known.windows == len(inside):
        return known
    whole: dict[str, State] = {}
    for first in range(0, len(inside), AT_ONCE):
        gathered: dict[str, list[State]] = {}
        for one in inside[first : first + AT_ONCE]:
            counted = _without(places, left_out.get(int(one.start.timestamp())))
            for name, state in LazyStates(shelves, [one.pk], counted).items():
                gathered.setdefault(name, []).append(state)
        for name, parts in gathered.items():
            whole[name] = merge([whole[name], *parts] if name in whole else parts)
    return keep(
        source_spec,
        key,
        words,
        [whole.get(feature.name) for feature in spec],
        since=inside[0].start,
        until=max(row.end for row in inside),
        rows=sum(row.rows for row in inside),
        windows=len(inside),
        contents_at=newest,
    )


def of_profile(data: bytes, source_spec: SourceSpec, spec: Spec, *, key: str, words: str) -> ReferenceShelf:
    """An uploaded profile as a baseline. Raises FormatError. Features of another spec are left out."""
    known = ReferenceShelf.objects.filter(spec=source_spec, key=key).defer("data").first()
    if known is not None:
        return known
    profile = Profile.loads(data)
    states = []
    for feature in spec:
        state = profile.feature(feature.name)
        states.append(state if state is not None and state.digest == feature.digest else None)
    return keep(source_spec, key, words, states, rows=profile.rows, windows=len(profile.cells))


def keep(
    source_spec: SourceSpec,
    key: str,
    words: str,
    states: Sequence[State | None],
    *,
    rows: int,
    windows: int,
    since: datetime | None = None,
    until: datetime | None = None,
    contents_at: datetime | None = None,
) -> ReferenceShelf:
    shelf = Shelf.of(states)
    values = {
        "words": words[:300],
        "since": since,
        "until": until,
        "rows": rows,
        "windows": windows,
        "contents_at": contents_at,
        "offsets": list(shelf.offsets),
        "data": shelf.data,
        "made_at": now(),
    }
    return ReferenceShelf.objects.update_or_create(spec=source_spec, key=key, defaults=values)[0]
