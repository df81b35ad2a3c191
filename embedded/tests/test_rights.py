"""The whole of what the product may do in a cluster, read from its manifest."""

from __future__ import annotations

from typing import Any

import pytest

from embedded.kubernetes.api import read_manifests

ROLES = {entry["metadata"]["name"]: entry for entry in read_manifests("rbac.yaml") if entry["kind"] == "ClusterRole"}
RULES = [
    pytest.param(rule, id=f"{name}-{'+'.join(rule['resources'])}")
    for name, role in ROLES.items()
    for rule in role["rules"]
]
FORBIDDEN = {
    "secrets",
    "pods/exec",
    "pods/attach",
    "pods/portforward",
    "pods/proxy",
    "serviceaccounts/token",
    "nodes/proxy",
}


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_reaches_further_than_it_says(rule: dict[str, Any]) -> None:
    assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
    assert not FORBIDDEN & set(rule["resources"])
    assert not {"escalate", "bind", "impersonate", "deletecollection"} & set(rule["verbs"])
    assert "rbac.authorization.k8s.io" not in rule["apiGroups"]


def test_reading_is_all_that_is_granted_for_the_cluster() -> None:
    bound = [entry for entry in read_manifests("rbac.yaml") if entry["kind"] == "ClusterRoleBinding"]
    assert [entry["roleRef"]["name"] for entry in bound] == ["barista-reader"]
    verbs = {verb for rule in ROLES["barista-reader"]["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}


def test_a_served_namespace_is_restricted_and_bound() -> None:
    namespace, binding = read_manifests("namespace.yaml", namespace="recs-dev")
    assert namespace["metadata"]["name"] == binding["metadata"]["namespace"] == "recs-dev"
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert binding["kind"] == "RoleBinding"
    assert binding["roleRef"]["name"] == "barista-writer"
