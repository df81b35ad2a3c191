"""Which group each row of a batch belongs to. A group is one (model version, window, segment)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.numeric import Ints, Segments


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """`groups` are the groups met in the batch, ascending, with `sizes` rows each; `segment` is each row's place there.

    `segment` is -1 for rows left out, and empty when all rows belong to the only group.
    """

    groups: Ints
    sizes: Ints
    segment: Segments = field(default_factory=lambda: np.zeros(0, dtype=np.int32))

    @property
    def segments(self) -> int:
        return len(self.groups)

    @property
    def rows(self) -> int:
        return int(self.sizes.sum())

    def places(self, rows: Ints) -> Ints:
        """The segment of each of these rows, none of them left out."""
        return self.segment[rows].astype(np.int64) if len(self.segment) else np.zeros(len(rows), dtype=np.int64)

    def kept(self, chosen: NDArray[np.bool_]) -> Ints:
        """Positions of the chosen rows that are not left out."""
        return np.flatnonzero(chosen & (self.segment >= 0) if len(self.segment) else chosen)


def single(rows: int, group: int = 0) -> Grouping:
    """All rows in one group."""
    some = [(group, rows)] if rows else []
    return Grouping(np.array([g for g, _ in some], np.int64), np.array([n for _, n in some], np.int64))


def by_group(ids: NDArray[np.integer]) -> Grouping:
    """Group rows by `ids`; rows with a negative id are left out."""
    is_left_out = bool(len(ids)) and int(ids.min()) < 0
    kept = ids[ids >= 0] if is_left_out else ids
    counts = np.bincount(kept) if len(kept) else np.zeros(0, np.int64)
    groups = np.flatnonzero(counts).astype(np.int64)
    if len(groups) <= 1 and not is_left_out:
        return single(len(ids), int(groups[0]) if len(groups) else 0)
    place = np.full(len(counts) + 1, -1, dtype=np.int32)  # the last one answers for the id -1
    place[groups] = np.arange(len(groups))
    return Grouping(groups, counts[groups].astype(np.int64), place[np.maximum(ids, -1)])
