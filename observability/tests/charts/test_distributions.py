"""Two distributions on each other: all rows are there, whatever was logged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from observability.domain.charts.distributions import Drawn, overlay
from observability.domain.charts.values import renamed, values
from observability.domain.compare.compare import compare
from observability.domain.profile.states import CategoryState, NumericState
from observability.domain.propose.propose import propose
from observability.domain.results.explain import MOST, explain
from observability.domain.results.levels import levels_of, names_of
from observability.domain.results.rules import Rules
from observability.domain.specs.spec import FeatureSpec
from observability.tests.folding import fold

RNG = np.random.default_rng(7)


def states(ref: Any, cur: Any) -> tuple[Any, Any, FeatureSpec]:
    """Both sides folded by the spec that the first proposes."""
    spec = propose(pa.table({"x": ref}))
    one = next(iter(spec))
    both = [fold(one, pa.array(side)) for side in (ref, cur)]
    return both[0], both[1], one


SIDES = {
    "lognormal": (RNG.lognormal(3, 1, 5_000), RNG.lognormal(3.2, 1, 4_000)),
    "heavy": (RNG.standard_cauchy(5_000) * 1e6, RNG.standard_cauchy(5_000)),
    "ratings": (RNG.integers(1, 6, 5_000), RNG.integers(1, 5, 3_000)),
    "one value": (np.full(500, 7.0), np.full(300, 8.0)),
    "far apart": (RNG.normal(0, 1, 2_000), RNG.normal(1e9, 1, 2_000)),
    "tiny": (np.array([1.5]), np.array([2.5])),
    "negative": (-RNG.lognormal(3, 2, 3_000), RNG.normal(-50, 3, 900)),
}


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("drawn", [None, *Drawn])
def test_every_row_is_in_a_bar(name: str, drawn: Drawn | None) -> None:
    ref, cur, spec = states(*SIDES[name])
    assert isinstance(ref, NumericState)
    made = overlay(ref, cur, spec, drawn)
    assert made is not None
    assert sum(one.ref for one in made.bins) == pytest.approx(ref.finite, rel=1e-6)
    assert sum(one.cur for one in made.bins) == pytest.approx(cur.finite, rel=1e-6)
    assert all(0 <= tick.at <= 100 for tick in made.x_ticks)


def test_what_cannot_be_negative_is_drawn_by_its_logarithm_when_it_spreads() -> None:
    ref, cur, spec = states(*SIDES["lognormal"])
    made = overlay(ref, cur, spec)
    assert made is not None
    assert made.drawn is Drawn.LOG


def test_a_logarithm_that_cannot_be_is_linear() -> None:
    ref, cur, spec = states(*SIDES["heavy"])
    made = overlay(ref, cur, spec, Drawn.LOG)
    assert made is not None
    assert made.drawn is Drawn.LINEAR
    assert not made.can_log


def test_nothing_finite_on_either_side_is_no_chart() -> None:
    *_, spec = states(np.array([1.0, 2.0]), np.array([1.0]))
    nothing = fold(spec, pa.array([None, None], pa.float64()))
    assert isinstance(nothing, NumericState)
    assert overlay(nothing, nothing, spec) is None


def test_shares_added_up_end_at_one() -> None:
    ref, cur, spec = states(*SIDES["lognormal"])
    made = overlay(ref, cur, spec, Drawn.CUMULATIVE)
    assert made is not None
    assert made.difference is None


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("statistic", ["psi", "ks", "w1", "tvd", "js"])
def test_what_bins_add_sums_to_the_number_that_is_explained(name: str, statistic: str) -> None:
    ref, cur, spec = states(*SIDES[name])
    made = explain(compare(ref, cur, spec), statistic)
    assert made is not None
    if made.value is None:
        assert made.reason
        return
    assert made.total == pytest.approx(made.value, abs=1e-9, rel=1e-6)
    assert len(made.bins) <= MOST + 1
    assert sum(one.ref for one in made.bins) == pytest.approx(made.rows[0])


def test_a_rule_says_that_the_threshold_is_its_own() -> None:
    ref, cur, spec = states(*SIDES["lognormal"])
    made = explain(compare(ref, cur, spec), "psi", Rules(thresholds={"psi": 0.3}))
    assert made is not None
    assert (made.threshold, made.source) == (0.3, "the rules of this deployment")


def test_an_unknown_statistic_is_not_explained() -> None:
    ref, cur, spec = states(*SIDES["tiny"])
    assert explain(compare(ref, cur, spec), "chi2") is None


def words(counts: dict[str, int]) -> pa.Array:
    return pa.array([name for name, count in counts.items() for _ in range(count)])


def test_a_value_that_took_the_place_of_another_is_named() -> None:
    ref, cur, spec = states(
        words({"ios_app": 300, "android": 500, "web": 200}), words({"ios": 310, "android": 490, "web": 200})
    )
    assert isinstance(ref, CategoryState)
    pair = renamed(values(ref, cur, spec))
    assert pair is not None
    assert (pair[0].name, pair[1].name) == ("ios_app", "ios")


def test_a_new_value_alone_is_no_rename() -> None:
    ref, cur, spec = states(words({"a": 500, "b": 500}), words({"a": 450, "b": 450, "c": 100}))
    assert renamed(values(ref, cur, spec)) is None


def test_levels_of_a_category_sum_to_all_rows() -> None:
    ref, cur, spec = states(words({f"v{at}": 50 - at for at in range(12)}), words({"v0": 10, "v9": 5, "new": 5}))
    names = names_of(ref)
    found = levels_of(cur, spec, names, ref)
    assert len(found) == len(names)
    assert sum(found) == pytest.approx(1.0, abs=1e-5)
    assert found[names.index("new values")] == pytest.approx(0.25)


def test_levels_of_numbers_are_five_quantiles_in_order() -> None:
    ref, cur, spec = states(*SIDES["lognormal"])
    found = levels_of(cur, spec, [], ref)
    assert found == sorted(found)
    assert found[2] == pytest.approx(float(np.median(SIDES["lognormal"][1])), rel=0.02)
