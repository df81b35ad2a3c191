"""The pod of a model: what its container runs, with what, and where."""

import re
from typing import Any, Final

from deployments.domain.catalogue import HardwareProfile, Placement, Probe, Runtime, expand
from deployments.domain.manifests.metadata import ANNOTATION_RESTARTED_AT, GPU_TYPE_LABEL, LABEL_ID, labels
from deployments.domain.spec.parts import Resources
from deployments.domain.spec.spec import (
    Spec,
    effective_grace_s,
    effective_grpc_port,
    effective_image,
    effective_probe,
    effective_resources,
)
from deployments.domain.text.quantities import format_cpu, format_memory

CONTAINER: Final = "model"

_DOLLARS: Final = re.compile(r"\$+\(?")
_SPREAD_KEYS: Final = {"nodes": "kubernetes.io/hostname", "zones": "topology.kubernetes.io/zone"}


def pod_template(
    spec: Spec, runtime: Runtime, profile: HardwareProfile | None, placement: Placement, restarted_at: str | None
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"labels": labels(placement, spec)}
    annotations = dict(spec.annotations)
    if restarted_at is not None:
        annotations[ANNOTATION_RESTARTED_AT] = restarted_at
    if annotations:
        metadata["annotations"] = annotations
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
        "terminationGracePeriodSeconds": effective_grace_s(spec, runtime),
        "containers": [_container(spec, runtime, profile, placement)],
        "volumes": [{"name": name, "emptyDir": source} for name, _, source in _mounts(runtime)],
    }
    if runtime.service_account:
        pod["serviceAccountName"] = runtime.service_account
    if runtime.pull_secret:
        pod["imagePullSecrets"] = [{"name": runtime.pull_secret}]
    if spec.priority_class is not None:
        pod["priorityClassName"] = spec.priority_class
    pod |= _placing(spec, profile if spec.profile is not None else None, placement)
    return {"metadata": metadata, "spec": pod}


def escape_expansion(text: str) -> str:
    """Text that reaches the container byte for byte: the kubelet expands "$(NAME)" and turns "$$" into "$"."""

    def double(match: re.Match[str]) -> str:
        run = match.group().rstrip("(")
        if len(run) == 1 and not match.group().endswith("("):
            return run
        return run * 2 + match.group()[len(run) :]

    return _DOLLARS.sub(double, text)


def ports(spec: Spec, runtime: Runtime) -> list[dict[str, Any]]:
    named = (
        ("http", runtime.http_port),
        ("grpc", effective_grpc_port(spec, runtime)),
        ("metrics", runtime.metrics_port),
    )
    found: list[dict[str, Any]] = []
    for name, port in named:
        # Two names for one port would make server-side apply refuse the list: its key is the number.
        if port is not None and port not in [item["containerPort"] for item in found]:
            found.append({"name": name, "containerPort": port, "protocol": "TCP"})
    return found


def _placing(spec: Spec, profile: HardwareProfile | None, placement: Placement) -> dict[str, Any]:
    selector = dict(spec.node_selector)
    tolerations = [item.to_json() for item in spec.tolerations]
    if profile is not None:
        selector |= profile.node_selector
        tolerations = [item.to_json() for item in profile.tolerations if item not in spec.tolerations] + tolerations
    elif spec.resources is not None and spec.resources.gpu_type is not None:
        selector[GPU_TYPE_LABEL] = spec.resources.gpu_type
    placed: dict[str, Any] = {}
    if selector:
        placed["nodeSelector"] = selector
    if tolerations:
        placed["tolerations"] = tolerations
    if spec.spread is not None:
        constraint = {
            "maxSkew": spec.spread.max_skew,
            "topologyKey": _SPREAD_KEYS[spec.spread.over],
            "whenUnsatisfiable": "DoNotSchedule" if spec.spread.is_required else "ScheduleAnyway",
            "labelSelector": {"matchLabels": {LABEL_ID: str(placement.deployment_id)}},
            # Counted within one template: during a rollout the old pods must not push the new ones aside.
            "matchLabelKeys": ["pod-template-hash"],
        }
        placed["topologySpreadConstraints"] = [constraint]
    return placed


def _container(spec: Spec, runtime: Runtime, profile: HardwareProfile | None, placement: Placement) -> dict[str, Any]:
    # Values are escaped, the admin's template is not: it may refer to variables by "$(NAME)".
    values = {
        "artifact_uri": escape_expansion(spec.artifact_uri),
        "model_name": escape_expansion(placement.model_name),
        "model_version": escape_expansion(spec.model_version),
    }
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": effective_image(spec, runtime),
        "imagePullPolicy": "IfNotPresent",
        # The last lines of its log come with the pod's status when it ends with an error.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "env": _env(spec, runtime, values),
        "ports": ports(spec, runtime),
        "resources": _resources(spec, effective_resources(spec, profile)),
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
    if spec.pre_stop_sleep_s is not None:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": spec.pre_stop_sleep_s}}}
    for name in ("startup", "readiness", "liveness"):
        probe = effective_probe(spec, runtime, name)
        if probe is not None:
            container[f"{name}Probe"] = _probe(probe, effective_grpc_port(spec, runtime) or runtime.http_port)
    return container


def _env(spec: Spec, runtime: Runtime, values: dict[str, str]) -> list[dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {name: {"value": expand(template, values)} for name, template in runtime.env}
    entries |= {name: {"value": escape_expansion(value)} for name, value in spec.env}
    for ref in spec.env_refs:
        source = "secretKeyRef" if ref.kind == "secret" else "configMapKeyRef"
        entries[ref.name] = {"valueFrom": {source: {"name": ref.source, "key": ref.key}}}
    return [{"name": name, **entries[name]} for name in sorted(entries)]


def _resources(spec: Spec, resources: Resources) -> dict[str, Any]:
    requests = {"cpu": format_cpu(resources.cpu_request), "memory": format_memory(resources.memory_request)}
    limits = {"memory": format_memory(resources.memory_limit)}
    if resources.cpu_limit is not None:
        limits["cpu"] = format_cpu(resources.cpu_limit)
    if resources.gpu_count:
        requests["nvidia.com/gpu"] = limits["nvidia.com/gpu"] = str(resources.gpu_count)
    if spec.ephemeral_request is not None:
        requests["ephemeral-storage"] = format_memory(spec.ephemeral_request)
    if spec.ephemeral_limit is not None:
        limits["ephemeral-storage"] = format_memory(spec.ephemeral_limit)
    return {"requests": requests, "limits": limits}


def _probe(probe: Probe, grpc_port: int) -> dict[str, Any]:
    action: dict[str, Any]
    if probe.kind == "http":
        action = {"httpGet": {"path": probe.path or "/", "port": probe.port_name, "scheme": "HTTP"}}
    elif probe.kind == "tcp":
        action = {"tcpSocket": {"port": probe.port_name}}
    else:
        # A gRPC probe takes a number only.
        action = {"grpc": {"port": grpc_port}}
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
