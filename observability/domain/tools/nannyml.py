"""NannyML's statistics (0.13.1) out of our states. Its thresholds need reference chunks and cannot be reproduced."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from observability.domain.compare import measures
from observability.domain.compare.align import Numbers, Special, Words, align_numbers, align_words
from observability.domain.compare.rebin import between, doubt, mass_below
from observability.domain.compare.result import Bins, Comparison, Statistic, Verdict, cannot
from observability.domain.loops.numeric import Floats
from observability.domain.profile.states import CategoryState, NumericState, State
from observability.domain.specs.spec import FeatureSpec, Kind

ESTIMATED: Final = 10_000  # from so many reference rows on, NannyML bins KS and Wasserstein
BINS: Final = 10_000
FORMULAS: Final = {
    "js": "Jensen-Shannon distance, base 2, on Doane's bins of the reference and one bin for what lies outside",
    "hellinger": "Hellinger distance on Doane's bins of the reference and one bin for what lies outside",
    "ks": "largest |F - G| at 10,000 equal steps over the reference's range (exact below 10,000 reference rows)",
    "w1": "Wasserstein distance in the unit of the feature; 10,000 equal steps from 10,000 reference rows on",
    "linf": "largest |p - q| over the values",
    "chi2": "chi-square of the contingency table (Yates' correction for two values)",
}
CHUNKS: Final = "NannyML's threshold needs its reference chunks: no verdict"


def compare(ref: State, cur: State, spec: FeatureSpec) -> Comparison:
    rows = (ref.rows, cur.rows)
    is_number = spec.kind is Kind.NUMERIC  # texts and times have states of numbers too, which NannyML does not compare
    if is_number and isinstance(ref, NumericState) and isinstance(cur, NumericState):
        pair = align_numbers(ref, cur, spec)
        if not pair.ref_rows or not pair.cur_rows:
            reason = "one side has no finite value"
            return Comparison(spec.name, spec.kind.value, rows, {}, Verdict.UNKNOWN, reason)
        return Comparison(spec.name, spec.kind.value, rows, _numeric(ref, pair), Verdict.UNKNOWN, CHUNKS)
    if isinstance(ref, CategoryState) and isinstance(cur, CategoryState) and spec.kind is not Kind.ID:
        words = align_words(ref, cur, spec)
        if words.ref_rows and words.cur_rows:
            return Comparison(spec.name, spec.kind.value, rows, _category(words), Verdict.UNKNOWN, CHUNKS)
        return Comparison(spec.name, spec.kind.value, rows, {}, Verdict.UNKNOWN, "one side has no value")
    reason = f"cannot be reproduced: NannyML has no univariate method for {spec.kind.a_label}"
    return Comparison(spec.name, spec.kind.value, rows, {}, Verdict.UNKNOWN, reason)


def _statistic(name: str, value: float, uncertainty: float = 0.0, bins: Bins | None = None) -> Statistic:
    return Statistic(name, value, uncertainty, None, None, FORMULAS[name], "", bins)


def _numeric(ref: NumericState, pair: Numbers) -> dict[str, Statistic]:
    low, high = float(ref.minimum or 0) - pair.origin, float(ref.maximum or 0) - pair.origin
    found = {}
    if pair.ref_rows < ESTIMATED:
        d, inside = measures.ks(pair.ref, pair.cur, pair.low < pair.high)
        bins = Bins((), pair.ref, pair.cur, d.parts, pair.low, pair.high, pair.origin)
        found["ks"] = _statistic("ks", d.value, 0.0 if pair.is_exact else inside, bins)
        raw = measures.w1(pair.low, pair.high, pair.ref, pair.cur)
        found["w1"] = _statistic("w1", raw.value, _width_doubt(pair))
    else:
        found["ks"], found["w1"] = _stepped(pair, low, high)
    return found | _doane(pair, low, high)


def _width_doubt(pair: Numbers) -> float:
    shares = pair.ref / pair.ref_rows + pair.cur / pair.cur_rows
    return float((shares * (pair.high - pair.low)).sum() / 2)


def _stepped(pair: Numbers, low: float, high: float) -> tuple[Statistic, Statistic]:
    """KS and W1 at 10,000 equal steps over the reference's range, with NannyML's tails (and its one extra row)."""
    if low == high:
        return cannot("ks", "the reference is constant"), cannot("w1", "the reference is constant")
    n, m = pair.ref_rows, pair.cur_rows
    steps = np.linspace(low, high, BINS + 1)
    ends = steps[1:].copy()
    ends[-1] = np.nextafter(high, np.inf)
    f = mass_below(pair, pair.ref, ends) / n
    g = mass_below(pair, pair.cur, ends) / m
    d = float(np.abs(f - g).max())
    _, inside = measures.ks(pair.ref, pair.cur, pair.low < pair.high)
    smaller = float(mass_below(pair, pair.cur, np.array([low]))[0])
    # NannyML counts the reference's minimum as one more current row below it.
    shift = (smaller + 1) / m - smaller / m if smaller > 0 else 0.0
    within = float(np.abs(f - g - shift).sum()) * (steps[1] - steps[0])
    outside = _tail(pair, low, high)
    unsure = 0.0 if pair.is_exact else inside
    return _statistic("ks", d, unsure), _statistic("w1", within + outside, _width_doubt(pair) + (high - low) / BINS)


def _tail(pair: Numbers, low: float, high: float) -> float:
    """Integral of the current distribution function below and of its complement above the reference's range."""
    m = pair.cur_rows
    middle = (pair.low + pair.high) / 2
    below = np.maximum(low - middle, 0.0) * (pair.high <= low)
    above = np.maximum(middle - high, 0.0) * (pair.low >= high)
    return float((pair.cur * (below + above)).sum() / m)


