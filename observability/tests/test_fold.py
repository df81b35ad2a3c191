"""Folding: counts against brute force, and the same bytes for any split, order, type of column and grouping."""

from __future__ import annotations

import math
import struct
from collections import Counter
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.domain.fold.feature import FeatureAccumulator
from observability.domain.loops.grouping import by_group
from observability.domain.loops.hashing import estimate_distinct
from observability.domain.loops.numeric import keys_of
from observability.domain.profile.encoding import encode
from observability.domain.profile.states import MAX_BUCKETS, CategoryState, MergeError, NumericState, merge
from observability.domain.specs.spec import FeatureSpec, Kind
from observability.tests.folding import fold, fold_groups, merged_bytes

NUMERIC = FeatureSpec(name="x", kind=Kind.NUMERIC, centre=0.5, unit_exponent=-3, atoms=(-1.0, 0.0), table_limit=16)
CATEGORY = FeatureSpec(name="c", kind=Kind.CATEGORY, vocabulary=("a", "b", ""), table_limit=8)
VALUES = st.lists(st.one_of(st.none(), st.floats(width=64), st.sampled_from([-1.0, 0.0, -0.0, 0.5])), max_size=60)
WORDS = st.lists(st.one_of(st.none(), st.sampled_from("abcdefghij"), st.text(max_size=4)), max_size=60)


def check(state: object, values: list[float | None], spec: FeatureSpec) -> None:
    """Every figure of the state, counted again one by one."""
    assert isinstance(state, NumericState)
    present = [value for value in values if value is not None]
    finite = [value for value in present if math.isfinite(value)]
    assert state.rows == len(values)
    assert state.nulls == len(values) - len(present)
    assert state.nans == sum(math.isnan(value) for value in present)
    assert state.pos_infs == present.count(math.inf)
    assert state.neg_infs == present.count(-math.inf)
    assert state.zeros == finite.count(0.0)
    assert state.negatives == sum(value < 0 for value in finite)
    assert state.minimum == (min(finite) if finite else None)
    assert state.maximum == (max(finite) if finite else None)
    assert state.atoms.tolist() == [finite.count(atom) for atom in spec.atoms]
    found = keys_of(np.array(finite), centre=float(spec.centre), unit_exponent=spec.unit_exponent)
    keys, counts = np.unique(found, return_counts=True)
    assert state.histogram.keys.tolist() == keys.tolist()
    assert state.histogram.counts.tolist() == counts.tolist()
    distinct = {value + 0.0 for value in finite}
    assert state.table.overflow == (len(distinct) > spec.table_limit)
    if not state.table.overflow:
        assert dict(zip(state.table.values.tolist(), state.table.counts.tolist(), strict=True)) == {
            value: finite.count(value) for value in distinct
        }


@given(VALUES)
def test_counters_against_brute_force(values: list[float | None]) -> None:
    check(fold(NUMERIC, pa.array(values, pa.float64())), values, NUMERIC)


@pytest.mark.parametrize("centre", [0.0, 0.37, 250.0])
@pytest.mark.parametrize("step", [0.0, 0.25], ids=["continuous", "round"])
def test_special_values_among_thousands_of_plain_ones(centre: float, step: float) -> None:
    """Most values only have to be counted, block by block; those that need more may be anywhere, in any group."""
    rng = np.random.default_rng(7)
    plain = rng.normal(centre, 1.0, 30_000)
    if step:
        plain = np.round(plain / step) * step
    values: list[float | None] = plain.tolist()
    special = [None, 0.0, -0.0, -1e-3, 1e-3, math.nan, math.inf, -math.inf, centre + 9.0, centre - 9.0, 1e300, -5e-324]
    for row in rng.choice(len(values), 120, replace=False).tolist():
        values[row] = special[row % len(special)]
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC, centre=centre, unit_exponent=-4, table_limit=64)
    ids = rng.integers(-1, 3, len(values))
    for batch in (7_000, 30_000):
        for group, state in enumerate(fold_groups(spec, pa.array(values, pa.float64()), ids, batch)):
            check(state, [value for value, mine in zip(values, ids, strict=True) if mine == group], spec)
    check(
        fold(spec, *(pa.array(values[start : start + 7_000], pa.float64()) for start in range(0, 30_000, 7_000))),
        values,
        spec,
    )


