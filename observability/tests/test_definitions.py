"""The distances on a score of bins in plain Python are those on arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.domain.compare import definitions, measures

COUNTS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=2, max_size=25)


@given(COUNTS.filter(lambda pairs: any(a for a, _ in pairs) and any(b for _, b in pairs)))
def test_both_ways_agree(pairs: list[tuple[int, int]]) -> None:
    ref, cur = [a for a, _ in pairs], [b for _, b in pairs]
    n, m = sum(ref), sum(cur)
    p, q = np.array(ref) / n, np.array(cur) / m
    found = definitions.on_bins(ref, cur, n, m)
    for name in ("psi", "js", "hellinger", "tvd", "linf"):
        value, parts, _ = found[name]
        sides = (measures.floored(p), measures.floored(q)) if name == "psi" else (p, q)
        expected = getattr(measures, name)(*sides)
        assert value == pytest.approx(expected.value, rel=1e-9, abs=1e-9), name
        assert sum(parts) == pytest.approx(value, rel=1e-9, abs=1e-9), name
