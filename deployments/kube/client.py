"""The gateway over the Kubernetes client library: its loader, credentials and TLS; our own requests on top.

Requests go through ApiClient.call_api with bodies of bytes, so that what was checked is what is sent, and answers stay
raw JSON: typed objects cost four times as much and lose unknown fields.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import orjson
import structlog
import urllib3
from kubernetes import client as library
from kubernetes import config as loader

from deployments.domain.apiserver.objects import obj, text
from deployments.domain.gke.rights import Right
from deployments.kube import kubeconfig, plugins
from deployments.kube.answers import named, read, warnings_of
from deployments.kube.api import (
    RESOURCES,
    Answer,
    Invalid,
    Listing,
    NotConfigured,
    NotFound,
    Object,
    ObjectKind,
    Unanswered,
    Unreachable,
)
from deployments.kube.redact import redact
from deployments.kube.refusals import refusal
from deployments.kube.stream import Stream, plain_problem

log = structlog.get_logger(__name__)

APPLY: Final = "application/apply-patch+yaml"
JSON: Final = "application/json"
CONNECT_S: Final = 2.0
READ_S: Final = 5.0
# The apiserver itself ends a write after this, before we stop listening: its answer, not our silence, tells of a
# webhook that hangs. One may take 30 s, and its name is told only to who waits longer.
WRITE_S: Final = 4.0
PATIENT_S: Final = 31.0
LISTEN_ON_S: Final = 1.0
LIST_S: Final = 15.0
POOL: Final = 64
PAGE: Final = 500
# A list that never ends is no list: 200,000 objects are more than a cluster holds.
PAGES: Final = 400
# How long after its own end a stream may stay silent before it is taken for dead.
OVERDUE_S: Final = 15


def from_kubeconfig(path: str, context: str) -> KubernetesGateway:
    """Also for credential plugins, token files and client certificates: the library's loader knows them all.

    Raises NotConfigured; its words repeat nothing that the file or a plugin said.
    """
    found = kubeconfig.load(path, context)
    configuration = _configuration()
    plugins.begin()
    try:
        loader.load_kube_config_from_dict(  # type: ignore[no-untyped-call]
            config_dict=found, client_configuration=configuration, persist_config=False
        )
    except Exception as error:  # the loader raises whatever base64, plugins and missing keys raise
        log.warning("kubeconfig_unusable", path=path, problem=redact(error)[:300])
        raise NotConfigured(f"The kubeconfig file {path} cannot be used: its credentials cannot be read.") from None
    if plugins.failure():
        raise NotConfigured(f"{plugins.failure()} The kubeconfig file {path} names it.")
    return KubernetesGateway(library.ApiClient(configuration))


def in_cluster() -> KubernetesGateway:
    configuration = _configuration()
    try:
        loader.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (loader.ConfigException, OSError) as error:
        raise NotConfigured(f"Barista does not run in a pod with a ServiceAccount: {error}") from error
    return KubernetesGateway(library.ApiClient(configuration))


class Bearer(Protocol):
    """Whose token each request carries, where the library's own credentials do not."""

    def token(self, within_s: float) -> str: ...

    def refused(self, used: str, within_s: float) -> str:
        """Another token than `used`, which the cluster answered with 401."""

    def lost(self) -> None:
        """No connection to the address: it may be another one by now."""


def at_address(host: str, ca_pem: str, bearer: Bearer) -> KubernetesGateway:
    """`host` as in a URL; `ca_pem` empty: a public authority vouches for it."""
    configuration = _configuration()
    configuration.host = f"https://{host}"
    configuration.ca_cert_data = ca_pem or None
    return KubernetesGateway(library.ApiClient(configuration), bearer=bearer)


def _configuration() -> Any:
    configuration = library.Configuration()
    # Left on, a GET with a 2 s limit takes 8 s, and a write could be sent twice.
    configuration.retries = False
    configuration.connection_pool_maxsize = POOL
    configuration.keep_alive = True
    return configuration


