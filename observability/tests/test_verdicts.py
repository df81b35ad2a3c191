"""Verdicts where the truth is known: the same twice is no drift, plain shifts are, bounds and clocks are named."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observability.domain.compare import floors
from observability.domain.compare.compare import compare
from observability.domain.compare.instants import Span, Windows
from observability.domain.compare.result import Comparison, Verdict
from observability.domain.propose.propose import propose_feature
from observability.domain.specs.spec import FeatureSpec, Kind
from observability.domain.tools.choose import Mode, compare_as
from observability.tests.folding import fold

Draw = Callable[[np.random.Generator, int], Any]
DAY = 86_400
START = 1_790_000_000 // DAY * DAY


def compared(
    ref: Any, cur: Any, mode: Mode = Mode.BARISTA, kind: Kind | None = None, windows: Windows | None = None
) -> Comparison:
    sides = [
        side if isinstance(side, pa.Array) else pa.array(np.asarray(side).tolist(), from_pandas=True)
        for side in (ref, cur)
    ]
    spec = FeatureSpec(name="x", kind=kind) if kind else propose_feature("x", sides[0])
    return compare_as(mode, fold(spec, sides[0]), fold(spec, sides[1]), spec, windows)


SAME: dict[str, Draw] = {
    "zipf categories": lambda r, n: np.char.add("k", (r.zipf(1.4, n) % 200).astype(str)),
    "5,000 categories": lambda r, n: np.char.add("k", r.integers(0, 5_000, n).astype(str)),
    "user names": lambda r, n: np.char.add("u", (r.zipf(1.2, n) % 3_000).astype(str)),
    "geometric": lambda r, n: r.geometric(0.2, n).astype(float),
    "ties": lambda r, n: np.round(r.normal(0, 1, n), 1),
    "near-constant": lambda r, n: np.where(r.random(n) < 0.99, 7.0, r.normal(7, 1, n)),
    "cauchy": lambda r, n: r.standard_cauchy(n),
    "pareto": lambda r, n: r.pareto(0.6, n),
    "mixed with nulls": lambda r, n: np.where(
        r.random(n) < 0.2, np.nan, np.where(r.random(n) < 0.5, 0, r.gamma(2, 3, n))
    ),
    "two far modes": lambda r, n: np.where(r.random(n) < 0.5, r.normal(0, 1e-3, n), r.normal(1e6, 1, n)),
}


@pytest.mark.parametrize("size", [(60, 60), (250, 250), (1_000, 1_000), (5_000, 250)])
@pytest.mark.parametrize("kind", SAME)
def test_random_halves_of_the_same_data_are_no_drift(kind: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng([len(kind), *size])
    fired = []
    for _ in range(25):
        values = SAME[kind](rng, sum(size))
        found = compared(values[: size[0]], values[size[0] :])
        fired += [found.reason] if found.verdict is Verdict.DRIFT else []
        if min(size) >= 250:
            assert found.verdict in (Verdict.STABLE, Verdict.NO_DRIFT_SEEN, Verdict.DRIFT), found.reason
    assert len(fired) <= 2, fired  # 1 in 100 is allowed: three of 25 would happen twice in 1,000


@settings(max_examples=60)
@given(st.lists(st.sampled_from([None, 0.0, 1.0, -5.0, 2.5, 1e9]), min_size=2, max_size=60), st.randoms())
def test_few_rows_of_anything_shuffled_are_hardly_ever_drift(values: list[float | None], random: Any) -> None:
    """Of many shuffles of one list the share of drift stays under a small multiple of what is promised."""
    half, fired = len(values) // 2, 0
    for _ in range(20):
        random.shuffle(values)
        spec = FeatureSpec(name="x", kind=Kind.NUMERIC)
        sides = [fold(spec, pa.array(part, pa.float64())) for part in (values[:half], values[half:])]
        fired += compare(sides[0], sides[1], spec).verdict is Verdict.DRIFT
    assert fired <= 3


SHIFTS: dict[str, tuple[Draw, Draw]] = {
    "5 deviations": (lambda r, n: r.normal(0, 1, n), lambda r, n: r.normal(5, 1, n)),
    "x 1000": (lambda r, n: r.lognormal(3, 1, n), lambda r, n: r.lognormal(3, 1, n) * 1000),
    "sign": (lambda r, n: r.gamma(2, 3, n), lambda r, n: -r.gamma(2, 3, n)),
    "stuck": (lambda r, n: r.normal(0, 1, n), lambda r, n: np.zeros(n)),
    "nulls": (lambda r, n: r.normal(0, 1, n), lambda r, n: np.where(r.random(n) < 0.6, np.nan, r.normal(0, 1, n))),
    "new words": (lambda r, n: r.choice(list("abcdefgh"), n), lambda r, n: r.choice(list("ABCDEFGH"), n)),
}


@pytest.mark.parametrize("size", [(250, 250), (10_000, 100)])
@pytest.mark.parametrize("name", SHIFTS)
def test_plain_shifts_show_with_few_rows(name: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(len(name))
    for _ in range(5):
        found = compared(*(draw(rng, rows) for draw, rows in zip(SHIFTS[name], size, strict=True)))
        assert found.verdict is Verdict.DRIFT, found.reason


def test_a_flag_of_half_a_percent_that_rises_to_three_shows_from_1_000_rows() -> None:
    rng = np.random.default_rng(3)
    hits = [compared(rng.random(1_000) < 0.005, rng.random(1_000) < 0.03).verdict for _ in range(60)]
    assert hits.count(Verdict.DRIFT) >= 54


def test_all_values_of_a_side_turned_nan_is_drift() -> None:
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC)
    sides = [fold(spec, pa.array(side, pa.float64())) for side in ([float(i) for i in range(300)], [math.nan] * 300)]
    found = compare(sides[0], sides[1], spec)
    assert found.verdict is Verdict.DRIFT
    assert "no finite value" in found.reason


def test_what_cannot_be_judged_is_named_beside_what_can() -> None:
    rng = np.random.default_rng(1)
    draw = SAME["5,000 categories"]
    found = compared(draw(rng, 300), draw(rng, 300), kind=Kind.CATEGORY)
    assert found.verdict is Verdict.STABLE
    assert "300 and 300 rows are too few to judge" in found.reason
    assert "share of new values (noise alone reaches 0.9" in found.reason
    assert compared(draw(rng, 300), np.char.add("new", draw(rng, 300)), kind=Kind.CATEGORY).verdict is Verdict.DRIFT
    assert not found.statistics["unseen_rate"].is_judged
    assert found.statistics["linf"].is_judged


def test_lower_bounds_are_named_and_never_stable() -> None:
    rng = np.random.default_rng(2)
    draw = SAME["5,000 categories"]
    found = compared(draw(rng, 60_000), draw(rng, 60_000))
    assert found.verdict is Verdict.NO_DRIFT_SEEN
    assert "TVD is at least" in found.reason
    assert found.statistics["tvd"].to_json()["lower_bound"]


def clock(rng: np.random.Generator, rows: int, first: int, days: int, hour: float = 14) -> pa.Array:
    seconds = START + first * DAY + rng.integers(0, days, rows) * DAY + (rng.normal(hour, 3, rows) % 24) * 3600
    return pa.array((seconds * 1_000_000).astype(np.int64), pa.timestamp("us"))


@pytest.mark.parametrize(("first", "days"), [(1, 1), (7, 7), (30, 30), (364, 28)])
@pytest.mark.parametrize("rows", [300, 5_000])
def test_timestamps_that_advance_are_no_drift(first: int, days: int, rows: int) -> None:
    rng = np.random.default_rng([first, rows])
    for _ in range(5):
        found = compared(clock(rng, rows, 0, days), clock(rng, rows, first, days))
        assert found.verdict in (Verdict.STABLE, Verdict.NO_DRIFT_SEEN), found.reason


def test_another_hour_another_weekday_and_an_older_stamp_are_drift() -> None:
    rng = np.random.default_rng(4)
    ref = clock(rng, 3_000, 0, 28)
    night = compared(ref, clock(rng, 3_000, 28, 28, hour=3))
    assert night.verdict is Verdict.DRIFT
    assert night.reason.startswith("hour of day is at least")
    stamps = clock(rng, 4_000, 28, 28).cast(pa.int64()).to_numpy()
    working = stamps[(stamps // (DAY * 1_000_000) + 3) % 7 < 5]
    week = compared(ref, pa.array(working, pa.timestamp("us")))
    assert week.verdict is Verdict.DRIFT
    assert "weekday is" in week.reason
    windows = (Span(START, START + DAY), Span(START + DAY, START + 2 * DAY))
    stale = compared(clock(rng, 3_000, 0, 1), clock(rng, 3_000, -4, 1), windows=windows)
    assert stale.verdict is Verdict.DRIFT
    assert "distance to the end is" in stale.reason
    assert compared(clock(rng, 3_000, 0, 1), clock(rng, 3_000, 1, 1), windows=windows).verdict is Verdict.STABLE


def test_instants_that_do_not_go_with_the_clock_are_no_drift_as_it_goes_on() -> None:
    rng = np.random.default_rng(6)
    windows = (Span(START, START + 7 * DAY), Span(START + 9 * DAY, START + 10 * DAY))
    ref, cur = clock(rng, 20_000, -30, 20), clock(rng, 3_000, -30, 20)
    assert compared(ref, cur, windows=windows).verdict in (Verdict.STABLE, Verdict.NO_DRIFT_SEEN)
    assert compared(ref, clock(rng, 3_000, -25, 20), windows=windows).verdict is Verdict.DRIFT


def test_tools_without_a_method_for_a_kind_say_so_in_a_sentence() -> None:
    texts = [f"a sentence of some length about number {i} and more words" for i in range(60)]
    for mode in (Mode.NANNYML, Mode.PHOENIX, Mode.EVIDENTLY):
        found = compared(texts, texts, mode, Kind.TEXT)
        assert found.verdict is Verdict.UNKNOWN
        assert found.reason.startswith("cannot be reproduced: ")
        assert not found.statistics
        ids = compared(["a", "b"], ["a", "b"], mode, Kind.ID)
        assert "an identifier" in ids.reason


@given(st.lists(st.integers(1, 6), min_size=2, max_size=4), st.integers(2, 6))
@settings(max_examples=40)
def test_unseen_floor_holds_for_every_split(counts: list[int], cur_rows: int) -> None:
    """All ways to draw the current rows out of the pooled ones: the floor is exceeded no more often than alpha."""
    rows = [value for value, count in enumerate(counts) for _ in range(count)]
    if cur_rows >= len(rows):
        return
    alpha, n = 0.05, len(rows) - cur_rows
    floor = floors.unseen(np.array(counts), n, cur_rows, alpha)
    over = total = 0
    for chosen in itertools.combinations(range(len(rows)), cur_rows):
        left = {rows[place] for place in range(len(rows)) if place not in chosen}
        over += sum(rows[place] not in left for place in chosen) / cur_rows > floor + 1e-9
        total += 1
    assert over / total <= alpha


def test_floors_of_shares_are_exceeded_no_more_often_than_asked() -> None:
    rng = np.random.default_rng(6)
    alpha, draws = 0.02, 4_000
    for shares, n, m in (
        (np.full(8, 1 / 8), 400, 400),
        (np.arange(1, 301) ** -1.2, 3_000, 300),
        (np.full(2_000, 1 / 2_000), 1_000, 1_000),
    ):
        shares = shares / shares.sum()
        ref, cur = rng.multinomial(n, shares, draws), rng.multinomial(m, shares, draws)
        gaps = np.abs(ref / n - cur / m)
        tvd, linf, psi = 0, 0, 0
        for place in range(0, draws, 10):
            pooled = (ref[place] + cur[place]).tolist()
            tvd += gaps[place].sum() / 2 > floors.tvd(pooled, n, m, alpha)
            linf += gaps[place].max() > floors.linf(pooled, n, m, alpha, 0.1)
            terms = [floors.term(p, q) for p, q in zip(ref[place] / n, cur[place] / m, strict=True)]
            psi += sum(terms) > floors.psi(pooled, n, m, alpha)
        allowed = 400 * alpha + 3.5 * math.sqrt(400 * alpha)
        assert max(tvd, linf, psi) <= allowed, (len(shares), tvd, linf, psi)


def test_mean_deviation_is_exact_while_counts_are_small() -> None:
    for count, share in ((1, 0.5), (7, 0.01), (30, 0.3)):
        chances = [math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count + 1)]
        size, square, _ = floors._deviation(count, share)
        assert math.isclose(size, sum(p * abs(k - count * share) for k, p in enumerate(chances)), rel_tol=1e-9)
        assert math.isclose(square, sum(p * (k - count * share) ** 2 for k, p in enumerate(chances)), rel_tol=1e-9)
