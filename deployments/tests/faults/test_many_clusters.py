"""Two control planes at once: each deployment goes to its own, and one that is away or slow holds up only its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse

from deployments import reconcile
from deployments.domain.status.states import Phase
from deployments.kube.api import ObjectKind
from deployments.kube.client import from_kubeconfig
from deployments.models import ClusterHealth, Deployment, DeploymentState, Namespace, User
from deployments.reconcile import Outcome
from deployments.tests import factories
from deployments.tests.cluster.conftest import Eyes
from deployments.tests.faults.proxy import Fault, FaultProxy
from embedded.kubernetes import grant
from embedded.kubernetes.api import Api
from embedded.testing import TestPlane, start_plane

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.django_db(databases=["default", "locks"])]

SPACE = "t-second"


@pytest.fixture(scope="module")
def second_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestPlane]:
    plane = start_plane(tmp_path_factory.mktemp("second-plane"))
    grant.grant(Api(plane.admin_kubeconfig), SPACE)
    yield plane
    plane.stop()


@dataclass(frozen=True)
class Pair:
    """The same model in a namespace of the first cluster (behind the proxy) and of the second."""

    first: Deployment
    second: Deployment


@pytest.fixture
def pair(place: Namespace, second_plane: TestPlane, author: User, eyes: Eyes) -> Pair:
    other = factories.make_cluster("second", kubeconfig=str(second_plane.barista_kubeconfig))
    there = factories.make_namespace(team=place.team, cluster=other, name=SPACE)
    model = factories.make_model(team=place.team, slug="ranker")
    name = f"ranker-{factories.number()}"
    return Pair(
        *(
            factories.make_deployment(author=author, namespace=namespace, name=name, model=model)
            for namespace in (place, there)
        )
    )


def phase(deployment: Deployment) -> str:
    return DeploymentState.objects.get(deployment=deployment).phase


def test_each_goes_to_its_own_cluster(pair: Pair, second_plane: TestPlane, eyes: Eyes) -> None:
    assert reconcile.one(pair.first.pk) is Outcome.APPLIED
    assert reconcile.one(pair.second.pk) is Outcome.APPLIED

    elsewhere = from_kubeconfig(str(second_plane.admin_kubeconfig), "")
    assert eyes.get("Deployment", pair.first.name) is not None
    assert elsewhere.get(ObjectKind.DEPLOYMENT, SPACE, pair.second.name) is not None
    assert elsewhere.get(ObjectKind.DEPLOYMENT, eyes.namespace, pair.first.name) is None


def test_one_away_holds_up_only_its_own(pair: Pair, proxy: FaultProxy, author: User) -> None:
    proxy.fault = Fault.REFUSE

    assert reconcile.one(pair.first.pk) is Outcome.DEFERRED
    assert reconcile.one(pair.second.pk) is Outcome.APPLIED

    assert (phase(pair.first), phase(pair.second)) == (Phase.UNREACHABLE, Phase.APPLIED)
    client = Client(headers={"host": "localhost"})
    client.force_login(author)
    page = client.get(reverse("fleet")).content.decode()
    assert page.count(pair.first.name) >= 2
    clusters = client.get(reverse("clusters")).content.decode()
    assert "second" in clusters
    states = dict(ClusterHealth.objects.values_list("cluster__slug", "state"))
    assert states["second"] == ClusterHealth.State.OK
    proxy.fault = Fault.NONE


def test_a_slow_one_does_not_slow_the_other(pair: Pair, proxy: FaultProxy) -> None:
    proxy.latency_s = 0.4
    proxy.fault = Fault.LATENCY
    began = time.monotonic()
    assert reconcile.one(pair.second.pk) is Outcome.APPLIED
    unhindered = time.monotonic() - began

    began = time.monotonic()
    assert reconcile.one(pair.first.pk) is Outcome.APPLIED

    # Creating takes several calls, each of which the proxy delays.
    assert time.monotonic() - began > 1.2
    assert unhindered < 10
    proxy.fault = Fault.NONE
