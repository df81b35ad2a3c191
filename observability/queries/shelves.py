"""Single features of many windows, read alone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

from django.db import connection

from observability.domain.profile.shelf import Shelf, unpacked
from observability.domain.profile.states import State, merge
from observability.models import ReferenceShelf, WindowShelf

HELD = 48  # shelves of windows in memory at a time

# The offsets are unpacked once a row: an array of thousands of them is stored compressed.
_PIECES = """
SELECT window_id, substring(data FROM ends[1] + 1 FOR ends[2] - ends[1])
FROM (
    SELECT window_id, data, offsets[%s:%s] AS ends
    FROM observability_windowshelf WHERE window_id = ANY(%s) OFFSET 0
) AS found WHERE ends[2] > ends[1]
"""


def pieces_of(windows: Sequence[int], place: int) -> dict[int, State]:
    """The state of one feature by window; windows that lack it are left out."""
    if not windows:
        return {}
    first, last = place + 1, place + 2  # arrays of the database begin at 1
    with connection.cursor() as cursor:
        cursor.execute(_PIECES, [first, last, list(windows)])
        return {window: unpacked(bytes(piece)) for window, piece in cursor.fetchall()}


def merged(windows: Sequence[int], place: int) -> State | None:
    """One feature over all of these windows; None when none has it."""
    found = list(pieces_of(windows, place).values())
    return merge(found) if found else None


def of_reference(reference: ReferenceShelf | int, place: int) -> State | None:
    """One feature of a baseline; its bytes need not be loaded."""
    key = reference if isinstance(reference, int) else reference.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substring(data FROM offsets[%s] + 1 FOR offsets[%s] - offsets[%s])"
            " FROM observability_referenceshelf WHERE id = %s",
            [place + 1, place + 2, place + 1, key],
        )
        row = cursor.fetchone()
    return unpacked(bytes(row[0])) if row and row[0] else None


class Shelves:
    """Shelves of windows by their row's key, the last used ones held."""

    def __init__(self, most: int = HELD) -> None:
        self._most = most
        self._held: OrderedDict[int, Shelf] = OrderedDict()

    def get(self, window: int) -> Shelf:
        found = self._held.get(window)
        if found is None:
            row = WindowShelf.objects.filter(pk=window).values_list("offsets", "data").first()
            found = Shelf(tuple(row[0]), bytes(row[1])) if row else Shelf((0,), b"")
            self._held[window] = found
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        self._held.move_to_end(window)
        return found


class LazyStates(Mapping[str, State]):
    """The states of windows of one time and version (its segments) by feature, decoded when they are asked for."""

    def __init__(self, shelves: Shelves, windows: Sequence[int], places: Mapping[str, int]) -> None:
        self._shelves, self._windows, self._places = shelves, windows, places

    def __getitem__(self, name: str) -> State:
        found = [unpacked(piece) for piece in self._pieces(name)]
        if not found:
            raise KeyError(name)
        return found[0] if len(found) == 1 else merge(found)

    def _pieces(self, name: str) -> list[bytes]:
        place = self._places.get(name)
        if place is None:
            return []
        shelves = [self._shelves.get(window) for window in self._windows]
        found = [shelf.piece(place) for shelf in shelves if place + 1 < len(shelf.offsets)]
        return [piece for piece in found if piece]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._pieces(name))

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._places if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
