"""Rows of one batch sorted by group, once for all columns. A group is one (model version, window, segment)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .kernel import Ints

Order = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """`groups[s]` is the group of segment s, which spans sorted positions starts[s] .. starts[s + 1].

    `order` lists row numbers by group (None: the rows as they are), `position` is its inverse with -1 for rows left
    out, `segment` gives the segment of each sorted position (None for a single one).
    """

    groups: Ints
    starts: Order
    rows: int
    order: Order | None = None
    position: Order | None = None
    segment: Ints | None = None

    @property
    def segments(self) -> int:
        return len(self.groups)

    @property
    def sizes(self) -> Ints:
        return np.diff(np.append(self.starts, self.rows)).astype(np.int64)

    def slices(self) -> list[slice]:
        ends = np.append(self.starts[1:], self.rows)
        return [slice(a, b) for a, b in zip(self.starts.tolist(), ends.tolist(), strict=True)]

    def per_segment(self, positions: Order) -> Ints:
        """How many of the sorted positions lie in each segment."""
        if self.segment is None:
            return np.array([len(positions)], dtype=np.int64)
        return np.bincount(self.segment[positions], minlength=self.segments).astype(np.int64)

    def sums(self, values: NDArray[np.bool_]) -> Ints:
        """Number of true sorted positions per segment."""
        if self.segment is None:
            return np.array([np.count_nonzero(values)], dtype=np.int64)
        return np.add.reduceat(values.view(np.uint8), self.starts, dtype=np.int64)


def single(rows: int, group: int = 0) -> Grouping:
    """All rows in one group."""
    return Grouping(np.array([group] if rows else [], np.int64), np.zeros(1 if rows else 0, np.intp), rows)


def by_group(ids: NDArray[np.integer]) -> Grouping:
    """Group rows by `ids`; rows with a negative id are left out."""
    left_out = bool(len(ids)) and int(ids.min()) < 0
    kept = ids[ids >= 0] if left_out else ids
    counts = np.bincount(kept) if len(kept) else np.zeros(0, np.int64)
    groups = np.flatnonzero(counts).astype(np.int64)
    if len(groups) <= 1 and not left_out:
        return single(len(ids), int(groups[0]) if len(groups) else 0)
    sizes = counts[groups]
    ends = np.cumsum(sizes)
    narrow = np.where(ids < 0, len(counts), ids) if left_out else ids
    # numpy sorts 16-bit integers by radix: linear, and stable.
    order = np.argsort(narrow.astype(np.uint16 if len(counts) < 1 << 16 else np.int64), kind="stable")[: len(kept)]
    position = np.full(len(ids), -1, dtype=np.intp)
    position[order] = np.arange(len(order))
    segment = np.repeat(np.arange(len(groups), dtype=np.int64), sizes)
    return Grouping(groups, (ends - sizes).astype(np.intp), len(order), order, position, segment)
