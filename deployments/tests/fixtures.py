"""Fixtures of the whole suite (a plugin of the root conftest.py)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from deployments.domain.roles import Role
from deployments.kube.client import KubernetesGateway
from deployments.models import Cluster, Namespace, Team, User
from deployments.tests import factories


@dataclass(frozen=True)
class People:
    """One person of each kind; maintainer, editor and viewer are members of `team`, the stranger of another."""

    team: Team
    other_team: Team
    platform: User
    maintainer: User
    editor: User
    viewer: User
    auditor: User
    stranger: User


@pytest.fixture
def people(db: None) -> People:
    users = {name: factories.make_user(name) for name in ("maintainer", "editor", "viewer", "stranger")}
    team = factories.make_team(
        "search",
        members={
            users["maintainer"]: Role.MAINTAINER,
            users["editor"]: Role.EDITOR,
            users["viewer"]: Role.VIEWER,
        },
    )
    return People(
        team=team,
        other_team=factories.make_team("ads", members={users["stranger"]: Role.MAINTAINER}),
        platform=factories.make_user("platform", is_platform_admin=True),
        auditor=factories.make_user("auditor", is_auditor=True),
        **users,
    )


@pytest.fixture
def client_as(people: People) -> Callable[[str], Client]:
    """A logged-in test client by the name of the person; CSRF is checked elsewhere."""

    def make(name: str) -> Client:
        client = Client(headers={"host": "localhost"})
        if name != "anonymous":
            client.force_login(getattr(people, name))
        return client

    return make


@pytest.fixture
def cluster_row(db: None) -> Cluster:
    """A registered cluster that no test connects to."""
    return factories.make_cluster("demo", kubeconfig="/nowhere/kubeconfig")


@dataclass(frozen=True)
class Places:
    """A namespace of the search team in each environment."""

    dev: Namespace
    staging: Namespace
    prod: Namespace


@pytest.fixture
def places(people: People, cluster_row: Cluster) -> Places:
    return Places(
        **{
            environment: factories.make_namespace(team=people.team, cluster=cluster_row, environment=environment)
            for environment in ("dev", "staging", "prod")
        }
    )


@pytest.fixture(scope="session")
def barista_kubeconfig() -> str:
    """The kubeconfig of the least-privilege ServiceAccount on the test plane."""
    path = os.environ.get("BARISTA_TEST_BARISTA_KUBECONFIG", "")
    if not path:
        pytest.skip("the control plane was not started")
    return path


@pytest.fixture
def live_cluster(db: None, barista_kubeconfig: str) -> Cluster:
    """A registered cluster that is the test plane, reached as the ServiceAccount."""
    return factories.make_cluster("plane", kubeconfig=barista_kubeconfig)


class NetworkInTransaction(AssertionError):
    """A call of the network while a transaction is open: locks would be held for as long as the network likes."""


def refuse_in_transaction(what: str) -> None:
    # The test's own transaction, which pytest-django opens around it, is none of the product's.
    if any(not block._from_testcase for block in connection.atomic_blocks):
        raise NetworkInTransaction(f"{what} inside a transaction")


@pytest.fixture(autouse=True)
def _no_network_in_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call of a cluster, in every test, asks whether a transaction is open."""
    send = KubernetesGateway._send

    def guarded(self: KubernetesGateway, *args: Any, **options: Any) -> Any:
        refuse_in_transaction("a call of the cluster")
        return send(self, *args, **options)

    monkeypatch.setattr(KubernetesGateway, "_send", guarded)


@pytest.fixture(autouse=True)
def _no_nudges(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Workers do not run in tests: a nudge is swallowed unless the test asks for the queue."""
    if "queue" not in request.fixturenames:
        monkeypatch.setattr("baristaweb.lib.queue.nudge", _swallow)


def _swallow(task: str, *args: Any) -> bool:
    refuse_in_transaction("a nudge")
    return True
