import ast
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from deployments.domain.checker import check as checker
from deployments.domain.checker import permits, rules
from deployments.domain.checker.check import check
from deployments.domain.manifests.render import canonical_json
from deployments.domain.spec.parts import Autoscale, Budget, ScalePolicy
from deployments.tests.domain import bad_inputs
from deployments.tests.domain.examples import ALLOWLIST, make_spec, permits_for, rendered

ATTACKS = bad_inputs.load("attacks")
GOOD = make_spec(
    replicas=Autoscale(1, 3, scale_up=ScalePolicy(pods=4)),
    ingress_host="ranker.models.example.com",
    budget=Budget(max_unavailable=1),
)


def run(objects: Any, **changes: Any) -> list[checker.Violation]:
    known: dict[str, Any] = {
        "namespace": "search-dev",
        "install_id": "install-1",
        "allowlist": ALLOWLIST,
        "permits": permits_for(GOOD),
        "pull_secrets": ["registry.key"],
    }
    return check(objects, **(known | changes))


def attacked(entry: dict[str, Any]) -> bytes:
    kind = entry.get("kind", "Deployment")
    target = deepcopy(next(item for item in rendered(GOOD).objects() if item["kind"] == kind))
    *parents, last = [step.replace("~", ".") for step in entry["at"].split(".")]
    place: Any = target
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if "merge" in entry:
        place[last] |= entry["merge"]
    elif isinstance(place, list):
        place[int(last) : int(last) + 1] = [entry["set"]]
    elif entry["set"] is None:
        del place[last]
    else:
        place[last] = entry["set"]
    return canonical_json(target)


def test_what_the_renderer_makes_passes() -> None:
    assert run(canonical_json(rendered(GOOD).objects())) == []
    assert run(rendered(GOOD).objects()) == []
    assert run(canonical_json(rendered(GOOD).deployment)) == []


def test_a_variable_of_the_loader_passes_only_where_the_runtime_sets_it() -> None:
    entry = {"at": "spec.template.spec.containers.0.env.0", "set": {"name": "LD_PRELOAD", "value": "/usr/lib/x.so"}}
    assert run(attacked(entry), runtime_env=["LD_PRELOAD"]) == []
    assert run(attacked(entry), runtime_env=["LD_LIBRARY_PATH"])


@pytest.mark.parametrize("entry", ATTACKS, ids=bad_inputs.ids(ATTACKS))
def test_attack_never_passes(entry: dict[str, Any]) -> None:
    found = run(attacked(entry))
    assert found
    assert all(violation.message for violation in found)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"null",
        b"[]x",
        b'"text"',
        b"[1]",
        b'{"kind":"Deployment","kind":"Pod"}',
        b'{"a":NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b" " * 2_000_001,
    ],
)
def test_unreadable_bytes_never_pass(sent: bytes) -> None:
    assert run(sent)


def test_a_key_named_twice_is_refused() -> None:
    sent = canonical_json(rendered().deployment).replace(b'"paused":false', b'"paused":false,"paused":true')
    assert "twice" in run(sent)[0].message


def test_service_accounts_of_the_catalogue_pass() -> None:
    deployment = rendered().deployment
    deployment["spec"]["template"]["spec"]["serviceAccountName"] = "model-reader"
    assert run([deployment])
    assert run([deployment], service_accounts=["model-reader"]) == []


@pytest.mark.parametrize(
    "changes", [{"install_id": ""}, {"namespace": ""}, {"namespace": "kube-system"}, {"allowlist": ()}]
)
def test_nothing_passes_without_a_mark_a_namespace_or_an_allowlist(changes: dict[str, Any]) -> None:
    deployment = rendered().deployment
    deployment["metadata"]["namespace"] = changes.get("namespace", "search-dev")
    assert run([deployment], **changes)


def test_prefixes_of_the_platform_pass_and_reserved_ones_never_do() -> None:
    deployment = rendered(
        make_spec(labels=(("example.com/team", "a"),), annotations=(("b.example.com/x", "y"),))
    ).deployment
    assert run([deployment])
    assert run([deployment], label_prefixes=["example.com/", "b.example.com/"]) == []
    for key in ("sidecar.istio.io/inject", "nginx.ingress.kubernetes.io/configuration-snippet", "k8s.io/x"):
        bad = rendered().deployment
        bad["spec"]["template"]["metadata"]["annotations"] = {key: "x"}
        assert run([bad], label_prefixes=["example.com/", f"{key.partition('/')[0]}"])
        if "k8s.io" in key or "kubernetes.io" in key:
            assert run([bad], label_prefixes=[f"{key.partition('/')[0]}/"])


def test_it_shares_no_code_with_the_renderer() -> None:
    for module in (checker, rules, permits):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        ours = {name for name in imported if name and name.startswith("deployments")}
        shared = {"deployments.domain.text", "deployments.domain.permits"}
        assert ours <= {"deployments.domain.checker", "deployments.domain.checker.rules"} | shared
        assert "manifests" not in named


def test_every_leaf_of_every_object_is_listed_by_path() -> None:
    """Adding any unknown key at any depth is refused."""
    for item in rendered(GOOD).objects():
        for place in dict_paths(item):
            damaged = json.loads(json.dumps(item))
            inner = damaged
            for step in place:
                inner = inner[step]
            inner["unknownField"] = {"nested": True}
            assert run([damaged]), place


def dict_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(found for key, item in value.items() for found in dict_paths(item, (*path, key)))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in dict_paths(item, (*path, index))]
    return []
