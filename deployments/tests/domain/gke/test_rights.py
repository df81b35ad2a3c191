"""The rights that are asked for and printed are those of the installation's roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from deployments.domain.gke.rights import READER, WRITER, Rules, each, reader_yaml, summed_up, writer_yaml

WHO = "barista@acme-models.iam.gserviceaccount.com"
INSTALLED = Path(settings.BASE_DIR) / "embedded/kubernetes/manifests/rbac.yaml"


def granted(role: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize(("name", "rules"), [("barista-reader", READER), ("barista-writer", WRITER)])
def test_the_rights_asked_for_are_those_of_the_installed_role(name: str, rules: Rules) -> None:
    roles = {(row["kind"], row["metadata"]["name"]): row for row in yaml.safe_load_all(INSTALLED.read_text())}
    asked = {
        (right.group, f"{right.resource}/{right.subresource}" if right.subresource else right.resource, right.verb)
        for right in each(rules)
    }
    assert asked == granted(roles["ClusterRole", name])


def test_the_printed_yaml_gives_the_same_rights_to_the_user() -> None:
    role, binding = yaml.safe_load_all(reader_yaml(WHO))
    assert granted(role) == {row for right in READER for row in ((right[0], right[1], verb) for verb in right[2])}
    assert (binding["kind"], binding["roleRef"]["name"]) == ("ClusterRoleBinding", "barista-reader")
    assert binding["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": WHO}]


def test_writing_is_given_per_namespace_only() -> None:
    _, *bindings = yaml.safe_load_all(writer_yaml(WHO, ["search-dev", "search-prod"]))
    assert [(row["kind"], row["metadata"]["namespace"]) for row in bindings] == [
        ("RoleBinding", "search-dev"),
        ("RoleBinding", "search-prod"),
    ]


def test_a_user_of_kubernetes_is_quoted() -> None:
    _, binding = yaml.safe_load_all(reader_yaml("system:serviceaccount:barista-system:barista"))
    assert binding["subjects"][0]["name"] == "system:serviceaccount:barista-system:barista"


def test_many_rights_are_summed_up() -> None:
    assert summed_up(list(each(WRITER)), most=1) == "create deployments.apps and 17 more"
