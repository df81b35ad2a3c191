"""Every field of a spec, once: the form, the diff, the audit and the review all read this list.

`restarts` is a hint for the form; the review's verdict comes from the cluster's own dry run. `is_risky` marks what a
production change may need a second person for.
"""

from typing import Final

from deployments.domain.spec.field import (
    CONTAINER,
    ENVIRONMENT,
    MODEL,
    NETWORK,
    RESOURCES,
    ROLLOUT,
    SCALING,
    Field,
)
from deployments.domain.spec.more_fields import MORE_FIELDS

FIELDS: Final[tuple[Field, ...]] = (
    Field(
        "artifact_uri",
        "Artifact",
        MODEL,
        f"{CONTAINER}.args",
        "Where the trained model lies, for example gs://models/ranker/42.",
        restarts=True,
        is_risky=True,
    ),
    Field(
        "model_version",
        "Model version",
        MODEL,
        f"{CONTAINER}.args",
        "The version the model reports with each prediction.",
        restarts=True,
        is_risky=True,
    ),
    Field(
        "runtime",
        "Runtime",
        MODEL,
        f"{CONTAINER}.image",
        "The serving software. The platform team keeps the list.",
        restarts=True,
        is_risky=True,
    ),
    Field(
        "image_override",
        "Image",
        MODEL,
        f"{CONTAINER}.image",
        "Replaces the runtime's image. Pin a digest in production: a tag can be moved.",
        restarts=True,
        is_risky=True,
    ),
    Field(
        "env",
        "Variable",
        ENVIRONMENT,
        f"{CONTAINER}.env",
        "Plain values only; passwords and keys belong in a Secret.",
        restarts=True,
    ),
    Field("profile", "Hardware profile", RESOURCES, f"{CONTAINER}.resources", "A size with a price.", restarts=True),
    Field(
        "resources.cpu_request",
        "CPU request",
        RESOURCES,
        f"{CONTAINER}.resources.requests.cpu",
        'What each pod is guaranteed and what is paid, for example "500m" or "2".',
        restarts=True,
    ),
    Field(
        "resources.cpu_limit",
        "CPU limit",
        RESOURCES,
        f"{CONTAINER}.resources.limits.cpu",
        "A pod above it is slowed down. Empty means no limit.",
        restarts=True,
    ),
    Field(
        "resources.memory_request",
        "Memory request",
        RESOURCES,
        f"{CONTAINER}.resources.requests.memory",
        'What each pod is guaranteed, for example "4Gi".',
        restarts=True,
    ),
    Field(
        "resources.memory_limit",
        "Memory limit",
        RESOURCES,
        f"{CONTAINER}.resources.limits.memory",
        "A pod above it is killed (OOMKilled).",
        restarts=True,
        is_risky=True,
    ),
    Field(
        "resources.gpu_count",
        "GPUs",
        RESOURCES,
        f"{CONTAINER}.resources.limits.nvidia.com/gpu",
        "Whole GPUs for each pod.",
        restarts=True,
        is_risky=True,
    ),
    Field(
        "replicas.mode",
        "Scaling mode",
        SCALING,
        "HorizontalPodAutoscaler",
        "A fixed number, or a range that follows the load.",
        is_risky=True,
    ),
    Field("replicas.count", "Replicas", SCALING, "spec.replicas (through /scale)", "Pods serving.", is_risky=True),
    Field("replicas.min", "Least replicas", SCALING, "HPA spec.minReplicas", "Pods kept when idle.", is_risky=True),
    Field("replicas.max", "Most replicas", SCALING, "HPA spec.maxReplicas", "The ceiling of the bill.", is_risky=True),
    Field(
        "replicas.cpu_percent",
        "CPU target",
        SCALING,
        "HPA spec.metrics[cpu].target.averageUtilization",
        "Percent of the requested CPU at which pods are added.",
    ),
    Field(
        "strategy.type",
        "Strategy",
        ROLLOUT,
        "spec.strategy.type",
        "RollingUpdate replaces pods gradually; Recreate stops all old pods first.",
        is_risky=True,
    ),
    Field(
        "strategy.max_surge",
        "Extra pods",
        ROLLOUT,
        "spec.strategy.rollingUpdate.maxSurge",
        'Pods above the number during a rollout: a count or "25%".',
    ),
    Field(
        "strategy.max_unavailable",
        "Missing pods",
        ROLLOUT,
        "spec.strategy.rollingUpdate.maxUnavailable",
        'Pods below the number during a rollout: a count or "25%".',
    ),
    Field("service", "Service port", NETWORK, "Service spec.ports[http].port", "Empty means no Service."),
    Field(
        "ingress_host",
        "Ingress host",
        NETWORK,
        "Ingress spec.rules[0].host",
        "A name under which the model is reachable from outside the cluster.",
        is_risky=True,
    ),
)

# Those above are on every form; the rest belongs to people who need it.
ALL_FIELDS: Final[tuple[Field, ...]] = FIELDS + MORE_FIELDS

_BY_PATH: Final = {field.path: field for field in ALL_FIELDS}


def field_for(path: str) -> Field:
    """The field of a dotted path; members of a collection ("env.LOG_LEVEL") answer with their collection's field."""
    found = _BY_PATH.get(path)
    while found is None and "." in path:
        path = path.rpartition(".")[0]
        found = _BY_PATH.get(path)
    if found is None:
        raise KeyError(path)
    return found
