"""Coarse bins out of cells: reference deciles, exact values, and the specials beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .align import EXACT_CELLS, Numbers, Words
from .kernel import Floats, Ints

DECILES: Final = 10
OWN_BIN: Final = 0.05  # an exact value with this share of the reference is a bin of its own
MAX_WORDS: Final = 20


@dataclass(frozen=True, eq=False)
class Coarse:
    """Counts per bin; intervals first, then the specials (whose low and high are NaN)."""

    names: tuple[str, ...]
    low: Floats
    high: Floats
    ref: Ints
    cur: Ints


def decile_starts(pair: Numbers, count: int = DECILES) -> Ints:
    """First cell of each bin. A decile inside a bucket moves to the nearer edge of it."""
    cells = len(pair.ref)
    if pair.is_exact and cells <= EXACT_CELLS:
        return np.arange(cells)
    cumulative = np.cumsum(pair.ref)
    targets = cumulative[-1] * np.arange(1, count) / count
    cell = np.searchsorted(cumulative, targets, side="left")
    before, after = cumulative[cell] - pair.ref[cell], cumulative[cell]
    starts = np.where(after - targets <= targets - before, cell + 1, cell)
    own = np.flatnonzero(pair.ref >= OWN_BIN * cumulative[-1])
    own = own[pair.low[own] == pair.high[own]]
    starts = np.concatenate([[0], starts, own, own + 1])
    starts.sort()
    return starts[np.concatenate([[True], starts[1:] > starts[:-1]]) & (starts < cells)]


def coarse(pair: Numbers, starts: Ints) -> Coarse:
    """Cells added up between the starts, then one bin per special."""
    ends = np.append(starts[1:], len(pair.ref)) - 1
    extra = len(pair.specials)
    blank = np.full(extra, np.nan)
    return Coarse(
        ("",) * len(starts) + tuple(special.name for special in pair.specials),
        np.concatenate([pair.low[starts], blank]),
        np.concatenate([pair.high[ends], blank]),
        np.concatenate([np.add.reduceat(pair.ref, starts), [special.ref for special in pair.specials]]).astype(
            np.int64
        ),
        np.concatenate([np.add.reduceat(pair.cur, starts), [special.cur for special in pair.specials]]).astype(
            np.int64
        ),
    )


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
    blank = np.full(len(names), np.nan)
    return Coarse(tuple(names), blank, blank, ref.astype(np.int64), cur.astype(np.int64))
