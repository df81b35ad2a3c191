"""The JSON of a spec's parts, read strictly and written deterministically.

What is at its default is left out when it came with schema 2, so that a spec that uses nothing new has the same
digest as when it was stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal, cast

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
from deployments.domain.spec.reader import Reader
from deployments.domain.text.quantities import format_cpu, format_memory

Pairs = tuple[tuple[str, str], ...]


def read_env(reader: Reader) -> Pairs:
    pairs = []
    for index, item in enumerate(reader.items("env")):
        entry = Reader(item, f"env.{index + 1}", reader.errors)
        pairs.append((entry.text("name"), entry.text("value", "")))
        entry.finish()
    return tuple(pairs)


def read_env_refs(reader: Reader) -> tuple[EnvRef, ...]:
    refs = []
    for index, item in enumerate(reader.items("env_refs")):
        entry = Reader(item, f"env_refs.{index + 1}", reader.errors)
        kind = cast(Literal["secret", "config_map"], entry.choice("kind", ("secret", "config_map")))
        refs.append(EnvRef(entry.text("name"), kind, entry.text("source"), entry.text("key")))
        entry.finish()
    return tuple(refs)


def read_resources(reader: Reader) -> Resources | None:
    entry = reader.optional_child("resources")
    if entry is None:
        return None
    resources = Resources(
        cpu_request=entry.cpu("cpu_request"),
        cpu_limit=entry.optional_cpu("cpu_limit"),
        memory_request=entry.memory("memory_request"),
        memory_limit=entry.memory("memory_limit"),
        gpu_count=entry.integer("gpu_count", 0),
        gpu_type=entry.optional_text("gpu_type"),
    )
    entry.finish()
    return resources


def read_replicas(reader: Reader) -> Fixed | Autoscale:
    entry = reader.child("replicas")
    mode = entry.text("mode")
    replicas: Fixed | Autoscale = Fixed(1)
    if mode == "fixed":
        replicas = Fixed(entry.integer("count"))
    elif mode == "autoscale":
        replicas = Autoscale(
            min=entry.integer("min"),
            max=entry.integer("max"),
            # Absent means the default; an explicit null means that CPU does not scale it.
            cpu_percent=entry.optional_integer("cpu_percent") if "cpu_percent" in entry.data else 70,
            memory_percent=entry.optional_integer("memory_percent"),
            scale_up=_read_policy(entry, "scale_up"),
            scale_down=_read_policy(entry, "scale_down"),
        )
    elif mode:
        entry.fail("mode", 'Must be "fixed" or "autoscale".')
        return replicas
    entry.finish()
    return replicas


def read_strategy(reader: Reader) -> RollingUpdate | Recreate:
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


def read_probe(reader: Reader, key: str) -> Probe | None:
    entry = reader.optional_child(key)
    if entry is None:
        return None
    probe = Probe(
        kind=cast(Literal["http", "tcp", "grpc", "off"], entry.choice("kind", ("http", "tcp", "grpc", "off"))),
        path=entry.optional_text("path"),
        port_name=cast(Literal["http", "grpc"], entry.choice("port_name", ("http", "grpc"), "http")),
        initial_delay_s=entry.integer("initial_delay_s", 0),
        period_s=entry.integer("period_s", 10),
        timeout_s=entry.integer("timeout_s", 1),
        failure_threshold=entry.integer("failure_threshold", 3),
    )
    entry.finish()
    return probe


def read_tolerations(reader: Reader) -> tuple[Toleration, ...]:
    found = []
    for index, item in enumerate(reader.items("tolerations")):
        entry = Reader(item, f"tolerations.{index + 1}", reader.errors)
        operator = entry.choice("operator", ("Equal", "Exists"), "Equal")
        effect = entry.choice("effect", ("", "NoSchedule", "PreferNoSchedule", "NoExecute"), "")
        found.append(
            Toleration(
                key=entry.text("key"),
                operator=cast(Literal["Equal", "Exists"], operator),
                value=entry.text("value", ""),
                effect=cast(Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"], effect),
            )
        )
        entry.finish()
    return tuple(found)


def read_pairs(reader: Reader, key: str) -> Pairs:
    """An object of texts, such as labels."""
    entry = reader.optional_child(key)
    if entry is None:
        return ()
    return tuple((name, entry.text(name, "")) for name in sorted(entry.data))


def read_spread(reader: Reader) -> Spread | None:
    entry = reader.optional_child("spread")
    if entry is None:
        return None
    over = cast(Literal["nodes", "zones"], entry.choice("over", ("nodes", "zones")))
    spread = Spread(over=over, max_skew=entry.integer("max_skew", 1), is_required=entry.boolean("is_required", False))
    entry.finish()
    return spread


def read_budget(reader: Reader) -> Budget | None:
    entry = reader.optional_child("budget")
    if entry is None:
        return None
    names = ("min_available", "max_unavailable")
    values = {name: entry.count_or_percent(name, 0) if entry.has(name) else None for name in names}
    entry.finish()
    return Budget(**values)


def write_resources(resources: Resources) -> dict[str, Any]:
    written = {
        "cpu_request": format_cpu(resources.cpu_request),
        "cpu_limit": None if resources.cpu_limit is None else format_cpu(resources.cpu_limit),
        "memory_request": format_memory(resources.memory_request),
        "memory_limit": format_memory(resources.memory_limit),
        "gpu_count": resources.gpu_count,
    }
    return written | ({"gpu_type": resources.gpu_type} if resources.gpu_type is not None else {})


def write_replicas(replicas: Fixed | Autoscale) -> dict[str, Any]:
    if isinstance(replicas, Fixed):
        return {"mode": "fixed", "count": replicas.count}
    written = {"mode": "autoscale", "min": replicas.min, "max": replicas.max, "cpu_percent": replicas.cpu_percent}
    for name in ("memory_percent", "scale_up", "scale_down"):
        if (value := getattr(replicas, name)) is not None:
            written[name] = write(value)
    return written


def write_strategy(strategy: RollingUpdate | Recreate) -> dict[str, Any]:
    return {"type": type(strategy).__name__, **write(strategy)}


def write(value: Any) -> Any:
    """The JSON of a part that is set: objects without their absent members, pairs as an object."""
    if is_dataclass(value):
        members = {item.name: getattr(value, item.name) for item in fields(value)}
        return {name: write(member) for name, member in members.items() if member is not None}
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return dict(value)
        return [write(item) for item in value]
    return value


def _read_policy(reader: Reader, key: str) -> ScalePolicy | None:
    entry = reader.optional_child(key)
    if entry is None:
        return None
    policy = ScalePolicy(
        stabilization_s=entry.optional_integer("stabilization_s"),
        pods=entry.optional_integer("pods"),
        percent=entry.optional_integer("percent"),
        period_s=entry.integer("period_s", 60),
    )
    entry.finish()
    return policy


def _to_second(data: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """Schema 1 knew fewer fields: what is new in 2 is as unknown there as it was then."""
    for key in data:
        if key not in _FIRST:
            errors[str(key)[:60]] = "Is not a known field."
    return {**data, "schema": 2}


_FIRST: Final = frozenset(
    (
        "schema",
        "artifact_uri",
        "model_version",
        "runtime",
        "image_override",
        "env",
        "profile",
        "resources",
        "replicas",
        "strategy",
        "service",
        "ingress_host",
    )
)

# From a version to the next. Stored revisions are immutable: each step stays for ever.
UPCASTERS: Final[Mapping[int, Callable[[Mapping[str, Any], dict[str, str]], dict[str, Any]]]] = {1: _to_second}
