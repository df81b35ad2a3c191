"""The verbs a cluster understands and the ways it refuses, in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from deployments.domain.gke.rights import Right
from deployments.kube.redact import redact

Object = dict[str, Any]


class ObjectKind(StrEnum):
    DEPLOYMENT = "Deployment"
    REPLICA_SET = "ReplicaSet"
    POD = "Pod"
    SERVICE = "Service"
    HPA = "HorizontalPodAutoscaler"
    INGRESS = "Ingress"
    PDB = "PodDisruptionBudget"
    EVENT = "Event"
    NODE = "Node"
    POD_METRICS = "PodMetrics"
    RESOURCE_QUOTA = "ResourceQuota"
    NAMESPACE = "Namespace"
    SLEEP_INFO = "SleepInfo"


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind lives in the API."""

    prefix: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        parts = [self.prefix]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part is not None]
        return "/".join(parts)


RESOURCES: dict[ObjectKind, Resource] = {
    ObjectKind.DEPLOYMENT: Resource("/apis/apps/v1", "deployments"),
    ObjectKind.REPLICA_SET: Resource("/apis/apps/v1", "replicasets"),
    ObjectKind.POD: Resource("/api/v1", "pods"),
    ObjectKind.SERVICE: Resource("/api/v1", "services"),
    ObjectKind.HPA: Resource("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    ObjectKind.INGRESS: Resource("/apis/networking.k8s.io/v1", "ingresses"),
    ObjectKind.PDB: Resource("/apis/policy/v1", "poddisruptionbudgets"),
    ObjectKind.EVENT: Resource("/api/v1", "events"),
    ObjectKind.NODE: Resource("/api/v1", "nodes"),
    ObjectKind.POD_METRICS: Resource("/apis/metrics.k8s.io/v1beta1", "pods"),
    ObjectKind.RESOURCE_QUOTA: Resource("/api/v1", "resourcequotas"),
    ObjectKind.NAMESPACE: Resource("/api/v1", "namespaces"),
    ObjectKind.SLEEP_INFO: Resource("/apis/kube-green.com/v1alpha1", "sleepinfos"),
}


class ErrorClass(StrEnum):
    """What to do about an error; the reactions are in deployments/reconcile."""

    RACE = "race"
    CONFLICT = "conflict"
    PERMANENT = "permanent"
    CREDENTIALS = "credentials"
    PRESSURE = "pressure"
    TRANSIENT = "transient"
    STARTING = "starting"
    SLOW = "slow"


class ClusterError(Exception):
    """A cluster did not do what it was asked. `str()` is redacted and fit for a page."""

    error_class: ClassVar[ErrorClass] = ErrorClass.PERMANENT

    def __init__(self, message: object, *, status: int | None = None, reason: str = "") -> None:
        super().__init__(redact(message))
        self.status = status
        self.reason = reason


class Conflict(ClusterError):
    """The object changed since it was read (or exists already): read again and decide again."""

    error_class = ErrorClass.RACE


@dataclass(frozen=True, slots=True)
class FieldClaim:
    """A field of ours that another manager holds. `path` is the apiserver's own notation."""

    path: str
    manager: str


class FieldConflict(ClusterError):
    error_class = ErrorClass.CONFLICT

    def __init__(self, message: object, *, fields: tuple[FieldClaim, ...]) -> None:
        super().__init__(message, status=409, reason="Conflict")
        self.fields = fields


class Forbidden(ClusterError):
    """A permission, a quota or an admission rule refuses."""


class Invalid(ClusterError):
    """The object is not acceptable as it is; sending it again will not help."""


class NotFound(ClusterError):
    pass


class Gone(ClusterError):
    """The resourceVersion or continue token is too old: list again."""

    error_class = ErrorClass.RACE


class Unauthorized(ClusterError):
    error_class = ErrorClass.CREDENTIALS


class Throttled(ClusterError):
    error_class = ErrorClass.PRESSURE

    def __init__(self, message: object, *, status: int, retry_after_s: float) -> None:
        super().__init__(message, status=status)
        self.retry_after_s = retry_after_s


class Unreachable(ClusterError):
    """No answer, half an answer or a server error: nobody knows whether it was done; the next read tells."""

    error_class = ErrorClass.TRANSIENT


class Unanswered(Unreachable):
    """A write did not end in time. Whether that is the cluster's fault or the object's, only its /readyz tells."""


class Stuck(ClusterError):
    """The cluster answers and does not finish writing this object: what it asks about it hangs."""

    error_class = ErrorClass.SLOW


class NotConfigured(Unreachable):
    """There is nothing to connect to yet: the kubeconfig is missing or cannot be used."""

    error_class = ErrorClass.STARTING


@dataclass(frozen=True, slots=True)
class Answer:
    """An object as the cluster returned it, with what it warned about."""

    object: Object
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    items: list[Object]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch: ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Object


class Watch(AbstractContextManager["Watch"], Protocol):
    """Changes as they come; ends when the server ends the stream, or soon after `wake` from another thread."""

    def __iter__(self) -> Iterator[Change]: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


class Gateway(Protocol):
    """One cluster. Every verb raises a ClusterError and nothing else; every call has a time limit."""

    def within(self, seconds: float) -> Gateway:
        """The same cluster, where all calls together may take this long."""

    def patient(self) -> Gateway:
        """The same cluster, where a write may take longer than any admission webhook, whose name is then told."""

    def ready(self) -> None: ...

    def version(self) -> str: ...

    def get(self, kind: ObjectKind, namespace: str | None, name: str) -> Object | None:
        """The object, or None when there is none."""

    def apply(self, body: bytes, *, manager: str, force: bool = False, dry_run: bool = False) -> Answer:
        """Server-side apply of exactly these bytes (one JSON object), with strict field validation."""

    def scale(
        self, namespace: str, name: str, replicas: int, *, manager: str, resource_version: str, dry_run: bool = False
    ) -> Object:
        """Write the number of replicas through /scale; refused as Conflict when the object is newer."""

    def create_pod(self, namespace: str, body: bytes) -> Answer:
        """Dry-run create of a pod: never leaves anything behind."""

    def delete(self, kind: ObjectKind, namespace: str, name: str, *, uid: str) -> None:
        """Delete exactly the object with this uid (Conflict when another has its name); gone already is fine."""

    def list_objects(
        self, kind: ObjectKind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> Listing: ...

    def watch(
        self,
        kind: ObjectKind,
        *,
        resource_version: str,
        namespace: str | None = None,
        labels: str = "",
        lasts_s: int = 90,
    ) -> Watch:
        """Changes since the version, for so many seconds; Unreachable when it is silent beyond its own end."""

    def pod_log(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        previous: bool,
        since_s: int,
        tail: int,
        limit_bytes: int,
    ) -> bytes:
        """Log lines, each with its RFC 3339 instant in front."""

    def username(self) -> str:
        """Who we are to the cluster, as RBAC spells it; empty when it does not say."""

    def may(self, right: Right, namespace: str | None) -> bool:
        """Whether the cluster would let us, in a namespace or everywhere."""
