"""The values a spec is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Millicores and bytes. A GPU count is request and limit at once, as Kubernetes wants it."""

    cpu_request: int
    memory_request: int
    memory_limit: int
    cpu_limit: int | None = None
    gpu_count: int = 0


@dataclass(frozen=True, slots=True)
class Fixed:
    count: int = 1


@dataclass(frozen=True, slots=True)
class Autoscale:
    """A HorizontalPodAutoscaler on CPU: percent of the requested CPU, averaged over pods."""

    min: int
    max: int
    cpu_percent: int = 70


@dataclass(frozen=True, slots=True)
class RollingUpdate:
    """Pods above and below the wanted number during a rollout, each a count or a text such as "25%"."""

    max_surge: int | str = 1
    max_unavailable: int | str = 0


@dataclass(frozen=True, slots=True)
class Recreate:
    """All old pods end before the first new one starts: an outage, but never two versions or twice the GPUs."""
