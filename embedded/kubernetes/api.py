"""The few calls that setting up a cluster needs, on any kubeconfig."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes import client, config

Manifest = dict[str, Any]
MANIFESTS = Path(__file__).resolve().parent / "manifests"
_TIMEOUT = (2, 10)
_APPLY = "application/apply-patch+yaml"
_CORE = ("v1",)
_CLUSTER_SCOPED = frozenset(
    {
        "Namespace",
        "Node",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "APIService",
        "ClusterResourceUsage",
        "ClusterLogs",
        "Metric",
        "StorageClass",
    }
)


class ApiError(RuntimeError):
    """The apiserver refused, or did not answer (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """One apiserver. Every call has a time limit and none is repeated behind the caller's back."""

    def __init__(self, kubeconfig: Path | str | None, context: str | None = None) -> None:
        settings = client.Configuration()
        settings.retries = False
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(kubeconfig) if kubeconfig else None, context=context, client_configuration=settings
        )
        self._client = client.ApiClient(settings)

    def call(self, method: str, path: str, body: Any = None, *, content_type: str = "application/json") -> Any:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        # JSON for Kubernetes' own types, text for the apply types: the client serialises only the first by itself.
        payload = json.dumps(body) if content_type != "application/json" else body
        try:
            verb, url, all_headers, sent, _ = self._client.param_serialize(
                method, path, header_params=headers, body=payload, auth_settings=["BearerToken"]
            )
            answer = self._client.call_api(verb, url, all_headers, sent, _request_timeout=_TIMEOUT)
            text = answer.read()  # type: ignore[no-untyped-call]
        except client.ApiException as error:
            raise ApiError(
                error.status or 0, f"{method} {path}: {error.status} {error.body or error.reason}"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ApiError(0, f"{method} {path}: {error}") from error
        if not 200 <= answer.status < 300:
            raise ApiError(answer.status, f"{method} {path}: {answer.status} {text.decode(errors='replace')[:500]}")
        try:
            return json.loads(text)
        except ValueError:
            return text.decode(errors="replace")

    def kubeconfig_for(self, token: str) -> Manifest:
        """A kubeconfig of the same apiserver with a token in place of this client's credentials."""
        settings = self._client.configuration
        cluster: Manifest = {"server": settings.host}
        if settings.ssl_ca_cert:
            authority = Path(settings.ssl_ca_cert).read_bytes()
            cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "barista", "user": {"token": token}}],
            "contexts": [{"name": "barista", "context": {"cluster": "cluster", "user": "barista"}}],
            "current-context": "barista",
        }

    def is_ready(self) -> bool:
        try:
            return bool(self.call("GET", "/readyz") == "ok")
        except ApiError:
            return False

    def exists(self, path: str) -> bool:
        try:
            self.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def apply(self, manifest: Manifest, *, status: bool = False) -> None:
        """Server-side apply, forced: the set-up owns what it sets up."""
        path = object_path(manifest) + ("/status" if status else "")
        self.call("PATCH", f"{path}?fieldManager=barista-setup&force=true", manifest, content_type=_APPLY)

    def apply_all(self, manifests: Iterable[Manifest]) -> None:
        for manifest in manifests:
            self.apply(manifest)


def object_path(manifest: Mapping[str, Any]) -> str:
    version, kind, meta = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
    root = f"/api/{version}" if version in _CORE else f"/apis/{version}"
    scope = "" if kind in _CLUSTER_SCOPED else f"/namespaces/{meta.get('namespace', 'default')}"
    return f"{root}{scope}/{_plural(kind)}/{meta['name']}"


def _plural(kind: str) -> str:
    lower = kind.lower()
    if lower in {"clusterlogs", "logs"}:
        return lower
    return lower + ("es" if lower.endswith("s") else "s")


def read_manifests(name: str, **values: str | int) -> list[Manifest]:
    """The documents of one file of manifests/, with `{{name}}` replaced by the value of that name."""
    text = (MANIFESTS / name).read_text()
    for key, value in values.items():
        text = text.replace("{{" + key + "}}", str(value))
    return [document for document in yaml.safe_load_all(text) if document]
