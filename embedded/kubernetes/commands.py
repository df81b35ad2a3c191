"""The command line of each component of one control plane. Everything listens on loopback."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from embedded.kubernetes.api import MANIFESTS
from embedded.kubernetes.pki import Pki
from embedded.paths import LOOPBACK, Home
from embedded.processes import Command

NODE_LEASE_S = 200


@dataclass(frozen=True)
class Plane:
    """Where one control plane keeps its things, and what runs it."""

    home: Home
    binaries: dict[str, Path]
    pki: Pki

    @property
    def folder(self) -> Path:
        return self.home.path / "kubernetes"

    @property
    def address(self) -> str:
        return f"https://{LOOPBACK}:{self.home.port('kube-apiserver')}"

    def kubeconfig(self, name: str) -> Path:
        return self.folder / f"{name}.kubeconfig"

    def command(
        self, name: str, flags: dict[str, str | int], *, stop_seconds: float = 8.0, quick: bool = True
    ) -> Command:
        """`quick` components keep nothing: they are killed, because a polite end waits for open watches."""
        return Command(
            name=name,
            argv=(str(self.binaries[name]), *(f"--{flag}={value}" for flag, value in flags.items())),
            folder=self.folder,
            log=self.folder / "logs" / f"{name}.log",
            stop_signal=signal.SIGKILL if quick else signal.SIGTERM,
            stop_seconds=stop_seconds,
        )


def etcd(plane: Plane, *, tests: bool = False) -> Command:
    client = f"https://{LOOPBACK}:{plane.home.port('etcd')}"
    peer = f"https://{LOOPBACK}:{plane.home.port('etcd-peer')}"
    flags: dict[str, str | int] = {
        "name": "local",
        "data-dir": str(plane.folder / "etcd"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"local={peer}",
        "cert-file": plane.pki.certificate("server"),
        "key-file": plane.pki.key("server"),
        "client-cert-auth": "true",
        "trusted-ca-file": plane.pki.certificate("ca"),
        "peer-cert-file": plane.pki.certificate("server"),
        "peer-key-file": plane.pki.key("server"),
        "peer-client-cert-auth": "true",
        "peer-trusted-ca-file": plane.pki.certificate("ca"),
        "auto-compaction-retention": 1,
        "quota-backend-bytes": 4 * 1024**3,
        "log-level": "warn",
    }
    if tests:
        flags["unsafe-no-fsync"] = "true"
    return plane.command("etcd", flags, quick=False)


def kube_apiserver(plane: Plane) -> Command:
    pki = plane.pki
    return plane.command(
        "kube-apiserver",
        {
            "bind-address": LOOPBACK,
            "advertise-address": LOOPBACK,
            "secure-port": plane.home.port("kube-apiserver"),
            "etcd-servers": f"https://{LOOPBACK}:{plane.home.port('etcd')}",
            "etcd-cafile": pki.certificate("ca"),
            "etcd-certfile": pki.certificate("etcd-client"),
            "etcd-keyfile": pki.key("etcd-client"),
            "tls-cert-file": pki.certificate("server"),
            "tls-private-key-file": pki.key("server"),
            "client-ca-file": pki.certificate("ca"),
            "authorization-mode": "Node,RBAC",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": pki.key("service-accounts"),
            "service-account-signing-key-file": pki.key("service-accounts"),
            "service-cluster-ip-range": "10.96.0.0/16",
            "kubelet-client-certificate": pki.certificate("kubelet-client"),
            "kubelet-client-key": pki.key("kubelet-client"),
            "kubelet-preferred-address-types": "Hostname",
            "proxy-client-cert-file": pki.certificate("front-proxy"),
            "proxy-client-key-file": pki.key("front-proxy"),
            "requestheader-client-ca-file": pki.certificate("front-proxy-ca"),
            "requestheader-allowed-names": "front-proxy-client",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-username-headers": "X-Remote-User",
            # Nobody shares this apiserver, and queues of its own would only hide what the product waits for.
            "enable-priority-and-fairness": "false",
            "max-requests-inflight": 0,
            "max-mutating-requests-inflight": 0,
        },
    )


def kube_controller_manager(plane: Plane) -> Command:
    kubeconfig = str(plane.kubeconfig("kube-controller-manager"))
    return plane.command(
        "kube-controller-manager",
        {
            **_client_flags(plane, kubeconfig, "kube-controller-manager"),
            "use-service-account-credentials": "true",
            "root-ca-file": plane.pki.certificate("ca"),
            "service-account-private-key-file": plane.pki.key("service-accounts"),
            "horizontal-pod-autoscaler-sync-period": "5s",
            "horizontal-pod-autoscaler-initial-readiness-delay": "5s",
            "horizontal-pod-autoscaler-cpu-initialization-period": "20s",
            "concurrent-deployment-syncs": 10,
            "concurrent-replicaset-syncs": 10,
            # The simulated nodes renew their leases slowly, to leave the processors to others. A kwok that is started
            # again waits for the old one's leases to run out: until then no pod may be given up.
            "node-monitor-period": "25s",
            "node-monitor-grace-period": f"{3 * NODE_LEASE_S}s",
        },
    )


def kube_scheduler(plane: Plane) -> Command:
    kubeconfig = str(plane.kubeconfig("kube-scheduler"))
    return plane.command("kube-scheduler", _client_flags(plane, kubeconfig, "kube-scheduler"))


def _client_flags(plane: Plane, kubeconfig: str, name: str) -> dict[str, str | int]:
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": LOOPBACK,
        "secure-port": plane.home.port(name),
        "tls-cert-file": plane.pki.certificate("server"),
        "tls-private-key-file": plane.pki.key("server"),
        # There is one of each; after a kill it must not wait for its own old lease.
        "leader-elect": "false",
        "kube-api-qps": 2000,
        "kube-api-burst": 4000,
    }


def kwok(plane: Plane) -> Command:
    port = plane.home.port("kwok")
    return plane.command(
        "kwok",
        {
            "kubeconfig": str(plane.kubeconfig("kwok")),
            "config": str(MANIFESTS / "kwok.yaml"),
            "manage-all-nodes": "true",
            "server-address": f"{LOOPBACK}:{port}",
            "node-name": "localhost",
            "node-port": port,
            "node-ip": LOOPBACK,
            "node-lease-duration-seconds": NODE_LEASE_S,
            "tls-cert-file": plane.pki.certificate("server"),
            "tls-private-key-file": plane.pki.key("server"),
            "enable-crds": "Logs",
        },
    )


def metrics_server(plane: Plane) -> Command:
    kubeconfig = str(plane.kubeconfig("metrics-server"))
    return plane.command(
        "metrics-server",
        {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": LOOPBACK,
            "secure-port": plane.home.port("metrics-server"),
            "cert-dir": str(plane.home.folder("kubernetes", "metrics-server")),
            "kubelet-insecure-tls": "true",
            "kubelet-preferred-address-types": "Hostname",
            "kubelet-use-node-status-port": "true",
            "metric-resolution": "10s",
            "kubelet-request-timeout": "5s",
        },
    )
