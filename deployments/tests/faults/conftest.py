"""A cluster behind a proxy that breaks, and the bench of the cluster tests on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from deployments.models import Cluster
from deployments.tests import factories
from deployments.tests.cluster.conftest import admin_api, author, bench, eyes, place
from deployments.tests.faults.proxy import FaultProxy

__all__ = ["admin_api", "author", "bench", "eyes", "place"]


@pytest.fixture
def proxy(barista_kubeconfig: str) -> Iterator[FaultProxy]:
    with FaultProxy.before(barista_kubeconfig) as proxy:
        yield proxy


@pytest.fixture
def live_cluster(db: None, proxy: FaultProxy, barista_kubeconfig: str, tmp_path: Path) -> Cluster:
    """The test plane, reached through the proxy."""
    path = proxy.kubeconfig(barista_kubeconfig, tmp_path / "through-proxy.kubeconfig")
    return factories.make_cluster("plane", kubeconfig=str(path))


@pytest.fixture
def redis_url(worker_id: str) -> str:
    """A database of the queue's server for this test worker alone."""
    base = os.environ["BARISTA_TEST_REDIS_URL"].rsplit("/", 1)[0]
    number = 10 + (int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0) % 6
    url = f"{base}/{number}"
    Redis.from_url(url).flushdb()
    return url
