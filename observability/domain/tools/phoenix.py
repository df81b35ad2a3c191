"""Phoenix's PSI: reference deciles with open ends, (count + 1) / (N + B)."""

from __future__ import annotations

from typing import Final

import numpy as np

from observability.domain.compare import measures
from observability.domain.compare.align import align_numbers, align_words
from observability.domain.compare.bins import DECILES
from observability.domain.compare.rebin import between, doubt
from observability.domain.compare.result import Bins, Comparison, Statistic, Verdict, cannot
from observability.domain.loops.numeric import Floats
from observability.domain.profile.states import CategoryState, NumericState, State
from observability.domain.specs.spec import FeatureSpec, Kind

FORMULA: Final = "sum of (q - p) ln(q / p) over reference deciles, shares as (count + 1) / (rows + bins)"
NO_VERDICT: Final = "Phoenix sets no threshold: no verdict"


def compare(ref: State, cur: State, spec: FeatureSpec) -> Comparison:
    rows = (ref.rows, cur.rows)
    found: Statistic | None = None
    is_number = spec.kind is Kind.NUMERIC  # the lengths of texts are not what Phoenix compares
    if is_number and isinstance(ref, NumericState) and isinstance(cur, NumericState):
        found = _numeric(ref, cur, spec)
    elif isinstance(ref, CategoryState) and isinstance(cur, CategoryState) and spec.kind is not Kind.ID:
        found = _category(ref, cur, spec)
    if found is None:
        reason = f"cannot be reproduced: Phoenix has no PSI for {spec.kind.a_label}"
        return Comparison(spec.name, spec.kind.value, rows, {}, Verdict.UNKNOWN, reason)
    return Comparison(spec.name, spec.kind.value, rows, {"psi": found}, Verdict.UNKNOWN, found.reason or NO_VERDICT)


def _psi(ref: Floats, cur: Floats) -> measures.Measured:
    p, q = measures.smoothed(np.maximum(ref, 0)), measures.smoothed(np.maximum(cur, 0))
    return measures.psi(np.asarray(p), np.asarray(q))


def _numeric(ref: NumericState, cur: NumericState, spec: FeatureSpec) -> Statistic:
    pair = align_numbers(ref, cur, spec)
    if not pair.ref_rows or not pair.cur_rows:
        return cannot("psi", "one side has no finite value")
    inner = np.unique(measures.quantiles(pair.low, pair.high, pair.ref, np.arange(1, DECILES) / DECILES))
    low, high = float(pair.low[0]), float(np.nextafter(pair.high[-1], np.inf))
    edges = np.concatenate([[low], inner[(inner > low) & (inner < high)], [high]])
    edged = between(pair, edges)
    one = _psi(edged.ref, edged.cur)
    unsure = doubt(pair, edges, lambda p, q: _psi(p, q).value)
    bins = Bins((), edged.ref, edged.cur, one.parts, edges[:-1], edges[1:], pair.origin)
    return Statistic("psi", one.value, unsure, None, None, FORMULA, "", bins)


def _category(ref: CategoryState, cur: CategoryState, spec: FeatureSpec) -> Statistic:
    words = align_words(ref, cur, spec)
    if not words.is_exact:
        return cannot("psi", "cannot be reproduced: more distinct values than were kept")
    if not words.ref_rows or not words.cur_rows:
        return cannot("psi", "one side has no value")
    one = _psi(words.ref.astype(float), words.cur.astype(float))
    bins = Bins(words.names, words.ref, words.cur, one.parts)
    return Statistic("psi", one.value, 0.0, None, None, FORMULA, "", bins)
