"""What a column is taken for: a table of cases."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from observability.domain.propose.propose import propose, propose_feature
from observability.domain.propose.scale import place
from observability.domain.specs.spec import FeatureSpec, Kind, Spec, SpecError

N = 5_000
RNG = np.random.default_rng(0)
WORDS = pa.array([f"{word} and some more words about it" for word in RNG.integers(0, 10**9, N)])

CASES = [
    ("price", RNG.lognormal(3, 1, N), Kind.NUMERIC),
    ("score", RNG.beta(2, 20, N), Kind.NUMERIC),
    ("amount_cents", RNG.lognormal(8, 1, N).astype(np.int64), Kind.NUMERIC),
    ("rating", RNG.integers(1, 6, N), Kind.NUMERIC),
    ("age", RNG.integers(18, 90, N), Kind.NUMERIC),
    ("year", RNG.integers(2015, 2025, N), Kind.NUMERIC),
    ("clicked", RNG.integers(0, 2, N), Kind.BOOLEAN),
    ("clicked", RNG.integers(0, 2, N).astype(float), Kind.BOOLEAN),
    ("flag", RNG.random(N) < 0.5, Kind.BOOLEAN),
    ("user_id", RNG.integers(1, 10**9, N), Kind.ID),
    ("id", np.arange(N) + 10**12, Kind.ID),
    ("row", np.arange(N), Kind.ID),
    ("request", pa.array([f"{number:032x}" for number in RNG.integers(0, 2**62, N)]), Kind.ID),
    ("snowflake", RNG.integers(2**60, 2**61, N), Kind.ID),
    ("zip", RNG.integers(501, 99_950, N), Kind.CODE),
    ("zip_code", pa.array([f"{number:05d}" for number in RNG.integers(501, 9_950, N)]), Kind.CODE),
    ("status_code", RNG.choice([200, 301, 404, 500], N), Kind.CODE),
    ("area_code", RNG.integers(200, 999, N), Kind.CODE),
    ("merchant_id", RNG.integers(1, 50, N), Kind.CODE),
    ("postal_code", pa.array([f"{number:05d}" for number in RNG.permutation(99_999)[:N]]), Kind.CODE),
    ("price_cents", RNG.integers(1, 10**7, N), Kind.NUMERIC),
    ("label", pa.array(["0", "1"] * 50), Kind.BOOLEAN),
    ("reading", pa.array([f"{number:.3f}" for number in RNG.normal(size=N)]), Kind.NUMERIC),
    ("created", np.where(RNG.random(N) < 0.2, -1, RNG.integers(1_690_000_000, 1_700_000_000, N)), Kind.TIMESTAMP),
    ("last_login", np.where(RNG.random(N) < 0.1, 0, RNG.integers(1_690_000_000, 1_700_000_000, N)), Kind.TIMESTAMP),
    ("us", RNG.integers(1_690_000_000 * 10**6, 1_700_000_000 * 10**6, N), Kind.TIMESTAMP),
    ("ns", RNG.integers(1_690_000_000 * 10**9, 1_700_000_000 * 10**9, N), Kind.TIMESTAMP),
    ("seen", RNG.uniform(1_690_000_000, 1_700_000_000, N), Kind.TIMESTAMP),
    ("raw", pa.array([b"a", b"\xff"] * 10), Kind.CATEGORY),
    ("created", RNG.integers(1_690_000_000, 1_700_000_000, N), Kind.TIMESTAMP),
    ("ts", RNG.integers(1_690_000_000_000, 1_700_000_000_000, N), Kind.TIMESTAMP),
    ("event_time", RNG.integers(1_690_000_000, 1_700_000_000, N).astype(float), Kind.TIMESTAMP),
    ("x", RNG.integers(1_690_000_000, 1_700_000_000, N), Kind.TIMESTAMP),
    ("x", 1e9 + RNG.normal(0, 50, N), Kind.NUMERIC),  # too close together for a log's times
    ("revenue_total", RNG.integers(1_000_000_000, 1_400_000_000, N), Kind.NUMERIC),
    ("event_ms", RNG.integers(1_690_000_000_000, 1_700_000_000_000, N), Kind.TIMESTAMP),
    ("at", pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 10), Kind.TIMESTAMP),
    ("day", pa.array([date(2024, 1, 1)] * 10), Kind.TIMESTAMP),
    ("day", pa.array(["2024-01-01", "2024-02-01"] * 50), Kind.TIMESTAMP),
    ("country", pa.array(RNG.choice(["de", "fr", "us"], N)), Kind.CATEGORY),
    ("query", WORDS, Kind.TEXT),
    ("vector", pa.array([[1.0, 2.0, 3.0]] * 10), Kind.EMBEDDING),
    ("empty", pa.array([None] * 10, pa.float64()), Kind.CATEGORY),
]


@pytest.mark.parametrize(
    ("name", "values", "kind"), CASES, ids=[f"{name}-{place}" for place, (name, _, _) in enumerate(CASES)]
)
def test_kinds(name: str, values: object, kind: Kind) -> None:
    found = propose_feature(name, values if isinstance(values, pa.Array) else pa.array(values))
    assert found.kind is kind, found.reason
    assert found.reason


def test_sentinels_become_atoms() -> None:
    values = np.concatenate([RNG.normal(50, 10, 4_000), np.full(500, -1.0), np.full(500, 999.0)])
    found = propose_feature("x", pa.array(values))
    assert found.atoms == (-1.0, 999.0)
    assert "-1, 999" in found.reason


@pytest.mark.parametrize(
    ("values", "atoms"),
    [
        (np.where(RNG.random(N) < 0.1, -1, RNG.integers(18, 90, N)), (-1.0,)),
        (np.where(RNG.random(N) < 0.1, 999, RNG.poisson(30, N)), (999.0,)),
        (np.where(RNG.random(N) < 0.01, -999.0, RNG.normal(50, 10, N)), (-999.0,)),
        (RNG.integers(-1, 2, N), ()),  # a sign, not an unknown
        (RNG.integers(0, 1_500, N), ()),  # 999 is one amount among others
        (RNG.integers(-50, 50, N), ()),
    ],
)
def test_sentinels_among_integers_and_rare_ones(values: np.ndarray, atoms: tuple[float, ...]) -> None:
    found = propose_feature("x", pa.array(values))
    assert found.kind is Kind.NUMERIC
    assert found.atoms == atoms
    assert ("look like sentinels" in found.reason) == bool(atoms)


@pytest.mark.parametrize("values", [pa.array([["a"]]), pa.array([{"x": 1}]), pa.array([1], pa.duration("s"))])
def test_what_cannot_be_folded_is_named(values: pa.Array) -> None:
    with pytest.raises(SpecError, match="not supported: column 'odd' of type"):
        propose_feature("odd", values)


def test_mostly_zeros() -> None:
    found = propose_feature("x", pa.array(np.where(RNG.random(N) < 0.9, 0.0, RNG.lognormal(0, 1, N))))
    assert found.atoms == (0.0,)


def test_near_constants_are_centred() -> None:
    found = propose_feature("x", pa.array(1000 + RNG.uniform(-0.1, 0.1, N)))
    assert abs(found.centre - 1000) < 0.1
    assert found.unit_exponent < -3


def test_decades_apart_are_said() -> None:
    found = propose_feature(
        "x", pa.array(np.where(RNG.random(N) < 0.5, RNG.normal(0.01, 1e-4, N), RNG.normal(1e6, 10, N)))
    )
    assert "decades apart" in found.reason


def test_longitudes_and_years_stay_sharp() -> None:
    for values in (RNG.normal(-73.98, 0.02, N), RNG.normal(1.7e9, 1e5, N)):
        chosen = place(values)
        assert chosen.largest < 0.02


def test_vocabulary_is_by_frequency() -> None:
    words = pa.array(["b"] * 5 + ["a"] * 9 + ["c"] * 5)
    assert propose_feature("x", words).vocabulary == ("a", "b", "c")


def test_a_spec_survives_json() -> None:
    spec = propose(
        pa.table({f"{name}{place}": pa.array(values)[:10] for place, (name, values, _) in enumerate(CASES[:3])})
    )
    again = Spec.loads(spec.dumps())
    assert again.dumps() == spec.dumps()
    assert again.digest == spec.digest
    exact = Spec((FeatureSpec(name="t", kind=Kind.TIMESTAMP, centre=2**62 + 1, time_unit="ns"),))
    assert Spec.loads(exact.dumps()).features[0].centre == 2**62 + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "a spec is an object"),
        ('{"format": 1, "features": [{"name": "x"}]}', "lacks 'kind'"),
        ('{"format": 1, "features": [{"name": "x", "kind": "blob"}]}', "unknown kind 'blob'"),
        ('{"format": 1, "features": [{"name": "x", "kind": "numeric", "color": 1}]}', "unknown field 'color'"),
        ('{"format": 1, "features": [{"name": "x", "kind": "numeric", "resolution": 10}]}', "resolution must be"),
        ('{"format": 1, "features": [{"name": "", "kind": "numeric"}]}', "must have 1 to 512 bytes"),
        ('{"format": 1, "features": [7]}', "each feature of a spec is an object"),
        ('{"format": 1, "features": [{"name": 5, "kind": "id"}]}', "name cannot be 5"),
        ('{"format": 1, "features": [{"name": "x", "kind": []}]}', "kind cannot be"),
        ('{"format": 1, "features": [{"name": "x", "kind": "id", "vocabulary": null}]}', "vocabulary cannot be None"),
        ('{"format": 1, "features": [{"name": "x", "kind": "id", "atoms": ["x"]}]}', "atoms holds a value of another"),
        ('{"format": 1, "features": [{"name": "x", "kind": "id", "unit_exponent": 1.5}]}', "unit_exponent cannot be"),
        ('{"format": 1, "version": "x", "features": []}', "version of a spec is a whole number"),
        ('{"format": 1, "features": [{"name": "x", "kind": "timestamp"}]}', "a timestamp needs time_unit"),
        (
            '{"format": 1, "features": [{"name": "x", "kind": "id"}, {"name": "x", "kind": "id"}]}',
            "appears twice in the spec",
        ),
    ],
)
def test_specs_that_cannot_be_used(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Spec.loads(text)
