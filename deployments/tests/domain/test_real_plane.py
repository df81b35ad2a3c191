"""Random valid specs against the real API server: none is refused for its shape, and pods meet the restricted level."""

import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from deployments.domain.catalogue import Runtime
from deployments.domain.manifests.managers import FIELD_MANAGER_CONFIG, FIELD_MANAGER_HPA
from deployments.domain.manifests.render import canonical_json
from deployments.domain.spec.spec import Spec
from deployments.kube.api import ClusterError
from deployments.kube.client import KubernetesGateway, from_kubeconfig
from deployments.tests.domain.examples import PLACEMENT, RUNTIME, make_spec, rendered, runtimes, specs
from deployments.tests.domain.spec.test_schema import FULL
from embedded.kubernetes import grant
from embedded.kubernetes.api import Api, ApiError

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    path = os.environ.get("BARISTA_TEST_ADMIN_KUBECONFIG", "")
    if not path:
        pytest.skip("the control plane was not started")
    api, name = Api(path), f"spec-{uuid.uuid4().hex[:8]}"
    grant.grant(api, name)
    yield name
    with suppress(ApiError):
        grant.revoke(api, name)


@pytest.fixture(scope="module")
def gateway() -> KubernetesGateway:
    path = os.environ.get("BARISTA_TEST_BARISTA_KUBECONFIG", "")
    if not path:
        pytest.skip("the control plane was not started")
    return from_kubeconfig(path, "")


def refusals(gateway: KubernetesGateway, namespace: str, spec: Spec, runtime: Runtime = RUNTIME) -> list[str]:
    """What the API server says against any object of the spec, or against its pod."""
    placement = replace(PLACEMENT, namespace=namespace)
    # Admission asks whether the priority class exists: the rest of the spec is looked at without one.
    objects = rendered(replace(spec, priority_class=None), runtime=runtime, placement=placement)
    found = []
    for item in objects.objects():
        manager = FIELD_MANAGER_HPA if item["kind"] == "HorizontalPodAutoscaler" else FIELD_MANAGER_CONFIG
        try:
            answer = gateway.apply(canonical_json(item), manager=manager, dry_run=True)
        except ClusterError as problem:
            found.append(f"{item['kind']}: {problem}")
            continue
        found += [f"{item['kind']}: {warning}" for warning in answer.warnings]
        if item["kind"] == "Deployment" and _env(answer.object) != _env(item):
            found.append("Deployment: a variable arrives changed")
    try:
        answer = gateway.create_pod(namespace, canonical_json(_pod(objects.deployment, namespace)))
    except ClusterError as problem:
        return [*found, f"Pod: {problem}"]
    return [*found, *(f"Pod: {warning}" for warning in answer.warnings)]


def _env(deployment: dict[str, Any]) -> Any:
    env = deployment["spec"]["template"]["spec"]["containers"][0].get("env", [])
    # The API server leaves an empty value out of its answer.
    return [item if "valueFrom" in item else {"value": "", **item} for item in env]


def _pod(deployment: dict[str, Any], namespace: str) -> dict[str, Any]:
    template = deployment["spec"]["template"]
    metadata = template["metadata"] | {"generateName": "check-", "namespace": namespace}
    # The controller adds the hash label that spreading counts by; a bare pod has none.
    pod = {key: value for key, value in template["spec"].items() if key != "topologySpreadConstraints"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def test_everything_at_once_is_accepted(gateway: KubernetesGateway, namespace: str) -> None:
    assert refusals(gateway, namespace, FULL) == []
    assert refusals(gateway, namespace, make_spec()) == []


def test_every_character_arrives(gateway: KubernetesGateway, namespace: str) -> None:
    """The body of an apply is read as YAML, which refuses or folds some characters of JSON."""
    codes = [*range(1, 0xD800, 7), *range(0x01, 0x100), *range(0x2020, 0x2030), *range(0xE000, 0x10000, 5)]
    codes += [0xFEFF, 0xFFFE, 0xFFFF, 0x1F600, 0x1FFFF, 0x10FFFF]
    text = "a".join(map(chr, codes))
    spec = make_spec(env=tuple((f"PART_{start}", text[start : start + 2000]) for start in range(0, len(text), 2000)))
    assert refusals(gateway, namespace, spec) == []


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(spec=specs(), runtime=runtimes())
def test_no_valid_spec_is_refused_for_its_shape(
    gateway: KubernetesGateway, namespace: str, spec: Spec, runtime: Runtime
) -> None:
    assert refusals(gateway, namespace, spec, runtime) == []