def doane(pair: Numbers, low: float, high: float) -> tuple[int, set[int]]:
    """(bins by Doane's rule on the reference, other numbers of bins that the values inside their buckets allow)."""
    n = pair.ref_rows
    mean, deviation, _ = measures.moments(pair.low, pair.high, pair.ref)
    if n < 3 or deviation <= 0 or low == high:
        return 1, set()
    if not math.isfinite(deviation):
        raise OverflowError("the values span more than float64 can hold")
    spread = math.sqrt(6.0 * (n - 2) / ((n + 1.0) * (n + 3)))
    ends = ((pair.low - mean) / deviation, (pair.high - mean) / deviation)
    middle, width = (ends[0] + ends[1]) / 2, ends[1] - ends[0]

    def wanted(cubes: Floats) -> float:
        skew = abs(float((pair.ref / n * cubes).sum()))
        return 1.0 + math.log2(n) + math.log2(1.0 + skew / spread)

    chosen = wanted(middle**3 + middle * width**2 / 4)
    reached = [chosen - 0.05, chosen + 0.05, *(wanted(end**3) for end in ends)]
    others = set(range(math.ceil(min(reached)), math.ceil(max(reached)) + 1))
    return math.ceil(chosen), others - {math.ceil(chosen)}


def _with_leftover(pair: Numbers, edges: Floats) -> tuple[Floats, Floats, tuple[Special, ...]]:
    edged = between(pair, edges)
    left = pair.cur_rows - float(edged.cur.sum())
    if left > 1e-6 * pair.cur_rows:
        return np.append(edged.ref, 0.0), np.append(edged.cur, left), (Special("outside", 0, round(left)),)
    return edged.ref, edged.cur, ()


def _doane(pair: Numbers, low: float, high: float) -> dict[str, Statistic]:
    try:
        bins, others = doane(pair, low, high)
    except OverflowError as error:
        return {name: cannot(name, str(error)) for name in ("js", "hellinger")}
    if low == high:
        low, high = low - 0.5, high + 0.5
    n, m = pair.ref_rows, pair.cur_rows
    found = {}
    for name, measure in (("js", measures.js), ("hellinger", measures.hellinger)):

        def of(ref: Floats, cur: Floats, measure=measure) -> float:  # type: ignore[no-untyped-def]
            left = max(m - float(cur.sum()), 0.0)
            p, q = np.append(np.maximum(ref, 0), 0.0) / n, np.append(np.maximum(cur, 0), left) / m
            return float(measure(p, q).value)

        edges = np.linspace(low, high, bins + 1)
        ref, cur, outside = _with_leftover(pair, edges)
        one = measure(ref / n, cur / m)
        unsure = doubt(pair, edges, of)
        for other in others:  # the skewness is derived from buckets: some bins more or less are possible
            trial = between(pair, np.linspace(low, high, max(other, 1) + 1))
            unsure = max(unsure, abs(of(trial.ref, trial.cur) - one.value) + doubt(pair, trial.edges, of))
        blank = np.full(len(outside), np.nan)
        names = ("",) * bins + tuple(special.name for special in outside)
        shown = Bins(names, ref, cur, one.parts, np.append(edges[:-1], blank), np.append(edges[1:], blank), pair.origin)
        found[name] = _statistic(name, one.value, unsure, shown)
    return found


def _category(words: Words) -> dict[str, Statistic]:
    if not words.is_exact:
        reason = "cannot be reproduced: NannyML gives every value a bin, and there are more than were kept"
        return {name: cannot(name, reason) for name in ("js", "hellinger", "linf", "chi2")}
    n, m = words.ref_rows, words.cur_rows
    known = words.ref > 0
    names = [name for name, is_known in zip(words.names, known, strict=True) if is_known]
    ref, cur = words.ref[known].astype(float), words.cur[known].astype(float)
    left = float(words.cur[~known].sum())
    if left:
        ref, cur, names = np.append(ref, 0.0), np.append(cur, left), [*names, "(not in the reference)"]
    found = {}
    for name, measure in (("js", measures.js), ("hellinger", measures.hellinger)):
        one = measure(ref / n, cur / m)
        found[name] = _statistic(name, one.value, bins=Bins(tuple(names), ref, cur, one.parts))
    one = measures.linf(words.ref / n, words.cur / m)
    found["linf"] = _statistic("linf", one.value, bins=Bins(words.names, words.ref, words.cur, one.parts))
    found["chi2"] = _chi2(words)
    return found


def _chi2(words: Words) -> Statistic:
    table = np.stack([words.ref, words.cur]).astype(float)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    off = table - expected
    if table.shape[1] == 2:
        off = np.sign(off) * np.maximum(np.abs(off) - np.minimum(0.5, np.abs(off)), 0.0)
    parts = (off**2 / expected).sum(axis=0)
    return _statistic("chi2", float(parts.sum()), bins=Bins(words.names, words.ref, words.cur, parts))
