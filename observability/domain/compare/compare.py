"""Comparing two states of one feature the Barista way; other tools' definitions are in tools/."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from observability.domain.compare import floors, measures
from observability.domain.compare.align import Numbers, align_numbers
from observability.domain.compare.bins import Coarse, coarse, decile_starts
from observability.domain.compare.definitions import edge_doubt, statistic
from observability.domain.compare.floors import FAMILY
from observability.domain.compare.instants import Windows, shape
from observability.domain.compare.result import Bins, Comparison, Statistic, Verdict, cannot
from observability.domain.compare.shares import null_rate, rate, shares
from observability.domain.compare.verdict import NUMBERS, TIMES, decide, named
from observability.domain.compare.words import compare_words
from observability.domain.loops.numeric import Floats, Ints
from observability.domain.profile.states import (
    CategoryState,
    EmbeddingState,
    MergeError,
    NumericState,
    State,
    same_spec,
)
from observability.domain.specs.spec import FeatureSpec, Kind

_ROBUST: Final = (0.001, 0.25, 0.75, 0.999)
FOLLOWS: Final = "it follows the clock: shown, not judged"


def compare(ref: State, cur: State, spec: FeatureSpec, windows: Windows | None = None) -> Comparison:
    """All statistics of one feature. States of different specs give the verdict unknown, with the reason.

    `windows` are the times that the two sides cover; only timestamps are compared to them.
    """
    try:
        same_spec(ref.digest, cur.digest)
    except MergeError as error:
        return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), {}, Verdict.UNKNOWN, str(error))
    if isinstance(ref, NumericState) and isinstance(cur, NumericState):
        return _numeric(ref, cur, spec, windows)
    if isinstance(ref, CategoryState) and isinstance(cur, CategoryState):
        return compare_words(ref, cur, spec)
    if isinstance(ref, EmbeddingState) and isinstance(cur, EmbeddingState):
        return _embedding(ref, cur, spec)
    return Comparison(
        spec.name, spec.kind.value, (ref.rows, cur.rows), {}, Verdict.UNKNOWN, "states of different kinds"
    )


def _numeric(
    ref: NumericState,
    cur: NumericState,
    spec: FeatureSpec,
    windows: Windows | None = None,
    measures_of_one: int = 1,
) -> Comparison:
    """`measures_of_one` numbers are looked at for one verdict: they share what noise may do."""
    pair = align_numbers(ref, cur, spec)
    found = {"null_rate": null_rate(ref, cur, tests=len(NUMBERS) * measures_of_one)}
    quality = {
        "null_rate_ref": rate(ref.nulls, ref.rows),
        "null_rate_cur": rate(cur.nulls, cur.rows),
        "zero_rate_ref": rate(ref.zeros, ref.rows),
        "zero_rate_cur": rate(cur.zeros, cur.rows),
        "nan_cur": cur.nans,
        "infinite_cur": cur.pos_infs + cur.neg_infs,
    }
    if not pair.ref_rows or not pair.cur_rows:
        side = "reference" if not pair.ref_rows else "current side"
        if ref.rows and cur.rows:
            found |= shares(_specials_only(pair), ref.rows, cur.rows, alpha=FAMILY / len(NUMBERS))
        return decide(spec, ref, cur, found, quality, NUMBERS, lacking=f"the {side} has no finite value")
    starts = decile_starts(pair)
    bins = coarse(pair, starts)
    is_pair = len(bins.ref) == 2  # of two values: every statistic says the same, and nothing has to be shared
    tests = 1 if is_pair else len(NUMBERS) - (not (ref.nulls or cur.nulls))
    alpha = FAMILY / (tests * measures_of_one)
    doubt = 0.0 if pair.is_exact else _edge_doubt(pair, starts, bins)
    found |= shares(bins, ref.rows, cur.rows, alpha=alpha, psi_doubt=doubt)
    found |= _ordered(pair, alpha)
    if spec.kind is Kind.TIMESTAMP:
        found = {name: replace(one, threshold=None, reason=FOLLOWS) for name, one in found.items()} | {
            "null_rate": found["null_rate"]
        }
        found |= shape(ref, cur, pair, spec, windows)
        return decide(spec, ref, cur, found, quality, TIMES)
    return decide(spec, ref, cur, found, quality, NUMBERS)


def _specials_only(pair: Numbers) -> Coarse:
    """Finite values as one bin beside NULL, NaN and the infinities."""
    names = ("finite values", *(special.name for special in pair.specials))
    ref = [pair.ref_rows, *(special.ref for special in pair.specials)]
    cur = [pair.cur_rows, *(special.cur for special in pair.specials)]
    blank = [math.nan] * len(names)
    return Coarse(names, blank, blank, ref, cur)


def _edge_doubt(pair: Numbers, starts: list[int], bins: Coarse) -> float:
    ref, cur = pair.ref.item, pair.cur.item
    beside = [((ref(edge - 1), cur(edge - 1)), (ref(edge), cur(edge))) for edge in starts[1:]]
    return edge_doubt(bins.ref, bins.cur, beside)


def _ordered(pair: Numbers, alpha: float) -> dict[str, Statistic]:
    """KS and Wasserstein on the cells."""
    n, m = pair.ref_rows, pair.cur_rows
    walk = measures.Walk(pair.counts, pair.below)
    hidden = 0.0 if pair.is_exact else walk.hidden(pair.buckets())
    raw, doubt, spread = walk.integrals(pair.low, pair.high)
    raw_noise = floors.w1(spread, *walk.spread(pair.low, pair.high), n, m, alpha)
    d_bins = _cells(pair, partial(_ks_parts, pair.ref, pair.cur))
    raw_bins = _cells(pair, partial(_w1_parts, pair.ref, pair.cur, pair.low, pair.high, 1.0))
    return {
        "ks": statistic("ks", walk.d, uncertainty=hidden, noise=floors.ks(n, m, alpha), bins=d_bins),
        "ks_robust": statistic("ks_robust", measures.ks_robust(walk.d, n, m), uncertainty=hidden),
        "w1": _robust_w1(pair, walk, alpha),
        "w1_raw": statistic("w1_raw", raw, uncertainty=doubt, noise=raw_noise, bins=raw_bins),
    }


def _cells(pair: Numbers, parts: Callable[[], Floats]) -> Bins:
    return Bins((), pair.ref, pair.cur, parts, pair.low, pair.high, pair.origin)


def _ks_parts(ref: Ints, cur: Ints) -> Floats:
    return measures.ks(ref, cur, np.zeros(len(ref), dtype=bool))[0].parts


def _w1_parts(ref: Ints, cur: Ints, low: Floats, high: Floats, scale: float) -> Floats:
    return measures.w1(low, high, ref, cur).parts / scale


def _robust_w1(pair: Numbers, walk: measures.Walk, alpha: float) -> Statistic:
    least, lower, upper, most = measures.few_quantiles(pair.low, pair.high, pair.ref, pair.below[0], _ROBUST)
    scale = (upper - lower) / 1.349
    if scale <= 0:
        _, scale, _ = measures.moments(pair.low, pair.high, pair.ref)
    if scale <= 0:
        return cannot("w1", "the reference is constant: there is no spread to divide by")
    low, high = np.minimum(np.maximum(pair.low, least), most), np.minimum(np.maximum(pair.high, least), most)
    value, doubt, spread = walk.integrals(low, high)
    noise = floors.w1(spread, *walk.spread(low, high), pair.ref_rows, pair.cur_rows, alpha)
    parts = partial(_w1_parts, pair.ref, pair.cur, low, high, scale)
    bins = Bins((), pair.ref, pair.cur, parts, low, high, pair.origin)
    return statistic("w1", value / scale, uncertainty=doubt / scale, noise=noise / scale, bins=bins)


def _embedding(ref: EmbeddingState, cur: EmbeddingState, spec: FeatureSpec) -> Comparison:
    """The comparison of whichever of norm and projections moved most, beside the counters of the vectors."""
    nulls = null_rate(ref, cur, tests=2)
    results = [
        _numeric(left, right, spec, measures_of_one=len(ref.parts))
        for left, right in zip(ref.parts, cur.parts, strict=True)
    ]

    def moved(result: Comparison) -> tuple[bool, float]:
        d = result.statistics.get("ks")
        return result.verdict is Verdict.DRIFT, (d.value or 0.0) if d is not None else 0.0

    worst = max(range(len(results)), key=lambda place: moved(results[place]))
    chosen = results[worst]
    which = "norm" if worst == 0 else f"projection {worst}"
    quality = {
        "null_rate_ref": rate(ref.nulls, ref.rows),
        "null_rate_cur": rate(cur.nulls, cur.rows),
        "wrong_length_ref": ref.misfits,
        "wrong_length_cur": cur.misfits,
    }
    reason = f"{which} of {len(results)} measures moved most: {chosen.reason}"
    verdict = chosen.verdict
    if nulls.is_over:
        verdict, reason = Verdict.DRIFT, f"{named(nulls)} is {nulls.value:.3f}, over its threshold; {reason}"
    found = dict(chosen.statistics) | {"null_rate": nulls}
    return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), found, verdict, reason, quality)
