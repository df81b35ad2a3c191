"""Definitions: golden vectors of the real packages, contributions that sum, verdicts, decomposition."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.domain.compare import chi2, decompose, floors, measures
from observability.domain.compare.align import align_numbers
from observability.domain.compare.result import Comparison, Verdict
from observability.domain.profile.states import NumericState
from observability.domain.propose.propose import propose_feature
from observability.domain.specs.spec import FeatureSpec, Kind
from observability.domain.tools.choose import Mode, compare_as
from observability.tests.folding import fold

GOLDEN = Path(__file__).parent / "golden"
CASES = ("normal_shift", "lognormal_scale", "one_outlier", "beta_score", "categorical_new")
NAMES = {
    "jensenshannon": "js",
    "jensen_shannon": "js",
    "kl_div": "kl",
    "wasserstein": "w1",
    "kolmogorov_smirnov": "ks",
    "l_infinity": "linf",
    "psi": "psi",
    "hellinger": "hellinger",
    "chi2": "chi2",
}


def golden_pairs() -> dict[str, tuple[pa.Array, pa.Array]]:
    """The five pairs that the real packages were given."""
    data = np.load(GOLDEN / "inputs.npz", allow_pickle=False)
    return {case: (pa.array(data[f"{case}__a"].tolist()), pa.array(data[f"{case}__b"].tolist())) for case in CASES}


@pytest.fixture(scope="module")
def compared() -> dict[tuple[str, Mode], Comparison]:
    found = {}
    for case, (ref, cur) in golden_pairs().items():
        spec = propose_feature(case, ref)
        sides = fold(spec, ref), fold(spec, cur)
        for mode in Mode:
            found[case, mode] = compare_as(mode, *sides, spec)
    return found


def golden_values() -> list[tuple[Mode, str, str, float]]:
    """(mode, case, statistic, value) out of golden/outputs.txt."""
    wanted = []
    for line in (GOLDEN / "outputs.txt").read_text().splitlines():
        tool, case, text = re.match(r"(\w+) (\w+) (.*)", line).groups()  # type: ignore[union-attr]
        values = json.loads(text)
        if tool in ("EVIDENTLY", "NANNYML"):
            mode = Mode(tool.lower())
            for name, value in values.items():
                is_p_value = mode is Mode.EVIDENTLY and name in ("ks", "chisquare")
                if name in NAMES and isinstance(value, list) and not is_p_value:
                    wanted.append((mode, case, NAMES[name], value[0]))
        else:
            bins = values.get("dec10") or values["cat"]
            wanted.append((Mode.PHOENIX, case, "psi", bins["phoenix_add1_norm"]))
            wanted.append((Mode.BARISTA, case, "psi", bins["floor1e-4"]))
            if "ks" in values:
                wanted.append((Mode.BARISTA, case, "ks", values["ks"]))
    return wanted


@pytest.mark.parametrize(("mode", "case", "name", "value"), golden_values())
def test_golden(compared: dict[tuple[str, Mode], Comparison], mode: Mode, case: str, name: str, value: float) -> None:
    found = compared[case, mode].statistics[name]
    assert found.value is not None, found.reason
    allowed = max(0.02 * abs(value), found.uncertainty)
    if case == "categorical_new":
        allowed = max(1e-6, 1e-4 * value)  # value tables are exact; our PSI renormalises after the floor
    assert abs(found.value - value) <= allowed + 5e-7, (found.value, value, found.uncertainty)


def test_evidently_decides_as_evidently_did(compared: dict[tuple[str, Mode], Comparison]) -> None:
    verdicts = [compared[case, Mode.EVIDENTLY].verdict for case in CASES]
    assert verdicts == [Verdict.DRIFT] * 4 + [Verdict.STABLE]
    assert compared["one_outlier", Mode.BARISTA].verdict is Verdict.STABLE


def test_p_values_are_refused_with_the_reason(compared: dict[tuple[str, Mode], Comparison]) -> None:
    found = compared["normal_shift", Mode.EVIDENTLY].statistics["ks"]
    assert found.value is None
    assert "p-value" in found.reason


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("case", CASES)
def test_contributions_sum_to_the_shown_value(
    compared: dict[tuple[str, Mode], Comparison], mode: Mode, case: str
) -> None:
    explained = 0
    for name, statistic in compared[case, mode].statistics.items():
        if statistic.bins is None or statistic.value is None:
            continue
        answer = compared[case, mode].explain(name)
        assert math.isclose(sum(row["contribution"] for row in answer["bins"]), statistic.value, abs_tol=1e-9)
        assert answer["formula"]
        assert math.isclose(sum(row["ref_share"] for row in answer["bins"]), 1.0, rel_tol=1e-6)
        explained += 1
    assert explained


COUNTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=8).filter(
    lambda pairs: sum(p for p, _ in pairs) and sum(q for _, q in pairs)
)


@given(COUNTS)
def test_distances_are_bounded_symmetric_and_zero_on_themselves(pairs: list[tuple[int, int]]) -> None:
    ref, cur = np.array(pairs).T
    p, q = ref / ref.sum(), cur / cur.sum()
    for measure in (measures.js, measures.hellinger, measures.tvd, measures.linf):
        assert 0 <= measure(p, q).value <= 1 + 1e-12
        assert math.isclose(measure(p, q).value, measure(q, p).value, abs_tol=1e-9)
        assert measure(p, p).value < 1e-7
    assert measures.psi(measures.floored(p), measures.floored(q)).value >= 0
    assert math.isclose(
        measures.ks(ref, cur, np.zeros(len(ref), dtype=bool))[0].value, np.abs(np.cumsum(p - q)).max(), abs_tol=1e-12
    )


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=40), st.lists(st.integers(-20, 20), min_size=1, max_size=40))
def test_exact_tables_give_exact_ks_and_w1(left: list[int], right: list[int]) -> None:
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC)
    sides = [fold(spec, pa.array(values, pa.float64())) for values in (left, right)]
    assert isinstance(sides[0], NumericState)
    assert isinstance(sides[1], NumericState)
    pair = align_numbers(sides[0], sides[1], spec)
    grid = np.arange(-21, 22)
    f = np.searchsorted(np.sort(left), grid, side="right") / len(left)
    g = np.searchsorted(np.sort(right), grid, side="right") / len(right)
    assert math.isclose(
        measures.ks(pair.ref, pair.cur, pair.low < pair.high)[0].value, np.abs(f - g).max(), abs_tol=1e-12
    )
    found = measures.w1(pair.low, pair.high, pair.ref, pair.cur).value
    assert math.isclose(found, np.abs(f - g)[:-1].sum(), abs_tol=1e-9)


def test_true_ks_lies_within_the_printed_uncertainty() -> None:
    rng = np.random.default_rng(4)
    for ref, cur in (
        (rng.normal(size=30_000), rng.normal(0.1, 1.1, 30_000)),
        (rng.standard_cauchy(30_000), rng.standard_cauchy(30_000) * 1.2),
        (1000 + rng.uniform(-0.1, 0.1, 30_000), 1000.02 + rng.uniform(-0.1, 0.1, 30_000)),
    ):
        spec = propose_feature("x", pa.array(ref))
        found = compare_as(Mode.BARISTA, fold(spec, pa.array(ref)), fold(spec, pa.array(cur)), spec).statistics["ks"]
        both = np.concatenate([ref, cur])
        both.sort()
        f = np.searchsorted(np.sort(ref), both, side="right") / len(ref)
        g = np.searchsorted(np.sort(cur), both, side="right") / len(cur)
        true = np.abs(f - g).max()
        assert found.value is not None
        assert found.value - 1e-12 <= true <= found.value + found.uncertainty + 1e-12
        assert abs(found.value - true) < 0.005


def compare_values(ref: list[object], cur: list[object], kind: Kind = Kind.NUMERIC) -> Comparison:
    spec = FeatureSpec(name="x", kind=kind)
    return compare_as(Mode.BARISTA, fold(spec, pa.array(ref)), fold(spec, pa.array(cur)), spec)


def test_verdicts() -> None:
    few = compare_values([1.0, 2.0] * 50, [5.0] * 100)
    assert few.verdict is Verdict.NOT_ENOUGH_DATA or few.verdict is Verdict.DRIFT
    rng = np.random.default_rng(2)
    small = compare_values(rng.normal(size=100).tolist(), rng.normal(size=100).tolist())
    assert small.verdict is Verdict.NOT_ENOUGH_DATA
    assert "noise alone" in small.reason
    same = rng.normal(size=50_000).tolist()
    assert compare_values(same, rng.normal(size=50_000).tolist()).verdict is Verdict.STABLE
    nulls = compare_values(same, [None] * 5_000 + same[5_000:])
    assert nulls.verdict is Verdict.DRIFT
    assert "missing values" in nulls.reason
    gone = compare_values(same, [None] * 1_000)
    assert gone.verdict is Verdict.DRIFT
    assert "no finite value" in gone.reason


@pytest.mark.parametrize(
    ("ref", "cur"),
    [
        ([], []),
        ([1.0], []),
        ([None], [None]),
        ([math.nan], [math.inf]),
        ([1.0] * 500, [1.0] * 500),
        ([0.0], [-0.0]),
        ([1e308, -1e308], [1e-308, 0.0]),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_degenerate_inputs_never_raise(ref: list[float], cur: list[float], mode: Mode) -> None:
    for limit in (1024, 0):
        spec = FeatureSpec(name="x", kind=Kind.NUMERIC, table_limit=limit)
        sides = [fold(spec, pa.array(values, pa.float64())) for values in (ref, cur)]
        found = compare_as(mode, sides[0], sides[1], spec)
        json.dumps(found.to_json(), allow_nan=False)


def test_categories_beyond_the_table_say_at_least() -> None:
    rng = np.random.default_rng(8)
    ref = pa.array([f"v{code}" for code in rng.integers(0, 5_000, 60_000)])
    cur = pa.array([f"v{code}" for code in rng.integers(2_500, 7_500, 60_000)])
    spec = propose_feature("x", ref)
    found = compare_as(Mode.BARISTA, fold(spec, ref), fold(spec, cur), spec)
    tvd = found.statistics["tvd"]
    assert "at least" in tvd.reason
    assert tvd.value is not None
    assert 0 < tvd.value <= 0.55
    other = compare_as(Mode.EVIDENTLY, fold(spec, ref), fold(spec, cur), spec)
    assert "cannot be reproduced" in other.statistics["psi"].reason


def test_ids_have_no_distribution_but_duplicates() -> None:
    spec = FeatureSpec(name="id", kind=Kind.ID, table_limit=0)
    ref, cur = pa.array(range(100_000)), pa.array([number // 2 for number in range(100_000)])
    found = compare_as(Mode.BARISTA, fold(spec, ref), fold(spec, cur), spec)
    assert found.statistics["psi"].value is None
    assert found.quality["duplicate_rate_ref"] == 0.0
    assert math.isclose(found.quality["duplicate_rate_cur"] or 0, 0.5, abs_tol=0.01)


def test_embeddings_report_what_moved_most() -> None:
    rng = np.random.default_rng(3)
    spec = FeatureSpec(name="e", kind=Kind.EMBEDDING, dimension=8, unit_exponent=-3, table_limit=0)
    ref, cur = rng.normal(size=(5_000, 8)), rng.normal(size=(5_000, 8)) * 1.5
    sides = [fold(spec, pa.array(list(side), pa.list_(pa.float64()))) for side in (ref, cur)]
    found = compare_as(Mode.BARISTA, sides[0], sides[1], spec)
    assert found.verdict is Verdict.DRIFT
    assert found.reason.startswith("norm of 17 measures moved most")


def test_different_specs_are_unknown_not_zero() -> None:
    one, other = (FeatureSpec(name="x", kind=Kind.NUMERIC, unit_exponent=k) for k in (0, 1))
    found = compare_as(Mode.BARISTA, fold(one, pa.array([1.0])), fold(other, pa.array([1.0])), one)
    assert found.verdict is Verdict.UNKNOWN
    assert "profile one of the two sources again" in found.reason


def test_chi2_quantiles_against_tables() -> None:
    for df, value in ((1, 3.841459), (9, 16.918978), (19, 30.143527), (100, 124.342113)):
        assert math.isclose(chi2.quantile(0.95, df), value, rel_tol=1e-6)
    assert math.isclose(floors.psi([100] * 10, 500, 500, 0.05), 0.0677, abs_tol=1e-4)


VERSIONS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.lists(st.floats(-100, 100), min_size=1, max_size=30), min_size=1
)


@given(VERSIONS, VERSIONS)
def test_decomposition_sums_exactly(before: dict[str, list[float]], after: dict[str, list[float]]) -> None:
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC, table_limit=4)
    sides = []
    for side in (before, after):
        states = {version: fold(spec, pa.array([*values, None])) for version, values in side.items()}
        sides.append({version: state for version, state in states.items() if isinstance(state, NumericState)})
    for found in (
        decompose.mean(sides[0], sides[1], spec),
        decompose.null_rate(sides[0], sides[1]),
        decompose.ks_at_argmax(sides[0], sides[1], spec),
    ):
        assert math.isclose(found.before + found.mix + found.within, found.after, abs_tol=1e-9)
        for share in found.shares:
            if share.version not in before or share.version not in after:
                assert share.within == 0.0


def test_decomposition_tells_a_deploy_from_a_shift_of_traffic() -> None:
    rng = np.random.default_rng(6)
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC, unit_exponent=-3, table_limit=0)

    def states(**sizes: tuple[int, float]) -> dict[str, NumericState]:
        made = {name: fold(spec, pa.array(rng.normal(mean, 1, rows))) for name, (rows, mean) in sizes.items()}
        return {name: state for name, state in made.items() if isinstance(state, NumericState)}

    before = states(v1=(20_000, 0.0), v2=(20_000, 2.0))
    moved = decompose.ks_at_argmax(before, states(v1=(10_000, 0.0), v2=(30_000, 2.0)), spec)
    assert abs(moved.within) < 0.02 < abs(moved.mix)
    changed = decompose.ks_at_argmax(before, states(v1=(20_000, 0.0), v2=(20_000, 4.0)), spec)
    assert abs(changed.mix) < 0.02 < abs(changed.within)
    worst = max(changed.shares, key=lambda share: abs(share.within))
    assert worst.version == "v2"
    bins = decompose.bin_shares(
        {"a": np.array([1.0, 3.0])}, {"a": np.array([2.0, 2.0]), "b": np.array([0.0, 4.0])}, ("low", "high")
    )
    assert math.isclose(sum(one.mix + one.within for one in bins), 0.0, abs_tol=1e-12)


@pytest.mark.parametrize("mode", list(Mode))
def test_values_whose_squares_overflow_have_no_number(mode: Mode) -> None:
    values = np.random.default_rng(1).normal(0, 1e200, 20_000)
    spec = propose_feature("x", pa.array(values))
    found = compare_as(mode, fold(spec, pa.array(values)), fold(spec, pa.array(values * 1.5)), spec)
    for one in found.statistics.values():
        assert one.value is not None or one.reason
    if mode is Mode.NANNYML:
        assert "more than float64 can hold" in found.statistics["js"].reason
