"""The one place that renders Kubernetes objects. Every field Barista manages is written here, always and in full:
a field left out of a server-side apply is removed from the cluster.

The number of replicas is never rendered: it belongs to the autoscaler or to the /scale writer.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.catalogue import HardwareProfile, Placement, Probe, Runtime, expand
from deployments.domain.managers import FIELD_MANAGER_CONFIG, FIELD_MANAGER_HPA, FIELD_MANAGER_SCALER
from deployments.domain.naming import label_value
from deployments.domain.quantities import format_cpu, format_memory
from deployments.domain.spec import Autoscale, Resources, RollingUpdate, Spec, effective_image, effective_resources

__all__ = ["FIELD_MANAGER_CONFIG", "FIELD_MANAGER_HPA", "FIELD_MANAGER_SCALER"]

LABEL_ID: Final = "barista.io/deployment-id"
LABEL_TEAM: Final = "barista.io/team"
LABEL_ENVIRONMENT: Final = "barista.io/environment"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "barista"
ANNOTATION_REVISION: Final = "barista.io/revision"
ANNOTATION_INSTALL: Final = "barista.io/install"
# The intent that an object was rendered from; a writer that finds a higher one here came too late.
ANNOTATION_GENERATION: Final = "barista.io/generation"
ANNOTATION_RESTARTED_AT: Final = "barista.io/restarted-at"
CONTAINER: Final = "model"

_DOLLARS: Final = re.compile(r"\$+\(?")


@dataclass(frozen=True, slots=True)
class Rendered:
    deployment: dict[str, Any]
    service: dict[str, Any] | None = None
    hpa: dict[str, Any] | None = None
    ingress: dict[str, Any] | None = None

    def objects(self) -> list[dict[str, Any]]:
        """In the order they are applied: the Deployment first, what points at it after."""
        return [item for item in (self.deployment, self.service, self.hpa, self.ingress) if item is not None]


def render(
    *,
    spec: Spec,
    runtime: Runtime,
    profile: HardwareProfile | None,
    placement: Placement,
    revision: int,
    restarted_at: str | None,
    paused: bool = False,
    generation: int | None = None,
) -> Rendered:
    deployment = _object("apps/v1", "Deployment", placement)
    deployment["metadata"]["annotations"][ANNOTATION_REVISION] = str(revision)
    if generation is not None:
        deployment["metadata"]["annotations"][ANNOTATION_GENERATION] = str(generation)
    deployment["spec"] = {
        "paused": paused,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "selector": {"matchLabels": {LABEL_ID: str(placement.deployment_id)}},
        "strategy": _strategy(spec),
        "template": _template(spec, runtime, profile, placement, restarted_at),
    }
    return Rendered(
        deployment=deployment,
        service=_service(spec, runtime, placement),
        hpa=_hpa(spec, placement),
        ingress=_ingress(spec, placement),
    )


def canonical_json(obj: Any) -> bytes:
    """The bytes that are sent, checked and hashed."""
    return json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def labels(placement: Placement) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": label_value(placement.model_name) or placement.name,
        "app.kubernetes.io/instance": placement.name,
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_ID: str(placement.deployment_id),
        LABEL_TEAM: label_value(placement.team),
        LABEL_ENVIRONMENT: placement.environment.value,
    }


def escape_expansion(text: str) -> str:
    """Text that reaches the container byte for byte: the kubelet expands "$(NAME)" and turns "$$" into "$"."""

    def double(match: re.Match[str]) -> str:
        run = match.group().rstrip("(")
        if len(run) == 1 and not match.group().endswith("("):
            return run
        return run * 2 + match.group()[len(run) :]

    return _DOLLARS.sub(double, text)


def _object(api_version: str, kind: str, placement: Placement) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": placement.name,
            "namespace": placement.namespace,
            "labels": labels(placement),
            "annotations": {ANNOTATION_INSTALL: placement.install_id},
        },
    }


def _strategy(spec: Spec) -> dict[str, Any]:
    # Always explicit: switching to Recreate is refused while rollingUpdate is only a default.
    if isinstance(spec.strategy, RollingUpdate):
        rolling = {"maxSurge": spec.strategy.max_surge, "maxUnavailable": spec.strategy.max_unavailable}
        return {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"type": "Recreate"}


def _template(
    spec: Spec, runtime: Runtime, profile: HardwareProfile | None, placement: Placement, restarted_at: str | None
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"labels": labels(placement)}
    if restarted_at is not None:
        metadata["annotations"] = {ANNOTATION_RESTARTED_AT: restarted_at}
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": runtime.run_as_user,
            "runAsGroup": runtime.run_as_group,
            "fsGroup": runtime.run_as_group,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": runtime.termination_grace_s,
        "containers": [_container(spec, runtime, profile, placement)],
        "volumes": _volumes(runtime),
    }
    if runtime.service_account:
        pod["serviceAccountName"] = runtime.service_account
    if runtime.pull_secret:
        pod["imagePullSecrets"] = [{"name": runtime.pull_secret}]
    if spec.profile is not None and profile is not None:
        if profile.node_selector:
            pod["nodeSelector"] = dict(profile.node_selector)
        if profile.tolerations:
            pod["tolerations"] = [item.to_json() for item in profile.tolerations]
    return {"metadata": metadata, "spec": pod}


def _container(spec: Spec, runtime: Runtime, profile: HardwareProfile | None, placement: Placement) -> dict[str, Any]:
    # Values are escaped, the admin's template is not: it may refer to variables by "$(NAME)".
    values = {
        "artifact_uri": escape_expansion(spec.artifact_uri),
        "model_name": escape_expansion(placement.model_name),
        "model_version": escape_expansion(spec.model_version),
    }
    env = {name: expand(template, values) for name, template in runtime.env}
    env |= {name: escape_expansion(value) for name, value in spec.env}
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": effective_image(spec, runtime),
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": name, "value": env[name]} for name in sorted(env)],
        "ports": _ports(runtime),
        "resources": _resources(effective_resources(spec, profile)),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
        },
        "volumeMounts": [{"name": name, "mountPath": path} for name, path, _ in _mounts(runtime)],
    }
    if runtime.command:
        container["command"] = [expand(item, values) for item in runtime.command]
    if runtime.args:
        container["args"] = [expand(item, values) for item in runtime.args]
    for key, probe in (
        ("startupProbe", runtime.startup),
        ("readinessProbe", runtime.readiness),
        ("livenessProbe", runtime.liveness),
    ):
        if probe is not None:
            container[key] = _probe(probe, runtime)
    return container


def _ports(runtime: Runtime) -> list[dict[str, Any]]:
    named = (("http", runtime.http_port), ("grpc", runtime.grpc_port), ("metrics", runtime.metrics_port))
    ports: list[dict[str, Any]] = []
    for name, port in named:
        # Two names for one port would make server-side apply refuse the list: its key is the number.
        if port is not None and port not in [item["containerPort"] for item in ports]:
            ports.append({"name": name, "containerPort": port, "protocol": "TCP"})
    return ports


def _resources(resources: Resources) -> dict[str, Any]:
    requests = {"cpu": format_cpu(resources.cpu_request), "memory": format_memory(resources.memory_request)}
    limits = {"memory": format_memory(resources.memory_limit)}
    if resources.cpu_limit is not None:
        limits["cpu"] = format_cpu(resources.cpu_limit)
    if resources.gpu_count:
        requests["nvidia.com/gpu"] = limits["nvidia.com/gpu"] = str(resources.gpu_count)
    return {"requests": requests, "limits": limits}


def _probe(probe: Probe, runtime: Runtime) -> dict[str, Any]:
    port: int | str = probe.port_name
    action: dict[str, Any]
    if probe.kind == "http":
        action = {"httpGet": {"path": probe.path or "/", "port": port, "scheme": "HTTP"}}
    elif probe.kind == "tcp":
        action = {"tcpSocket": {"port": port}}
    else:
        # A gRPC probe takes a number only.
        action = {"grpc": {"port": runtime.grpc_port or runtime.http_port}}
    return action | {
        "initialDelaySeconds": probe.initial_delay_s,
        "periodSeconds": probe.period_s,
        "timeoutSeconds": probe.timeout_s,
        "failureThreshold": probe.failure_threshold,
    }


def _mounts(runtime: Runtime) -> list[tuple[str, str, dict[str, Any]]]:
    tmp: dict[str, Any] = {} if runtime.tmp_size is None else {"sizeLimit": format_memory(runtime.tmp_size)}
    mounts = [("tmp", "/tmp", tmp)]  # noqa: S108 - a path inside the container
    if runtime.needs_shm:
        shm: dict[str, Any] = {"medium": "Memory"}
        if runtime.shm_size is not None:
            shm["sizeLimit"] = format_memory(runtime.shm_size)
        mounts.append(("shm", "/dev/shm", shm))  # noqa: S108 - a path inside the container
    return mounts


def _volumes(runtime: Runtime) -> list[dict[str, Any]]:
    return [{"name": name, "emptyDir": source} for name, _, source in _mounts(runtime)]


def _service(spec: Spec, runtime: Runtime, placement: Placement) -> dict[str, Any] | None:
    if spec.service is None:
        return None
    ports: list[dict[str, Any]] = [{"name": "http", "port": spec.service, "targetPort": "http", "protocol": "TCP"}]
    if any(item["name"] == "grpc" for item in _ports(runtime)) and runtime.grpc_port != spec.service:
        ports.append({"name": "grpc", "port": runtime.grpc_port, "targetPort": "grpc", "protocol": "TCP"})
    service = _object("v1", "Service", placement)
    service["spec"] = {
        "type": "ClusterIP",
        "selector": {LABEL_ID: str(placement.deployment_id)},
        "ports": ports,
    }
    return service


def _hpa(spec: Spec, placement: Placement) -> dict[str, Any] | None:
    if not isinstance(spec.replicas, Autoscale):
        return None
    hpa = _object("autoscaling/v2", "HorizontalPodAutoscaler", placement)
    target = {"type": "Utilization", "averageUtilization": spec.replicas.cpu_percent}
    hpa["spec"] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": placement.name},
        "minReplicas": spec.replicas.min,
        "maxReplicas": spec.replicas.max,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return hpa


def _ingress(spec: Spec, placement: Placement) -> dict[str, Any] | None:
    if spec.ingress_host is None or spec.service is None:
        return None
    ingress = _object("networking.k8s.io/v1", "Ingress", placement)
    backend = {"service": {"name": placement.name, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    ingress["spec"] = {"rules": [{"host": spec.ingress_host, "http": {"paths": [path]}}]}
    return ingress
