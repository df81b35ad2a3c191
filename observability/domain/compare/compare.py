"""Comparing two states of one feature the Barista way; other tools' definitions are in modes_*.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from observability.domain.compare import measures
from observability.domain.compare.align import Numbers, Words, align_numbers, align_words
from observability.domain.compare.bins import Coarse, coarse, coarse_words, decile_starts
from observability.domain.compare.definitions import THRESHOLDS, edge_doubt, on_bins, statistic
from observability.domain.compare.result import Bins, Comparison, Statistic, Verdict, cannot
from observability.domain.loops.hashing import estimate_distinct
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

DECIDING: Final = ("psi", "ks_robust", "w1", "linf", "tvd", "null_rate", "unseen_rate")
_ROBUST: Final = (0.001, 0.25, 0.75, 0.999)
NO_ORDER: Final = "values without an order have no distribution function"


def compare(ref: State, cur: State, spec: FeatureSpec) -> Comparison:
    """All statistics of one feature. States of different specs give the verdict unknown, with the reason."""
    try:
        same_spec(ref.digest, cur.digest)
    except MergeError as error:
        return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), {}, Verdict.UNKNOWN, str(error))
    if isinstance(ref, NumericState) and isinstance(cur, NumericState):
        return _numeric(ref, cur, spec)
    if isinstance(ref, CategoryState) and isinstance(cur, CategoryState):
        return _category(ref, cur, spec)
    if isinstance(ref, EmbeddingState) and isinstance(cur, EmbeddingState):
        return _embedding(ref, cur, spec)
    return Comparison(
        spec.name, spec.kind.value, (ref.rows, cur.rows), {}, Verdict.UNKNOWN, "states of different kinds"
    )


def _numeric(ref: NumericState, cur: NumericState, spec: FeatureSpec) -> Comparison:
    pair = align_numbers(ref, cur, spec)
    found = {"null_rate": _null_rate(ref.rows, ref.nulls, cur.rows, cur.nulls)}
    quality = {
        "null_rate_ref": _rate(ref.nulls, ref.rows),
        "null_rate_cur": _rate(cur.nulls, cur.rows),
        "zero_rate_ref": _rate(ref.zeros, ref.rows),
        "zero_rate_cur": _rate(cur.zeros, cur.rows),
        "nan_cur": cur.nans,
        "infinite_cur": cur.pos_infs + cur.neg_infs,
    }
    if not pair.ref_rows or not pair.cur_rows:
        side = "reference" if not pair.ref_rows else "current side"
        return _decide(spec, ref, cur, found, quality, lacking=f"the {side} has no finite value")
    starts = decile_starts(pair)
    bins = coarse(pair, starts)
    doubt = 0.0 if pair.is_exact else _edge_doubt(pair, starts, bins)
    found |= shares(bins, ref.rows, cur.rows, psi_doubt=doubt)
    found |= _ordered(pair)
    return _decide(spec, ref, cur, found, quality)


def shares(bins: Coarse, n: int, m: int, *, psi_doubt: float = 0.0) -> dict[str, Statistic]:
    """PSI, JS, Hellinger, L-infinity and TVD on the same bins, each with its noise floor."""
    return {
        name: statistic(
            name,
            value,
            uncertainty=psi_doubt if name == "psi" else 0.0,
            noise=noise,
            bins=Bins(bins.names, bins.ref, bins.cur, parts, bins.low, bins.high),
        )
        for name, (value, parts, noise) in on_bins(bins.ref, bins.cur, n, m).items()
    }


def _edge_doubt(pair: Numbers, starts: list[int], bins: Coarse) -> float:
    ref, cur = pair.ref.item, pair.cur.item
    beside = [((ref(edge - 1), cur(edge - 1)), (ref(edge), cur(edge))) for edge in starts[1:]]
    return edge_doubt(bins.ref, bins.cur, beside)


def _ordered(pair: Numbers) -> dict[str, Statistic]:
    """KS and Wasserstein on the cells."""
    n, m = pair.ref_rows, pair.cur_rows
    walk = measures.Walk(pair.counts, pair.below)
    hidden = 0.0 if pair.is_exact else walk.hidden(pair.buckets())
    noise = 1.358 * math.sqrt((n + m) / (n * m))
    raw, doubt, spread = walk.integrals(pair.low, pair.high)
    d_bins = _cells(pair, partial(_ks_parts, pair.ref, pair.cur))
    raw_bins = _cells(pair, partial(_w1_parts, pair.ref, pair.cur, pair.low, pair.high, 1.0))
    return {
        "ks": statistic("ks", walk.d, uncertainty=hidden, noise=noise, bins=d_bins),
        "ks_robust": statistic("ks_robust", measures.ks_robust(walk.d, n, m), uncertainty=hidden),
        "w1": _robust_w1(pair, walk),
        "w1_raw": statistic("w1_raw", raw, uncertainty=doubt, noise=measures.w1_noise(spread, n, m), bins=raw_bins),
    }


def _cells(pair: Numbers, parts: Callable[[], Floats]) -> Bins:
    return Bins((), pair.ref, pair.cur, parts, pair.low, pair.high, pair.origin)


def _ks_parts(ref: Ints, cur: Ints) -> Floats:
    return measures.ks(ref, cur, np.zeros(len(ref), dtype=bool))[0].parts


def _w1_parts(ref: Ints, cur: Ints, low: Floats, high: Floats, scale: float) -> Floats:
    return measures.w1(low, high, ref, cur).parts / scale


def _robust_w1(pair: Numbers, walk: measures.Walk) -> Statistic:
    least, lower, upper, most = measures.few_quantiles(pair.low, pair.high, pair.ref, pair.below[0], _ROBUST)
    scale = (upper - lower) / 1.349
    if scale <= 0:
        _, scale, _ = measures.moments(pair.low, pair.high, pair.ref)
    if scale <= 0:
        return cannot("w1", "the reference is constant: there is no spread to divide by")
    low, high = np.minimum(np.maximum(pair.low, least), most), np.minimum(np.maximum(pair.high, least), most)
    value, doubt, spread = walk.integrals(low, high)
    noise = measures.w1_noise(spread, pair.ref_rows, pair.cur_rows)
    parts = partial(_w1_parts, pair.ref, pair.cur, low, high, scale)
    bins = Bins((), pair.ref, pair.cur, parts, low, high, pair.origin)
    return statistic("w1", value / scale, uncertainty=doubt / scale, noise=noise / scale, bins=bins)


def _category(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> Comparison:
    found = {"null_rate": _null_rate(ref.rows, ref.nulls, cur.rows, cur.nulls)}
    quality = {
        "null_rate_ref": _rate(ref.nulls, ref.rows),
        "null_rate_cur": _rate(cur.nulls, cur.rows),
        "distinct_ref": round(estimate_distinct(ref.registers)),
        "distinct_cur": round(estimate_distinct(cur.registers)),
        "empty_cur": cur.empties,
    }
    if spec.kind is Kind.ID:
        quality["duplicate_rate_ref"] = ref.sample.duplicate_rate
        quality["duplicate_rate_cur"] = cur.sample.duplicate_rate
        for name in ("psi", "js", "hellinger", "linf", "tvd", "ks", "w1"):
            found[name] = cannot(name, "identifiers have no distribution to compare")
        lacking = "" if ref.rows and cur.rows else "one side has no rows"
        return _decide(spec, ref, cur, found, quality, lacking=lacking)
    if not ref.rows or not cur.rows:
        return _decide(spec, ref, cur, found, quality, lacking="one side has no rows")
    words = align_words(ref, cur, spec)
    bins = coarse_words(words)
    found |= shares(bins, ref.rows, cur.rows)
    found |= _all_words(words, ref, cur)
    found["unseen_rate"] = _unseen(words, spec)
    found |= {name: cannot(name, NO_ORDER) for name in ("ks", "w1")}
    return _decide(spec, ref, cur, found, quality)


def _all_words(words: Words, ref: CategoryState, cur: CategoryState) -> dict[str, Statistic]:
    """L-infinity and TVD over every known value; without a complete table they are lower bounds, and say so."""
    tail = (words.null.ref, words.null.cur)
    counts = [np.append(side, extra) for side, extra in zip((words.ref, words.cur), tail, strict=True)]
    names = (*words.names, "NULL")
    n, m = ref.rows, cur.rows
    p, q = counts[0] / n, counts[1] / m
    measured = {"linf": measures.linf(p, q), "tvd": measures.tvd(p, q)}
    pooled = (counts[0] + counts[1]) / (n + m)
    noise = {"linf": measures.linf_noise(pooled, n, m), "tvd": measures.tvd_noise(pooled, n, m)}
    shown = {name: Bins(names, counts[0], counts[1], one.parts) for name, one in measured.items()}
    values = {name: one.value for name, one in measured.items()}
    reason = ""
    if not words.is_exact:
        reason = "more than 1,024 distinct values: the true value is at least this"
        p, q = np.append(ref.buckets, ref.nulls) / n, np.append(cur.buckets, cur.nulls) / m
        hashed = measures.tvd(p, q)
        if hashed.value > values["tvd"]:
            values["tvd"] = hashed.value
            noise["tvd"] = measures.tvd_noise((p * n + q * m) / (n + m), n, m)
            labels = (*(f"md5 {place:02x}..." for place in range(256)), "NULL")
            counts = [np.append(side.buckets, side.nulls) for side in (ref, cur)]
            shown["tvd"] = Bins(labels, counts[0], counts[1], hashed.parts)
    return {
        name: statistic(name, values[name], noise=noise[name], bins=shown[name], reason=reason) for name in measured
    }


def _unseen(words: Words, spec: FeatureSpec) -> Statistic:
    n, m = words.ref_rows, words.cur_rows
    if not m:
        return cannot("unseen_rate", "the current side has only nulls")
    if words.is_exact:
        return statistic("unseen_rate", float(words.cur[words.ref == 0].sum() / m), noise=3.0 / max(n, 1))
    if not spec.vocabulary:
        return cannot("unseen_rate", "more than 1,024 distinct values and no frozen vocabulary")
    other = float(words.cur[-1] / m - words.ref[-1] / max(n, 1))
    reason = "growth of the share outside the frozen vocabulary"
    return statistic("unseen_rate", max(other, 0.0), noise=2 * math.sqrt((1 / max(n, 1) + 1 / m) / 4), reason=reason)


def _embedding(ref: EmbeddingState, cur: EmbeddingState, spec: FeatureSpec) -> Comparison:
    """The comparison of whichever of norm and projections moved most, beside the counters of the vectors."""
    results = [_numeric(left, right, spec) for left, right in zip(ref.parts, cur.parts, strict=True)]
    sizes = [result.statistics["ks"].value or 0.0 if "ks" in result.statistics else 0.0 for result in results]
    worst = int(np.argmax(sizes))
    chosen = results[worst]
    which = "norm" if worst == 0 else f"projection {worst}"
    statistics = dict(chosen.statistics) | {"null_rate": _null_rate(ref.rows, ref.nulls, cur.rows, cur.nulls)}
    quality = {
        "null_rate_ref": _rate(ref.nulls, ref.rows),
        "null_rate_cur": _rate(cur.nulls, cur.rows),
        "wrong_length_ref": ref.misfits,
        "wrong_length_cur": cur.misfits,
    }
    reason = f"{which} of {len(results)} measures moved most: {chosen.reason}"
    return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), statistics, chosen.verdict, reason, quality)


def _null_rate(n: int, ref_nulls: int, m: int, cur_nulls: int) -> Statistic:
    if not n or not m:
        return cannot("null_rate", "one side has no rows")
    pooled = (ref_nulls + cur_nulls) / (n + m)
    noise = 1.96 * math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return statistic("null_rate", abs(cur_nulls / m - ref_nulls / n), noise=noise)


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _decide(
    spec: FeatureSpec,
    ref: State,
    cur: State,
    found: dict[str, Statistic],
    quality: dict[str, float | int | None],
    *,
    lacking: str = "",
) -> Comparison:
    """The verdict: too few rows, or the deciding statistics over their thresholds, or stable."""
    verdict, reason = Verdict.STABLE, "no deciding statistic is over its threshold"
    over = [found[name] for name in DECIDING if name in found and found[name].is_over]
    psi = found.get("psi")
    noise = psi.noise_floor if psi is not None else None
    if lacking:
        nulls = found["null_rate"]
        verdict, reason = Verdict.NOT_ENOUGH_DATA, lacking
        if nulls.is_over:
            verdict, reason = Verdict.DRIFT, f"{lacking}; the share of nulls moved by {nulls.value:.3f}"
    elif noise is not None and noise >= THRESHOLDS["psi"]:
        verdict = Verdict.NOT_ENOUGH_DATA
        reason = f"{ref.rows:,} and {cur.rows:,} rows: noise alone reaches a PSI of {noise:.3f}"
    elif over:
        verdict = Verdict.DRIFT
        reason = "; ".join(f"{one.name} {one.value:.3f} is at or over {one.threshold:g}" for one in over)
    return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), found, verdict, reason, quality)
