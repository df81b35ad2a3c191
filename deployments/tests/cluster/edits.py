"""Each field of the spec, changed alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deployments.domain.catalogue import Probe, Toleration
from deployments.domain.spec.parts import (
    Autoscale,
    Budget,
    EnvRef,
    Fixed,
    Recreate,
    Resources,
    RollingUpdate,
    ScalePolicy,
    Spread,
)

GI = 1 << 30
PRIORITY = "barista-test-low"
OWN = Resources(cpu_request=500, memory_request=GI, memory_limit=GI)
BASE: dict[str, Any] = {
    "env": (("LOG_LEVEL", "info"),),
    "ingress_host": "ranker.example.org",
    "profile": None,
    "resources": OWN,
}
SCALED = {"replicas": Autoscale(min=2, max=4)}
CHECK = Probe(kind="http", path="/ready")
# Each field of the spec, changed alone; those of the autoscaler where there is one (SCALED_EDITS).
EDITS: dict[str, dict[str, Any]] = {
    "artifact_uri": {"artifact_uri": "gs://acme-models/other"},
    "model_version": {"model_version": "2"},  # this runtime does not use it: no object changes
    "runtime": {"runtime": "triton"},
    "image_override": {"image_override": "docker.io/tensorflow/serving:2.17.0"},
    "env": {"env": (("LOG_LEVEL", "debug"),)},
    "env order": {"env": (("LOG_LEVEL", "info"), ("A", "1"))},
    "secret": {"env_refs": (EnvRef("TOKEN", "secret", "store", "token"),)},
    "config map": {"env_refs": (EnvRef("REGION", "config_map", "site", "region"),)},
    "profile": {"profile": "cpu-large", "resources": None},
    "cpu": {"resources": replace(OWN, cpu_request=700)},
    "cpu limit": {"resources": replace(OWN, cpu_limit=900)},
    "memory": {"resources": replace(OWN, memory_request=GI // 2)},
    "memory limit": {"resources": replace(OWN, memory_limit=2 * GI)},
    "ephemeral_request": {"ephemeral_request": 2 * GI},
    "ephemeral_limit": {"ephemeral_limit": 4 * GI},
    "gpu": {"resources": replace(OWN, gpu_count=1, gpu_type="nvidia-l4")},
    "replicas": {"replicas": Fixed(3)},
    "autoscale": SCALED,
    "strategy": {"strategy": Recreate()},
    "surge": {"strategy": RollingUpdate(max_surge=2)},
    "unavailable": {"strategy": RollingUpdate(max_unavailable="25%")},
    "progress_deadline_s": {"progress_deadline_s": 900},
    "min_ready_s": {"min_ready_s": 1},
    "termination_grace_s": {"termination_grace_s": 77},
    "pre_stop_sleep_s": {"pre_stop_sleep_s": 3},
    "readiness": {"readiness": CHECK},
    "liveness": {"liveness": CHECK},
    "startup": {"startup": CHECK},
    "node_selector": {"node_selector": (("pool", "cpu"),)},
    "tolerations": {"tolerations": (Toleration(key="spot", operator="Exists"),)},
    "priority_class": {"priority_class": PRIORITY},
    "spread": {"spread": Spread(over="nodes")},
    "budget": {"budget": Budget(max_unavailable=1)},
    "grpc_port": {"grpc_port": 9000},
    "service": {"service": 8080},
    "no service": {"service": None, "ingress_host": None},
    "ingress": {"ingress_host": "other.example.org"},
    "ingress_path": {"ingress_path": "/rank"},
    "ingress_tls_secret": {"ingress_tls_secret": "ranker-tls"},
    "ingress_class": {"ingress_class": "nginx"},
    "labels": {"labels": (("acme.com/cost-center", "c-17"),)},
    "annotations": {"annotations": (("acme.com/owner", "Ada"),)},
    "contact": {"contact": "#ranking"},
    "runbook": {"runbook": "https://wiki.example.org/ranker"},
    "description": {"description": "Orders what is found."},  # kept in Barista
    "nothing": {},
}
SCALED_EDITS: dict[str, dict[str, Any]] = {
    "least": {"replicas": Autoscale(min=1, max=4)},
    "most": {"replicas": Autoscale(min=2, max=5)},
    "cpu target": {"replicas": Autoscale(min=2, max=4, cpu_percent=50)},
    "memory target": {"replicas": Autoscale(min=2, max=4, memory_percent=80)},
    "scale up": {"replicas": Autoscale(min=2, max=4, scale_up=ScalePolicy(pods=1))},
    "scale down": {"replicas": Autoscale(min=2, max=4, scale_down=ScalePolicy(percent=10, stabilization_s=60))},
}
UNCHANGED = ("nothing", "model_version", "description")


def all_edits() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Name of an edit: the fields before and after it."""
    scaled = {name: (BASE | SCALED, BASE | fields) for name, fields in SCALED_EDITS.items()}
    return {name: (BASE, BASE | fields) for name, fields in EDITS.items()} | scaled