@given(VALUES, st.randoms(use_true_random=False), st.integers(1, 7))
def test_any_split_and_order_gives_the_same_bytes(values: list[float | None], random, size: int) -> None:
    whole = encode(fold(NUMERIC, pa.array(values, pa.float64())))
    shuffled = list(values)
    random.shuffle(shuffled)
    pieces = [pa.array(shuffled[start : start + size], pa.float64()) for start in range(0, len(shuffled), size)]
    random.shuffle(pieces)
    assert merged_bytes(NUMERIC, pieces or [pa.array([], pa.float64())]) == whole
    assert encode(fold(NUMERIC, *pieces)) == whole


@given(WORDS, st.randoms(use_true_random=False), st.integers(1, 7))
def test_categories_any_split_and_encoding(words: list[str | None], random, size: int) -> None:
    whole = encode(fold(CATEGORY, pa.array(words, pa.string())))
    shuffled = list(words)
    random.shuffle(shuffled)
    pieces = [pa.array(shuffled[start : start + size], pa.string()) for start in range(0, len(shuffled), size)]
    assert merged_bytes(CATEGORY, pieces or [pa.array([], pa.string())]) == whole
    assert encode(fold(CATEGORY, *[piece.dictionary_encode() for piece in pieces])) == whole
    assert encode(fold(CATEGORY, pa.array(words, pa.large_string()))) == whole


@given(WORDS)
def test_category_counters_against_brute_force(words: list[str | None]) -> None:
    state = fold(CATEGORY, pa.array(words, pa.string()))
    assert isinstance(state, CategoryState)
    present = [word for word in words if word is not None]
    assert (state.rows, state.nulls, state.empties) == (len(words), words.count(None), words.count(""))
    assert state.vocabulary.tolist() == [present.count("a"), present.count("b"), present.count("")]
    assert int(state.buckets.sum()) == len(present)
    assert state.table.overflow == (len(set(present)) > 8)
    assert abs(estimate_distinct(state.registers) - len(set(present))) < 1


@given(VALUES, st.data())
def test_groups_equal_separate_folds(values: list[float | None], data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.integers(-1, 4), min_size=len(values), max_size=len(values)))
    if not values or max(ids) < 0:
        return
    array = pa.array(values, pa.float64())
    for batch in (0, 5):
        found = fold_groups(NUMERIC, array, ids, batch)
        for group, state in enumerate(found):
            mine = [value for value, number in zip(values, ids, strict=True) if number == group]
            assert encode(state) == encode(fold(NUMERIC, pa.array(mine, pa.float64())))


@given(WORDS, st.data())
def test_category_groups_equal_separate_folds(words: list[str | None], data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.integers(-1, 3), min_size=len(words), max_size=len(words)))
    if not words or max(ids) < 0:
        return
    for group, state in enumerate(fold_groups(CATEGORY, pa.array(words, pa.string()), ids, 7)):
        mine = [word for word, number in zip(words, ids, strict=True) if number == group]
        assert encode(state) == encode(fold(CATEGORY, pa.array(mine, pa.string())))


PLACINGS = [(0.0, 0), (5.0, 0), (-3.0, -2), (0.5, 0), (0.0, 6), (0.0, 7), (1e6, 0)]


