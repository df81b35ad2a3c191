"""Fixtures of the tests on the real control plane: a namespace for each test, and eyes of an administrator."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from deployments import reconcile
from deployments.actions import proposals
from deployments.domain.spec.spec import Spec
from deployments.kube.client import KubernetesGateway, from_kubeconfig
from deployments.models import Cluster, Deployment, DeploymentState, Namespace, Proposal, User
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.cluster.edits import PRIORITY
from embedded.kubernetes import grant
from embedded.kubernetes.api import Api, ApiError

PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{ns}/deployments/{name}",
    "ReplicaSet": "/apis/apps/v1/namespaces/{ns}/replicasets/{name}",
    "Pod": "/api/v1/namespaces/{ns}/pods/{name}",
    "Service": "/api/v1/namespaces/{ns}/services/{name}",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers/{name}",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses/{name}",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets/{name}",
    "ResourceQuota": "/api/v1/namespaces/{ns}/resourcequotas/{name}",
}
MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class Eyes:
    """An administrator's view of one namespace."""

    api: Api
    gateway: KubernetesGateway
    namespace: str

    def path(self, kind: str, name: str = "") -> str:
        return PATHS[kind].format(ns=self.namespace, name=name).rstrip("/")

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        try:
            return dict(self.api.call("GET", self.path(kind, name)))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind: str) -> list[dict[str, Any]]:
        return list(self.api.call("GET", self.path(kind))["items"])

    def create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self.api.call("POST", self.path(kind), body))

    def delete(self, kind: str, name: str) -> None:
        self.api.call("DELETE", self.path(kind, name))

    def patch(self, kind: str, name: str, body: dict[str, Any], *, manager: str = "kubectl-edit") -> dict[str, Any]:
        """As `kubectl edit` and `kubectl patch` write: a plain update under their own name."""
        return self._merge(self.path(kind, name), body, manager)

    def scale(self, name: str, replicas: int) -> None:
        """As `kubectl scale`."""
        self._merge(f"{self.path('Deployment', name)}/scale", {"spec": {"replicas": replicas}}, "kubectl")

    def _merge(self, path: str, body: dict[str, Any], manager: str) -> dict[str, Any]:
        return self.gateway._object("PATCH", path, [("fieldManager", manager)], orjson.dumps(body), MERGE).object

    def owners(self, name: str, *path: str) -> set[str]:
        """Managers that own a field of the Deployment, such as owners(name, "spec", "replicas")."""
        found = self.get("Deployment", name)
        assert found is not None
        owners = set()
        for entry in found["metadata"]["managedFields"]:
            fields = entry["fieldsV1"]
            for key in path:
                fields = fields.get(f"f:{key}") if isinstance(fields, dict) else None
            if fields is not None:
                owners.add(entry["manager"])
        return owners


@pytest.fixture(scope="session")
def admin_api() -> Api:
    path = os.environ.get("BARISTA_TEST_ADMIN_KUBECONFIG", "")
    if not path:
        pytest.skip("the control plane was not started")
    return Api(path)


@pytest.fixture
def eyes(admin_api: Api) -> Iterator[Eyes]:
    name = f"t-{uuid.uuid4().hex[:12]}"
    grant.grant(admin_api, name)
    gateway = from_kubeconfig(os.environ["BARISTA_TEST_ADMIN_KUBECONFIG"], "")
    yield Eyes(admin_api, gateway, name)
    with contextlib.suppress(ApiError):
        grant.revoke(admin_api, name)


@pytest.fixture
def author(db: None) -> User:
    return factories.make_user("author", is_platform_admin=True)


@pytest.fixture
def place(live_cluster: Cluster, eyes: Eyes, author: User) -> Namespace:
    """A dev namespace on the plane."""
    return factories.make_namespace(team=factories.make_team("search"), cluster=live_cluster, name=eyes.namespace)


@dataclass(frozen=True)
class Bench:
    """Saving and reconciling, as a user and a worker would."""

    eyes: Eyes
    place: Namespace
    author: User

    def create(self, *, run: bool = True, **fields: Any) -> Deployment:
        deployment = factories.make_deployment(
            author=self.author, namespace=self.place, spec=factories.make_spec(**fields), name="ranker"
        )
        if run:
            assert self.run(deployment) is Outcome.APPLIED
        return deployment

    def edit(self, deployment: Deployment, *, run: bool = True, **fields: Any) -> Spec:
        spec = factories.make_spec(**fields)
        factories.apply(factories.edit(deployment, author=self.author, spec=spec), by=self.author)
        if run:
            assert self.run(deployment) is Outcome.APPLIED
        return spec

    def roll_back(self, deployment: Deployment, *, to: int) -> None:
        fresh = Deployment.objects.related().get(pk=deployment.pk)
        proposal = proposals.make(
            by=self.author,
            kind=Proposal.Kind.ROLLBACK,
            spec=fresh.revisions.get(number=to).to_spec(),
            deployment=fresh,
            model=fresh.model,
            namespace=fresh.namespace,
            name=fresh.name,
            based_on=fresh.revisions.latest("number").number,
            returns_to=to,
        )
        factories.apply(proposal, by=self.author)
        assert self.run(deployment) is Outcome.APPLIED

    def run(self, deployment: Deployment) -> Outcome:
        return reconcile.one(deployment.pk)

    def state(self, deployment: Deployment) -> DeploymentState:
        return DeploymentState.objects.get(pk=deployment.pk)

    def live(self, kind: str = "Deployment") -> dict[str, Any]:
        found = self.eyes.get(kind, "ranker")
        assert found is not None, f"there is no {kind}"
        return found


@pytest.fixture
def bench(eyes: Eyes, place: Namespace, author: User) -> Bench:
    factories.make_permits()
    return Bench(eyes, place, author)


@pytest.fixture
def catalogue(bench: Bench) -> None:
    factories.make_runtime("triton", image="docker.io/nvcr/tritonserver:24.01", http_port=8000, args=())
    factories.make_profile("cpu-large", cpu_request=2000, memory_request=4 << 30, memory_limit=4 << 30)
    factories.make_metadata_prefix()
    with contextlib.suppress(ApiError):  # it belongs to the whole plane, and an earlier test may have made it
        body = {"metadata": {"name": PRIORITY}, "value": 10}
        bench.eyes.api.call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", body)


@pytest.fixture
def eventually() -> Callable[..., None]:
    return wait_until


def wait_until(check: Callable[[], object], *, seconds: float = 40.0, what: str = "it") -> None:
    """Poll until `check` is true; fails with `what` otherwise."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)
