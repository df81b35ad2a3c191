"""From a cluster's row to a gateway, cached per process and as long as the kubeconfig does not change."""

from __future__ import annotations

import os
import threading
from typing import Final, Protocol

from deployments.kube import kubeconfig
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


Key = tuple[int, str, str, str]
Fingerprint = tuple[int, str, str, str, int]

WAIT_S: Final = 2.0

_gateways: dict[Fingerprint, KubernetesGateway] = {}
_opening: dict[Key, threading.Lock] = {}
_guard = threading.RLock()  # held for a few lines, never while anything is read


def connect(cluster: ClusterRow) -> Gateway:
    """The gateway of `cluster`; opens no connection yet.

    Each cluster has a lock of its own: credentials that come slowly hold up nobody else's. Raises NotConfigured when
    its kubeconfig is missing, unusable or still being read: it may appear later, so ask again.
    """
    fingerprint = _fingerprint(cluster)
    if (ready := _gateways.get(fingerprint)) is not None:
        return ready
    with _guard:
        lock = _opening.setdefault(fingerprint[:4], threading.Lock())
    if not lock.acquire(timeout=WAIT_S):
        raise NotConfigured("The credentials of this cluster are still being read. It is asked again.")
    try:
        if (ready := _gateways.get(fingerprint)) is not None:
            return ready
        gateway = _open(cluster)
        with _guard:
            # A changed kubeconfig replaces its gateway; calls under way keep the old one until they end.
            for old in [key for key in _gateways if key[:4] == fingerprint[:4]]:
                del _gateways[old]
            _gateways[fingerprint] = gateway
        return gateway
    finally:
        lock.release()


def forget(cluster: ClusterRow) -> None:
    """Read the credentials again at the next connect: a token file may have been renewed."""
    with _guard:
        for key in [key for key in _gateways if key[1:4] == (cluster.access, cluster.kubeconfig, cluster.context)]:
            del _gateways[key]


def _fingerprint(cluster: ClusterRow) -> Fingerprint:
    changed_ns = 0 if cluster.access == IN_CLUSTER else kubeconfig.changed_ns(cluster.kubeconfig)
    # A forked worker must not share its parent's connections.
    return os.getpid(), cluster.access, cluster.kubeconfig, cluster.context, changed_ns


def _open(cluster: ClusterRow) -> KubernetesGateway:
    if cluster.access == IN_CLUSTER:
        return in_cluster()
    return from_kubeconfig(cluster.kubeconfig, cluster.context)
