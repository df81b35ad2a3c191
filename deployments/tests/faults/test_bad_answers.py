"""Answers that no cluster should give: none is believed, none breaks anything, and each is said in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import certifi
import pytest
import yaml
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments import breaker, errands, reconcile
from deployments.domain.status.states import Phase
from deployments.kube import client
from deployments.kube.api import Invalid, ObjectKind, Unreachable
from deployments.kube.client import from_kubeconfig
from deployments.models import Cluster, ClusterHealth, Deployment, DeploymentState, User
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.faults.liar import Liar, Said, status

pytestmark = [pytest.mark.faults, pytest.mark.django_db(databases=["default", "locks"])]

BODY = json.dumps({"kind": "Service", "metadata": {"name": "ranker", "namespace": "search"}}).encode()
OTHER = json.dumps({"kind": "Service", "metadata": {"name": "other"}}).encode()
PAGE = b"<html><script>alert(1)</script>Bad gateway</html>"


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar() as liar:
        yield liar


@pytest.fixture
def kubeconfig(liar: Liar, tmp_path: Path) -> Path:
    return liar.kubeconfig(tmp_path / "liar.kubeconfig")


@pytest.fixture
def live_cluster(db: None, kubeconfig: Path) -> Cluster:
    return factories.make_cluster("liar", kubeconfig=str(kubeconfig))


@pytest.fixture
def two(live_cluster: Cluster, author: User) -> tuple[Deployment, Deployment]:
    space = factories.make_namespace(team=factories.make_team("search"), cluster=live_cluster)
    one, other = (factories.make_deployment(author=author, namespace=space) for _ in range(2))
    return one, other


@pytest.mark.parametrize(
    "said",
    [
        status(500, "etcdserver: request timed out"),
        Said(502, PAGE, {"Content-Type": "text/html"}),
        Said(503),
        Said(504, b"upstream timed out"),
        Said(200),
        Said(200, PAGE, {"Content-Type": "text/html"}),
        Said(200, b'{"metadata": {"name": "ranker"'),
        Said(200, b'[{"metadata": {"name": "ranker"}}]'),
        Said(200, b'"ranker"'),
        Said(200, b'{"metadata": {"name": NaN}}'),
        Said(200, OTHER),
        Said(200, b"{}"),
        Said(200, BODY, length=len(BODY) + 100),
        Said(302, b"", {"Location": "http://127.0.0.1:1/"}),
    ],
    ids=lambda said: f"{said.status} {said.body[:12].decode()} {said.length or ''}",
)
@pytest.mark.parametrize("verb", ["get", "apply"])
def test_no_answer_is_believed(liar: Liar, kubeconfig: Path, said: Said, verb: str) -> None:
    liar.answer = lambda method, path: said
    gateway = from_kubeconfig(str(kubeconfig), "").within(3)

    ask = {
        "get": lambda: gateway.get(ObjectKind.SERVICE, "search", "ranker"),
        "apply": lambda: gateway.apply(BODY, manager="barista-config"),
    }[verb]
    with pytest.raises(Unreachable) as caught:
        ask()

    assert "<" not in str(caught.value)
    assert len(liar.asked) == 1


def test_a_list_that_does_not_end(liar: Liar, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGES", 3)
    page = json.dumps({"items": [], "metadata": {"continue": "more"}}).encode()
    liar.answer = lambda method, path: Said(200, page)

    with pytest.raises(Invalid, match="list of pods does not end"):
        from_kubeconfig(str(kubeconfig), "").list_objects(ObjectKind.POD)

    assert len(liar.asked) == 3


@pytest.mark.cluster
def test_a_certificate_of_somebody_else(barista_kubeconfig: str, tmp_path: Path) -> None:
    config = yaml.safe_load(Path(barista_kubeconfig).read_text())
    first = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
    authority = base64.b64encode(f"{first[0]}{first[1]}\n".encode()).decode()
    config["clusters"][0]["cluster"]["certificate-authority-data"] = authority
    path = tmp_path / "wrong-ca.kubeconfig"
    path.write_text(json.dumps(config))

    with pytest.raises(Unreachable, match="The TLS connection to the cluster failed"):
        from_kubeconfig(str(path), "").ready()


@pytest.mark.parametrize(("retry_after", "seconds"), [("7", 7), ("3600", 60), ("garbage", 5)])
def test_a_pause_that_was_asked_for_is_kept_by_all(
    liar: Liar, two: tuple[Deployment, Deployment], live_cluster: Cluster, retry_after: str, seconds: int
) -> None:
    liar.answer = lambda method, path: status(429, "too many requests", Retry_After=retry_after)
    began = now()

    assert reconcile.one(two[0].pk) is Outcome.DEFERRED

    health = ClusterHealth.objects.get(cluster=live_cluster)
    assert health.open_until is not None
    assert timedelta(0) <= health.open_until - began - timedelta(seconds=seconds) < timedelta(seconds=5)
    first = DeploymentState.objects.get(deployment=two[0])
    assert (first.phase, first.last_error_class) == (Phase.SAVED, "pressure")
    # The watch goes on asking whether the cluster is there; that it is ends no pause.
    breaker.succeeded(live_cluster)
    asked = len(liar.asked)
    assert reconcile.one(two[1].pk) is Outcome.DEFERRED
    assert len(liar.asked) == asked
    second = DeploymentState.objects.get(deployment=two[1])
    assert (second.phase, second.last_error) == (Phase.SAVED, "too many requests")
    assert second.next_reconcile_at >= health.open_until
    DeploymentState.objects.update(next_reconcile_at=now())
    assert errands.claim(lease_s=5) == []


def test_a_balancer_without_a_cluster_behind_it(
    liar: Liar, two: tuple[Deployment, Deployment], live_cluster: Cluster
) -> None:
    liar.answer = lambda method, path: status(503, "no healthy upstream", Retry_After="9")
    for _ in range(2):
        ClusterHealth.objects.filter(cluster=live_cluster).update(open_until=None)
        reconcile.one(two[0].pk)

    health = ClusterHealth.objects.get(cluster=live_cluster)
    assert health.state == ClusterHealth.State.AWAY
    assert health.open_until is not None
    assert health.open_until > now() + timedelta(seconds=5)


def test_a_webhook_that_says_far_too_much(liar: Liar, two: tuple[Deployment, Deployment], author: User) -> None:
    noise = "<script>alert(1)</script> Authorization: Bearer canary-token-of-barista " + "x" * 1_000_000
    denied = f'admission webhook "a.acme.com" denied the request: {noise}'
    liar.answer = lambda method, path: status(403, denied) if method == "PATCH" else _nothing(path)

    assert reconcile.one(two[0].pk) is Outcome.BLOCKED

    state = DeploymentState.objects.get(deployment=two[0])
    assert len(state.last_error.encode()) <= 2048
    assert "canary" not in state.last_error
    web = Client(headers={"host": "localhost"})
    web.force_login(author)
    page = " ".join(web.get(reverse("deployment-detail", args=[two[0].slug])).content.decode().split())
    assert "A rule of the cluster (a.acme.com) refuses it." in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def _nothing(path: str) -> Said:
    """No object of that name in a namespace that is there; an empty list where several are asked for."""
    if path.partition("?")[0].rpartition("/")[0].endswith("/namespaces"):
        return Said(200, b'{"kind": "Namespace", "metadata": {"name": "there"}, "status": {"phase": "Active"}}')
    if "labelSelector" in path:
        return Said(200, b'{"items": [], "metadata": {"resourceVersion": "1"}}')
    return status(404, "not found")
