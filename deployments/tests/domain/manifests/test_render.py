import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.domain.catalogue import Probe, Runtime, Toleration, expand
from deployments.domain.checker.check import check
from deployments.domain.manifests.pod_template import CONTAINER, escape_expansion
from deployments.domain.manifests.render import canonical_json
from deployments.domain.spec.parts import (
    Autoscale,
    Budget,
    EnvRef,
    Recreate,
    Resources,
    RollingUpdate,
    ScalePolicy,
    Spread,
)
from deployments.domain.spec.spec import Spec
from deployments.tests.domain.examples import (
    ALLOWLIST,
    GIB,
    PLACEMENT,
    PREFIXES,
    make_spec,
    permits_for,
    rendered,
    runtimes,
    specs,
)


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


@settings(max_examples=2000)
@given(specs(), runtimes(), st.integers(1, 10**6), st.none() | st.just("2026-01-05T10:00:00Z"), st.booleans())
def test_rendered_objects_are_deterministic_ours_and_pass_the_checker(
    spec: Spec, runtime: Runtime, revision: int, restarted_at: str | None, paused: bool
) -> None:
    facts: dict[str, Any] = {"revision": revision, "restarted_at": restarted_at, "paused": paused, "runtime": runtime}
    one, two = (rendered(spec, **facts) for _ in range(2))
    sent = canonical_json(one.objects())
    assert sent == canonical_json(two.objects())
    ours = {"namespace": PLACEMENT.namespace, "install_id": PLACEMENT.install_id}
    permitted: dict[str, Any] = {"permits": permits_for(spec), "pull_secrets": [runtime.pull_secret]}
    assert check(sent, **ours, **permitted, allowlist=ALLOWLIST, label_prefixes=PREFIXES) == []
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
    assert canonical_json({"a": "\x7f\x85\u2028\ufeff😀"}) == b'{"a":"\\u007f\\u0085\\u2028\\ufeff\xf0\x9f\x98\x80"}'
    assert canonical_json({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'.encode()


def test_every_name_in_the_manifest_is_printable_ascii() -> None:
    for item in rendered().objects():
        assert re.fullmatch(r"[ -~]+", json.dumps(item))
    assert container()["name"] == CONTAINER


def test_variables_from_secrets_are_references_only() -> None:
    refs = (EnvRef("PASSWORD", "secret", "db", "password"), EnvRef("FLAGS", "config_map", "flags", "a.json"))
    env = {item["name"]: item for item in container(make_spec(env_refs=refs))["env"]}
    assert env["PASSWORD"] == {
        "name": "PASSWORD",
        "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}},
    }
    assert env["FLAGS"]["valueFrom"] == {"configMapKeyRef": {"name": "flags", "key": "a.json"}}
    assert list(env) == sorted(env)


def test_probes_are_the_runtimes_until_replaced_or_turned_off() -> None:
    assert container()["readinessProbe"]["httpGet"]["path"] == "/v1/models/model"
    assert container()["startupProbe"]["grpc"] == {"port": 8500}
    changed = container(make_spec(readiness=Probe(path="/ready"), liveness=Probe(kind="off"), grpc_port=9000))
    assert changed["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert "livenessProbe" not in changed
    assert changed["startupProbe"]["grpc"] == {"port": 9000}
    assert {"name": "grpc", "containerPort": 9000, "protocol": "TCP"} in changed["ports"]


def test_rollout_times() -> None:
    spec = make_spec(progress_deadline_s=1200, min_ready_s=20, termination_grace_s=90, pre_stop_sleep_s=15)
    deployment = rendered(spec).deployment["spec"]
    assert (deployment["progressDeadlineSeconds"], deployment["minReadySeconds"]) == (1200, 20)
    assert deployment["template"]["spec"]["terminationGracePeriodSeconds"] == 90
    assert container(spec)["lifecycle"] == {"preStop": {"sleep": {"seconds": 15}}}
    assert "lifecycle" not in container()


def test_placing_adds_to_the_profile() -> None:
    spec = make_spec(
        node_selector=(("disk", "ssd"),),
        tolerations=(Toleration(key="spot", operator="Exists"),),
        priority_class="models-high",
        spread=Spread(over="zones", is_required=True),
    )
    pod = rendered(spec).deployment["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"disk": "ssd", "cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert [item["key"] for item in pod["tolerations"]] == ["nvidia.com/gpu", "spot"]
    assert pod["priorityClassName"] == "models-high"
    constraint = pod["topologySpreadConstraints"][0]
    assert constraint["topologyKey"] == "topology.kubernetes.io/zone"
    assert constraint["whenUnsatisfiable"] == "DoNotSchedule"


def test_gpu_type_of_own_numbers_selects_nodes() -> None:
    own = Resources(cpu_request=500, memory_request=GIB, memory_limit=GIB, gpu_count=2, gpu_type="nvidia-l4")
    pod = rendered(make_spec(profile=None, resources=own), profile=None).deployment["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert "tolerations" not in pod


def test_autoscaler_by_memory_and_its_pace() -> None:
    down = ScalePolicy(stabilization_s=600, percent=10, pods=1, period_s=30)
    hpa = rendered(make_spec(replicas=Autoscale(2, 9, 70, 80, None, down))).hpa
    assert hpa is not None
    assert [item["resource"]["name"] for item in hpa["spec"]["metrics"]] == ["cpu", "memory"]
    assert hpa["spec"]["behavior"] == {
        "scaleDown": {
            "stabilizationWindowSeconds": 600,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Pods", "value": 1, "periodSeconds": 30},
                {"type": "Percent", "value": 10, "periodSeconds": 30},
            ],
        }
    }
    plain = rendered(make_spec(replicas=Autoscale(1, 2))).hpa
    assert plain is not None
    assert "behavior" not in plain["spec"]


def test_budget_and_ingress() -> None:
    spec = make_spec(
        budget=Budget(min_available="50%"),
        ingress_host="a.example.com",
        ingress_path="/v1",
        ingress_tls_secret="a-tls",
        ingress_class="nginx",
    )
    objects = rendered(spec)
    assert objects.pdb is not None
    assert objects.pdb["spec"]["minAvailable"] == "50%"
    assert "maxUnavailable" not in objects.pdb["spec"]
    assert objects.pdb["spec"]["selector"] == {"matchLabels": {"barista.io/deployment-id": "42"}}
    assert objects.ingress is not None
    assert objects.ingress["spec"]["tls"] == [{"hosts": ["a.example.com"], "secretName": "a-tls"}]
    assert objects.ingress["spec"]["ingressClassName"] == "nginx"
    assert objects.ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] == "/v1"


def test_extra_labels_reach_objects_and_pods_and_never_replace_ours() -> None:
    spec = make_spec(
        labels=(("barista.io/team", "evil"), ("example.com/cost", "7")),
        annotations=(("barista.io/install", "evil"), ("example.com/note", "x")),
        contact="#search-ml",
        runbook="https://example.com/r",
        ingress_host="a.example.com",
    )
    objects = rendered(spec)
    for item in (*objects.objects(), objects.deployment["spec"]["template"]):
        assert item["metadata"]["labels"]["example.com/cost"] == "7"
        assert item["metadata"]["labels"]["barista.io/team"] == "search"
    annotations = objects.deployment["metadata"]["annotations"]
    assert annotations["barista.io/contact"] == "#search-ml"
    assert annotations["barista.io/runbook"] == "https://example.com/r"
    assert annotations["example.com/note"] == "x"
    assert annotations["barista.io/install"] == "install-1"
    assert objects.ingress is not None
    assert objects.ingress["metadata"]["annotations"] == {"barista.io/install": "install-1"}