@pytest.mark.parametrize(("centre", "unit_exponent"), PLACINGS)
def test_each_whole_number_has_its_place_in_the_table(centre: float, unit_exponent: int) -> None:
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC, centre=centre, unit_exponent=unit_exponent)
    for number in range(-300, 300):
        pair = [centre // 1 + number, centre // 1 + number + 1]
        table = fold(spec, pa.array(pair)).table
        assert (table.values.tolist(), table.counts.tolist()) == (pair, [1, 1])


@given(
    st.sampled_from(PLACINGS),
    st.lists(st.lists(st.integers(-140, 140), max_size=8), min_size=1, max_size=4),
    st.lists(st.sampled_from([None, math.nan, math.inf, 0.5, -0.0, 1e9, 999_999.0]), max_size=2),
    st.integers(0, 4),
)
def test_tables_of_whole_numbers_against_brute_force(
    placing: tuple[float, int], batches: list[list[int]], odd: list[float | None], place: int
) -> None:
    """The buckets stand for the table while every value has one of its own, and for what came before afterwards."""
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC, centre=placing[0], unit_exponent=placing[1], table_limit=20)
    rows: list[list[float | None]] = [[placing[0] // 1 + number for number in batch] for batch in batches]
    rows.insert(place, odd)
    expected = Counter(x + 0.0 for batch in rows for x in batch if x is not None and math.isfinite(x))
    table = fold(spec, *(pa.array(batch, pa.float64()) for batch in rows)).table
    assert table.overflow == (len(expected) > 20)
    if not table.overflow:
        assert dict(zip(table.values.tolist(), table.counts.tolist(), strict=True)) == expected
        assert table.values.tolist() == sorted(expected)


def test_nan_payloads_and_signs_are_one_nan() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], dtype=np.uint64).view(np.float64)
    plain = np.array([np.nan] * 3)
    assert encode(fold(NUMERIC, pa.array(odd, from_pandas=False))) == encode(fold(NUMERIC, pa.array(plain)))


def test_a_slot_of_a_null_may_hold_anything() -> None:
    garbage = np.array([1.0, np.nan, np.inf, -5.0])
    bitmap = pa.py_buffer(bytes([0b0001]))
    array = pa.Array.from_buffers(pa.float64(), 4, [bitmap, pa.py_buffer(garbage)])
    assert encode(fold(NUMERIC, array)) == encode(fold(NUMERIC, pa.array([1.0, None, None, None])))


def test_slices_are_read_from_their_offset() -> None:
    values = [None, 1.0, 2.0, None, 3.0, 4.0, -1.0, None, 5.0, 6.0, 7.0]
    whole = pa.array(values, pa.float64())
    for start in range(len(values)):
        assert encode(fold(NUMERIC, whole[start:])) == encode(fold(NUMERIC, pa.array(values[start:], pa.float64())))


