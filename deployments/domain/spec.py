"""The spec: everything a revision remembers and the form edits, as a frozen value with a versioned JSON form.

`from_json` refuses what has the wrong shape (SpecInvalid); `validate` says what is wrong with a well-shaped one.
Both name fields by the same dotted paths, for example "replicas.max" or "env.LOG_LEVEL".
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from deployments.domain.catalogue import HardwareProfile, Runtime
from deployments.domain.fields import FIELDS, SECTIONS, Field, field_for
from deployments.domain.quantities import format_cpu, format_memory
from deployments.domain.reading import Reader, SpecInvalid, check_shape
from deployments.domain.spec_parts import Autoscale, Fixed, Recreate, Resources, RollingUpdate
from deployments.domain.validation import validate

__all__ = [
    "FIELDS",
    "SCHEMA",
    "SECTIONS",
    "Autoscale",
    "Field",
    "Fixed",
    "Recreate",
    "Resources",
    "RollingUpdate",
    "Spec",
    "SpecInvalid",
    "effective_image",
    "effective_resources",
    "field_for",
    "validate",
]

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """`service` is the Service's port, None for no Service. Exactly one of `profile` and `resources` is set."""

    artifact_uri: str
    model_version: str
    runtime: str
    image_override: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    profile: str | None = None
    resources: Resources | None = None
    replicas: Fixed | Autoscale = field(default_factory=Fixed)
    strategy: RollingUpdate | Recreate = field(default_factory=RollingUpdate)
    service: int | None = 80
    ingress_host: str | None = None

    def __post_init__(self) -> None:
        # Order has no meaning for the container ("$(" is escaped), so it must not make two specs different.
        object.__setattr__(self, "env", tuple(sorted((str(name), str(value)) for name, value in self.env)))

    @classmethod
    def from_json(cls, data: object) -> Self:
        check_shape(data)
        errors: dict[str, str] = {}
        reader = Reader(data, "", errors)
        schema = reader.integer("schema")
        if not errors and schema != SCHEMA:
            raise SpecInvalid({"schema": f"Version {schema} is not known; this Barista reads version {SCHEMA}."})
        values: dict[str, Any] = {
            "artifact_uri": reader.text("artifact_uri"),
            "model_version": reader.text("model_version"),
            "runtime": reader.text("runtime"),
            "image_override": reader.optional_text("image_override"),
            "env": _read_env(reader),
            "profile": reader.optional_text("profile"),
            "resources": _read_resources(reader),
            "replicas": _read_replicas(reader),
            "strategy": _read_strategy(reader),
            "service": reader.optional_integer("service"),
            "ingress_host": reader.optional_text("ingress_host"),
        }
        reader.finish()
        if errors:
            raise SpecInvalid(errors)
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "artifact_uri": self.artifact_uri,
            "model_version": self.model_version,
            "runtime": self.runtime,
            "image_override": self.image_override,
            "env": [{"name": name, "value": value} for name, value in self.env],
            "profile": self.profile,
            "resources": None if self.resources is None else _write_resources(self.resources),
            "replicas": _write_replicas(self.replicas),
            "strategy": _write_strategy(self.strategy),
            "service": self.service,
            "ingress_host": self.ingress_host,
        }

    def digest(self) -> str:
        """sha256 of the canonical JSON: what a review shows and an apply must match."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def min_replicas(self) -> int:
        return self.replicas.count if isinstance(self.replicas, Fixed) else self.replicas.min

    @property
    def max_replicas(self) -> int:
        return self.replicas.count if isinstance(self.replicas, Fixed) else self.replicas.max


def effective_resources(spec: Spec, profile: HardwareProfile | None) -> Resources:
    """What one pod asks for: the spec's own numbers, else the profile's."""
    if spec.resources is not None:
        return spec.resources
    if profile is None:
        raise SpecInvalid({"profile": f'The hardware profile "{spec.profile or ""}" does not exist.'})
    return Resources(
        cpu_request=profile.cpu_request,
        cpu_limit=profile.cpu_limit,
        memory_request=profile.memory_request,
        memory_limit=profile.memory_limit,
        gpu_count=profile.gpu_count,
    )


def effective_image(spec: Spec, runtime: Runtime) -> str:
    return spec.image_override or runtime.image


def _read_env(reader: Reader) -> tuple[tuple[str, str], ...]:
    pairs = []
    for index, item in enumerate(reader.items("env")):
        entry = Reader(item, f"env.{index + 1}", reader.errors)
        pairs.append((entry.text("name"), entry.text("value", "")))
        entry.finish()
    return tuple(pairs)


def _read_resources(reader: Reader) -> Resources | None:
    entry = reader.optional_child("resources")
    if entry is None:
        return None
    resources = Resources(
        cpu_request=entry.cpu("cpu_request"),
        cpu_limit=entry.optional_cpu("cpu_limit"),
        memory_request=entry.memory("memory_request"),
        memory_limit=entry.memory("memory_limit"),
        gpu_count=entry.integer("gpu_count", 0),
    )
    entry.finish()
    return resources


def _read_replicas(reader: Reader) -> Fixed | Autoscale:
    entry = reader.child("replicas")
    mode = entry.text("mode")
    replicas: Fixed | Autoscale = Fixed(1)
    if mode == "fixed":
        replicas = Fixed(entry.integer("count"))
    elif mode == "autoscale":
        replicas = Autoscale(entry.integer("min"), entry.integer("max"), entry.integer("cpu_percent", 70))
    elif mode:
        entry.fail("mode", 'Must be "fixed" or "autoscale".')
        return replicas
    entry.finish()
    return replicas


def _read_strategy(reader: Reader) -> RollingUpdate | Recreate:
    entry = reader.optional_child("strategy")
    if entry is None:
        return RollingUpdate()
    kind = entry.text("type")
    strategy: RollingUpdate | Recreate = Recreate()
    if kind == "RollingUpdate":
        strategy = RollingUpdate(entry.count_or_percent("max_surge", 1), entry.count_or_percent("max_unavailable", 0))
    elif kind and kind != "Recreate":
        entry.fail("type", 'Must be "RollingUpdate" or "Recreate".')
        return strategy
    entry.finish()
    return strategy


def _write_resources(resources: Resources) -> dict[str, Any]:
    return {
        "cpu_request": format_cpu(resources.cpu_request),
        "cpu_limit": None if resources.cpu_limit is None else format_cpu(resources.cpu_limit),
        "memory_request": format_memory(resources.memory_request),
        "memory_limit": format_memory(resources.memory_limit),
        "gpu_count": resources.gpu_count,
    }


def _write_replicas(replicas: Fixed | Autoscale) -> dict[str, Any]:
    if isinstance(replicas, Fixed):
        return {"mode": "fixed", "count": replicas.count}
    return {"mode": "autoscale", "min": replicas.min, "max": replicas.max, "cpu_percent": replicas.cpu_percent}


def _write_strategy(strategy: RollingUpdate | Recreate) -> Mapping[str, Any]:
    if isinstance(strategy, Recreate):
        return {"type": "Recreate"}
    return {
        "type": "RollingUpdate",
        "max_surge": strategy.max_surge,
        "max_unavailable": strategy.max_unavailable,
    }
