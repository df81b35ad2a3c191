import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.domain.catalogue import expand
from deployments.domain.checker import check
from deployments.domain.manifests import CONTAINER, canonical_json, escape_expansion
from deployments.domain.spec import Autoscale, Recreate, RollingUpdate, Spec
from deployments.tests.domain.examples import ALLOWLIST, PLACEMENT, PREFIXES, make_spec, rendered, specs


def kubelet_expand(text: str, known: dict[str, str]) -> str:
    """Kubernetes' own expansion (third_party/forked/golang/expansion), to prove that ours survives it."""
    out, index = "", 0
    while index < len(text):
        if text[index] != "$" or index + 1 == len(text):
            out, index = out + text[index], index + 1
        elif text[index + 1] == "$":
            out, index = out + "$", index + 2
        elif text[index + 1] == "(" and (end := text.find(")", index + 2)) != -1:
            name = text[index + 2 : end]
            out, index = out + known.get(name, f"$({name})"), end + 1
        elif text[index + 1] == "(":
            out, index = out + "$(", index + 2
        else:
            out, index = out + text[index : index + 2], index + 2
    return out


def container(spec: Spec | None = None, **changes: Any) -> dict[str, Any]:
    containers = rendered(spec, **changes).deployment["spec"]["template"]["spec"]["containers"]
    assert len(containers) == 1
    found: dict[str, Any] = containers[0]
    return found


@given(st.text("$()ABx", max_size=12))
def test_values_reach_the_container_byte_for_byte(value: str) -> None:
    assert kubelet_expand(escape_expansion(value), {"A": "leak", "B": "leak", "AB": "leak"}) == value


def test_dollar_parenthesis_is_escaped_and_plain_text_is_not() -> None:
    env = {item["name"]: item["value"] for item in container(make_spec(env=(("A", "$(HOME)"), ("B", "5$ a"))))["env"]}
    assert env == {"A": "$$(HOME)", "B": "5$ a", "MODEL_VERSION": "42"}


def test_own_variable_wins_over_the_runtime() -> None:
    env = {item["name"]: item["value"] for item in container(make_spec(env=(("MODEL_VERSION", "x"),)))["env"]}
    assert env == {"MODEL_VERSION": "x"}


def test_templates_are_a_closed_list_expanded_once() -> None:
    values = {"artifact_uri": "{model_name}", "model_name": "n", "model_version": "{0.__class__}"}
    text = "{artifact_uri}|{model_name}|{model_version}|{env}|{{7*7}}|%(x)s|{0.__class__}"
    assert expand(text, values) == "{model_name}|n|{0.__class__}|{env}|{{7*7}}|%(x)s|{0.__class__}"


@settings(max_examples=100)
@given(specs(), st.integers(1, 10**6), st.none() | st.just("2026-01-05T10:00:00Z"), st.booleans())
def test_rendered_objects_are_deterministic_ours_and_pass_the_checker(
    spec: Spec, revision: int, restarted_at: str | None, paused: bool
) -> None:
    one, two = (rendered(spec, revision=revision, restarted_at=restarted_at, paused=paused) for _ in range(2))
    sent = canonical_json(one.objects())
    assert sent == canonical_json(two.objects())
    ours = {"namespace": PLACEMENT.namespace, "install_id": PLACEMENT.install_id}
    assert check(sent, **ours, allowlist=ALLOWLIST, label_prefixes=PREFIXES) == []
    assert "replicas" not in one.deployment["spec"]
    assert one.deployment["spec"]["paused"] is paused
    assert (one.hpa is not None) == isinstance(spec.replicas, Autoscale)
    assert (one.service is not None) == (spec.service is not None)
    assert (one.pdb is not None) == (spec.budget is not None)
    assert (one.ingress is not None) == (spec.ingress_host is not None)


def test_revision_is_on_the_object_and_never_on_the_pods() -> None:
    deployment = rendered(revision=7).deployment
    assert deployment["metadata"]["annotations"] == {"barista.io/revision": "7", "barista.io/install": "install-1"}
    assert "annotations" not in deployment["spec"]["template"]["metadata"]
    assert rendered(revision=8).deployment["spec"]["template"] == deployment["spec"]["template"]


def test_restart_is_a_stored_instant_on_the_pods() -> None:
    template = rendered(restarted_at="2026-01-05T10:00:00Z").deployment["spec"]["template"]
    assert template["metadata"]["annotations"] == {"barista.io/restarted-at": "2026-01-05T10:00:00Z"}


def test_selector_is_the_immutable_id_only() -> None:
    wanted = {"barista.io/deployment-id": "42"}
    objects = rendered()
    assert objects.deployment["spec"]["selector"] == {"matchLabels": wanted}
    assert objects.service is not None
    assert objects.service["spec"]["selector"] == wanted
    labels = objects.deployment["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "Query-Ranker"
    assert labels["app.kubernetes.io/managed-by"] == "barista"


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (
            RollingUpdate("25%", 0),
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        ),
        (Recreate(), {"type": "Recreate"}),
    ],
)
def test_strategy_is_always_explicit(strategy: Any, expected: dict[str, Any]) -> None:
    assert rendered(make_spec(strategy=strategy)).deployment["spec"]["strategy"] == expected


def test_pod_security_restricted() -> None:
    pod = rendered().deployment["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container()["securityContext"]["allowPrivilegeEscalation"] is False
    assert container()["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert [volume["name"] for volume in pod["volumes"]] == ["tmp", "shm"]


def test_profile_places_the_pod_and_own_numbers_do_not_need_it() -> None:
    pod = rendered().deployment["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    limits = pod["containers"][0]["resources"]["limits"]
    assert limits == {"memory": "8Gi", "nvidia.com/gpu": "1"}


def test_canonical_json_refuses_what_is_not_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
    assert canonical_json({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'.encode()


def test_every_name_in_the_manifest_is_printable_ascii() -> None:
    for item in rendered().objects():
        assert re.fullmatch(r"[ -~]+", json.dumps(item))
    assert container()["name"] == CONTAINER
