"""The one place that renders Kubernetes objects. Every field Barista manages is written here, always and in full:
a field left out of a server-side apply is removed from the cluster.

The number of replicas is never rendered: it belongs to the autoscaler or to the /scale writer.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.catalogue import HardwareProfile, Placement, Runtime
from deployments.domain.manifests.metadata import (
    ANNOTATION_CONTACT,
    ANNOTATION_GENERATION,
    ANNOTATION_INSTALL,
    ANNOTATION_REVISION,
    ANNOTATION_RUNBOOK,
    LABEL_ID,
    LABEL_INSTALL,
    labels,
)
from deployments.domain.manifests.pod_template import pod_template, ports
from deployments.domain.spec.parts import Autoscale, RollingUpdate, ScalePolicy
from deployments.domain.spec.spec import Spec, effective_grpc_port

_NOT_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Rendered:
    """One deployment's objects. A None is an object that must not exist (any more)."""

    deployment: dict[str, Any]
    service: dict[str, Any] | None = None
    hpa: dict[str, Any] | None = None
    ingress: dict[str, Any] | None = None
    pdb: dict[str, Any] | None = None

    def objects(self) -> list[dict[str, Any]]:
        """In the order they are applied: the Deployment first, what points at it after."""
        found = (self.deployment, self.service, self.hpa, self.ingress, self.pdb)
        return [item for item in found if item is not None]


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
    mirrored: Mapping[str, str] | None = None,
) -> Rendered:
    """`mirrored`: annotations of the Deployment by which another downscaler knows its sleep."""
    deployment = _object("apps/v1", "Deployment", spec, placement)
    annotations = {ANNOTATION_REVISION: str(revision)}
    if generation is not None:
        annotations[ANNOTATION_GENERATION] = str(generation)
    if spec.contact:
        annotations[ANNOTATION_CONTACT] = spec.contact
    if spec.runbook:
        annotations[ANNOTATION_RUNBOOK] = spec.runbook
    said = dict(spec.annotations) | dict(mirrored or {})
    # Ours last: no text of a person may replace a mark.
    deployment["metadata"]["annotations"] = said | deployment["metadata"]["annotations"] | annotations
    deployment["spec"] = {
        "paused": paused,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": spec.progress_deadline_s,
        "minReadySeconds": spec.min_ready_s,
        "selector": {"matchLabels": _selector(placement)},
        "strategy": _strategy(spec),
        "template": pod_template(spec, runtime, profile, placement, restarted_at),
    }
    return Rendered(
        deployment=deployment,
        service=_service(spec, runtime, placement),
        hpa=_hpa(spec, placement),
        ingress=_ingress(spec, placement),
        pdb=_pdb(spec, placement),
    )


def canonical_json(obj: Any) -> bytes:
    """The bytes that are sent, checked and hashed.

    Server-side apply reads its body as YAML, of which JSON is almost a part: the characters of _NOT_YAML are refused
    there or folded into a space, so they are escaped. All others are not: YAML knows no surrogate pairs.
    """
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return _NOT_YAML.sub(lambda match: f"\\u{ord(match.group()):04x}", text).encode()


def _object(api_version: str, kind: str, spec: Spec, placement: Placement) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": placement.name,
            "namespace": placement.namespace,
            "labels": labels(placement, spec) | {LABEL_INSTALL: placement.install_id},
            "annotations": {ANNOTATION_INSTALL: placement.install_id},
        },
    }


def _selector(placement: Placement) -> dict[str, str]:
    # Immutable in a Deployment: nothing that a person may ever rename can be in it.
    return {LABEL_ID: str(placement.deployment_id)}


def _strategy(spec: Spec) -> dict[str, Any]:
    # Always explicit: switching to Recreate is refused while rollingUpdate is only a default.
    if isinstance(spec.strategy, RollingUpdate):
        rolling = {"maxSurge": spec.strategy.max_surge, "maxUnavailable": spec.strategy.max_unavailable}
        return {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"type": "Recreate"}


def _service(spec: Spec, runtime: Runtime, placement: Placement) -> dict[str, Any] | None:
    if spec.service is None:
        return None
    listed: list[dict[str, Any]] = [{"name": "http", "port": spec.service, "targetPort": "http", "protocol": "TCP"}]
    grpc = effective_grpc_port(spec, runtime)
    if grpc != spec.service and any(item["name"] == "grpc" for item in ports(spec, runtime)):
        listed.append({"name": "grpc", "port": grpc, "targetPort": "grpc", "protocol": "TCP"})
    service = _object("v1", "Service", spec, placement)
    service["spec"] = {"type": "ClusterIP", "selector": _selector(placement), "ports": listed}
    return service


def _hpa(spec: Spec, placement: Placement) -> dict[str, Any] | None:
    scale = spec.replicas
    if not isinstance(scale, Autoscale):
        return None
    targets = (("cpu", scale.cpu_percent), ("memory", scale.memory_percent))
    hpa = _object("autoscaling/v2", "HorizontalPodAutoscaler", spec, placement)
    hpa["spec"] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": placement.name},
        "minReplicas": scale.min,
        "maxReplicas": scale.max,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": percent}},
            }
            for name, percent in targets
            if percent is not None
        ],
    }
    pace = {"scaleUp": scale.scale_up, "scaleDown": scale.scale_down}
    behavior = {direction: _policy(policy) for direction, policy in pace.items() if policy is not None}
    if behavior:
        hpa["spec"]["behavior"] = behavior
    return hpa


def _policy(policy: ScalePolicy) -> dict[str, Any]:
    steps = (("Pods", policy.pods), ("Percent", policy.percent))
    rules: dict[str, Any] = {}
    if policy.stabilization_s is not None:
        rules["stabilizationWindowSeconds"] = policy.stabilization_s
    policies = [
        {"type": kind, "value": value, "periodSeconds": policy.period_s} for kind, value in steps if value is not None
    ]
    if policies:
        rules |= {"selectPolicy": "Max", "policies": policies}
    return rules


def _ingress(spec: Spec, placement: Placement) -> dict[str, Any] | None:
    if spec.ingress_host is None or spec.service is None:
        return None
    ingress = _object("networking.k8s.io/v1", "Ingress", spec, placement)
    backend = {"service": {"name": placement.name, "port": {"name": "http"}}}
    path = {"path": spec.ingress_path, "pathType": "Prefix", "backend": backend}
    ingress["spec"] = {"rules": [{"host": spec.ingress_host, "http": {"paths": [path]}}]}
    if spec.ingress_class is not None:
        ingress["spec"]["ingressClassName"] = spec.ingress_class
    if spec.ingress_tls_secret is not None:
        ingress["spec"]["tls"] = [{"hosts": [spec.ingress_host], "secretName": spec.ingress_tls_secret}]
    return ingress


def _pdb(spec: Spec, placement: Placement) -> dict[str, Any] | None:
    if spec.budget is None:
        return None
    limits = {"minAvailable": spec.budget.min_available, "maxUnavailable": spec.budget.max_unavailable}
    pdb = _object("policy/v1", "PodDisruptionBudget", spec, placement)
    pdb["spec"] = {name: value for name, value in limits.items() if value is not None}
    # A pod that is not ready protects nobody, and must not keep a node from being drained.
    pdb["spec"] |= {"selector": {"matchLabels": _selector(placement)}, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    return pdb
