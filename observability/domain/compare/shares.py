"""Statistics of shares that numbers and words have in common."""

from __future__ import annotations

from observability.domain.compare import floors
from observability.domain.compare.bins import Coarse
from observability.domain.compare.definitions import on_bins, statistic
from observability.domain.compare.result import Bins, Statistic, cannot
from observability.domain.profile.states import State


def shares(
    bins: Coarse, n: int, m: int, *, alpha: float, psi_doubt: float = 0.0, psi_floor: float | None = None
) -> dict[str, Statistic]:
    """PSI, JS, Hellinger, L-infinity and TVD on the same bins, each with its noise floor."""
    measured = on_bins(bins.ref, bins.cur, n, m, alpha=alpha, psi_floor=psi_floor)
    return {
        name: statistic(
            name,
            value,
            uncertainty=psi_doubt if name == "psi" else 0.0,
            noise=noise,
            bins=Bins(bins.names, bins.ref, bins.cur, parts, bins.low, bins.high),
        )
        for name, (value, parts, noise) in measured.items()
    }


def null_rate(ref: State, cur: State, *, tests: int) -> Statistic:
    """Change of the share of nulls, one of so many statistics of a verdict."""
    n, m = ref.rows, cur.rows
    if not n or not m:
        return cannot("null_rate", "one side has no rows")
    noise = floors.gap(ref.nulls + cur.nulls, n, m, floors.FAMILY / tests)
    return statistic("null_rate", abs(cur.nulls / m - ref.nulls / n), noise=noise)


def rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
