"""One local cluster: control plane, simulated nodes, metrics, and the two kubeconfigs that others use.

admin.kubeconfig      everything; for people and for setting up
barista.kubeconfig    the product's ServiceAccount, with the least it needs
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded.kubernetes import commands, grant, pki
from embedded.kubernetes.api import Api, ApiError, read_manifests
from embedded.kubernetes.build import Builder
from embedded.kubernetes.commands import Plane
from embedded.kubernetes.progress import Progress, State, progress_file, write
from embedded.paths import REPOSITORY, Home, write_private
from embedded.processes import Command
from embedded.supervisor import Say, Stopped, Supervisor

CPU_NODES = 12
GPU_NODES = 3
SPOT_NODES = ("cpu-11", "cpu-12", "gpu-03")
_TOKEN_SECONDS = 365 * 24 * 3600  # renewed at each start


@dataclass
class Cluster:
    """Brings one cluster up and keeps it up. `tests` trades durability for speed and leaves simulated logs out."""

    home: Home
    say: Say
    tests: bool = False
    metrics: bool = True
    namespaces: Callable[[], tuple[str, ...]] = tuple
    is_ready: threading.Event = field(default_factory=threading.Event)
    supervisor: Supervisor = field(init=False)
    builder: Builder = field(init=False)
    _steps: int = 5
    _idle: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._idle.set()
        self.supervisor = Supervisor(self.home, self.say)
        self.builder = Builder(self._report, mark=str(self.home.path))

    @property
    def admin_kubeconfig(self) -> Path:
        return self.home.path / "kubernetes" / "admin.kubeconfig"

    @property
    def barista_kubeconfig(self) -> Path:
        return self.home.path / "kubernetes" / "barista.kubeconfig"

    def start(self) -> None:
        """Build what is missing, start everything, and return when the cluster answers. Safe to call at each start."""
        self._idle.clear()
        self._starting("the control plane", 0)
        try:
            plane = Plane(self.home, self.builder.binaries(), pki.ensure(self.home.folder("kubernetes", "pki")))
            self._start(plane)
        except Stopped:
            self._report(Progress(State.STOPPED))
        except Exception as error:
            self._report(Progress(State.FAILED, detail=str(error)))
            raise
        finally:
            self._idle.set()

    def stop(self) -> None:
        self.builder.stopping.set()
        self.supervisor.close()
        self._idle.wait(15)
        self.supervisor.stop()
        self._report(Progress(State.STOPPED))

    def _start(self, plane: Plane) -> None:
        self._starting("etcd", 0)
        for name in ("admin", "kube-controller-manager", "kube-scheduler", "kwok", "metrics-server"):
            write_private(plane.kubeconfig(name), _kubeconfig(plane, _client_certificate(plane, name)))
        api = Api(self.admin_kubeconfig)
        # etcd answers only to the apiserver's certificate; the apiserver waits for it, and its own readiness says both.
        self.supervisor.start(commands.etcd(plane, tests=self.tests))
        self._starting("kube-apiserver", 1)
        self.supervisor.start(commands.kube_apiserver(plane), ready=api.is_ready, seconds=120)
        self._starting("objects", 2)
        self._set_up(plane, api)
        self._starting("controllers and nodes", 3)
        for command in (commands.kube_controller_manager(plane), commands.kube_scheduler(plane), commands.kwok(plane)):
            self.supervisor.start(command)
        if self.metrics:
            self.supervisor.start(commands.metrics_server(plane))
        if not self.tests:
            self.supervisor.start(self._logs_command(plane))
        self._starting("nodes", 4)
        _wait_for_nodes(api, self.supervisor)
        self._report(Progress(State.READY))
        self.is_ready.set()

    def _set_up(self, plane: Plane, api: Api) -> None:
        api.apply_all(read_manifests("crds.yaml"))
        api.apply_all(read_manifests("rbac.yaml"))
        if self.metrics:
            api.apply_all(read_manifests("metrics.yaml", port=self.home.port("metrics-server")))
        for namespace in self.namespaces():
            grant.grant(api, namespace)
        for node in nodes():
            if not api.exists(f"/api/v1/nodes/{node['metadata']['name']}"):
                api.call("POST", "/api/v1/nodes", node)  # an apply would drop the status, which holds the capacity
        token = grant.token(api, seconds=_TOKEN_SECONDS)
        write_private(self.barista_kubeconfig, _kubeconfig(plane, {"token": token}, user="barista"))

    def _logs_command(self, plane: Plane) -> Command:
        return Command(
            name="pod-logs",
            argv=(sys.executable, "-m", "embedded.kubernetes.podlogs", str(plane.folder)),
            folder=REPOSITORY,
            log=plane.folder / "logs" / "pod-logs.log",
            niceness=5,
        )

    def _starting(self, step: str, done: int) -> None:
        self._report(Progress(State.STARTING, step, done, self._steps, f"starting {step}"))

    def _report(self, progress: Progress) -> None:
        # Written by the build's reader too; a home that was just deleted, or that is full, is no reason to fail.
        with contextlib.suppress(OSError):
            write(progress_file(self.home), progress)
        if progress.state in {State.BUILDING, State.WAITING}:
            self.say("kubernetes", f"building {progress.step}, {progress.done + 1} of {progress.of}: {progress.detail}")
        elif progress.state is State.READY:
            self.say("kubernetes", "the cluster is ready")
        elif progress.state is State.FAILED:
            self.say("kubernetes", f"the cluster could not start: {progress.detail}")


def _client_certificate(plane: Plane, name: str) -> dict[str, str]:
    return {"client-certificate": plane.pki.certificate(name), "client-key": plane.pki.key(name)}


def _kubeconfig(plane: Plane, credentials: dict[str, str], *, user: str = "admin") -> str:
    """A kubeconfig is YAML, and JSON is YAML."""
    cluster = {"server": plane.address, "certificate-authority": plane.pki.certificate("ca")}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
            "current-context": "local",
        },
        indent=1,
    )


def nodes() -> list[dict[str, Any]]:
    """A small cluster that is worth scheduling on: twelve plain nodes and three with accelerators."""
    plain = [_node(f"cpu-{number:02}", "cpu", "e2-standard-16", "64Gi", number) for number in range(1, CPU_NODES + 1)]
    gpu = [_node(f"gpu-{number:02}", "gpu", "g2-standard-48", "192Gi", number) for number in range(1, GPU_NODES + 1)]
    return plain + gpu


def _node(name: str, pool: str, machine: str, memory: str, number: int) -> dict[str, Any]:
    capacity = {"cpu": machine.rsplit("-", 1)[1], "memory": memory, "pods": "250", "ephemeral-storage": "200Gi"}
    if pool == "gpu":
        capacity["nvidia.com/gpu"] = "4"
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": machine,
        "topology.kubernetes.io/zone": f"europe-west1-{'bcd'[number % 3]}",
        "topology.kubernetes.io/region": "europe-west1",
        "barista.io/node-pool": pool,
    }
    if pool == "gpu":
        labels["cloud.google.com/gke-accelerator"] = "nvidia-l4"
    if name in SPOT_NODES:
        labels["cloud.google.com/gke-spot"] = "true"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels,
            # All simulated kubelets share one server; this is where metrics-server finds each one's figures.
            "annotations": {"metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{name}/metrics/resource"},
        },
        "status": {"capacity": capacity, "allocatable": capacity},
    }


def _wait_for_nodes(api: Api, supervisor: Supervisor) -> None:
    def ready() -> bool:
        try:
            items = api.call("GET", "/api/v1/nodes?resourceVersion=0")["items"]
        except ApiError:
            return False
        conditions = (item.get("status", {}).get("conditions", []) for item in items)
        return bool(items) and all(
            any(entry["type"] == "Ready" and entry["status"] == "True" for entry in entries) for entries in conditions
        )

    supervisor.children["kwok"].ready = ready
    supervisor.wait_ready("kwok", seconds=60)
