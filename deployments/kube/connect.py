"""From a cluster's row to a gateway, cached per process and as long as neither kubeconfig nor address changes."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Final, Protocol

from deployments.domain.gke.cluster import Address, EndpointKind
from deployments.domain.gke.place import Place
from deployments.kube import kubeconfig
from deployments.kube.api import Gateway, NotConfigured
from deployments.kube.client import KubernetesGateway, at_address, from_kubeconfig, in_cluster
from deployments.kube.gke.reach import Reach, reach_of

IN_CLUSTER: Final = "in-cluster"
BY_NAME: Final = "gke"


class ClusterRow(Protocol):
    """What of a cluster's row says how to reach it."""

    @property
    def access(self) -> str: ...

    @property
    def kubeconfig(self) -> str: ...

    @property
    def context(self) -> str: ...

    @property
    def project(self) -> str: ...

    @property
    def location(self) -> str: ...

    @property
    def slug(self) -> str: ...

    @property
    def cloud_name(self) -> str: ...

    @property
    def endpoint(self) -> str: ...

    @property
    def service_account(self) -> str: ...


Key = tuple[str, ...]
Fingerprint = tuple[int, Key, str]

WAIT_S: Final = 2.0

_gateways: dict[Fingerprint, KubernetesGateway] = {}
_opening: dict[Key, threading.Lock] = {}
_guard = threading.RLock()  # held for a few lines, never while anything is read


def key_of(cluster: ClusterRow) -> Key:
    """All of the row that says how to reach it: another one is another connection."""
    if cluster.access == BY_NAME:
        place = place_of(cluster)
        return cluster.access, place.project, place.location, place.name, cluster.endpoint, cluster.service_account
    return cluster.access, cluster.kubeconfig, cluster.context


def place_of(cluster: ClusterRow) -> Place:
    return Place(cluster.project, cluster.location, cluster.cloud_name or cluster.slug)


def connect(cluster: ClusterRow) -> Gateway:
    """The gateway of `cluster`; opens no connection to it yet. Of one by name the Container API is asked where it is,
    when that is not known.

    Each cluster has a lock of its own: credentials that come slowly hold up nobody else's. Raises NotConfigured when
    its kubeconfig is missing, unusable or still being read: it may appear later, so ask again. By name it raises what
    the Container API and Google's tokens lead to.
    """
    key = key_of(cluster)
    address = _reach(cluster).address(EndpointKind(cluster.endpoint), WAIT_S) if cluster.access == BY_NAME else None
    # A forked worker must not share its parent's connections.
    fingerprint = os.getpid(), key, _version(cluster, address)
    if (ready := _gateways.get(fingerprint)) is not None:
        return ready
    with _guard:
        lock = _opening.setdefault(key, threading.Lock())
    if not lock.acquire(timeout=WAIT_S):
        raise NotConfigured("The credentials of this cluster are still being read. It is asked again.")
    try:
        if (ready := _gateways.get(fingerprint)) is not None:
            return ready
        gateway = _open(cluster, address)
        with _guard:
            # A changed kubeconfig or address replaces its gateway; calls under way keep the old one until they end.
            for old in [found for found in _gateways if found[:2] == fingerprint[:2]]:
                del _gateways[old]
            _gateways[fingerprint] = gateway
        return gateway
    finally:
        lock.release()


def forget(cluster: ClusterRow) -> None:
    """Read the credentials again at the next connect: a token file may have been renewed, a certificate replaced."""
    if cluster.access == BY_NAME:
        _reach(cluster).lost()
    key = key_of(cluster)
    with _guard:
        for found in [found for found in _gateways if found[1] == key]:
            del _gateways[found]


def _reach(cluster: ClusterRow) -> Reach:
    return reach_of(place_of(cluster), cluster.service_account)


def _version(cluster: ClusterRow, address: Address | None) -> str:
    """Of what lies behind the row: of the kubeconfig file, or of the address and its certificate."""
    if address is not None:
        return hashlib.sha256(f"{address.host}\n{address.ca_pem}".encode()).hexdigest()
    return "" if cluster.access == IN_CLUSTER else str(kubeconfig.changed_ns(cluster.kubeconfig))


def _open(cluster: ClusterRow, address: Address | None) -> KubernetesGateway:
    if address is not None:
        return at_address(address.host, address.ca_pem, _reach(cluster))
    if cluster.access == IN_CLUSTER:
        return in_cluster()
    return from_kubeconfig(cluster.kubeconfig, cluster.context)
