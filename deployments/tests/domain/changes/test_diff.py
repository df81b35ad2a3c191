import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from deployments.domain.changes.diff import (
    blast_radius,
    flatten,
    manifest_diff,
    needs_restart,
    spec_diff,
    strip_server_fields,
    three_way,
    unified_lines,
)
from deployments.domain.spec.parts import Autoscale, Fixed, Recreate, Resources
from deployments.domain.spec.spec import Spec
from deployments.tests.domain.examples import GIB, make_spec, rendered, specs


def test_changes_in_words_and_in_the_forms_order() -> None:
    old = make_spec(profile=None, resources=Resources(cpu_request=500, memory_request=GIB, memory_limit=2 * GIB))
    new = replace(
        old,
        model_version="43",
        env=(("LOG_LEVEL", "debug"), ("NEW", "1")),
        replicas=Autoscale(2, 6),
        resources=Resources(cpu_request=500, memory_request=GIB, memory_limit=6 * GIB),
    )
    found = [(change.label, change.before, change.after) for change in spec_diff(old, new)]
    assert found == [
        ("Model version", "42", "43"),
        ("Variable LOG_LEVEL", "info", "debug"),
        ("Variable NEW", "", "1"),
        ("Memory limit", "2 GiB", "6 GiB"),
        ("Scaling mode", "Fixed number", "Follows the load"),
        ("Replicas", "1", ""),
        ("Min replicas", "", "2"),
        ("Max replicas", "", "6"),
        ("CPU target", "", "70 %"),
    ]


def test_other_spelling_of_a_quantity_is_no_change() -> None:
    document = make_spec(
        profile=None, resources=Resources(cpu_request=500, memory_request=GIB, memory_limit=GIB)
    ).to_json()
    other = json.loads(json.dumps(document))
    other["resources"] |= {"cpu_request": "0.5", "memory_request": "1024Mi"}
    assert spec_diff(Spec.from_json(document), Spec.from_json(other)) == ()


def test_first_revision_shows_everything_that_is_set() -> None:
    paths = [change.path for change in spec_diff(None, make_spec())]
    assert "artifact_uri" in paths
    assert "env.LOG_LEVEL" in paths
    assert "image_override" not in paths


@given(specs(), specs())
def test_diff_is_empty_exactly_for_equal_specs_and_swaps_sides(one: Spec, two: Spec) -> None:
    assert spec_diff(one, one) == ()
    forward, back = spec_diff(one, two), spec_diff(two, one)
    assert bool(forward) == (one != two)
    assert [(item.path, item.after, item.before) for item in forward] == [
        (item.path, item.before, item.after) for item in back
    ]


@given(specs(), specs())
def test_manifest_diff_then_apply_is_identity(one: Spec, two: Spec) -> None:
    for live, desired in zip(rendered(one).objects()[:1], rendered(two).objects()[:1], strict=True):
        leaves = flatten(live)
        for change in manifest_diff(live, desired):
            assert leaves.get(change.path) == change.before
            if change.op == "remove":
                del leaves[change.path]
            else:
                leaves[change.path] = change.after
        assert leaves == flatten(desired)


def test_three_way_flags_only_real_conflicts() -> None:
    base = make_spec()
    yours = replace(base, model_version="43", replicas=Fixed(3), service=81)
    theirs = replace(base, model_version="44", replicas=Fixed(3), ingress_host="a.example.com")
    rows = {row.path: (row.yours, row.theirs, row.is_conflict) for row in three_way(base, yours, theirs)}
    assert rows == {
        "model_version": ("43", "44", True),
        "replicas.count": ("3", "3", False),
        "service": ("81", "80", False),
        "ingress_host": ("", "a.example.com", False),
    }


def test_manifest_diff_names_operations_and_ignores_the_server() -> None:
    desired = rendered().deployment
    live = json.loads(json.dumps(desired))
    live["metadata"] |= {
        "uid": "1",
        "resourceVersion": "5",
        "generation": 3,
        "managedFields": [],
        "creationTimestamp": "x",
    }
    live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "3"
    live["status"] = {"replicas": 1}
    assert manifest_diff(live, desired) == []
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "old"
    live["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "EXTRA", "value": "1"})
    del live["spec"]["strategy"]
    found = {(change.op, change.path) for change in manifest_diff(live, desired)}
    base = "spec.template.spec.containers[model]"
    assert ("change", f"{base}.image") in found
    assert ("remove", f"{base}.env[EXTRA].value") in found
    assert ("add", "spec.strategy.type") in found
    assert any(line.startswith("-") and "EXTRA" in line for line in unified_lines(live, desired))
    assert unified_lines(desired, desired) == []
    assert all(line.startswith(("+", "@")) for line in unified_lines(None, desired))


def test_strip_leaves_the_original_alone() -> None:
    live = {"metadata": {"uid": "1", "name": "a"}, "status": {}}
    assert strip_server_fields(live) == {"metadata": {"name": "a"}}
    assert "uid" in live["metadata"]


def test_restart_is_the_difference_of_templates() -> None:
    template = rendered().deployment["spec"]["template"]
    assert not needs_restart(template | {"metadata": template["metadata"] | {"creationTimestamp": None}}, template)
    assert needs_restart(template, rendered(restarted_at="now").deployment["spec"]["template"])


@pytest.mark.parametrize(
    ("restarts", "pods", "new", "says"),
    [
        (True, 3, make_spec(), "Replaces all 3 pods in production, gradually."),
        (True, 1, make_spec(), "Replaces the pod in production, gradually."),
        (True, 2, make_spec(strategy=Recreate()), "an interruption"),
        (True, 0, make_spec(), "takes effect when it wakes"),
        (False, 3, make_spec(), "without replacing a pod"),
        (None, 3, make_spec(), "Probably replaces all 3 pods"),
    ],
)
def test_blast_radius(restarts: bool | None, pods: int, new: Spec, says: str) -> None:
    changes = spec_diff(make_spec(), make_spec(model_version="43"))
    assert says in blast_radius(changes, restarts=restarts, pods=pods, environment_label="Production", new=new)


@pytest.mark.parametrize("restarts", [True, False, None])
def test_blast_radius_tells_of_more_or_fewer_pods(restarts: bool | None) -> None:
    for now, new, says in (
        (Fixed(4), Fixed(1), "goes from 4 to 1 pods"),
        (Autoscale(1, 3), Autoscale(1, 9), "lets the autoscaler run up to 9 pods"),
    ):
        changes = spec_diff(make_spec(replicas=now), make_spec(replicas=new, model_version="43"))
        assert says in blast_radius(changes, restarts=restarts, pods=4, environment_label="Production")


def test_blast_radius_of_nothing() -> None:
    assert blast_radius((), restarts=False, pods=1, environment_label="Production") == "Nothing changes."


@pytest.mark.parametrize("value", [{}, [], None, 1, "x", [1, 2], {"a": []}])
def test_flatten_keeps_empty_collections_as_leaves(value: Any) -> None:
    leaves = flatten({"k": value})
    assert leaves
    assert all(not isinstance(leaf, dict) or not leaf for leaf in leaves.values())


def test_pods_that_somebody_took_away_start_with_the_apply() -> None:
    said = blast_radius(
        spec_diff(make_spec(), make_spec(model_version="43")),
        restarts=True,
        pods=0,
        environment_label="Staging",
        is_asleep=False,
    )
    assert said == "No pods run in staging now: applying starts them."
