"""Shares of a category's values, then and now, as rows with bars; and which value seems to be another renamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from observability.domain.compare.align import align_words
from observability.domain.compare.bins import coarse_words
from observability.domain.compare.words import REST
from observability.domain.profile.states import CategoryState
from observability.domain.specs.spec import FeatureSpec

WIDE: Final = 100.0
RENAMED: Final = 0.15  # a value came and one went, and their shares differ by no more than this part
LEAST: Final = 0.01


@dataclass(frozen=True)
class Value:
    """`ref_width` and `cur_width` are percent of the widest bar of the table."""

    name: str
    ref: int
    cur: int
    ref_share: float
    cur_share: float
    ref_width: float
    cur_width: float
    is_new: bool
    is_gone: bool
    is_rest: bool

    @property
    def move(self) -> float:
        return self.cur_share - self.ref_share


def values(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> list[Value]:
    """At most 20 rows: the reference's most frequent values, what is new, the rest, NULL; of rows, NULL included."""
    bins = coarse_words(align_words(ref, cur, spec))
    n, m = max(ref.rows, 1), max(cur.rows, 1)
    widest = max([a / n for a in bins.ref] + [b / m for b in bins.cur], default=0.0) or 1.0
    found = []
    for name, a, b in zip(bins.names, bins.ref, bins.cur, strict=True):
        is_rest = name in REST
        found.append(
            Value(
                name,
                a,
                b,
                a / n,
                b / m,
                round(a / n / widest * WIDE, 1),
                round(b / m / widest * WIDE, 1),
                is_new=not a and bool(b) and not is_rest,
                is_gone=bool(a) and not b and not is_rest,
                is_rest=is_rest,
            )
        )
    return found


def renamed(found: Sequence[Value]) -> tuple[Value, Value] | None:
    """(the value that went, the value that came with about its share); None when there is no such pair."""
    gone = [one for one in found if not one.is_rest and one.ref_share >= LEAST and one.cur_share < one.ref_share / 4]
    came = [one for one in found if one.is_new and one.cur_share >= LEAST]
    pairs = [
        (abs(new.cur_share + old.cur_share - old.ref_share) / old.ref_share, old, new) for old in gone for new in came
    ]
    if not pairs:
        return None
    distance, old, new = min(pairs, key=lambda pair: pair[0])
    return (old, new) if distance <= RENAMED else None
