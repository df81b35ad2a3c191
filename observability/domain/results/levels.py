"""The few numbers of a state that are drawn over time: five quantiles of numbers, shares of a category's values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from observability.domain.charts.panels import QUANTILES
from observability.domain.compare.align import common_cells
from observability.domain.compare.measures import few_quantiles
from observability.domain.profile.states import CategoryState, EmbeddingState, NumericState, State
from observability.domain.specs.spec import FeatureSpec, Kind

NAMED: Final = 7  # values of a category that are drawn by name
OTHERS: Final = "other known values"
NEW: Final = "new values"
MISSING: Final = "no value"


def names_of(reference: State | None) -> list[str]:
    """What the levels of a category stand for, in order; empty for numbers."""
    if not isinstance(reference, CategoryState) or reference.table.overflow:
        return []
    ranked = sorted(
        zip(reference.table.values, reference.table.counts.tolist(), strict=True), key=lambda one: (-one[1], one[0])
    )
    return [value for value, _ in ranked[:NAMED]] + [OTHERS, NEW, MISSING]


def levels_of(state: State, spec: FeatureSpec, names: Sequence[str], reference: State | None) -> list[float]:
    """Quantiles in the unit of the feature (of the norm, of an embedding) or shares of rows; empty: nothing to draw."""
    if isinstance(state, EmbeddingState):
        return levels_of(state.parts[0], spec, names, None) if state.parts else []
    if isinstance(state, NumericState):
        return _quantiles(state, spec)
    if not names or state.table.overflow or not state.rows or not isinstance(reference, CategoryState):
        return []
    counts = dict(zip(state.table.values, state.table.counts.tolist(), strict=True))
    named = [counts.get(name, 0) for name in names[:-3]]
    known = set(reference.table.values)
    new = sum(count for name, count in counts.items() if name not in known)
    others = state.present - sum(named) - new
    return [round(count / state.rows, 6) for count in (*named, others, new, state.nulls)]


def _quantiles(state: NumericState, spec: FeatureSpec) -> list[float]:
    if not state.finite:
        return []
    cells = common_cells([state], spec)
    if not len(cells.low):
        return []
    counts = cells.counts[0]
    found = few_quantiles(cells.low, cells.high, counts, counts.cumsum(), QUANTILES)
    origin = int(spec.centre) if spec.kind is Kind.TIMESTAMP else 0
    values = [value + origin for value in found]
    return values if all(math.isfinite(value) for value in values) else []