@dataclass(frozen=True, slots=True)
class KubernetesGateway:
    """Implements kube.api.Gateway. Threads may share one."""

    library: Any
    deadline: float | None = None
    write_s: float = WRITE_S
    bearer: Bearer | None = None

    def patient(self) -> KubernetesGateway:
        return replace(self, write_s=PATIENT_S)

    def within(self, seconds: float) -> KubernetesGateway:
        return replace(self, deadline=time.monotonic() + seconds)

    def ready(self) -> None:
        self._call("GET", "/readyz")

    def version(self) -> str:
        return str(self._object("GET", "/version").object.get("gitVersion", ""))

    def get(self, kind: ObjectKind, namespace: str | None, name: str) -> Object | None:
        try:
            found = self._object("GET", RESOURCES[kind].path(namespace, name)).object
        except NotFound:
            return None
        return named(found, name)

    def apply(self, body: bytes, *, manager: str, force: bool = False, dry_run: bool = False) -> Answer:
        target = orjson.loads(body)
        metadata = target["metadata"]
        query = [("fieldManager", manager), ("force", str(force).lower()), ("fieldValidation", "Strict")]
        path = RESOURCES[ObjectKind(target["kind"])].path(metadata["namespace"], metadata["name"])
        answer = self._object("PATCH", path, _dry(query, dry_run), body, APPLY)
        return replace(answer, object=named(answer.object, metadata["name"]))

    def scale(
        self, namespace: str, name: str, replicas: int, *, manager: str, resource_version: str, dry_run: bool = False
    ) -> Object:
        body = {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": name, "namespace": namespace, "resourceVersion": resource_version},
            "spec": {"replicas": replicas},
        }
        path = RESOURCES[ObjectKind.DEPLOYMENT].path(namespace, name, "scale")
        query = _dry([("fieldManager", manager), ("fieldValidation", "Strict")], dry_run)
        return self._object("PUT", path, query, orjson.dumps(body), JSON).object

    def create_pod(self, namespace: str, body: bytes) -> Answer:
        query = _dry([("fieldValidation", "Strict")], True)
        return self._object("POST", RESOURCES[ObjectKind.POD].path(namespace), query, body, JSON)

    def delete(self, kind: ObjectKind, namespace: str, name: str, *, uid: str) -> None:
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        # Foreground: a Deployment is gone only when its pods are, so that "retired" is a fact.
        options["propagationPolicy"] = "Foreground" if kind is ObjectKind.DEPLOYMENT else "Background"
        try:
            self._call("DELETE", RESOURCES[kind].path(namespace, name), [], orjson.dumps(options), JSON)
        except NotFound:
            return

    def list_objects(
        self, kind: ObjectKind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> Listing:
        query = [*_selectors(labels, fields), ("limit", str(PAGE))]
        items: list[Object] = []
        token = ""
        for _ in range(PAGES):
            page = self._object(
                "GET",
                RESOURCES[kind].path(namespace),
                query + ([("continue", token)] if token else []),
                limit_s=LIST_S,
            ).object
            items += page.get("items") or []
            metadata = page.get("metadata") or {}
            token = metadata.get("continue") or ""
            if not token:
                return Listing(items, str(metadata.get("resourceVersion", "")))
        raise Invalid(f"The cluster's list of {RESOURCES[kind].plural} does not end.")

    def watch(
        self,
        kind: ObjectKind,
        *,
        resource_version: str,
        namespace: str | None = None,
        labels: str = "",
        lasts_s: int = 90,
    ) -> Stream:
        query = [
            *_selectors(labels, ""),
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", resource_version),
            ("timeoutSeconds", str(lasts_s)),
        ]
        response = self._send(
            "GET", RESOURCES[kind].path(namespace), query, None, None, (CONNECT_S, lasts_s + OVERDUE_S)
        )
        if response.status >= 300:
            with response:
                raise refusal(response.status, response.read(), response.headers)
        return Stream(response)

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
        query = [
            ("container", container),
            ("previous", str(previous).lower()),
            ("sinceSeconds", str(since_s)),
            ("tailLines", str(tail)),
            ("timestamps", "true"),
            ("limitBytes", str(limit_bytes)),
        ]
        return self._call("GET", RESOURCES[ObjectKind.POD].path(namespace, pod, "log"), query, limit_s=LIST_S)[0]

    def username(self) -> str:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        found = self._object("POST", path, [], orjson.dumps(body), JSON).object
        return text(found, "status", "userInfo", "username")

    def may(self, right: Right, namespace: str | None) -> bool:
        asked = {"group": right.group, "resource": right.resource, "subresource": right.subresource, "verb": right.verb}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked | ({"namespace": namespace} if namespace else {})},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        found = self._object("POST", path, [], orjson.dumps(body), JSON).object
        return obj(found, "status").get("allowed") is True

    def _object(
        self,
        verb: str,
        path: str,
        query: list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        content_type: str | None = None,
        limit_s: float = READ_S,
    ) -> Answer:
        data, warnings = self._call(verb, path, query, body, content_type, limit_s)
        try:
            parsed = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise Unreachable("The cluster's answer is not JSON.") from error
        if not isinstance(parsed, dict):
            raise Unreachable("The cluster's answer is not an object.")
        return Answer(parsed, warnings)

    def _call(
        self,
        verb: str,
        path: str,
        query: list[tuple[str, str]] | None = None,
        body: bytes | None = None,
        content_type: str | None = None,
        limit_s: float = READ_S,
    ) -> tuple[bytes, tuple[str, ...]]:
        """The body and the warnings of a successful answer, within the limits of time and size."""
        is_write = verb != "GET"
        if is_write:
            limit_s = self.write_s + LISTEN_ON_S
        ends = time.monotonic() + CONNECT_S + limit_s
        if self.deadline is not None:
            ends = min(ends, self.deadline)
        remaining = ends - time.monotonic()
        if remaining <= 0:
            raise Unreachable("The cluster took too long to answer.")
        timeout = (min(CONNECT_S, remaining), min(limit_s, remaining))
        if is_write:
            # It ends before we stop listening, so that the answer is the apiserver's own.
            query = [*(query or []), ("timeout", f"{max(200, int((timeout[1] - LISTEN_ON_S) * 1000))}ms")]
        sent = time.monotonic()
        try:
            response = self._send(verb, path, query or [], body, content_type, timeout)
            try:
                data = read(response, ends)
            finally:
                response.release_conn()
        except Unreachable as error:
            # At its own timeout an apiserver that has begun to answer cuts the connection: no 504, the same cause.
            is_over = is_write and time.monotonic() - sent >= timeout[1] - LISTEN_ON_S
            if is_over and isinstance(error.__cause__, urllib3.exceptions.ProtocolError):
                raise Unanswered(str(error)) from error
            raise
        if response.status == 504 and is_write:
            raise Unanswered(f"The cluster did not finish the write within {self.write_s:.0f} s.", status=504)
        if response.status >= 300:
            raise refusal(response.status, data, response.headers)
        return data, warnings_of(response.headers)

    def _send(
        self,
        verb: str,
        path: str,
        query: list[tuple[str, str]],
        body: bytes | None,
        content_type: str | None,
        timeout: tuple[float, float],
    ) -> Any:
        if self.bearer is None:
            return self._sent(verb, path, query, body, content_type, timeout, "")
        began = time.monotonic()
        token = self.bearer.token(timeout[0])
        response = self._sent(verb, path, query, body, content_type, _left(timeout, began), token)
        if response.status != 401:
            return response
        # Refused before it was looked at: nothing was done, so it may be sent again, with a new token and once.
        response.close()
        token = self.bearer.refused(token, _left(timeout, began)[0])
        return self._sent(verb, path, query, body, content_type, _left(timeout, began), token)

    def _sent(
        self,
        verb: str,
        path: str,
        query: list[tuple[str, str]],
        body: bytes | None,
        content_type: str | None,
        timeout: tuple[float, float],
        token: str,
    ) -> Any:
        headers = {"Accept": JSON} | ({"Authorization": f"Bearer {token}"} if token else {})
        if content_type is not None:
            headers["Content-Type"] = content_type
        try:
            method, url, headers, _, _ = self.library.param_serialize(
                verb, path, query_params=query, header_params=headers, auth_settings=[] if token else ["BearerToken"]
            )
            if body is None or content_type == APPLY:
                return self.library.call_api(method, url, headers, body, _request_timeout=timeout).response
            # For plain JSON the library would encode the bytes again.
            return self.library.rest_client.pool_manager.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
                preload_content=False,
            )
        except (library.ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            if self.bearer is not None:
                self.bearer.lost()
            is_unanswered = verb != "GET" and isinstance(error, urllib3.exceptions.ReadTimeoutError)
            raise (Unanswered if is_unanswered else Unreachable)(plain_problem(error)) from error
        except loader.ConfigException as error:
            raise NotConfigured(f"The cluster's credentials cannot be read: {error}") from error


def _left(timeout: tuple[float, float], began: float) -> tuple[float, float]:
    """What remains of the limits of connecting and reading; something, so that the error is of the connection."""
    spent = time.monotonic() - began
    return max(0.1, timeout[0] - spent), max(0.1, timeout[1] - spent)


def _dry(query: list[tuple[str, str]], dry_run: bool) -> list[tuple[str, str]]:
    return [*query, ("dryRun", "All")] if dry_run else query


def _selectors(labels: str, fields: str) -> list[tuple[str, str]]:
    return [pair for pair in (("labelSelector", labels), ("fieldSelector", fields)) if pair[1]]
