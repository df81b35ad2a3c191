"""Comparing two states of categories, codes, booleans and ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from observability.domain.compare import floors, measures
from observability.domain.compare.align import Words, align_words
from observability.domain.compare.bins import MAX_WORDS, Coarse, coarse_words
from observability.domain.compare.definitions import THRESHOLDS, statistic
from observability.domain.compare.result import Bins, Comparison, Statistic, cannot
from observability.domain.compare.shares import null_rate, rate, shares
from observability.domain.compare.verdict import IDS, WORDS, WORDS_BASIS, decide
from observability.domain.loops.hashing import estimate_distinct
from observability.domain.loops.numeric import Ints
from observability.domain.profile.states import CategoryState
from observability.domain.specs.spec import FeatureSpec, Kind

NO_ORDER: Final = "values without an order have no distribution function"
BOUND: Final = "more than 1,024 distinct values: the true value is at least this"
REST: Final = ("(other known values)", "(new values)", "(other values)", "NULL")  # bins that hold no single value


@dataclass(frozen=True, eq=False)
class _Sides:
    """Two category states with rows on both sides, and what their floors share."""

    ref: CategoryState
    cur: CategoryState
    words: Words
    alpha: float
    distinct: int
    moved: float  # mass that may fall back from the frozen vocabulary although nothing changed

    @property
    def rows(self) -> tuple[int, int]:
        return self.ref.rows, self.cur.rows


def compare_words(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> Comparison:
    quality: dict[str, float | int | None] = {
        "null_rate_ref": rate(ref.nulls, ref.rows),
        "null_rate_cur": rate(cur.nulls, cur.rows),
        "distinct_ref": round(estimate_distinct(ref.registers)),
        "distinct_cur": round(estimate_distinct(cur.registers)),
        "empty_cur": cur.empties,
    }
    if spec.kind is Kind.ID:
        return _ids(ref, cur, spec, quality)
    if not ref.rows or not cur.rows:
        found = {"null_rate": null_rate(ref, cur, tests=1)}
        return decide(spec, ref, cur, found, quality, WORDS, lacking="one side has no rows")
    sides = _sides(ref, cur, spec)
    bins = coarse_words(sides.words)
    found = {"null_rate": null_rate(ref, cur, tests=round(floors.FAMILY / sides.alpha))}
    found |= shares(bins, *sides.rows, alpha=sides.alpha, psi_floor=_psi_floor(sides, bins))
    found |= _every_value(sides)
    found["unseen_rate"] = _unseen(sides, spec)
    found |= {name: cannot(name, NO_ORDER) for name in ("ks", "w1")}
    if sides.words.is_exact and len(sides.words.names) == 2:
        found["odds_ratio"] = _odds_ratio(sides)
    return decide(spec, ref, cur, found, quality, WORDS, basis=WORDS_BASIS)


def _ids(
    ref: CategoryState, cur: CategoryState, spec: FeatureSpec, quality: dict[str, float | int | None]
) -> Comparison:
    """Identifiers have nulls and duplicates, and no distribution."""
    quality["duplicate_rate_ref"] = ref.sample.duplicate_rate
    quality["duplicate_rate_cur"] = cur.sample.duplicate_rate
    found = {"null_rate": null_rate(ref, cur, tests=1)}
    for name in ("psi", "js", "hellinger", "linf", "tvd", "ks", "w1"):
        found[name] = cannot(name, "identifiers have no distribution to compare")
    lacking = "" if ref.rows and cur.rows else "one side has no rows"
    return decide(spec, ref, cur, found, quality, IDS, basis=IDS, lacking=lacking)


def _sides(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> _Sides:
    words = align_words(ref, cur, spec)
    has_nulls = bool(ref.nulls or cur.nulls)
    values = len(words.names)
    # Of two values each statistic says the same: they need not share what noise may do.
    tests = 1 if words.is_exact and values <= 2 and not has_nulls else 4 + (values == 2) + has_nulls
    alpha = floors.FAMILY / tests
    if words.is_exact:
        return _Sides(ref, cur, words, alpha, values, 0.0)
    distinct = round(estimate_distinct(np.maximum(ref.registers, cur.registers)))
    return _Sides(ref, cur, words, alpha, distinct, floors.chosen(words.ref[:-1], ref.rows, alpha))


def _psi_floor(sides: _Sides, bins: Coarse) -> float | None:
    """None where each value has its bin; otherwise the bins were chosen by the counts of the reference."""
    words = sides.words
    if words.is_exact and len(words.names) <= MAX_WORDS:
        return None
    n, m = sides.rows
    bin_counts = list(zip(bins.names, bins.ref, bins.cur, strict=True))
    top = [a + b for name, a, b in bin_counts if name not in REST]
    rest = sum(a for name, a, _ in bin_counts if name in REST[:3]) / n
    unseen = floors.unseen(words.ref + words.cur, n, m, sides.alpha) if words.is_exact else 0.0
    moved = floors.chosen(np.array(bins.ref[: len(top)]), n, sides.alpha)
    return floors.psi_of_chosen(top, rest, unseen, moved, sides.distinct, n, m, sides.alpha)


def _every_value(sides: _Sides) -> dict[str, Statistic]:
    """L-infinity and TVD over every known value; without a complete table they are lower bounds, and say so."""
    words, (n, m), alpha = sides.words, sides.rows, sides.alpha
    ref, cur = np.append(words.ref, words.null.ref), np.append(words.cur, words.null.cur)
    pooled = (ref + cur).tolist()
    names = (*words.names, "NULL")
    if words.is_exact:
        largest, total = measures.linf(ref / n, cur / m), measures.tvd(ref / n, cur / m)
        noise = floors.linf(pooled, n, m, alpha, THRESHOLDS["linf"])
        bins = Bins(names, ref, cur, total.parts)
        return {
            "linf": statistic("linf", largest.value, noise=noise, bins=Bins(names, ref, cur, largest.parts)),
            "tvd": statistic("tvd", total.value, noise=floors.tvd(pooled, n, m, alpha), bins=bins),
        }
    bounds = [_bound(names, ref, cur, sides, sides.moved), _hashed(sides)]
    lower = cannot("linf", "more than 1,024 distinct values and no frozen vocabulary")
    if len(words.names) > 1:
        single = np.arange(len(names)) != len(words.names) - 1  # (other values) is none
        largest = measures.linf(ref[single] / n, cur[single] / m)
        noise = floors.linf((ref + cur)[single].tolist(), n, m, alpha, THRESHOLDS["linf"])
        bins = Bins(names, ref, cur, np.insert(largest.parts, len(words.names) - 1, 0.0))
        lower = statistic("linf", largest.value, noise=noise, bins=bins, reason=BOUND, is_bound=True)
    # Both bounds hold: the larger of those beyond their noise, else the larger.
    return {"linf": lower, "tvd": max(bounds, key=lambda one: (one.is_over, one.value or 0.0))}


def _hashed(sides: _Sides) -> Statistic:
    """TVD over the 256 hash buckets, which no choice of values has touched."""
    labels = (*(f"md5 {place:02x}..." for place in range(256)), "NULL")
    ref, cur = (np.append(side.buckets, side.nulls) for side in (sides.ref, sides.cur))
    return _bound(labels, ref, cur, sides, 0.0)


def _bound(names: tuple[str, ...], ref: Ints, cur: Ints, sides: _Sides, moved: float) -> Statistic:
    n, m = sides.rows
    total = measures.tvd(ref / n, cur / m)
    noise = min(floors.tvd((ref + cur).tolist(), n, m, sides.alpha / 2) + moved, 1.0)
    bins = Bins(names, ref, cur, total.parts)
    return statistic("tvd", total.value, noise=noise, bins=bins, reason=BOUND, is_bound=True)


def _unseen(sides: _Sides, spec: FeatureSpec) -> Statistic:
    words = sides.words
    n, m = words.ref_rows, words.cur_rows
    if not m:
        return cannot("unseen_rate", "the current side has only nulls")
    if words.is_exact:
        noise = floors.unseen(words.ref + words.cur, n, m, sides.alpha)
        return statistic("unseen_rate", float(words.cur[words.ref == 0].sum() / m), noise=noise)
    if not spec.vocabulary:
        return cannot("unseen_rate", "more than 1,024 distinct values and no frozen vocabulary")
    if not n:
        return cannot("unseen_rate", "the reference has only nulls")
    growth = float(words.cur[-1] / m - words.ref[-1] / n)
    share = float(words.ref[-1] + words.cur[-1]) / (n + m)
    noise = min(floors.growth(share, sides.moved, n, m, sides.alpha), 1.0)
    reason = "growth of the share outside the frozen vocabulary"
    return statistic("unseen_rate", max(growth, 0.0), noise=noise, reason=reason)


def _odds_ratio(sides: _Sides) -> Statistic:
    words = sides.words
    n, m = words.ref_rows, words.cur_rows
    if not n or not m:
        return cannot("odds_ratio", "one side has only nulls")
    rarer = int((words.ref + words.cur).argmin())
    ref, cur = int(words.ref[rarer]), int(words.cur[rarer])
    noise = floors.odds(ref, cur, n, m, sides.alpha)
    return statistic("odds_ratio", floors.odds_ratio(ref, cur, n, m), noise=noise)
