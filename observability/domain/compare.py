"""Comparing two states of one feature the Barista way; other tools' definitions are in modes_*.py."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from . import measures
from .align import Numbers, Words, align_numbers, align_words
from .bins import Coarse, coarse, coarse_words, decile_starts
from .hashing import estimate_distinct
from .kernel import Floats, Ints
from .result import Bins, Comparison, Statistic, Verdict, cannot
from .spec import FeatureSpec, Kind
from .states import CategoryState, EmbeddingState, MergeError, NumericState, State, same_spec

THRESHOLDS: Final = {
    "psi": 0.1,
    "js": 0.15,
    "hellinger": 0.15,
    "ks": 0.1,
    "ks_robust": 0.1,
    "w1": 0.1,
    "linf": 0.1,
    "tvd": 0.1,
    "null_rate": 0.05,
    "unseen_rate": 0.05,
}
DECIDING: Final = ("psi", "ks_robust", "w1", "linf", "tvd", "null_rate", "unseen_rate")
FORMULAS: Final = {
    "psi": "sum over bins of (q - p) ln(q / p); reference deciles, NULL and exact values as bins; shares of at least "
    "1e-4, renormalised",
    "js": "sqrt(sum over bins of (p log2(p / m) + q log2(q / m)) / 2) with m = (p + q) / 2",
    "hellinger": "sqrt(sum over bins of (sqrt p - sqrt q)^2 / 2)",
    "ks": "largest |F - G| over the bucket edges, finite values only",
    "ks_robust": "max(0, D - 1.8 sqrt((n + m) / (n m)))",
    "w1": "integral of |F - G| on values clamped to the reference's 0.1 % and 99.9 % quantiles, divided by IQR / 1.349",
    "w1_raw": "integral of |F - G| in the unit of the feature",
    "linf": "largest |p - q| over the bins",
    "tvd": "half the sum over bins of |p - q|",
    "null_rate": "|current - reference| share of nulls",
    "unseen_rate": "share of current values that the reference does not know",
}
_ROBUST: Final = np.array([0.001, 0.25, 0.75, 0.999])
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


def statistic(
    name: str,
    value: float | None,
    *,
    uncertainty: float = 0.0,
    noise: float | None = None,
    bins: Bins | None = None,
    reason: str = "",
) -> Statistic:
    """A statistic with the threshold and formula of its name."""
    return Statistic(name, value, uncertainty, noise, THRESHOLDS.get(name), FORMULAS[name], reason, bins)


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
    found |= shares(bins, ref.rows, cur.rows)
    if not pair.is_exact:
        found["psi"] = _with_edge_uncertainty(found["psi"], pair, starts, bins)
    found |= _ordered(pair)
    return _decide(spec, ref, cur, found, quality)


def shares(bins: Coarse, n: int, m: int) -> dict[str, Statistic]:
    """PSI, JS, Hellinger, L-infinity and TVD on the same bins, each with its noise floor."""
    p, q = bins.ref / max(bins.ref.sum(), 1), bins.cur / max(bins.cur.sum(), 1)
    size = len(p)
    psi_noise = measures.psi_noise(size, n, m)
    pooled = (bins.ref + bins.cur) / (n + m)
    rows = {
        "psi": (measures.psi(measures.floored(p), measures.floored(q)), psi_noise),
        "js": (measures.js(p, q), math.sqrt(psi_noise / 8 / measures.LN2)),
        "hellinger": (measures.hellinger(p, q), math.sqrt(psi_noise / 8)),
        "linf": (measures.linf(p, q), measures.linf_noise(pooled, n, m)),
        "tvd": (measures.tvd(p, q), measures.tvd_noise(pooled, n, m)),
    }
    return {
        name: statistic(
            name,
            measured.value,
            noise=noise,
            bins=Bins(bins.names, bins.ref, bins.cur, measured.parts, bins.low, bins.high),
        )
        for name, (measured, noise) in rows.items()
    }


def _with_edge_uncertainty(found: Statistic, pair: Numbers, starts: Ints, bins: Coarse) -> Statistic:
    """How far PSI moves when one edge goes a bucket down or up: the deciles lie inside buckets."""
    if len(starts) < 2:
        return found
    edges = starts[1:]
    p, q = bins.ref[: len(starts)] / bins.ref.sum(), bins.cur[: len(starts)] / bins.cur.sum()
    # The bucket below an edge moves to the right bin, or the one above it to the left: only two terms change.
    cells = np.concatenate([edges - 1, edges])
    sign = np.repeat([1.0, -1.0], len(edges))
    dp, dq = sign * pair.ref[cells] / bins.ref.sum(), sign * pair.cur[cells] / bins.cur.sum()
    left = np.tile(np.arange(len(edges)), 2)
    moved_p = np.maximum(np.concatenate([p[left] - dp, p[left + 1] + dp, p]), measures.FLOOR)
    moved_q = np.maximum(np.concatenate([q[left] - dq, q[left + 1] + dq, q]), measures.FLOOR)
    terms = (moved_q - moved_p) * np.log(moved_q / moved_p)
    size = len(cells)
    before = terms[2 * size :]
    change = np.abs(terms[:size] + terms[size : 2 * size] - before[left] - before[left + 1])
    worst = np.maximum(change[: len(edges)], change[len(edges) :])
    return replace(found, uncertainty=math.sqrt(float((worst * worst).sum())))


def _ordered(pair: Numbers) -> dict[str, Statistic]:
    """KS and Wasserstein on the cells."""
    n, m = pair.ref_rows, pair.cur_rows
    d, inside = measures.ks(pair.ref, pair.cur, pair.low < pair.high)
    noise = 1.358 * math.sqrt((n + m) / (n * m))

    def cells(parts: Floats) -> Bins:
        return Bins((), pair.ref, pair.cur, parts, pair.low, pair.high, pair.origin)

    walk = measures.Walk(pair.ref, pair.cur)
    raw = walk.w1(pair.low, pair.high)
    doubt, raw_noise = walk.doubt(pair.low, pair.high), walk.w1_noise(pair.low, pair.high, n, m)
    return {
        "ks": statistic("ks", d.value, uncertainty=inside, noise=noise, bins=cells(d.parts)),
        "ks_robust": statistic("ks_robust", measures.ks_robust(d.value, n, m), uncertainty=inside),
        "w1": _robust_w1(pair, walk),
        "w1_raw": statistic("w1_raw", raw.value, uncertainty=doubt, noise=raw_noise, bins=cells(raw.parts)),
    }


def _robust_w1(pair: Numbers, walk: measures.Walk) -> Statistic:
    least, lower, upper, most = measures.quantiles(pair.low, pair.high, pair.ref, _ROBUST).tolist()
    scale = (upper - lower) / 1.349
    if scale <= 0:
        _, scale, _ = measures.moments(pair.low, pair.high, pair.ref)
    if scale <= 0:
        return cannot("w1", "the reference is constant: there is no spread to divide by")
    low, high = np.clip(pair.low, least, most), np.clip(pair.high, least, most)
    measured = walk.w1(low, high)
    n, m = pair.ref_rows, pair.cur_rows
    bins = Bins((), pair.ref, pair.cur, measured.parts / scale, low, high, pair.origin)
    doubt, noise = walk.doubt(low, high) / scale, walk.w1_noise(low, high, n, m) / scale
    return statistic("w1", measured.value / scale, uncertainty=doubt, noise=noise, bins=bins)


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
