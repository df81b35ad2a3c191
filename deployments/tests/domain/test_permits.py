"""What a permit reaches and what it does not, and what the checker makes of objects that nobody permitted."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from deployments.domain.catalogue import Environment, Toleration
from deployments.domain.checker.check import check
from deployments.domain.manifests.render import canonical_json
from deployments.domain.permits import PermitKind, Permits, Rival, covers, permit_problem
from deployments.domain.spec.checks.permits import with_profile
from deployments.domain.spec.checks.validate import validate
from deployments.domain.spec.parts import EnvRef, Resources
from deployments.domain.spec.spec import Spec
from deployments.tests.domain.examples import ALLOWLIST, PROFILE, RUNTIME, make_spec, permits_for, rendered

HOST = "ranker.models.example.com"
NEEDY: dict[str, dict[str, Any]] = {
    "node_selector.disk": {"node_selector": (("disk", "ssd"),)},
    "node_selector.kubernetes.io/hostname": {"node_selector": (("kubernetes.io/hostname", "node-1"),)},
    "tolerations.CriticalAddonsOnly": {"tolerations": (Toleration(key="CriticalAddonsOnly", operator="Exists"),)},
    "tolerations.node.kubernetes.io/unschedulable": {
        "tolerations": (Toleration(key="node.kubernetes.io/unschedulable", operator="Exists"),)
    },
    "priority_class": {"priority_class": "anything"},
    "env_refs.TOKEN": {"env_refs": (EnvRef("TOKEN", "secret", "other-teams", "token"),)},
    "env_refs.FLAGS": {"env_refs": (EnvRef("FLAGS", "config_map", "kube-root-ca.crt", "ca.crt"),)},
    "ingress_host": {"ingress_host": HOST},
    "ingress_tls_secret": {"ingress_host": HOST, "ingress_tls_secret": "other-teams-tls"},
}


def problems(spec: Spec, permits: Permits) -> dict[str, str]:
    return validate(
        spec,
        environment=Environment.DEV,
        runtime=RUNTIME,
        profile=PROFILE,
        allowlist=ALLOWLIST,
        max_replicas=50,
        permitted=permits,
    )


def seen(spec: Spec, permits: Permits) -> list[str]:
    """Paths that the checker refuses in what is rendered of `spec`."""
    found = check(
        canonical_json(rendered(spec).objects()),
        namespace="search-dev",
        install_id="install-1",
        allowlist=ALLOWLIST,
        permits=with_profile(permits, PROFILE),
    )
    return [violation.path for violation in found]


@pytest.mark.parametrize("path", NEEDY)
def test_what_nobody_permitted_is_refused_in_words_of_what_to_do(path: str) -> None:
    message = problems(make_spec(**NEEDY[path]), Permits(namespace="search-dev"))[path]
    assert "is not allowed in search-dev. Allowed: " in message
    assert "Ask the platform team" in message


@pytest.mark.parametrize("path", NEEDY)
def test_what_nobody_permitted_is_never_sent(path: str) -> None:
    assert seen(make_spec(**NEEDY[path]), Permits(namespace="search-dev"))


@pytest.mark.parametrize("path", NEEDY)
def test_what_the_deployment_may_keep_passes(path: str) -> None:
    spec = make_spec(**NEEDY[path])
    assert problems(spec, permits_for(spec)) == {}
    assert seen(spec, permits_for(spec)) == []


def test_a_profile_of_the_platform_needs_no_permit() -> None:
    assert problems(make_spec(), Permits()) == {}
    assert seen(make_spec(), Permits()) == []


def test_a_kind_of_gpu_needs_no_permit_where_there_are_gpus() -> None:
    size = Resources(cpu_request=100, memory_request=1 << 30, memory_limit=1 << 30, gpu_count=1, gpu_type="nvidia-l4")
    assert seen(make_spec(profile=None, resources=size), Permits()) == []


@pytest.mark.parametrize(
    ("kind", "rule", "value", "reaches"),
    [
        ("host", "models.acme.com", "a.models.acme.com", True),
        ("host", "models.acme.com", "models.acme.com", True),
        ("host", "models.acme.com", "evilmodels.acme.com", False),
        ("host", "a.models.acme.com", "models.acme.com", False),
        ("node-label", "disk", "disk=ssd", True),
        ("node-label", "disk=ssd", "disk=hdd", False),
        ("node-label", "disk", "disk2=ssd", False),
        ("toleration", "spot", "spot=true:NoSchedule", True),
        ("toleration", "spot:NoSchedule", "spot:NoSchedule", True),
        ("toleration", "spot:NoSchedule", "spot", False),
        ("toleration", "spot:NoSchedule", "spot:NoExecute", False),
        ("toleration", "spot=true", "spot", False),
        ("toleration", "spot=true:NoSchedule", "spot=true:NoSchedule", True),
        ("toleration", "spot=true:NoSchedule", "spot=truer:NoSchedule", False),
        ("secret", "db", "db", True),
        ("secret", "db", "db2", False),
    ],
)
def test_how_far_a_permit_reaches(kind: str, rule: str, value: str, reaches: bool) -> None:
    assert covers(PermitKind(kind), rule, value) is reaches


def test_a_secret_for_tls_is_none_for_variables() -> None:
    permits = Permits(listed={PermitKind.TLS_SECRET: ("web-tls",)})
    assert permits.allows(PermitKind.TLS_SECRET, "web-tls")
    assert not permits.allows(PermitKind.SECRET, "web-tls")


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("node-label", "kubernetes.io/hostname"),
        ("node-label", "kubernetes.io/hostname=node-1"),
        ("node-label", "node-role.kubernetes.io/control-plane"),
        ("toleration", "CriticalAddonsOnly"),
        ("toleration", "node.kubernetes.io/unschedulable:NoSchedule"),
        ("toleration", "node-role.kubernetes.io/master:NoSchedule"),
        ("toleration", "components.gke.io/gke-managed-components"),
        ("toleration", ":NoSchedule"),
        ("priority-class", "system-cluster-critical"),
        ("secret", "*"),
        ("secret", ""),
        ("host", "com"),
        ("host", "*.acme.com"),
    ],
)
def test_nobody_can_permit_what_breaks_the_walls(kind: str, rule: str) -> None:
    assert permit_problem(PermitKind(kind), rule)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("node-label", "cloud.google.com/gke-nodepool=models"),
        ("toleration", "kubernetes.io/arch=arm64:NoSchedule"),
        ("toleration", "cloud.google.com/gke-spot=true:NoSchedule"),
        ("host", "models.acme.com"),
        ("priority-class", "models-high"),
    ],
)
def test_what_teams_need_can_be_permitted(kind: str, rule: str) -> None:
    assert permit_problem(PermitKind(kind), rule) == ""


OTHERS = Rival(host=HOST, path="/", name="ctr", namespace="ads-prod", team="Ads", is_prod=True)
OWN_PROD = Rival(host=HOST, path="/", name="ranker", namespace="search-prod", is_prod=True)
OWN = Rival(host=HOST, path="/v1", name="ranker-b", namespace="search-dev")
SUFFIX = Permits(namespace="search-dev", listed={PermitKind.HOST: ("models.example.com",)})


@pytest.mark.parametrize(
    ("rival", "path", "words"),
    [
        (OTHERS, "/", "belong to the team Ads"),
        (OTHERS, "/v1/models", "belong to the team Ads"),
        (OWN_PROD, "/v1", "uses ranker.models.example.com in production"),
        (OWN, "/v1", "answers at ranker.models.example.com/v1 already"),
        (OWN, "/v1/", "answers at ranker.models.example.com/v1/ already"),
        (OWN, "/v2", ""),
        (OWN, "/v1/models", ""),
        (replace(OWN, is_same_cluster=False), "/v1", ""),
        (replace(OTHERS, is_same_cluster=False), "/", "belong to the team Ads"),
    ],
)
def test_a_host_belongs_to_one_team_and_a_path_to_one_deployment(rival: Rival, path: str, words: str) -> None:
    spec, permits = make_spec(ingress_host=HOST, ingress_path=path), replace(SUFFIX, rivals=(rival,))
    found = problems(spec, permits).get("ingress_host", "")
    assert words in found
    assert bool(found) is bool(words)
    assert bool(seen(spec, permits)) is bool(words)


def test_a_pull_secret_is_the_runtimes() -> None:
    deployment = deepcopy(rendered().deployment)
    deployment["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "other-teams"}]
    known: dict[str, Any] = {
        "namespace": "search-dev",
        "install_id": "install-1",
        "allowlist": ALLOWLIST,
        "permits": permits_for(make_spec()),
    }
    assert [item.message for item in check([deployment], **known)] == ["Not the pull Secret of the runtime."]
    assert check([deployment], **known, pull_secrets=["other-teams"]) == []


def test_tls_serves_no_other_host() -> None:
    spec = make_spec(ingress_host=HOST, ingress_tls_secret="web-tls")
    ingress = deepcopy(rendered(spec).ingress)
    assert ingress is not None
    ingress["spec"]["tls"][0]["hosts"] = ["ads.example.com"]
    found = check(
        [ingress], namespace="search-dev", install_id="install-1", allowlist=ALLOWLIST, permits=permits_for(spec)
    )
    assert [item.path for item in found] == ["Ingress.spec.tls[0].hosts"]
