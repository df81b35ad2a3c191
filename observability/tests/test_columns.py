"""What columns are proposed to be, which may name persons, and what a person may make of them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from observability.domain.propose.forced import feature_as
from observability.domain.propose.propose import propose
from observability.domain.sources.columns import Column, Role, problem_of, propose_columns, roles_json
from observability.domain.sources.sensitive import masked, suspicion
from observability.domain.specs.spec import Kind, SpecError

ROWS = 2_000
RNG = np.random.default_rng(7)
CANARY = "canary.7731@example.com"


def sample() -> pa.Table:
    start = 1_780_000_000_000
    return pa.table(
        {
            "event_ts": pa.array(start + np.arange(ROWS) * 1_000, pa.timestamp("ms", tz="UTC")),
            "request_id": [f"r-{n:08d}" for n in range(ROWS)],
            "model_version": ["29", "30"] * (ROWS // 2),
            "score": RNG.random(ROWS).astype("float32"),
            "buyer_email": [f"{n}.{CANARY}" for n in range(ROWS)],
            "contact": [CANARY if n % 3 else "none" for n in range(ROWS)],
            "lat": 40.71 + RNG.normal(0, 0.01, ROWS),
            "zip_code": [f"{n % 100:05d}" for n in range(ROWS)],
            "price_usd": RNG.lognormal(3, 1, ROWS),
            "device": ["ios", "android", "web", "web"] * (ROWS // 4),
        }
    )


@pytest.fixture(scope="module")
def columns() -> dict[str, Column]:
    table = sample()
    texts = {name: table[name].to_pylist() for name in table.column_names if pa.types.is_string(table[name].type)}
    types = {field.name: str(field.type) for field in table.schema}
    found = propose_columns(propose(table).features, types, {"payload": "not supported: objects"}, texts)
    return {one.name: one for one in found}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("event_ts", Role.TIME),
        ("request_id", Role.ID),
        ("model_version", Role.VERSION),
        ("score", Role.SCORE),
        ("price_usd", Role.FEATURE),
        ("payload", Role.LEFT_OUT),
    ],
)
def test_roles_are_proposed(columns: dict[str, Column], name: str, role: Role) -> None:
    assert columns[name].role is role


@pytest.mark.parametrize("name", ["buyer_email", "contact", "lat", "zip_code"])
def test_what_may_name_a_person_is_marked_before_anybody_looks(columns: dict[str, Column], name: str) -> None:
    assert columns[name].is_sensitive
    assert columns[name].doubt


def test_nothing_of_a_sensitive_column_is_in_what_is_proposed(columns: dict[str, Column]) -> None:
    told = json.dumps([one.to_json() for one in columns.values()])
    assert CANARY not in told
    assert "canary" not in told
    assert columns["contact"].feature.vocabulary == ()
    assert columns["zip_code"].feature.table_limit == 0


def test_what_to_look_at_comes_first(columns: dict[str, Column]) -> None:
    doubts = [bool(one.doubt) for one in columns.values()]
    assert doubts == sorted(doubts, reverse=True)


def test_a_column_comes_back_from_json_as_it_was(columns: dict[str, Column]) -> None:
    for one in columns.values():
        assert Column.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_roles_become_the_columns_of_a_spec(columns: dict[str, Column]) -> None:
    told = roles_json(list(columns.values()), unit="ms")
    assert told["time"] == {"column": "event_ts", "unit": "ms", "zone": "UTC"}
    assert (told["prediction_id"], told["model_version"], told["scores"]) == ("request_id", "model_version", ["score"])


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"a": Role.FEATURE}, "event time"),
        ({"a": Role.TIME, "b": Role.TIME}, "a or b"),
        ({"a": Role.TIME, "b": Role.LEFT_OUT}, "Every column is left out"),
        ({"a": Role.TIME, "b": Role.FEATURE}, ""),
    ],
)
def test_roles_that_do_not_go_together_are_said(roles: dict[str, Role], said: str) -> None:
    problem = problem_of([Column(name=name, type="", role=role) for name, role in roles.items()])
    assert said in problem
    assert bool(said) == bool(problem)


def test_a_sensitive_column_cannot_name_windows() -> None:
    found = [
        Column(name="at", type="", role=Role.TIME),
        Column(name="x", type="", role=Role.FEATURE),
        Column(name="user", type="", role=Role.SEGMENT, is_sensitive=True),
    ]
    assert "values of the segment" in problem_of(found)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("x", ["10.0.0.1"] * 10, "networks"),
        ("x", ["+31 20 123 4567"] * 10, "telephone"),
        ("x", ["NL91ABNA0417164300"] * 10, "account"),
        ("x", ["a@b.example"] * 3 + ["none"] * 7, "e-mail"),
        ("customerEmail", [], "e-mail address"),
        ("shipping_address", [], "address"),
        ("dob", [], "birth"),
        ("x", ["1.5"] * 10, ""),
        ("mailbox_count", [], ""),
        ("price", ["12"] * 10, ""),
        ("x", ["@" * 100_000] * 10, ""),
    ],
)
def test_suspicion_is_said_without_a_value(name: str, values: list[str], said: str) -> None:
    told = suspicion(name, values)
    assert said in told
    assert bool(said) == bool(told)
    assert not any(value in told for value in values)


def test_a_masked_spec_holds_no_value_of_the_sample() -> None:
    features = {one.name: masked(one) for one in propose(sample())}
    assert all(not one.vocabulary and not one.atoms and not one.table_limit for one in features.values())
    assert features["lat"].centre != pytest.approx(float(np.median(sample()["lat"])), abs=1e-9)
    assert abs(features["lat"].centre - 40.71) < 0.2


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3] * 100, Kind.CATEGORY),
        ([1, 2, 3] * 100, Kind.ID),
        ([5, 50, 500] * 100, Kind.CODE),
        (["1", "22", "333"] * 100, Kind.NUMERIC),
        (["a", "b"] * 100, Kind.TEXT),
        (["a", "b"] * 100, Kind.ID),
        ([1_780_000_000, 1_780_000_100] * 100, Kind.TIMESTAMP),
        (["y", "x"] * 100, Kind.BOOLEAN),
    ],
)
def test_a_person_may_choose_another_kind(values: list, kind: Kind) -> None:  # type: ignore[type-arg]
    assert feature_as("x", pa.array(values), kind).kind is kind


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (["a", "b"], Kind.NUMERIC, "numbers"),
        (["a", "b"], Kind.TIMESTAMP, "times"),
        ([1, 2], Kind.TIMESTAMP, "unix times"),
        ([1.5, 2.5], Kind.CATEGORY, "category"),
        ([1, 2, 3], Kind.BOOLEAN, "two values"),
        ([1, 2], Kind.TEXT, "length"),
        ([1, 2], Kind.EMBEDDING, "lists of numbers"),
        ([[1.0, 2.0]], Kind.NUMERIC, "nothing else"),
    ],
)
def test_a_kind_that_does_not_fit_is_refused_without_a_value(values: list, kind: Kind, said: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(SpecError, match=said):
        feature_as("x", pa.array(values), kind)
