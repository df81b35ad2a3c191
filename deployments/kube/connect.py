"""From a cluster's row to a gateway, cached per process and as long as the kubeconfig does not change."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Protocol

from deployments.kube.api import Gateway, NotConfigured
from deployments.kube.client import KubernetesGateway, from_kubeconfig, in_cluster

IN_CLUSTER = "in-cluster"


class ClusterRow(Protocol):
    """What of a cluster's row says how to reach it."""

    @property
    def access(self) -> str: ...

    @property
    def kubeconfig(self) -> str: ...

    @property
    def context(self) -> str: ...


Fingerprint = tuple[int, str, str, str, int]

_gateways: dict[Fingerprint, KubernetesGateway] = {}
_lock = threading.Lock()


def connect(cluster: ClusterRow) -> Gateway:
    """The gateway of `cluster`; opens no connection yet.

    Raises NotConfigured when its kubeconfig is missing or unusable: it may appear later, so ask again.
    """
    fingerprint = _fingerprint(cluster)
    with _lock:
        gateway = _gateways.get(fingerprint)
        if gateway is None:
            gateway = _open(cluster)
            # A changed kubeconfig replaces its gateway; calls under way keep the old one until they end.
            for old in [key for key in _gateways if key[:4] == fingerprint[:4]]:
                del _gateways[old]
            _gateways[fingerprint] = gateway
        return gateway


def forget(cluster: ClusterRow) -> None:
    """Read the credentials again at the next connect: a token file may have been renewed."""
    with _lock:
        for key in [key for key in _gateways if key[1:4] == (cluster.access, cluster.kubeconfig, cluster.context)]:
            del _gateways[key]


def _fingerprint(cluster: ClusterRow) -> Fingerprint:
    changed_ns = 0
    if cluster.access != IN_CLUSTER:
        try:
            changed_ns = Path(cluster.kubeconfig).stat().st_mtime_ns
        except OSError as error:
            raise NotConfigured(
                f"The kubeconfig file {cluster.kubeconfig or '(none)'} is not there yet or cannot be read."
            ) from error
    # A forked worker must not share its parent's connections.
    return os.getpid(), cluster.access, cluster.kubeconfig, cluster.context, changed_ns


def _open(cluster: ClusterRow) -> KubernetesGateway:
    if cluster.access == IN_CLUSTER:
        return in_cluster()
    return from_kubeconfig(cluster.kubeconfig, cluster.context)
