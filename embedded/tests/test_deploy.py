"""The installation on Kubernetes: it renders, each pod holds only what it needs, and the API server takes all of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from django.test import Client

from embedded.kubernetes.build import Builder
from embedded.kubernetes.components import PROGRAMS
from embedded.paths import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
OVERLAYS = ("gke", "plain")
PROCESSES = {"web", "worker", "answers", "importer", "relay", "watch"}
# Of Google's operators: there is no such kind on the test's plane.
GOOGLES = {"Gateway", "HTTPRoute", "HealthCheckPolicy", "PodMonitoring"}
Object = dict[str, Any]


def kubectl() -> str:
    programs = tuple(program for program in PROGRAMS if program.name == "kubectl")
    found = Builder(lambda progress: None, programs=programs).ready()
    if "kubectl" not in found:
        pytest.skip("kubectl was not built yet")
    return str(found["kubectl"])


@cache
def rendered(folder: str) -> tuple[Object, ...]:
    command = [kubectl(), "kustomize", str(DEPLOY / folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def whole(overlay: str) -> list[Object]:
    """The objects of both commands."""
    seen = {(item["kind"], item["metadata"]["name"]): item for item in rendered(f"overlays/{overlay}")}
    for item in rendered(f"overlays/{overlay}/migrate"):
        seen[item["kind"], item["metadata"]["name"]] = item
    return list(seen.values())


def pods(overlay: str) -> Iterator[tuple[str, Object]]:
    for item in whole(overlay):
        if "template" in item.get("spec", {}):
            yield item["metadata"]["name"], item["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_process_is_there_and_all_but_the_importer_twice(overlay: str) -> None:
    found = {
        item["metadata"]["name"]: item["spec"]["replicas"] for item in whole(overlay) if item["kind"] == "Deployment"
    }
    assert set(found) == PROCESSES
    assert {name for name, replicas in found.items() if replicas < 2} == {"importer"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_is_read_only_without_rights_and_within_limits(overlay: str) -> None:
    for name, pod in pods(overlay):
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(pod):
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"], name  # noqa: PT018
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            kinds = ("cpu", "memory", "ephemeral-storage")
            for section in ("requests", "limits"):
                assert set(container["resources"][section]) == set(kinds), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_the_migration_knows_the_owner(overlay: str) -> None:
    knowing = [name for name, pod in pods(overlay) if "DATABASE_OWNER_URL" in json.dumps(pod)]
    assert knowing == ["migrate-0-1-0"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pages_have_an_account_without_rights_and_no_token(overlay: str) -> None:
    web = dict(pods(overlay))["web"]
    assert web["serviceAccountName"] == "barista-web"
    assert web["automountServiceAccountToken"] is False
    bound = [item for item in whole(overlay) if item["kind"].endswith("RoleBinding")]
    assert {subject["name"] for item in bound for subject in item["subjects"]} == {"barista"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_lets_the_pages_reach_everything(overlay: str) -> None:
    policies = [item["spec"] for item in whole(overlay) if item["kind"] == "NetworkPolicy"]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in policies
    for policy in policies:
        reaches = [rule for rule in policy.get("egress", []) if not rule.get("to")]
        chosen = json.dumps(policy["podSelector"])
        assert not reaches or ("web" not in chosen and policy["podSelector"]), policy
    for policy in policies:
        for rule in policy.get("egress", []):
            wide = [to["ipBlock"]["cidr"] for to in rule.get("to", []) if "ipBlock" in to]
            assert "0.0.0.0/0" not in wide


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_whatever_is_said_twice_may_lose_one_at_a_time(overlay: str) -> None:
    budgets = {
        item["metadata"]["name"]: item["spec"] for item in whole(overlay) if item["kind"] == "PodDisruptionBudget"
    }
    assert set(budgets) == PROCESSES
    assert all(spec["maxUnavailable"] == 1 for spec in budgets.values())


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_commands_are_those_of_the_compose_file(overlay: str) -> None:
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    for name, pod in pods(overlay):
        service = services.get(re.sub(r"-\d.*", "", name))
        if name not in ("postgres", "valkey"):
            assert service is not None, name
            assert pod["containers"][0]["args"] == service["command"], name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_migration_of_each_release_is_a_job_of_its_own(overlay: str) -> None:
    (job,) = [item for item in rendered(f"overlays/{overlay}/migrate") if item["kind"] == "Job"]
    assert job["metadata"]["name"] == "migrate-0-1-0"
    assert not [item for item in rendered(f"overlays/{overlay}") if item["kind"] == "Job"]


def test_the_proxy_of_cloud_sql_is_a_sidecar_of_every_process_that_asks_the_database() -> None:
    for name, pod in pods("gke"):
        (proxy,) = pod["initContainers"]
        assert (proxy["name"], proxy["restartPolicy"]) == ("cloud-sql-proxy", "Always"), name
        assert "--auto-iam-authn" in proxy["args"]


def test_each_identity_logs_in_to_cloud_sql_under_its_own_name() -> None:
    accounts = {item["metadata"]["name"]: item for item in whole("gke") if item["kind"] == "ServiceAccount"}
    for name, pod in pods("gke"):
        email = accounts[pod["serviceAccountName"]]["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
        user = email.removesuffix(".gserviceaccount.com").replace("@", "%40")
        env = {item["name"]: item["value"] for item in pod["containers"][0]["env"]}
        assert env["DATABASE_URL"].startswith(f"postgres://{user}@127.0.0.1:5432/"), name
        assert "DATABASE_OWNER_URL_FILE" not in env


@pytest.mark.parametrize("name", ["rbac.yaml", "roles.sh"])
def test_what_is_kept_twice_is_the_same(name: str) -> None:
    pairs = {
        "rbac.yaml": ("embedded/kubernetes/manifests/rbac.yaml", "deploy/rights/rbac.yaml"),
        "roles.sh": ("embedded/compose/roles.sh", "deploy/overlays/plain/foundation/data/roles.sh"),
    }
    first, second = pairs[name]
    assert (REPOSITORY / first).read_text() == (REPOSITORY / second).read_text()


def test_every_alert_asks_for_a_figure_that_barista_tells_and_says_what_to_do() -> None:
    rules = yaml.safe_load((DEPLOY / "alerts" / "barista.rules.yaml").read_text())["groups"][0]["rules"]
    gauges = "".join((REPOSITORY / app / "gauges.py").read_text() for app in ("deployments", "observability"))
    told = set(re.findall(r'"(barista_[a-z_]+)"', gauges))
    for rule in rules:
        asked = set(re.findall(r"barista_[a-z_]+", rule["expr"]))
        assert asked and asked <= told, rule["alert"]  # noqa: PT018
        assert rule["annotations"]["description"].endswith("."), rule["alert"]


@pytest.mark.django_db
def test_every_panel_of_the_dashboard_asks_for_a_figure_that_is_told(client: Client) -> None:
    token = {"authorization": "Bearer tests-only-metrics-token"}
    text = client.get("/metrics", headers=token).content.decode()
    told = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    panels = json.loads((DEPLOY / "dashboards" / "barista.json").read_text())["panels"]
    for panel in panels:
        for target in panel["targets"]:
            asked = set(re.findall(r"(?:barista|django)_\w+", target["expr"]))
            assert {name.removesuffix("_bucket") for name in asked} <= told, panel["title"]
    assert {name for name in told if name.startswith("barista_")} == set(re.findall(r"barista_\w+", json.dumps(panels)))


@pytest.mark.cluster
def test_the_api_server_accepts_every_object_without_a_warning() -> None:
    admin = os.environ.get("BARISTA_TEST_ADMIN_KUBECONFIG", "")
    if not admin:
        pytest.skip("the control plane was not started")
    for overlay in OVERLAYS:
        objects = [item for item in whole(overlay) if item["kind"] not in GOOGLES]
        command = [kubectl(), "--kubeconfig", admin, "apply", "--server-side", "--dry-run=server", "-f", "-"]
        text = yaml.safe_dump_all(objects)
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr, done.stderr
        assert done.stdout.count("serverside-applied") == len(objects)
