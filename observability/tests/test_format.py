"""The file format: stored profiles of each format stay readable, damage is told, sizes stay small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from observability.domain.profile.encoding import FormatError, decode, encode, pack, unpack
from observability.domain.profile.profile import Cell, Profile, merge_profiles
from observability.domain.profile.states import MergeError
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.tests.folding import fold

FORMAT_1 = Path(__file__).parent / "golden" / "format-1.profile"
SPEC = Spec(
    (
        FeatureSpec(name="number", kind=Kind.NUMERIC, centre=2.5, unit_exponent=-4, atoms=(-1.0,), table_limit=8),
        FeatureSpec(name="few", kind=Kind.NUMERIC),
        FeatureSpec(name="word", kind=Kind.CATEGORY, vocabulary=("a", "b")),
        FeatureSpec(name="id", kind=Kind.ID, table_limit=0),
        FeatureSpec(name="at", kind=Kind.TIMESTAMP, centre=1_700_000_000, time_unit="s", table_limit=0),
        FeatureSpec(name="text", kind=Kind.TEXT, table_limit=64),
        FeatureSpec(name="vector", kind=Kind.EMBEDDING, dimension=2, table_limit=0),
    )
)


def columns() -> dict[str, pa.Array]:
    """The rows behind format-1.profile: no random numbers, so that they are the same for ever."""
    count = np.arange(600)
    return {
        "number": pa.array([None, float("nan"), float("inf"), -1.0, -0.0, *(count * 0.37 % 11 - 3).tolist()]),
        "few": pa.array((count % 5).tolist() + [None] * 5),
        "word": pa.array([f"{'abcdä'[number % 5]}" for number in range(604)] + [None]),
        "id": pa.array([*range(600), 1, 2, 3, 4, 5]),
        "at": pa.array([1_700_000_000 + number * 61 for number in range(605)], pa.timestamp("s")),
        "text": pa.array(["x" * (number % 90) for number in range(605)]),
        "vector": pa.array([[number / 7, -number / 3] for number in range(605)], pa.list_(pa.float64())),
    }


def profile() -> Profile:
    made = columns()
    states = {feature.name: fold(feature, made[feature.name]) for feature in SPEC}
    return Profile(SPEC, {Cell("v1", 1_700_000_000): states, Cell(): states}, "hour", {"sources": [], "bad_rows": 0})


def test_format_1_reads_back_and_is_what_the_kernel_still_gives() -> None:
    stored = Profile.loads(FORMAT_1.read_bytes())
    assert stored.identity == profile().identity
    assert stored.cells == [Cell(), Cell("v1", 1_700_000_000)]
    assert stored.window == "hour"


def test_every_kind_of_state_round_trips() -> None:
    for feature in SPEC:
        state = fold(feature, columns()[feature.name])
        data = encode(state)
        assert encode(decode(data)) == data
        assert unpack(pack(data)) == data


def test_damage_is_told() -> None:
    data = profile().dumps()
    for cut in (0, 5, 40, 60, len(data) // 2, len(data) - 1):
        with pytest.raises(FormatError):
            Profile.loads(data[:cut])
    newer = data[:8] + b"\x02\x00" + data[10:]
    with pytest.raises(FormatError, match="profile format 2 is not known here"):
        Profile.loads(newer)
    flipped = bytearray(data)
    flipped[-3] ^= 1
    with pytest.raises(FormatError):
        Profile.loads(bytes(flipped))
    rng = np.random.default_rng(3)
    state = encode(fold(SPEC.features[0], columns()["number"]))
    for _ in range(300):
        damaged = bytearray(state)
        damaged[int(rng.integers(0, len(state)))] = int(rng.integers(0, 256))
        try:
            decode(bytes(damaged))
        except FormatError:
            continue


def test_profiles_of_different_windows_do_not_merge() -> None:
    one = profile()
    with pytest.raises(MergeError, match="different specs or windows"):
        merge_profiles([one, Profile(one.spec, one.states, "day")])


@pytest.mark.parametrize(
    ("spec", "values", "limit"),
    [
        (FeatureSpec(name="x", kind=Kind.NUMERIC, unit_exponent=-3, table_limit=64), "normal", 1_500),
        (FeatureSpec(name="x", kind=Kind.NUMERIC, unit_exponent=-8, table_limit=64), "beta", 1_500),
        (FeatureSpec(name="c", kind=Kind.CATEGORY), "100 words", 6_000),
        (FeatureSpec(name="c", kind=Kind.CATEGORY), "100000 words", 6_000),
    ],
)
def test_sizes(spec: FeatureSpec, values: str, limit: int) -> None:
    rng = np.random.default_rng(0)
    made = {
        "normal": lambda: pa.array(rng.normal(size=1_000_000)),
        "beta": lambda: pa.array(rng.beta(2, 20, 1_000_000)),
        "100 words": lambda: pa.array([f"w{code}" for code in rng.integers(0, 100, 100_000)]),
        "100000 words": lambda: pa.array([f"w{code}" for code in rng.integers(0, 100_000, 200_000)]),
    }[values]()
    assert len(pack(encode(fold(spec, made)))) <= limit
