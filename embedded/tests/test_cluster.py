"""The control plane as the product meets it: reachable from this machine only, with the product's few rights."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded.kubernetes.api import Api, ApiError, Manifest
from embedded.paths import LOOPBACK, Home
from embedded.processes import marked, records
from embedded.testing import TestPlane, new_namespace, remove_namespace, start_plane

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def admin() -> Api:
    return Api(os.environ["BARISTA_TEST_ADMIN_KUBECONFIG"])


@pytest.fixture(scope="module")
def barista() -> Api:
    return Api(os.environ["BARISTA_TEST_BARISTA_KUBECONFIG"])


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    kubeconfig = Path(os.environ["BARISTA_TEST_ADMIN_KUBECONFIG"])
    name = new_namespace(kubeconfig, "embedded")
    yield name
    remove_namespace(kubeconfig, name)


def wait_for(get: Callable[[], Any], what: str, seconds: float = 90.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := get()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


def pod(name: str, namespace: str, image: str) -> Manifest:
    security = {
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "model", "image": image, "securityContext": security}
    spec = {"containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def container_state(api: Api, namespace: str, name: str) -> dict[str, Any]:
    statuses = api.call("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")["status"].get("containerStatuses")
    return dict(statuses[0]) if statuses else {}


@pytest.mark.skipif("BARISTA_TEST_KUBECONFIG" in os.environ, reason="the cluster is not ours")
def test_the_stack_listens_on_loopback_only() -> None:
    home = Path(os.environ["BARISTA_TEST_ADMIN_KUBECONFIG"]).parent.parent
    # Some servers overwrite their environment, and with it the mark: those are known by their records.
    pids = {process.pid for process in marked(str(home))} | {record.pid for record in records(Home(home))}
    listening = {
        (psutil.Process(entry.pid).name(), entry.laddr.ip)
        for entry in psutil.net_connections(kind="inet")
        if entry.status == psutil.CONN_LISTEN and entry.pid in pids
    }
    assert {name for name, _ in listening} >= {"etcd", "kube-apiserver", "kwok", "kube-scheduler", "valkey-server"}
    assert {address for _, address in listening} == {LOOPBACK}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/secrets"),
        ("GET", "/api/v1/namespaces/{namespace}/secrets/any"),
        ("POST", "/api/v1/namespaces/{namespace}/pods/any/exec"),
        ("POST", "/api/v1/namespaces/default/pods"),
        ("DELETE", "/api/v1/namespaces/{namespace}"),
        ("DELETE", "/apis/apps/v1/namespaces/{namespace}/deployments"),
        ("POST", "/api/v1/namespaces/barista-system/serviceaccounts/barista/token"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"),
    ],
)
def test_the_product_may_not(barista: Api, namespace: str, method: str, path: str) -> None:
    with pytest.raises(ApiError) as refused:
        barista.call(method, path.format(namespace=namespace), {} if method == "POST" else None)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/apis/apps/v1/deployments",
        "/apis/apps/v1/replicasets",
        "/api/v1/pods",
        "/api/v1/events",
        "/api/v1/nodes",
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        "/apis/policy/v1/poddisruptionbudgets",
        "/apis/networking.k8s.io/v1/ingresses",
    ],
)
def test_the_product_may_read(barista: Api, path: str) -> None:
    assert "items" in barista.call("GET", path)


def test_nodes_with_accelerators_are_there(admin: Api) -> None:
    nodes = admin.call("GET", "/api/v1/nodes?labelSelector=barista.io/node-pool=gpu")["items"]
    assert {node["status"]["capacity"]["nvidia.com/gpu"] for node in nodes} == {"4"}


def test_a_pod_that_crashes_waits_and_restarts(admin: Api, namespace: str) -> None:
    admin.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod("crash", namespace, "example.org/m:1-crash"))

    def restarted_once() -> dict[str, Any]:
        found = container_state(admin, namespace, "crash")
        return found if found.get("restartCount") == 1 else {}

    first = wait_for(lambda: container_state(admin, namespace, "crash"), "the pod never started")
    assert first["state"].get("running") or first["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    again = wait_for(restarted_once, "the container was not started again")
    assert again["lastState"]["terminated"]["exitCode"] == 1
    assert again["lastState"]["terminated"]["reason"] == "Error"
    events = admin.call("GET", f"/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.name=crash")
    assert "Back-off restarting failed container" in {event["message"] for event in events["items"]}


def test_a_pod_whose_image_is_missing_says_so(admin: Api, namespace: str) -> None:
    admin.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod("missing", namespace, "registry.invalid/m:1"))

    def reason() -> str:
        state = container_state(admin, namespace, "missing").get("state", {})
        return str(state.get("waiting", {}).get("reason", ""))

    assert wait_for(reason, "the pod has no reason") in {"ErrImagePull", "ImagePullBackOff"}
    wait_for(lambda: reason() == "ImagePullBackOff", "it never backed off")


def test_a_pod_without_a_fate_is_ready_soon(admin: Api, namespace: str) -> None:
    admin.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod("fine", namespace, "example.org/m:1"))
    wait_for(lambda: container_state(admin, namespace, "fine").get("ready"), "the pod is not ready")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestPlane]:
    plane = start_plane(tmp_path_factory.mktemp("plane"), say=lambda who, what: None)
    yield plane
    plane.stop()


@pytest.mark.faults
def test_a_killed_apiserver_comes_back_with_its_data(plane: TestPlane) -> None:
    api = Api(plane.admin_kubeconfig)
    name = new_namespace(plane.admin_kubeconfig)
    killed = plane.pids()["kube-apiserver"]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: plane.pids()["kube-apiserver"] != killed and api.is_ready(), "it did not come back", seconds=60)
    assert api.exists(f"/api/v1/namespaces/{name}")
    assert Api(plane.barista_kubeconfig).call("GET", "/api/v1/pods")["kind"] == "PodList"
