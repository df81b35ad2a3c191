import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings

from deployments.domain.catalogue import Environment, HardwareProfile, Runtime
from deployments.domain.spec import wording
from deployments.domain.spec.checks.validate import validate
from deployments.domain.spec.fields.field import SECTIONS
from deployments.domain.spec.fields.table import FIELDS, field_for
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import Spec
from deployments.tests.domain import bad_inputs
from deployments.tests.domain.examples import ALLOWLIST, PREFIXES, PROFILE, RUNTIME, make_spec, permits_for, specs

SHAPES, VALUES = bad_inputs.load("specs"), bad_inputs.load("values")


def problems(spec: Spec, **changes: Any) -> dict[str, str]:
    known: dict[str, Any] = {
        "environment": Environment.DEV,
        "runtime": RUNTIME,
        "profile": PROFILE if spec.profile else None,
        "allowlist": ALLOWLIST,
        "max_replicas": 50,
        "metadata_prefixes": PREFIXES,
        "permitted": permits_for(spec),
    }
    return validate(spec, **(known | changes))


def changed(updates: dict[str, Any]) -> dict[str, Any]:
    document = deepcopy(make_spec().to_json())
    for path, value in updates.items():
        place = document
        *parents, last = path.split(".")
        for key in parents:
            place = place[key]
        place[last] = value
    return document


@pytest.mark.parametrize("entry", SHAPES, ids=bad_inputs.ids(SHAPES))
def test_wrong_shape_is_refused_by_path(entry: dict[str, Any]) -> None:
    with pytest.raises(SpecInvalid) as caught:
        Spec.from_json(changed(entry["set"]))
    assert entry["says"] in caught.value.errors[entry["path"]]


@pytest.mark.parametrize("entry", VALUES, ids=bad_inputs.ids(VALUES))
def test_wrong_value_is_refused_by_path(entry: dict[str, Any]) -> None:
    errors = problems(Spec.from_json(changed(entry["set"])))
    assert entry["says"] in errors[entry["path"]]


@pytest.mark.parametrize("document", [None, [], "x", 1, True])
def test_a_document_that_is_no_object(document: Any) -> None:
    with pytest.raises(SpecInvalid, match="Must be an object"):
        Spec.from_json(document)


def test_depth_is_bounded_without_recursion() -> None:
    deep: Any = []
    for _ in range(200_000):
        deep = [deep]
    with pytest.raises(SpecInvalid, match="levels deep"):
        Spec.from_json({"schema": 1, "env": deep})


def test_what_schema_1_had_and_is_not_there_is_nothing() -> None:
    document = make_spec().to_json()
    assert document.pop("service") == 80
    assert Spec.from_json(document).service is None


@pytest.mark.parametrize("path", ["replicas.mode", "strategy.type"])
def test_a_part_of_no_class_is_refused(path: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        Spec.from_json(changed({path: ""}))
    assert set(caught.value.errors) == {path}


def test_lone_surrogate_is_refused() -> None:
    with pytest.raises(SpecInvalid, match="cannot be stored"):
        Spec.from_json(changed({"model_version": "\ud800"}))


def test_size_of_the_environment_is_bounded() -> None:
    many = tuple((f"A{index}", "x") for index in range(201))
    assert "At most 200" in problems(make_spec(env=many))["env"]
    assert "32 KiB" in problems(make_spec(env=(("A", "x" * 33_000),)))["env.A"]
    big = tuple((f"A{index}", "x" * 32_000) for index in range(20))
    assert "512 KiB" in problems(make_spec(env=big))["env"]


def test_all_problems_are_told_at_once() -> None:
    document = changed({"runtime": 1, "service": "x", "replicas.count": None})
    with pytest.raises(SpecInvalid) as caught:
        Spec.from_json(document)
    assert set(caught.value.errors) == {"runtime", "service", "replicas.count"}


@given(specs())
def test_round_trip_and_validity(spec: Spec) -> None:
    again = Spec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec
    assert again.digest() == spec.digest()
    assert problems(spec) == {}


def test_the_random_specs_reach_every_field() -> None:
    seen: set[str] = set()

    @settings(max_examples=400, database=None)
    @given(specs())
    def collect(spec: Spec) -> None:
        seen.update(field_for(path).path for path in wording.values(spec) if path != "replicas.mode")

    collect()
    assert {field.path for field in FIELDS} - seen == {"replicas.mode"}


def test_order_of_variables_does_not_change_the_digest() -> None:
    one, other = (("A", "1"), ("B", "2")), (("B", "2"), ("A", "1"))
    assert make_spec(env=one) == make_spec(env=other)
    assert make_spec(env=one).digest() == make_spec(env=other).digest()
    assert make_spec(env=one).digest() != make_spec(env=(("A", "1"), ("B", "3"))).digest()


def test_unknown_runtime_and_profile_are_named() -> None:
    errors = problems(make_spec(), runtime=None, profile=None)
    assert set(errors) == {"runtime", "profile"}


def test_fields_are_unique_and_in_known_sections() -> None:
    paths = [field.path for field in FIELDS]
    assert len(set(paths)) == len(paths)
    assert {field.section for field in FIELDS} == set(SECTIONS)
    assert all(field.label and field.kubernetes_name and field.help for field in FIELDS)
    assert field_for("env.LOG_LEVEL").path == "env"
    with pytest.raises(KeyError):
        field_for("nonsense")


def test_catalogue_round_trip() -> None:
    assert Runtime.from_json(json.loads(json.dumps(RUNTIME.to_json()))) == RUNTIME
    assert HardwareProfile.from_json(json.loads(json.dumps(PROFILE.to_json()))) == PROFILE
