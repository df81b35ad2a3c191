"""What moved is said in plain words, with the values of both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from observability.domain.propose.propose import propose_feature
from observability.domain.results.outcome import Result
from observability.domain.results.rules import Rules
from observability.domain.results.verdicts import History, judge
from observability.tests.folding import fold

N = 5_000
Draw = Callable[[np.random.Generator], Any]


def words(*shares: float) -> Draw:
    return lambda rng: np.array(["a", "b", "c", "d"])[rng.choice(4, N, p=shares)]


def swapped(rng: np.random.Generator) -> Any:
    found = words(0.4, 0.3, 0.2, 0.1)(rng)
    return np.where(found == "b", "B <b>", found)


def normal(mean: float, deviation: float = 1.0) -> Draw:
    return lambda rng: rng.normal(mean, deviation, N)


def amounts(factor: float = 1.0) -> Draw:
    return lambda rng: factor * rng.lognormal(3, 1, N)


def with_zeros(share: float) -> Draw:
    return lambda rng: np.where(rng.random(N) < share, 0.0, rng.lognormal(3, 1, N))


def two_bells(share: float) -> Draw:
    return lambda rng: np.where(rng.random(N) < share, rng.normal(-4, 1, N), rng.normal(4, 1, N))


CASES: list[tuple[Draw, Draw, str]] = [
    (normal(0), normal(0.5), "the median went from -0.0"),
    (normal(0), normal(0, 2), "the middle half lies within -1.3"),
    (amounts(), amounts(0.001), "values are about 1,000 times smaller, as after another unit: the median went from"),
    (amounts(), amounts(60.0), "values are about 60 times as large, as after another unit"),
    (amounts(), lambda rng: np.full(N, 3.5), "every value is 3.5"),
    (with_zeros(0.3), with_zeros(0.6), "0 is 6"),
    (with_zeros(0.0), with_zeros(0.4), "0 is new, with "),
    (
        lambda rng: 1e9 + rng.normal(0, 50, N),
        lambda rng: 1e9 + rng.normal(60, 50, N),
        "the median went from 999,999,99",
    ),
    (two_bells(0.5), two_bells(0.2), "the median went from"),
    (words(0.4, 0.3, 0.2, 0.1), words(0.25, 0.5, 0.15, 0.1), "'b' is "),
    (words(0.4, 0.3, 0.2, 0.1), words(0.5, 0.38, 0.0, 0.12), "'c' is gone, before "),
    (words(0.4, 0.3, 0.2, 0.1), swapped, "'B <b>' came as 'b' went: "),
    (words(0.5, 0.5, 0.0, 0.0), words(0.4, 0.4, 0.2, 0.0), "'c' is new, with "),
    (lambda rng: rng.random(N) < 0.1, lambda rng: rng.random(N) < 0.3, "'true' is "),
    (amounts(), lambda rng: pa.array(rng.lognormal(3, 1, N), mask=rng.random(N) < 0.3), " of the rows have no value"),
    (
        lambda rng: np.array([f"u{code}" for code in rng.integers(0, 800, N)]),
        lambda rng: np.array([f"v{code}" for code in rng.integers(0, 800, N)]),
        " are values that were not there before",
    ),
]


@pytest.mark.parametrize(("before", "now", "said"), CASES, ids=[said[:30] for _, _, said in CASES])
def test_what_moved_is_said_first(before: Draw, now: Draw, said: str) -> None:
    rng = np.random.default_rng(1)
    ref, cur = pa.array(before(rng)), pa.array(now(rng))
    spec = propose_feature("x", ref)
    found = judge(fold(spec, ref), fold(spec, cur), spec, Rules(), History(Rules()))
    assert found.verdict is Result.MOVED
    sentence = found.reason.partition(";")[0]
    assert said in sentence, found.reason
    assert "over its threshold" in found.reason
