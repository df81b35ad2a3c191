"""The rows of the settings against the classes they describe and the objects that are rendered from them."""

from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest

from deployments.domain.catalogue import Probe
from deployments.domain.changes.diff import flatten
from deployments.domain.spec.checks.values import problem_of
from deployments.domain.spec.fields.field import NEEDED, Bounds, Field, InputKind
from deployments.domain.spec.fields.table import FIELDS, INPUTS, OWNERS, place_of, variants
from deployments.domain.spec.parts import (
    Autoscale,
    Budget,
    Fixed,
    Recreate,
    Resources,
    RollingUpdate,
    ScalePolicy,
    Spread,
)
from deployments.domain.spec.spec import Spec
from deployments.forms.spec import inputs
from deployments.tests.domain.examples import make_spec, rendered
from deployments.tests.domain.seeded_specs import seeded_spec
from deployments.tests.domain.spec.test_schema import FULL

PARTS: dict[str, tuple[type, ...]] = {
    "resources": (Resources,),
    "replicas": (Fixed, Autoscale),
    "strategy": (RollingUpdate, Recreate),
}
MEMBERS: dict[InputKind, type] = {InputKind.PROBE: Probe, InputKind.PACE: ScalePolicy, InputKind.SPREAD: Spread}
NUMBERS = (InputKind.NUMBER, InputKind.PORT, InputKind.SECONDS, InputKind.PERCENT, InputKind.CPU, InputKind.MEMORY)
# Their limits depend on the installation or on another setting: checks/scaling.py and checks/container.py.
ELSEWHERE = {"replicas.count", "replicas.min", "replicas.max", "pre_stop_sleep_s"}
# Seeds draw no ephemeral storage: what they render is kept as it was before it could be asked for.
SPECS = [
    *(seeded_spec(seed) for seed in range(200)),
    *(replace(seeded_spec(seed), ephemeral_request=seed << 30, ephemeral_limit=40 << 30) for seed in range(1, 20)),
    FULL,
]


def attributes() -> Iterator[tuple[str, Any]]:
    """Every attribute of a spec and of its parts, with its default."""
    for item in fields(Spec):
        for part in PARTS.get(item.name, ()):
            for member in fields(part):
                yield f"{item.name}.{member.name}", default_of(member)
        if item.name not in PARTS:
            yield item.name, default_of(item)


def default_of(item: Any) -> Any:
    return NEEDED if item.default is MISSING else item.default


def test_every_attribute_has_one_row_and_every_row_an_attribute() -> None:
    choosers = [variants(part)[0].path for part in ("replicas", "strategy")]
    assert sorted(row.path for row in FIELDS) == sorted([path for path, _ in attributes()] + choosers)


def test_every_row_has_the_default_of_its_class() -> None:
    rows = {row.path: row.default for row in FIELDS if not row.variants}
    assert rows == dict(attributes())


def test_a_part_of_several_classes_has_a_variant_for_each() -> None:
    for part in ("replicas", "strategy"):
        row, offered = variants(part)
        assert tuple(variant.of for variant in offered) == PARTS[part]
        assert row.value_in(make_spec()) == offered[0].value, "the default is the first"


@pytest.mark.parametrize("row", [row for row in FIELDS if row.kind in MEMBERS], ids=lambda row: row.path)
def test_a_setting_of_several_parts_has_one_for_each_member_with_its_default(row: Field) -> None:
    expected = {item.name: None if item.default is MISSING else item.default for item in fields(MEMBERS[row.kind])}
    assert {item.key: item.default for item in row.parts} == expected


def test_a_budget_is_of_one_of_its_members() -> None:
    kind = INPUTS["budget.kind"]
    assert {value for value, _ in kind.choices} - {""} == {item.name for item in fields(Budget)}


@pytest.mark.parametrize("row", FIELDS, ids=lambda row: row.path)
def test_a_row_is_complete(row: Field) -> None:
    assert row.label
    assert row.help
    assert row.kubernetes_name
    assert bool(row.inputs) is (row.kind is not InputKind.VARIABLES)
    for item in row.inputs:
        assert OWNERS[item.path] is row
        assert item.label
        assert item.when is None or item.when[0] in INPUTS
        assert place_of(item.path) == item.path
    if row.inputs:
        assert place_of(row.path) == row.inputs[0].path


@pytest.mark.parametrize("row", [row for row in FIELDS if row.kind in NUMBERS], ids=lambda row: row.path)
def test_a_number_has_bounds_and_its_default_is_within(row: Field) -> None:
    assert (row.bounds is None) is (row.path in ELSEWHERE)
    if isinstance(row.default, int):
        assert problem_of(row, row.default) == ""


def test_bounds_hold_at_both_ends() -> None:
    bounds = Bounds(1, 9, "The wait must be", " seconds")
    assert [bounds.problem(value) for value in (None, 1, 9)] == ["", "", ""]
    assert bounds.problem(0) == bounds.problem(10) == "The wait must be between 1 and 9 seconds."


def leaves() -> Iterator[tuple[Spec, dict[tuple[str, str], Any]]]:
    for spec in SPECS:
        found: dict[tuple[str, str], Any] = {}
        for item in rendered(spec).objects():
            found |= {(item["kind"], path): value for path, value in flatten(item).items()}
        yield spec, found


@pytest.fixture(scope="module")
def all_leaves() -> list[tuple[Spec, dict[tuple[str, str], Any]]]:
    return list(leaves())


# Through /scale only, so that it is in no object that is applied.
UNRENDERED = {"replicas.count"}


@pytest.mark.parametrize(
    "row", [row for row in FIELDS if row.place and row.path not in UNRENDERED], ids=lambda row: row.path
)
def test_where_a_setting_lies_is_a_path_of_what_is_rendered(row: Field, all_leaves: Any) -> None:
    place = row.place
    assert place is not None
    paths = {path for _, found in all_leaves for kind, path in found if kind == place.kind}
    if place.is_value:
        assert place.path in paths
    else:
        assert any(path.startswith(place.path) for path in paths)


@pytest.mark.parametrize(
    "row",
    [row for row in FIELDS if row.place and row.place.is_value and row.path not in UNRENDERED],
    ids=lambda row: row.path,
)
def test_a_value_in_the_cluster_is_the_text_of_its_setting(row: Field, all_leaves: Any) -> None:
    assert row.place is not None
    compared = 0
    for spec, found in all_leaves:
        value = row.value_in(spec)
        live = found.get((row.place.kind, row.place.path))
        if value not in (None, "", row.default) and live is not None:
            assert inputs.show(row, value) == {row.path: str(live)}
            compared += 1
    assert compared > 10


def test_no_value_in_the_cluster_belongs_to_two_settings() -> None:
    places = [(row.place.kind, row.place.path) for row in FIELDS if row.place and row.place.is_value]
    assert len(set(places)) == len(places)
    assert len({path for _, path in places}) == len(places), "a path tells its setting without the object's kind"
