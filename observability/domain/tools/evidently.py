"""Evidently's statistics (0.7.23, pandas) out of our states. P-values and tests on raw values cannot be reproduced."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from observability.domain.compare import measures
from observability.domain.compare.align import Numbers, align_numbers, align_words
from observability.domain.compare.rebin import between, doubt
from observability.domain.compare.result import Bins, Comparison, Statistic, Verdict, cannot
from observability.domain.loops.numeric import Floats
from observability.domain.profile.states import CategoryState, NumericState, State
from observability.domain.specs.spec import FeatureSpec, Kind

THRESHOLD: Final = 0.1
FEW: Final = 20  # up to so many distinct reference values Evidently gives each value a bin
SMALL: Final = 1_000
FORMULAS: Final = {
    "psi": "sum of (p - q) ln(p / q); empty bins become 0.0001, or the smallest share / 1e6 when that is below 0.0001",
    "js": "Jensen-Shannon distance, natural logarithm (at most 0.8326)",
    "kl": "sum of p ln(p / q), empty bins filled as for PSI",
    "hellinger": "sqrt(1 - sum of sqrt(p q))",
    "w1": "Wasserstein distance / max(population standard deviation of the reference, 0.001)",
}
P_VALUE: Final = "Evidently reports a p-value here, which needs the raw values; compare D in Barista's own mode"


def compare(ref: State, cur: State, spec: FeatureSpec) -> Comparison:
    is_number = spec.kind is Kind.NUMERIC
    if is_number and isinstance(ref, NumericState) and isinstance(cur, NumericState):
        return _numeric(ref, cur, spec)
    if isinstance(ref, CategoryState) and isinstance(cur, CategoryState) and spec.kind is not Kind.ID:
        return _category(ref, cur, spec)
    reason = f"cannot be reproduced: Evidently has no drift test for {spec.kind.a_label}"
    if spec.kind in (Kind.TEXT, Kind.EMBEDDING):
        reason = f"cannot be reproduced: Evidently compares {spec.kind.a_label} by a model trained on the raw values"
    return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), {}, Verdict.UNKNOWN, reason)


def _filled(shares: Floats) -> Floats:
    least = float(shares[shares > 0].min())
    return np.where(shares == 0, least / 1e6 if least <= 1e-4 else 1e-4, shares)


def _statistic(
    name: str, value: float, uncertainty: float = 0.0, bins: Bins | None = None, reason: str = ""
) -> Statistic:
    return Statistic(name, value, uncertainty, None, THRESHOLD, FORMULAS[name], reason, bins)


def _psi(ref: Floats, cur: Floats, n: int, m: int) -> measures.Measured:
    return measures.psi(_filled(ref / n), _filled(cur / m))


def _on_bins(ref: Floats, cur: Floats, n: int, m: int) -> dict[str, measures.Measured]:
    p, q = ref / n, cur / m
    return {
        "psi": measures.psi(_filled(p), _filled(q)),
        "js": measures.js(p, q, base2=False),
        "kl": measures.kl(_filled(p), _filled(q)),
    }


def sturges(rows: float) -> int:
    return math.ceil(math.log2(rows) + 1)


def _numeric(ref: NumericState, cur: NumericState, spec: FeatureSpec) -> Comparison:
    pair = align_numbers(ref, cur, spec)
    n, m = pair.ref_rows, pair.cur_rows
    if not n or not m:
        reason = "one side has no finite value; Evidently raises an error"
        return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), {}, Verdict.UNKNOWN, reason)
    found: dict[str, Statistic] = {"ks": cannot("ks", P_VALUE)}
    if not np.isfinite(pair.high[-1] - pair.low[0]):
        reason = "the values span more than float64 can hold"
        found |= {name: cannot(name, reason) for name in FORMULAS}
        return _verdict(spec, ref, cur, found, "w1")
    few = not ref.table.overflow and np.count_nonzero(ref.table.counts) <= FEW
    if few and not pair.is_exact:
        reason = "Evidently gives every value a bin, and the current side has more distinct values than were kept"
        found |= {name: cannot(name, f"cannot be reproduced: {reason}") for name in ("psi", "js", "kl")}
    elif few:
        bins = (pair.ref, pair.cur, pair.low, pair.high)
        for name, one in _on_bins(pair.ref.astype(float), pair.cur.astype(float), n, m).items():
            found[name] = _statistic(name, one.value, bins=Bins((), bins[0], bins[1], one.parts, bins[2], bins[3]))
    else:
        found |= _histogram(pair)
    found["hellinger"] = _hellinger(pair)
    found["w1"] = _wasserstein(pair)
    default = _default_numeric(ref, n)
    return _verdict(spec, ref, cur, found, default)


def _edges(pair: Numbers, bins: int) -> Floats:
    low, high = float(pair.low[0]), float(pair.high[-1])
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


def _histogram(pair: Numbers) -> dict[str, Statistic]:
    """Sturges' equal-width bins over both sides together (the n_bins argument of Evidently is ignored there too)."""
    n, m = pair.ref_rows, pair.cur_rows
    edged = between(pair, _edges(pair, sturges(n + m)))
    found = {}
    for name, one in _on_bins(edged.ref, edged.cur, n, m).items():

        def value(ref: Floats, cur: Floats, name: str = name) -> float:
            return _on_bins(np.maximum(ref, 0), np.maximum(cur, 0), n, m)[name].value

        bins = Bins((), edged.ref, edged.cur, one.parts, edged.edges[:-1], edged.edges[1:], pair.origin)
        found[name] = _statistic(name, one.value, doubt(pair, edged.edges, value), bins)
    return found


