"""The stack for the test suite: PostgreSQL, Valkey and a control plane, owned by one process and used by all workers.

stack = start_test_stack(home)
stack.stop()
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from embedded import postgres, valkey
from embedded.kubernetes import grant
from embedded.kubernetes.api import Api, ApiError
from embedded.kubernetes.cluster import Cluster
from embedded.paths import Home
from embedded.processes import sweep
from embedded.supervisor import Say, Supervisor


def _print(who: str, what: str) -> None:
    print(f"{who}: {what}", flush=True)


@dataclass
class TestStack:
    """Where everything is. `redis_url` names database 0; a worker of pytest-xdist should take one of its own."""

    __test__ = False  # not a class of tests, whatever its name says

    owner_url: str
    app_url: str
    redis_url: str
    admin_kubeconfig: Path
    barista_kubeconfig: Path
    _stop: Callable[[], None] = field(default=lambda: None, repr=False)

    def stop(self) -> None:
        self._stop()


@dataclass
class TestPlane:
    """A control plane of one test's own, to break: `restart("kube-apiserver")`, or kill one of `pids()`."""

    __test__ = False

    cluster: Cluster

    @property
    def admin_kubeconfig(self) -> Path:
        return self.cluster.admin_kubeconfig

    @property
    def barista_kubeconfig(self) -> Path:
        return self.cluster.barista_kubeconfig

    def pids(self) -> dict[str, int]:
        return self.cluster.supervisor.pids()

    def restart(self, component: str) -> None:
        """Kill one component; it is back when this returns."""
        self.cluster.supervisor.restart(component)
        self.cluster.supervisor.wait_ready(component, seconds=60)

    def stop(self) -> None:
        self.cluster.stop()


def start_test_stack(home: Path, *, metrics: bool = True, say: Say = _print) -> TestStack:
    """Start everything at once and return when all of it answers. With BARISTA_TEST_KUBECONFIG that cluster is used."""
    place = Home.open(home)
    sweep(place)
    supervisor = Supervisor(place, say)
    given = os.environ.get("BARISTA_TEST_KUBECONFIG")
    cluster = None if given else Cluster(place, say, tests=True, metrics=metrics)
    failures: list[Exception] = []

    def bring_up() -> None:
        try:
            if cluster is not None:
                cluster.start()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=bring_up, name="cluster")
    thread.start()

    def stop() -> None:
        if cluster is not None:
            cluster.stop()
        supervisor.stop()
        # The data of a run is worth nothing after it, and etcd alone holds 64 MB; the logs stay.
        postgres.remove_outside(place)
        for folder in ("kubernetes/etcd", "postgres", "valkey"):
            shutil.rmtree(place.path / folder, ignore_errors=True)

    try:
        urls = postgres.start(supervisor, place, tests=True)
        redis_url = valkey.start(supervisor, place)
        thread.join()
        if failures:
            raise failures[0]
        admin, own = _kubeconfigs(cluster, given, place)
    except BaseException:
        stop()
        raise
    return TestStack(urls.owner, urls.app, redis_url, admin, own, stop)


def start_plane(home: Path, *, metrics: bool = False, say: Say = _print) -> TestPlane:
    """A control plane alone, in about five seconds once its programs are built."""
    place = Home.open(home)
    sweep(place)
    cluster = Cluster(place, say, tests=True, metrics=metrics)
    try:
        cluster.start()
    except BaseException:
        cluster.stop()
        raise
    return TestPlane(cluster)


def new_namespace(admin_kubeconfig: Path, prefix: str = "test") -> str:
    """A fresh namespace with the product's rights in it."""
    name = f"{prefix}-{secrets.token_hex(4)}"
    grant.grant(Api(admin_kubeconfig), name)
    return name


def remove_namespace(admin_kubeconfig: Path, name: str) -> None:
    """Begin the deletion of a namespace; the cluster finishes it by itself."""
    try:
        grant.revoke(Api(admin_kubeconfig), name)
    except ApiError as error:
        if error.status not in {404, 409}:
            raise


def _kubeconfigs(cluster: Cluster | None, given: str | None, place: Home) -> tuple[Path, Path]:
    if cluster is not None:
        return cluster.admin_kubeconfig, cluster.barista_kubeconfig
    admin = place.folder("kubernetes") / "admin.kubeconfig"
    shutil.copyfile(str(given), admin)
    own = place.folder("kubernetes") / "barista.kubeconfig"
    grant.prepare(Api(admin), own)
    return admin, own