@pytest.mark.parametrize(
    "kind", [pa.float16(), pa.float32(), pa.int8(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64()]
)
def test_narrow_types_fold_like_float64(kind: pa.DataType) -> None:
    values = np.array([0, 1, 2, 3, 100, 7, 7])
    array = pa.array(values.astype(kind.to_pandas_dtype()), kind)
    assert encode(fold(NUMERIC, array)) == encode(fold(NUMERIC, pa.array(values.astype(np.float64))))


def test_decimals_fold_as_float64() -> None:
    array = pa.array([Decimal("1.10"), Decimal("-2.25"), None], pa.decimal128(10, 2))
    assert encode(fold(NUMERIC, array)) == encode(fold(NUMERIC, pa.array([1.1, -2.25, None])))


def test_integers_beyond_2_53_keep_their_order() -> None:
    centre = 2**60
    spec = FeatureSpec(name="n", kind=Kind.NUMERIC, centre=centre, table_limit=16)
    values = [centre, centre + 1, centre + 2, centre - 1, None]
    state = fold(spec, pa.array(values, pa.int64()))
    assert isinstance(state, NumericState)
    assert state.histogram.keys.tolist() == keys_of(np.array([-1.0, 0.0, 1.0, 2.0])).tolist()
    assert state.table.overflow  # float64 would call neighbours equal
    assert merged_bytes(spec, [pa.array([value], pa.int64()) for value in values]) == encode(state)


def test_nanosecond_timestamps_are_exact() -> None:
    now = 1_700_000_000_123_456_789
    spec = FeatureSpec(name="t", kind=Kind.TIMESTAMP, centre=now, time_unit="ns", table_limit=0)
    values = [now - 1, now, now + 1, None, 2**63 - 1, -(2**63) + 1]
    state = fold(spec, pa.array(values, pa.timestamp("ns")))
    assert isinstance(state, NumericState)
    assert (state.minimum, state.maximum) == (-(2**63) + 1, 2**63 - 1)
    assert state.histogram.total == 5
    assert merged_bytes(spec, [pa.array([value], pa.timestamp("ns")) for value in values]) == encode(state)


def test_the_bucket_cap_rolls_up_the_same_way_in_any_order() -> None:
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC, table_limit=0)
    values = np.random.default_rng(3).permutation(
        np.ldexp(1.0 + np.arange(5_000) % 64 / 64, np.arange(5_000) // 64 * 5 % 400)
        * np.where(np.arange(5_000) % 2, 1, -1)
    )
    state = fold(spec, pa.array(values))
    assert isinstance(state, NumericState)
    assert len(state.histogram.keys) <= MAX_BUCKETS
    assert state.histogram.level > 0
    assert state.histogram.total == 5_000
    for pieces in (2, 7, 100):
        assert merged_bytes(spec, [pa.array(piece) for piece in np.array_split(values, pieces)]) == encode(state)


def test_all_finite_magnitudes_fit() -> None:
    bits = np.random.default_rng(5).integers(0, 0x7FEF_FFFF_FFFF_FFFF, 200_000, dtype=np.int64)
    values = bits.view(np.float64) * np.where(np.arange(200_000) % 2, 1, -1)
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC, unit_exponent=-900, table_limit=0)
    state = fold(spec, pa.array(values))
    assert isinstance(state, NumericState)
    assert len(state.histogram.keys) <= MAX_BUCKETS
    assert state.histogram.total == 200_000


def test_many_distinct_texts() -> None:
    rng = np.random.default_rng(11)
    codes = rng.integers(0, 150_000, 400_000)
    words = pa.array([f"user-{code:x}" for code in codes])
    spec = FeatureSpec(name="c", kind=Kind.CATEGORY, vocabulary=("user-1", "user-2"))
    whole = fold(spec, words)
    assert isinstance(whole, CategoryState)
    pieces = [words[start : start + 37_001] for start in range(0, len(words), 37_001)]
    assert encode(fold(spec, *pieces)) == encode(whole)
    assert merged_bytes(spec, pieces) == encode(whole)
    assert whole.table.overflow
    true = len(np.unique(codes))
    assert abs(estimate_distinct(whole.registers) - true) / true < 0.05


def test_duplicate_ids_are_found_by_the_sample() -> None:
    spec = FeatureSpec(name="id", kind=Kind.ID, table_limit=0)
    ids = np.concatenate([np.arange(400_000), np.arange(20_000)])  # 5 % of the rows repeat an id
    state = fold(spec, pa.array(ids))
    assert isinstance(state, CategoryState)
    rate = state.sample.duplicate_rate
    assert rate is not None
    assert abs(rate - 20_000 / len(ids)) < 0.02
    pieces = [pa.array(piece) for piece in np.array_split(ids, 5)]
    assert merged_bytes(spec, pieces) == encode(state)


def test_booleans_flags_and_texts_are_one_kind() -> None:
    spec = FeatureSpec(name="b", kind=Kind.BOOLEAN, vocabulary=("false", "true"))
    flags = [True, False, None, True]
    expected = encode(fold(spec, pa.array(flags)))
    assert encode(fold(spec, pa.array([1, 0, None, 1]))) == expected
    assert encode(fold(spec, pa.array([1.0, 0.0, None, 1.0]))) == expected
    assert encode(fold(spec, pa.array(["true", "false", None, "true"]))) == expected


def test_text_counts_lengths_and_emptiness() -> None:
    spec = FeatureSpec(name="t", kind=Kind.TEXT)
    state = fold(spec, pa.array(["", "äöü", None, "hello"]))
    assert isinstance(state, NumericState)
    assert (state.rows, state.nulls, state.zeros, state.maximum) == (4, 1, 1, 5.0)
    assert encode(fold(spec, pa.array(["", "äöü", None, "hello"]).dictionary_encode())) == encode(state)


