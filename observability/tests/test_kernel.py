"""The bucket index against its definition in exact arithmetic."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.domain.loops.numeric import edges, integer_difference, keys_of, last_finite, lower_magnitude
from observability.domain.loops.ordering import added_up

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def key_by_definition(x: float, centre: float, exponent: int, sub_bits: int) -> int:
    """The float64 steps a = (x - c) / u and m = |a| + 1, then floor of the exact mantissa."""
    a = (x - centre) * 2.0**-exponent
    m = abs(a) + 1.0
    if math.isinf(m):
        b = last_finite(sub_bits)
    else:
        mantissa, octave = math.frexp(m)
        b = ((octave - 1) << sub_bits) + math.floor((Fraction(mantissa) * 2 - 1) * (1 << sub_bits))
    return ~b if x < centre else b


@given(FINITE, st.sampled_from([0.0, 1.5, -1e9, 1e300]), st.integers(-60, 60), st.sampled_from([4, 5, 6]))
def test_key_is_the_definition(x: float, centre: float, exponent: int, sub_bits: int) -> None:
    found = keys_of(np.array([x]), centre=centre, unit_exponent=exponent, sub_bits=sub_bits)[0]
    assert found == key_by_definition(x, centre, exponent, sub_bits)


@given(st.lists(FINITE, min_size=2, max_size=50), st.sampled_from([0.0, 3.25]), st.integers(-20, 20))
def test_keys_are_monotone(values: list[float], centre: float, exponent: int) -> None:
    ordered = np.sort(np.array(values))
    assert (np.diff(keys_of(ordered, centre=centre, unit_exponent=exponent)) >= 0).all()


@pytest.mark.parametrize("sub_bits", [4, 5, 6])
def test_every_edge_recovers(sub_bits: int) -> None:
    b = np.arange(1024 << sub_bits)
    inner = lower_magnitude(b, sub_bits)
    assert (np.diff(inner) > 0).all()
    # From 2**53 on, adding 1 is lost in rounding: below that an edge starts its own bucket exactly.
    exact = inner < 2.0**52
    assert (keys_of(inner, sub_bits=sub_bits)[exact] == b[exact]).all()
    below = np.nextafter(inner[1:], 0.0)
    close = exact[1:] & (below + 1.0 < inner[1:] + 1.0)
    assert (keys_of(below, sub_bits=sub_bits)[close] == b[:-1][close]).all()
    far = ~exact
    assert (np.abs(keys_of(inner, sub_bits=sub_bits)[far] - b[far]) == 0).all()


@given(st.lists(FINITE, min_size=1, max_size=50), st.integers(-20, 20))
def test_halving_the_resolution_is_a_shift(values: list[float], exponent: int) -> None:
    x = np.array(values)
    fine = keys_of(x, unit_exponent=exponent, sub_bits=6)
    assert (keys_of(x, unit_exponent=exponent, sub_bits=5) == fine >> 1).all()
    assert (keys_of(x, unit_exponent=exponent, sub_bits=4) == fine >> 2).all()


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=50), st.sampled_from([0.0, 7.0]))
def test_values_lie_between_their_edges(values: list[float], centre: float) -> None:
    x = np.array(values)
    keys = keys_of(x, centre=centre, unit_exponent=-2)
    low, high = edges(keys, centre=centre, unit_exponent=-2, sub_bits=6)
    slack = 1e-9 * (np.abs(x) + abs(centre) + 1)
    assert (low - slack <= x).all()
    assert (x <= high + slack).all()


def test_minus_zero_and_overflow() -> None:
    assert keys_of(np.array([-0.0, 0.0])).tolist() == [0, 0]
    assert keys_of(np.array([1e308, -1e308]), unit_exponent=-100).tolist() == [last_finite(6), ~last_finite(6)]
    assert keys_of(np.array([1.7e308]), centre=-1.7e308).tolist() == [last_finite(6)]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30), st.integers(-(2**63), 2**63 - 1))
def test_integer_difference_is_exact_before_it_is_rounded(values: list[int], centre: int) -> None:
    found = integer_difference(np.array(values, dtype=np.int64), centre)
    assert found.tolist() == [float(value - centre) for value in values]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30), st.integers(0, 2**63 - 1))
def test_unsigned_difference(values: list[int], centre: int) -> None:
    found = integer_difference(np.array(values, dtype=np.uint64), centre)
    assert found.tolist() == [float(value - centre) for value in values]


@pytest.mark.parametrize(("rows", "groups"), [(0, 1), (7, 3), (5_000, 2), (5_000, 900)])
def test_pairs_are_added_up_as_a_sort_would(rows: int, groups: int) -> None:
    some = np.random.default_rng(rows + groups)
    owners, values = some.integers(0, groups, rows).astype(np.int32), some.normal(size=rows).round(1)
    counts = some.integers(1, 9, rows).astype(np.uint32)
    wanted: dict[tuple[int, float], int] = defaultdict(int)
    for owner, value, count in zip(owners.tolist(), values.tolist(), counts.tolist(), strict=True):
        wanted[owner, value] += count
    found = added_up(owners, values, counts, groups)
    assert [
        ((owner, value), count) for owner, value, count in zip(*(part.tolist() for part in found), strict=True)
    ] == (sorted(wanted.items()))
