"""What the platform team offers: runtimes and hardware profiles, and where a deployment lives.

Quantities are whole millicores and bytes in Python and canonical Kubernetes text in JSON.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Final, Literal, Self

from deployments.domain.text.quantities import format_cpu, format_memory, parse_cpu, parse_memory

TEMPLATE_NAMES: Final = ("artifact_uri", "model_name", "model_version")
_TEMPLATE: Final = re.compile(r"\{(" + "|".join(TEMPLATE_NAMES) + r")\}")


class Environment(StrEnum):
    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"

    @property
    def label(self) -> str:
        return {"dev": "Development", "staging": "Staging", "prod": "Production"}[self.value]


class ModelType(StrEnum):
    RECOMMENDATIONS = "recommendations"
    VISION = "vision"
    ADS = "ads"
    SEARCH = "search"
    TRUST_AND_SAFETY = "trust-and-safety"
    OTHER = "other"

    @property
    def label(self) -> str:
        return "Trust and safety" if self is ModelType.TRUST_AND_SAFETY else self.value.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One health check of the container. Kind "off" is for a spec that wants none where its runtime has one."""

    kind: Literal["http", "tcp", "grpc", "off"] = "http"
    path: str | None = None
    port_name: Literal["http", "grpc"] = "http"
    initial_delay_s: int = 0
    period_s: int = 10
    timeout_s: int = 1
    failure_threshold: int = 3

    def to_json(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A serving template. `command`, `args`, the values of `env` and the sample call may hold TEMPLATE_NAMES in braces.

    `sample_path` and `sample_body` are of a request that a person may paste to try the model; they are never rendered.
    """

    slug: str
    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    http_port: int = 8080
    grpc_port: int | None = None
    metrics_port: int | None = None
    run_as_user: int = 1000
    run_as_group: int = 1000
    needs_shm: bool = False
    shm_size: int | None = None
    tmp_size: int | None = None
    pull_secret: str | None = None
    service_account: str | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None
    termination_grace_s: int = 30
    sample_path: str = ""
    sample_body: str = ""

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        # Left out while empty, so that copies in older revisions compare equal.
        data = {name: value for name, value in data.items() if value or name not in ("sample_path", "sample_body")}
        data["command"], data["args"] = list(self.command), list(self.args)
        data["env"] = [{"name": name, "value": value} for name, value in self.env]
        for key in ("shm_size", "tmp_size"):
            data[key] = None if data[key] is None else format_memory(data[key])
        for key in ("readiness", "liveness", "startup"):
            data[key] = None if data[key] is None else data[key].to_json()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        values = dict(data)
        values["command"] = tuple(values.get("command") or ())
        values["args"] = tuple(values.get("args") or ())
        values["env"] = tuple((item["name"], item["value"]) for item in values.get("env") or ())
        for key in ("shm_size", "tmp_size"):
            values[key] = _memory(values.get(key))
        for key in ("readiness", "liveness", "startup"):
            values[key] = None if values.get(key) is None else Probe.from_json(values[key])
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    key: str
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""

    def to_json(self) -> dict[str, Any]:
        data = {"key": self.key, "operator": self.operator}
        if self.value:
            data["value"] = self.value
        if self.effect:
            data["effect"] = self.effect
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareProfile:
    """A size with a name. `gpu_type` is the value of the cloud's accelerator label; `price_class` is cost's key."""

    slug: str
    name: str
    cpu_request: int
    memory_request: int
    memory_limit: int
    cpu_limit: int | None = None
    gpu_count: int = 0
    gpu_type: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    price_class: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "slug": self.slug,
            "name": self.name,
            "cpu_request": format_cpu(self.cpu_request),
            "cpu_limit": None if self.cpu_limit is None else format_cpu(self.cpu_limit),
            "memory_request": format_memory(self.memory_request),
            "memory_limit": format_memory(self.memory_limit),
            "gpu_count": self.gpu_count,
            "gpu_type": self.gpu_type,
            "node_selector": dict(sorted(self.node_selector.items())),
            "tolerations": [item.to_json() for item in self.tolerations],
            "price_class": self.price_class,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        values = dict(data)
        for key in ("cpu_request", "cpu_limit"):
            values[key] = _cpu(values.get(key))
        for key in ("memory_request", "memory_limit"):
            values[key] = _memory(values.get(key))
        values["tolerations"] = tuple(Toleration.from_json(item) for item in values.get("tolerations") or ())
        values["node_selector"] = dict(values.get("node_selector") or {})
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where one deployment lives and whose it is. `install_id` tells two Baristas on one cluster apart."""

    cluster: str
    namespace: str
    environment: Environment
    name: str
    team: str
    model_name: str
    model_type: ModelType
    install_id: str
    deployment_id: str


def expand(template: str, values: Mapping[str, str]) -> str:
    """Replace the closed list of names in one pass, so that a value holding braces is never expanded again."""
    return _TEMPLATE.sub(lambda match: values[match.group(1)], template)


def _cpu(value: Any) -> int | None:
    return value if value is None or isinstance(value, int) else parse_cpu(value)


def _memory(value: Any) -> int | None:
    return value if value is None or isinstance(value, int) else parse_memory(value)
