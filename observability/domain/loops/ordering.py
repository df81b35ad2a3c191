"""Counts of (group, value) pairs put in order and added up: by counting the groups, then sorting the values of each."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.compiling import compiled
from observability.domain.loops.numeric import Floats, Ints, frozen

_FEW: Final = 32  # values that are sorted fastest by inserting one after the other


@compiled
def _sort(begin: Any, end: Any, values: Floats, counts: Ints) -> None:
    if end - begin > _FEW:
        order = np.argsort(values[begin:end])
        values[begin:end] = values[begin:end][order]
        counts[begin:end] = counts[begin:end][order]
        return
    for place in range(begin + 1, end):
        value, count, at = values[place], counts[place], place
        while at > begin and values[at - 1] > value:
            values[at], counts[at] = values[at - 1], counts[at - 1]
            at -= 1
        values[at], counts[at] = value, count


@compiled
def _scatter(groups: Any, values: Floats, counts: Any, ends: Ints, by_value: Floats, by_count: Ints) -> None:
    """The pairs by group. `ends` holds where each group begins, and then where it ends."""
    for row in range(len(groups)):
        place = ends[groups[row]]
        by_value[place], by_count[place] = values[row], counts[row]
        ends[groups[row]] = place + 1


@compiled
def _add_up(ends: Ints, values: Floats, counts: Ints, owners: NDArray[np.int32]) -> Any:
    """Within each group the values in order, equal ones added up, all moved to the front; how many are left."""
    used, begin = 0, 0
    for group in range(len(ends)):
        end = ends[group]
        _sort(begin, end, values, counts)
        first = used
        for place in range(begin, end):
            if used > first and values[used - 1] == values[place]:
                counts[used - 1] += counts[place]
            else:
                owners[used], values[used], counts[used] = group, values[place], counts[place]
                used += 1
        begin = end
    return used


def added_up(groups: Ints, values: Floats, counts: Ints, size: int) -> tuple[NDArray[np.int32], Floats, Ints]:
    """Groups, values and counts by group, then value, each pair once. Groups lie in [0, size); no value is NaN."""
    sizes = np.bincount(groups, minlength=size)
    ends = np.cumsum(sizes) - sizes
    by_value, by_count = np.empty(len(groups)), np.empty(len(groups), dtype=np.int64)
    _scatter(frozen(groups), frozen(values), frozen(counts), ends, by_value, by_count)
    owners = np.empty(len(groups), dtype=np.int32)
    used = _add_up(ends, by_value, by_count, owners)
    return owners[:used].copy(), by_value[:used].copy(), by_count[:used]  # views would keep all of it