def _hellinger_of(pair: Numbers, bins: int) -> tuple[float, Bins]:
    edged = between(pair, _edges(pair, bins))
    p, q = edged.ref / edged.ref.sum(), edged.cur / edged.cur.sum()
    one = measures.hellinger(p, q)
    return one.value, Bins((), edged.ref, edged.cur, one.parts, edged.edges[:-1], edged.edges[1:], pair.origin)


def _hellinger(pair: Numbers) -> Statistic:
    """Sturges on the number of distinct values, which is known only from complete tables."""
    if pair.is_exact:
        value, bins = _hellinger_of(pair, sturges(len(pair.low)))
        return _statistic("hellinger", value, bins=bins)
    most, least = sturges(pair.ref_rows + pair.cur_rows), sturges(max(len(pair.low), 2))
    value, bins = _hellinger_of(pair, most)
    spread = max(abs(_hellinger_of(pair, bins_)[0] - value) for bins_ in range(least, most + 1))

    def again(ref: Floats, cur: Floats) -> float:
        p, q = np.maximum(ref, 0), np.maximum(cur, 0)
        return measures.hellinger(p / p.sum(), q / q.sum()).value

    spread = max(spread, doubt(pair, _edges(pair, most), again))
    reason = "the bins depend on the number of distinct values; nearly all are taken to differ"
    return _statistic("hellinger", value, spread, bins, reason)


def _wasserstein(pair: Numbers) -> Statistic:
    measured = measures.w1(pair.low, pair.high, pair.ref, pair.cur)
    _, deviation, _ = measures.moments(pair.low, pair.high, pair.ref)
    norm = max(deviation, 0.001)
    width = pair.high - pair.low
    unsure = float(((pair.ref / pair.ref_rows + pair.cur / pair.cur_rows) * width).sum() / 2) / norm
    bins = Bins((), pair.ref, pair.cur, measured.parts / norm, pair.low, pair.high, pair.origin)
    return _statistic("w1", measured.value / norm, unsure, bins)


def _default_numeric(ref: NumericState, n: int) -> str:
    distinct = len(ref.table.values) if not ref.table.overflow else FEW + 1
    if n <= SMALL:
        return "ks" if distinct > 5 else "chisquare" if distinct > 2 else "z"
    return "w1" if distinct > 5 else "js"


def _category(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> Comparison:
    words = align_words(ref, cur, spec)
    n, m = words.ref_rows, words.cur_rows
    names = ("psi", "js", "kl", "hellinger")
    found: dict[str, Statistic] = {}
    if not n or not m:
        reason = "one side has no value; Evidently raises an error"
        return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), {}, Verdict.UNKNOWN, reason)
    if not words.is_exact:
        reason = "cannot be reproduced: Evidently gives every value a bin, and there are more than were kept"
        found = {name: cannot(name, reason) for name in names}
    else:
        counts = words.ref.astype(float), words.cur.astype(float)
        ones = _on_bins(*counts, n, m) | {"hellinger": measures.hellinger(counts[0] / n, counts[1] / m)}
        for name, one in ones.items():
            found[name] = _statistic(name, one.value, bins=Bins(words.names, words.ref, words.cur, one.parts))
    found["chisquare"] = cannot("chisquare", P_VALUE)
    distinct = int(np.count_nonzero(words.ref))
    default = "js" if n > SMALL else "chisquare" if distinct > 2 else "z"
    return _verdict(spec, ref, cur, found, default)


def _verdict(spec: FeatureSpec, ref: State, cur: State, found: dict[str, Statistic], default: str) -> Comparison:
    chosen = found.get(default)
    if chosen is None or chosen.value is None:
        verdict, reason = (
            Verdict.UNKNOWN,
            f"Evidently's choice here is {default}: {chosen.reason if chosen else P_VALUE}",
        )
    else:
        verdict = Verdict.DRIFT if chosen.value >= THRESHOLD else Verdict.STABLE
        reason = f"Evidently's choice here is {default}: {chosen.value:.4f} against {THRESHOLD}"
    return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), found, verdict, reason)
