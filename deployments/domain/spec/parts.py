"""The values a spec is made of."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Millicores and bytes. A GPU count is request and limit at once, as Kubernetes wants it.

    `gpu_type` is the value of the cloud's accelerator label on nodes, such as "nvidia-l4".
    """

    cpu_request: int
    memory_request: int
    memory_limit: int
    cpu_limit: int | None = None
    gpu_count: int = 0
    gpu_type: str | None = None


@dataclass(frozen=True, slots=True)
class EnvRef:
    """A variable read from a key of an existing Secret or ConfigMap in the deployment's namespace."""

    name: str
    kind: Literal["secret", "config_map"]
    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Fixed:
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePolicy:
    """How fast the autoscaler may go in one direction: at most `pods` or `percent` per period, the larger of both."""

    stabilization_s: int | None = None
    pods: int | None = None
    percent: int | None = None
    period_s: int = 60


@dataclass(frozen=True, slots=True)
class Autoscale:
    """A HorizontalPodAutoscaler: percent of the requested CPU and memory, averaged over pods."""

    min: int
    max: int
    cpu_percent: int | None = 70
    memory_percent: int | None = None
    scale_up: ScalePolicy | None = None
    scale_down: ScalePolicy | None = None


@dataclass(frozen=True, slots=True)
class RollingUpdate:
    """Pods above and below the wanted number during a rollout, each a count or a text such as "25%"."""

    max_surge: int | str = 1
    max_unavailable: int | str = 0


@dataclass(frozen=True, slots=True)
class Recreate:
    """All old pods end before the first new one starts: an outage, but never two versions or twice the GPUs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Keep pods apart over nodes or zones. `is_required`: rather leave a pod unscheduled than break it."""

    over: Literal["nodes", "zones"] = "nodes"
    max_skew: int = 1
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A PodDisruptionBudget: exactly one of both, a count or a text such as "50%"."""

    min_available: int | str | None = None
    max_unavailable: int | str | None = None
