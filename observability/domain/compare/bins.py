"""Coarse bins out of cells: reference deciles, exact values, and the specials beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from observability.domain.compare.align import EXACT_CELLS, Numbers, Words
from observability.domain.loops.numeric import Ints

DECILES: Final = 10
OWN_BIN: Final = 0.05  # an exact value with this share of the reference is a bin of its own
MAX_WORDS: Final = 20


@dataclass(frozen=True, eq=False)
class Coarse:
    """Counts per bin; intervals first, then the specials (whose low and high are NaN). Lists: they are short."""

    names: tuple[str, ...]
    low: list[float]
    high: list[float]
    ref: list[int]
    cur: list[int]


def decile_starts(pair: Numbers, count: int = DECILES) -> list[int]:
    """First cell of each bin. A decile inside a bucket moves to the nearer edge of it."""
    cells = len(pair.ref)
    if pair.is_exact and cells <= EXACT_CELLS:
        return list(range(cells))
    ref, below, total = pair.ref, pair.below[0], pair.ref_rows
    targets = [total * place / count for place in range(1, count)]
    starts = {0}
    for target, cell in zip(targets, below.searchsorted(targets).tolist(), strict=True):
        after = below.item(cell)
        starts.add(cell + 1 if after - target <= target - (after - ref.item(cell)) else cell)
    for cell in (ref >= OWN_BIN * total).nonzero()[0].tolist():
        if pair.low.item(cell) == pair.high.item(cell):  # an exact value with such a share begins a bin and ends it
            starts |= {cell, cell + 1}
    return sorted(start for start in starts if start < cells)


def coarse(pair: Numbers, starts: list[int]) -> Coarse:
    """Cells added up between the starts, then one bin per special."""
    last = [start - 1 for start in starts[1:]] + [len(pair.ref) - 1]
    blank = [math.nan] * len(pair.specials)
    return Coarse(
        ("",) * len(starts) + tuple(special.name for special in pair.specials),
        [pair.low.item(cell) for cell in starts] + blank,
        [pair.high.item(cell) for cell in last] + blank,
        _between(pair.below[0], last) + [special.ref for special in pair.specials],
        _between(pair.below[1], last) + [special.cur for special in pair.specials],
    )


def _between(below: Ints, last: list[int]) -> list[int]:
    """Counts of bins that end with these cells, out of cumulated counts."""
    ends = [below.item(cell) for cell in last]
    return [ends[0], *(after - before for before, after in pairwise(ends))]


def coarse_words(words: Words) -> Coarse:
    """At most 20 bins: the most frequent reference values, the other known ones, the new ones, NULL."""
    names, ref, cur = list(words.names), words.ref, words.cur
    if words.is_exact and len(names) > MAX_WORDS:
        ranked = sorted(range(len(names)), key=lambda place: (-int(ref[place]), names[place]))
        kept = [place for place in ranked[: MAX_WORDS - 3] if ref[place]]
        rest = np.setdiff1d(np.arange(len(names)), kept)
        new = rest[ref[rest] == 0]
        known = rest[ref[rest] > 0]
        names = [names[place] for place in kept]
        ref_bins, cur_bins = [ref[kept]], [cur[kept]]
        for label, places in (("(other known values)", known), ("(new values)", new)):
            if len(places):
                names.append(label)
                ref_bins.append(np.array([ref[places].sum()]))
                cur_bins.append(np.array([cur[places].sum()]))
        ref, cur = np.concatenate(ref_bins), np.concatenate(cur_bins)
    elif len(names) > MAX_WORDS:  # the vocabulary is ordered by frequency; its last entry stands for the rest
        head = MAX_WORDS - 2
        names = [*names[:head], "(other values)"]
        ref = np.append(ref[:head], ref[head:].sum())
        cur = np.append(cur[:head], cur[head:].sum())
    if words.null.ref or words.null.cur:
        names.append("NULL")
        ref, cur = np.append(ref, words.null.ref), np.append(cur, words.null.cur)
    blank = [math.nan] * len(names)
    return Coarse(tuple(names), blank, blank, ref.tolist(), cur.tolist())
