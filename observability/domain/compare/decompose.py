"""Why a number moved: mix (traffic went from one model version to another) and within (a version itself changed).

With shares w_v of the rows and a value x_v per version, the change of the sum of w_v x_v splits exactly:

    mix_v    = (w'_v - w_v) (x_v + x'_v) / 2        within_v = (w_v + w'_v) / 2 (x'_v - x_v)

A version on one side only has no second value; its x is taken equal on both sides, so that all of it is mix.
It holds for whatever is an average over rows: shares of bins, means, null rates, and D at its argmax (F - G there is a
difference of shares). It does not hold for PSI or JS, which are no averages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from observability.domain.compare.align import Cells, common_cells
from observability.domain.loops.numeric import Floats, Ints
from observability.domain.profile.states import NumericState, State
from observability.domain.specs.spec import FeatureSpec, Kind


@dataclass(frozen=True)
class Share:
    """What one version adds to the change."""

    version: str
    mix: float
    within: float


@dataclass(frozen=True)
class Decomposition:
    """`before` + sum of all mix and within == `after`."""

    name: str
    before: float
    after: float
    shares: tuple[Share, ...]

    @property
    def mix(self) -> float:
        return sum(share.mix for share in self.shares)

    @property
    def within(self) -> float:
        return sum(share.within for share in self.shares)


def split(
    name: str,
    before: Mapping[str, tuple[float, float]],
    after: Mapping[str, tuple[float, float]],
) -> Decomposition:
    """`before` and `after` give (weight, sum of the quantity) per version; the quantity's average is what is split."""
    whole = [sum(weight for weight, _ in side.values()) for side in (before, after)]
    if min(whole) <= 0:
        raise ValueError(f"{name}: one side has no rows, there is nothing to split")
    shares = []
    for version in sorted({*before, *after}):
        old_weight, old_sum = before.get(version, (0.0, 0.0))
        new_weight, new_sum = after.get(version, (0.0, 0.0))
        w, w_new = old_weight / whole[0], new_weight / whole[1]
        x = old_sum / old_weight if old_weight else None
        x_new = new_sum / new_weight if new_weight else None
        known = x if x is not None else x_new
        if known is None:
            shares.append(Share(version, 0.0, 0.0))
            continue
        first = known
        second = x_new if x_new is not None else known
        shares.append(Share(version, (w_new - w) * (first + second) / 2, (w + w_new) / 2 * (second - first)))
    totals = [
        sum(value for _, value in side.values()) / size for side, size in zip((before, after), whole, strict=True)
    ]
    return Decomposition(name, totals[0], totals[1], tuple(shares))


def null_rate(before: Mapping[str, State], after: Mapping[str, State]) -> Decomposition:
    """The change of the share of nulls, by version."""
    sides = [
        {version: (float(state.rows), float(state.nulls)) for version, state in side.items()}
        for side in (before, after)
    ]
    return split("null_rate", *sides)


def mean(before: Mapping[str, NumericState], after: Mapping[str, NumericState], spec: FeatureSpec) -> Decomposition:
    """The change of the mean of the finite values, taken at the middles of common cells."""
    cells, rows = _common(before, after, spec)
    middle = (cells.low + cells.high) / 2 + (int(spec.centre) if spec.kind is Kind.TIMESTAMP else 0)
    return split("mean", *({v: (float(c.sum()), float((c * middle).sum())) for v, c in side.items()} for side in rows))


def ks_at_argmax(
    before: Mapping[str, NumericState], after: Mapping[str, NumericState], spec: FeatureSpec
) -> Decomposition:
    """The change of the share of rows below the edge where the Kolmogorov-Smirnov distance is reached: D itself."""
    cells, rows = _common(before, after, spec)
    whole = [np.sum(list(side.values()), axis=0) for side in rows]
    if not whole[0].sum() or not whole[1].sum():
        raise ValueError("one side has no finite value, there is nothing to split")
    gaps = np.cumsum(whole[0]) / whole[0].sum() - np.cumsum(whole[1]) / whole[1].sum()
    worst = int(np.abs(gaps).argmax())
    edge = float(cells.high[worst]) + (int(spec.centre) if spec.kind is Kind.TIMESTAMP else 0)
    below = ({v: (float(c.sum()), float(c[: worst + 1].sum())) for v, c in side.items()} for side in rows)
    return split(f"share up to {edge:g}", *below)


def _common(
    before: Mapping[str, NumericState], after: Mapping[str, NumericState], spec: FeatureSpec
) -> tuple[Cells, tuple[dict[str, Ints], dict[str, Ints]]]:
    """All versions of both sides on the same cells."""
    cells = common_cells([*before.values(), *after.values()], spec)
    first = dict(zip(before, cells.counts[: len(before)], strict=True))
    return cells, (first, dict(zip(after, cells.counts[len(before) :], strict=True)))


def bin_shares(
    before: Mapping[str, Floats], after: Mapping[str, Floats], names: tuple[str, ...]
) -> tuple[Decomposition, ...]:
    """The change of each bin's share, by version, from counts per bin."""
    found = []
    for place, name in enumerate(names):
        sides = [
            {version: (float(np.sum(counts)), float(counts[place])) for version, counts in side.items()}
            for side in (before, after)
        ]
        found.append(split(name, *sides))
    return tuple(found)
