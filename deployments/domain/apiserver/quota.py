"""What a namespace's ResourceQuotas leave for one deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from deployments.domain.apiserver.objects import amount, number, obj, objects

_GPU: Final = "nvidia.com/gpu"
# The keys under which a quota may limit the same thing, and what one unit of it is here.
_KEYS: Final[Mapping[str, tuple[tuple[str, ...], int]]] = {
    "cpu": (("requests.cpu", "cpu"), 1000),
    "cpu_limit": (("limits.cpu",), 1000),
    "memory": (("requests.memory", "memory"), 1),
    "memory_limit": (("limits.memory",), 1),
    "gpus": ((f"requests.{_GPU}",), 1),
    "pods": (("pods", "count/pods"), 1),
}
# A model's pods run until they are replaced and ask for CPU and memory: quotas of other scopes do not count them.
_SCOPES: Final = frozenset({"NotTerminating", "NotBestEffort"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What is left, this deployment's own present use given back: millicores, bytes, counts. None: not limited."""

    cpu: int | None = None
    cpu_limit: int | None = None
    memory: int | None = None
    memory_limit: int | None = None
    gpus: int | None = None
    pods: int | None = None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Of `to_json`; anything else reads as not limited."""
        found = obj(data)
        return cls(**{item.name: number(found, item.name) for item in fields(cls) if item.name in found})

    def to_json(self) -> dict[str, int]:
        return {name: value for name, value in asdict(self).items() if value is not None}


def left_of(quotas: Iterable[Mapping[str, Any]], live: Mapping[str, Any] | None) -> Quota:
    """What `quotas` (ResourceQuota objects) leave; `live` is the deployment's own Deployment, None before it exists."""
    own = _own_use(live)
    left: dict[str, int] = {}
    for quota in quotas:
        if not _counts_models(obj(quota, "spec")):
            continue
        hard, used = obj(quota, "status", "hard"), obj(quota, "status", "used")
        for name, (keys, unit) in _KEYS.items():
            for key in keys:
                if key in hard:
                    rest = max(0, int((amount(hard[key]) - amount(used.get(key))) * unit) + own.get(name, 0))
                    left[name] = min(left.get(name, rest), rest)
    return Quota(**left)


def _counts_models(spec: Mapping[str, Any]) -> bool:
    scopes = spec.get("scopes")
    if isinstance(scopes, list) and not _SCOPES.issuperset(str(item) for item in scopes):
        return False
    return not objects(spec, "scopeSelector", "matchExpressions")


def _own_use(live: Mapping[str, Any] | None) -> dict[str, int]:
    """What the pods of `live` take of a quota now."""
    pods = number(live, "status", "replicas")
    found = {"pods": pods}
    for container in objects(live, "spec", "template", "spec", "containers"):
        requests, limits = obj(container, "resources", "requests"), obj(container, "resources", "limits")
        one = {
            "cpu": amount(requests.get("cpu")) * 1000,
            "cpu_limit": amount(limits.get("cpu")) * 1000,
            "memory": amount(requests.get("memory")),
            "memory_limit": amount(limits.get("memory")),
            "gpus": amount(limits.get(_GPU)),
        }
        for name, size in one.items():
            found[name] = found.get(name, 0) + int(size * pods)
    return found