@pytest.mark.parametrize("kind", [pa.list_(pa.float32(), 3), pa.list_(pa.float32()), pa.large_list(pa.float64())])
def test_embeddings_fold_alike_in_any_layout(kind: pa.DataType) -> None:
    spec = FeatureSpec(name="e", kind=Kind.EMBEDDING, dimension=3, table_limit=0)
    vectors = [[1.0, 2.0, 3.0], None, [0.5, -0.25, 8.0], [0.0, 0.0, 0.0]]
    expected = encode(fold(spec, pa.array(vectors, pa.list_(pa.float64()))))
    array = pa.array(vectors, kind)
    assert encode(fold(spec, array)) == expected
    assert encode(fold(spec, array[:1], array[1:])) == expected
    assert merged_bytes(spec, [array[2:], array[:2]]) == expected


def test_embeddings_count_misfits_and_broken_vectors() -> None:
    spec = FeatureSpec(name="e", kind=Kind.EMBEDDING, dimension=2, table_limit=0)
    state = fold(spec, pa.array([[1.0, 2.0], [1.0], None, [math.nan, 1.0], [3.0, 4.0]], pa.list_(pa.float64())))
    assert (state.rows, state.nulls, state.misfits) == (5, 1, 1)  # type: ignore[union-attr]
    norm = state.parts[0]  # type: ignore[union-attr]
    assert (norm.nans, norm.nulls, norm.maximum) == (1, 2, 5.0)


def test_states_of_different_specs_do_not_merge() -> None:
    other = FeatureSpec(name="x", kind=Kind.NUMERIC, centre=0.25, unit_exponent=-3, atoms=(-1.0, 0.0), table_limit=16)
    with pytest.raises(MergeError, match="profile one of the two sources again"):
        merge([fold(NUMERIC, pa.array([1.0])), fold(other, pa.array([1.0]))])


def test_one_value_lost_or_doubled_is_seen() -> None:
    values = np.random.default_rng(1).normal(size=100_000)
    whole = encode(fold(NUMERIC, pa.array(values)))
    assert encode(fold(NUMERIC, pa.array(values[:-1]))) != whole
    assert encode(fold(NUMERIC, pa.array(np.append(values, values[7])))) != whole
    rows = struct.unpack_from("<q", whole, 10)[0]
    assert rows == 100_000


def test_many_cells_have_the_states_of_few() -> None:
    """So many groups that counts are sparse, against each group folded alone."""
    rng = np.random.default_rng(11)
    values, ids = pa.array(rng.standard_cauchy(30_000)), rng.integers(0, 3_000, 30_000)
    spec = FeatureSpec(name="x", kind=Kind.NUMERIC, table_limit=8)
    states = fold_groups(spec, values, ids, batch=7_000)
    for group in (0, 1, 1_500, 2_999):
        assert encode(states[group]) == encode(fold(spec, values.filter(pa.array(ids == group))))


@pytest.mark.parametrize("kind", [Kind.CATEGORY, Kind.ID])
def test_states_out_of_counts_are_those_of_values_one_by_one(kind: Kind) -> None:
    """A column whose values are all counted, against the same one after it had too many for that."""
    spec = FeatureSpec(name="x", kind=kind, vocabulary=("w3", "w4"))
    values = pa.array([None if row % 11 == 0 else f"w{row % 700}" if row % 13 else "" for row in range(9_000)])
    by_counts, spread = FeatureAccumulator(spec), FeatureAccumulator(spec)
    for accumulator in (by_counts, spread):
        accumulator.fold(values, by_group(np.zeros(len(values), dtype=np.int64)))
    others = pa.array([f"other {row}" for row in range(5_000)])
    spread.fold(others, by_group(np.ones(len(others), dtype=np.int64)))
    assert encode(spread.state(0)) == encode(by_counts.state(0))
