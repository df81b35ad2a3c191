"""The JSON of a spec's settings, read strictly and written deterministically; how follows from each setting's kind.

What is at its default is left out when it came with schema 2, so that a spec that uses nothing new has the same
digest as when it was stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal, cast

from deployments.domain.catalogue import Probe, Toleration
from deployments.domain.spec.fields.field import NEEDED, Field, InputKind
from deployments.domain.spec.fields.table import attributes, members, variants
from deployments.domain.spec.parts import Budget, EnvRef, Resources, ScalePolicy, Spread
from deployments.domain.spec.reader import Reader
from deployments.domain.text.quantities import format_cpu, format_memory

Pairs = tuple[tuple[str, str], ...]

_QUANTITIES: Final[Mapping[InputKind | None, Callable[[Any], Any]]] = {
    InputKind.CPU: format_cpu,
    InputKind.MEMORY: format_memory,
}


def read_attributes(reader: Reader) -> dict[str, Any]:
    """The values of all attributes of a spec."""
    values = {row.name: read_field(reader, row) for row in attributes()}
    return values | {
        "resources": _read_resources(reader),
        "replicas": _read_variant(reader, "replicas", is_needed=True),
        "strategy": _read_variant(reader, "strategy"),
    }


def read_field(reader: Reader, row: Field) -> Any:
    """Absent means the default; an explicit null means nothing, where nothing is possible.

    What schema 1 had was always written: where such an attribute lacks, it was nothing.
    """
    if row.is_optional:
        if row.default is not None and row.path not in _FIRST and row.name not in reader.data:
            return row.default
        return _READERS[row.kind](reader, row) if reader.has(row.name) else None
    return _READERS[row.kind](reader, row)


def write_attributes(spec: Any) -> dict[str, Any]:
    kinds = {row.name: row.kind for row in attributes()}
    document: dict[str, Any] = {}
    for item in fields(spec):
        value = getattr(spec, item.name)
        if item.name in _FIRST or value != item.default:
            kind = kinds.get(item.name)
            writer = _QUANTITIES[kind] if kind in _QUANTITIES else _WRITERS.get(item.name, write)
            document[item.name] = writer(value)
    return document


def write(value: Any) -> Any:
    """The JSON of a part that is set: objects without their absent members, pairs as an object."""
    if is_dataclass(value):
        written = {item.name: getattr(value, item.name) for item in fields(value)}
        return {name: write(member) for name, member in written.items() if member is not None}
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return dict(value)
        return [write(item) for item in value]
    return value


def _default(row: Field) -> Any:
    return None if row.default is NEEDED else row.default


def _read_env(reader: Reader, row: Field) -> Pairs:
    pairs = []
    for index, item in enumerate(reader.items(row.name)):
        entry = Reader(item, f"{row.path}.{index + 1}", reader.errors)
        pairs.append((entry.text("name"), entry.text("value", "")))
        entry.finish()
    return tuple(pairs)


def _read_env_refs(reader: Reader, row: Field) -> tuple[EnvRef, ...]:
    refs = []
    for index, item in enumerate(reader.items(row.name)):
        entry = Reader(item, f"{row.path}.{index + 1}", reader.errors)
        kind = cast(Literal["secret", "config_map"], entry.choice("kind", ("secret", "config_map")))
        refs.append(EnvRef(entry.text("name"), kind, entry.text("source"), entry.text("key")))
        entry.finish()
    return tuple(refs)


def _read_resources(reader: Reader) -> Resources | None:
    entry = reader.optional_child("resources")
    if entry is None:
        return None
    resources = Resources(**{row.name: read_field(entry, row) for row in members("resources")})
    entry.finish()
    return resources


def _read_variant(reader: Reader, part: str, *, is_needed: bool = False) -> Any:
    """A part that is of one of several classes. One that need not be there is of the first."""
    chooser, offered = variants(part)
    if not is_needed and not reader.has(part):
        return offered[0].of()
    entry = reader.child(part)
    name = entry.text(chooser.name)
    chosen = next((variant for variant in offered if variant.value == name), None)
    if chosen is None:
        names = " or ".join(f'"{variant.value}"' for variant in offered)
        entry.fail(chooser.name, f"Must be {names}.")
        return None
    value = chosen.of(**{row.name: read_field(entry, row) for row in members(part, chosen)})
    entry.finish()
    return value


def _read_probe(reader: Reader, row: Field) -> Probe:
    entry = reader.child(row.name)
    numbers = {item.key: entry.integer(item.key, item.default) for item in row.bounded()}
    probe = Probe(
        kind=cast(Literal["http", "tcp", "grpc", "off"], entry.choice("kind", ("http", "tcp", "grpc", "off"))),
        path=entry.optional_text("path"),
        port_name=cast(Literal["http", "grpc"], entry.choice("port_name", ("http", "grpc"), "http")),
        **numbers,
    )
    entry.finish()
    return probe


def _read_tolerations(reader: Reader, row: Field) -> tuple[Toleration, ...]:
    found = []
    for index, item in enumerate(reader.items(row.name)):
        entry = Reader(item, f"{row.path}.{index + 1}", reader.errors)
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


def _read_pairs(reader: Reader, row: Field) -> Pairs:
    """An object of texts, such as labels."""
    entry = reader.optional_child(row.name)
    if entry is None:
        return ()
    return tuple((name, entry.text(name, "")) for name in sorted(entry.data))


def _read_spread(reader: Reader, row: Field) -> Spread:
    entry = reader.child(row.name)
    over = cast(Literal["nodes", "zones"], entry.choice("over", ("nodes", "zones")))
    spread = Spread(
        over=over,
        max_skew=entry.integer("max_skew", row.member("max_skew").default),
        is_required=entry.boolean("is_required", row.member("is_required").default),
    )
    entry.finish()
    return spread


def _read_budget(reader: Reader, row: Field) -> Budget:
    entry = reader.child(row.name)
    names = ("min_available", "max_unavailable")
    values = {name: entry.count_or_percent(name, 0) if entry.has(name) else None for name in names}
    entry.finish()
    return Budget(**values)


def _read_pace(reader: Reader, row: Field) -> ScalePolicy:
    entry = reader.child(row.name)
    values: dict[str, Any] = {
        item.key: entry.optional_integer(item.key) if item.default is None else entry.integer(item.key, item.default)
        for item in row.parts
    }
    entry.finish()
    return ScalePolicy(**values)


_READERS: Final[Mapping[InputKind, Callable[[Reader, Field], Any]]] = {
    InputKind.TEXT: lambda reader, row: reader.text(row.name, _default(row)),
    InputKind.CHOICE: lambda reader, row: reader.text(row.name, _default(row)),
    InputKind.NUMBER: lambda reader, row: reader.integer(row.name, _default(row)),
    InputKind.PORT: lambda reader, row: reader.integer(row.name, _default(row)),
    InputKind.SECONDS: lambda reader, row: reader.integer(row.name, _default(row)),
    InputKind.PERCENT: lambda reader, row: reader.integer(row.name, _default(row)),
    InputKind.COUNT: lambda reader, row: reader.count_or_percent(row.name, row.default),
    InputKind.CPU: lambda reader, row: reader.cpu(row.name),
    InputKind.MEMORY: lambda reader, row: reader.memory(row.name),
    InputKind.VARIABLES: _read_env,
    InputKind.REFERENCES: _read_env_refs,
    InputKind.PAIRS: _read_pairs,
    InputKind.TOLERATIONS: _read_tolerations,
    InputKind.PROBE: _read_probe,
    InputKind.PACE: _read_pace,
    InputKind.SPREAD: _read_spread,
    InputKind.BUDGET: _read_budget,
}


def _write_env(env: Pairs) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in env]


def _write_resources(resources: Resources | None) -> dict[str, Any] | None:
    if resources is None:
        return None
    written: dict[str, Any] = {}
    for row in members("resources"):
        value = getattr(resources, row.name)
        if row.name in _FIRST_RESOURCES or value != row.default:
            is_text = value is not None and row.kind in _QUANTITIES
            written[row.name] = _QUANTITIES[row.kind](value) if is_text else value
    return written


def _write_variant(part: str, value: Any) -> dict[str, Any]:
    chooser, offered = variants(part)
    chosen = next(variant for variant in offered if isinstance(value, variant.of))
    written = {chooser.name: chosen.value}
    for row in members(part, chosen):
        member = getattr(value, row.name)
        if member is not None or row.name in _FIRST_REPLICAS:
            written[row.name] = write(member)
    return written


_WRITERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "env": _write_env,
    "resources": _write_resources,
    "replicas": lambda value: _write_variant("replicas", value),
    "strategy": lambda value: _write_variant("strategy", value),
}

# What schema 1 had. It is written always, and what is not in it was unknown then.
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
_FIRST_RESOURCES: Final = frozenset(("cpu_request", "cpu_limit", "memory_request", "memory_limit", "gpu_count"))
_FIRST_REPLICAS: Final = frozenset(("count", "min", "max", "cpu_percent"))


def _to_second(data: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """Schema 1 knew fewer fields: what is new in 2 is as unknown there as it was then."""
    for key in data:
        if key not in _FIRST:
            errors[str(key)[:60]] = "Is not a known field."
    return {**data, "schema": 2}


# From a version to the next. Stored revisions are immutable: each step stays for ever.
UPCASTERS: Final[Mapping[int, Callable[[Mapping[str, Any], dict[str, str]], dict[str, Any]]]] = {1: _to_second}
