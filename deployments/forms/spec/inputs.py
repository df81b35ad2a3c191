"""Settings beyond those on every form: each part is one text, several parts may make one field of the spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.spec.fields import field_for

Choices = tuple[tuple[str, str], ...]
Errors = dict[str, str]

PROBES: Final = ("startup", "readiness", "liveness")
_DIGITS: Final = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_PROBE_KINDS: Final[Choices] = (
    ("", "As the runtime has it"),
    ("off", "None"),
    ("http", "HTTP GET"),
    ("tcp", "TCP connection"),
    ("grpc", "gRPC health"),
)
_SPREADS: Final[Choices] = (("", "Not asked for"), ("nodes", "Over nodes"), ("zones", "Over zones"))
_BUDGETS: Final[Choices] = (
    ("", "None"),
    ("min_available", "At least this many stay"),
    ("max_unavailable", "At most this many are missing"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`owner` is the spec's field; its first part carries the marks. `when`: the part and the values that show it."""

    path: str
    owner: str
    label: str
    kind: str = "text"
    help: str = ""
    unit: str = ""
    choices: Choices = ()
    when: tuple[str, tuple[str, ...]] | None = None

    @property
    def is_first(self) -> bool:
        return FIRST[self.owner] == self.path


def _plain(path: str, kind: str = "text", unit: str = "") -> Part:
    field = field_for(path)
    return Part(path=path, owner=path, label=field.label, kind=kind, help=field.help, unit=unit)


def _lines(path: str, words: str) -> Part:
    field = field_for(path)
    return Part(path=path, owner=path, label=f"{field.label}s", kind="lines", help=f"{field.help} {words}")


def _probe(name: str) -> tuple[Part, ...]:
    asked = (f"{name}.kind", ("http", "tcp", "grpc"))

    def number(key: str, label: str, unit: str = "s") -> Part:
        return Part(path=f"{name}.{key}", owner=name, label=label, kind="number", unit=unit, when=asked)

    field = field_for(name)
    return (
        Part(path=f"{name}.kind", owner=name, label=field.label, kind="select", help=field.help, choices=_PROBE_KINDS),
        Part(
            path=f"{name}.path",
            owner=name,
            label="Path",
            help="Such as /healthz.",
            when=(f"{name}.kind", ("http",)),
        ),
        Part(
            path=f"{name}.port_name",
            owner=name,
            label="Port",
            kind="select",
            choices=(("http", "HTTP"), ("grpc", "gRPC")),
            when=(f"{name}.kind", ("http", "tcp")),
        ),
        number("initial_delay_s", "First check after"),
        number("period_s", "Check every"),
        number("timeout_s", "Answer within"),
        number("failure_threshold", "Failures in a row", "checks"),
    )


def _pace(name: str) -> tuple[Part, ...]:
    field = field_for(f"replicas.{name}")
    owner = field.path
    whole = ("replicas.mode", ("autoscale",))

    def number(key: str, label: str, unit: str, words: str = "") -> Part:
        path = f"{owner}.{key}"
        return Part(path=path, owner=owner, label=label, kind="number", unit=unit, help=words, when=whole)

    return (
        number("pods", f"{field.label}: at most", "pods", f"{field.help} Empty: Kubernetes' own pace."),
        number("percent", "or at most", "%", "Of the pods there are; the larger of both counts."),
        number("period_s", "in", "s"),
        number("stabilization_s", "after a steady", "s"),
    )


def _spread() -> tuple[Part, ...]:
    field, shown = field_for("spread"), ("spread.over", ("nodes", "zones"))
    required: Choices = (("no", "If possible"), ("yes", "Always: rather leave a pod unscheduled"))
    return (
        Part(path="spread.over", owner="spread", label=field.label, kind="select", help=field.help, choices=_SPREADS),
        Part(path="spread.max_skew", owner="spread", label="At most apart", kind="number", unit="pods", when=shown),
        Part(
            path="spread.is_required", owner="spread", label="How strictly", kind="select", choices=required, when=shown
        ),
    )


def _budget() -> tuple[Part, ...]:
    field = field_for("budget")
    shown = ("budget.kind", ("min_available", "max_unavailable"))
    return (
        Part(path="budget.kind", owner="budget", label=field.label, kind="select", help=field.help, choices=_BUDGETS),
        Part(
            path="budget.value",
            owner="budget",
            label="How many",
            kind="number",
            unit="pods, or a share such as 50%",
            when=shown,
        ),
    )


PARTS: Final[tuple[Part, ...]] = (
    _plain("description", "area"),
    _plain("contact"),
    _plain("runbook"),
    _lines("labels", "One key=value a line."),
    _lines("annotations", "One key=value a line."),
    _lines("env_refs", "One a line: NAME=secret/name/key or NAME=configmap/name/key."),
    Part(
        path="resources.gpu_type",
        owner="resources.gpu_type",
        label=field_for("resources.gpu_type").label,
        help=field_for("resources.gpu_type").help,
        when=("profile", ("-own",)),
    ),
    _lines("node_selector", "One key=value a line."),
    _lines("tolerations", "One a line, as kubectl writes taints: key=value:Effect, or key:Effect for any value."),
    _plain("priority_class"),
    *_spread(),
    Part(
        path="replicas.memory_percent",
        owner="replicas.memory_percent",
        label=field_for("replicas.memory_percent").label,
        kind="number",
        unit="% of the request",
        help=field_for("replicas.memory_percent").help,
        when=("replicas.mode", ("autoscale",)),
    ),
    *_pace("scale_up"),
    *_pace("scale_down"),
    *_budget(),
    *(part for name in PROBES for part in _probe(name)),
    _plain("progress_deadline_s", "number", "s"),
    _plain("min_ready_s", "number", "s"),
    _plain("termination_grace_s", "number", "s"),
    _plain("pre_stop_sleep_s", "number", "s"),
    _plain("grpc_port", "number"),
    _plain("ingress_path"),
    _plain("ingress_tls_secret"),
    _plain("ingress_class"),
)
BY_PATH: Final = {part.path: part for part in PARTS}
FIRST: Final[dict[str, str]] = {}
for _part in PARTS:
    FIRST.setdefault(_part.owner, _part.path)

_PROBE_NUMBERS: Final = {"initial_delay_s": 0, "period_s": 10, "timeout_s": 1, "failure_threshold": 3}
_PACES: Final = ("pods", "percent", "period_s", "stabilization_s")
_SECONDS: Final = {"progress_deadline_s": 600, "min_ready_s": 0}
_OPTIONAL_NUMBERS: Final = ("termination_grace_s", "pre_stop_sleep_s", "grpc_port")
_OPTIONAL_TEXTS: Final = ("priority_class", "ingress_tls_secret", "ingress_class")
_PLAIN_TEXTS: Final = ("description", "contact", "runbook")
_PAIRS: Final = ("node_selector", "labels", "annotations")


def of_json(data: Mapping[str, Any]) -> dict[str, str]:
    """The texts of every part from the JSON form of a spec."""
    found = {name: _text(data.get(name)) for name in (*_PLAIN_TEXTS, *_OPTIONAL_TEXTS, *_OPTIONAL_NUMBERS)}
    found |= {name: _text(data.get(name, usual)) for name, usual in _SECONDS.items()}
    found |= {name: "\n".join(f"{key}={value}" for key, value in (data.get(name) or {}).items()) for name in _PAIRS}
    found["ingress_path"] = _text(data.get("ingress_path", "/"))
    found["env_refs"] = "\n".join(_reference(item) for item in data.get("env_refs") or ())
    found["tolerations"] = "\n".join(_toleration(item) for item in data.get("tolerations") or ())
    found["resources.gpu_type"] = _text((data.get("resources") or {}).get("gpu_type"))
    for name in PROBES:
        probe = data.get(name) or {}
        found |= {f"{name}.kind": _text(probe.get("kind")), f"{name}.path": _text(probe.get("path"))}
        found[f"{name}.port_name"] = _text(probe.get("port_name", "http"))
        found |= {f"{name}.{key}": _text(probe.get(key, usual)) for key, usual in _PROBE_NUMBERS.items()}
    return found | _scaling_texts(data)


def _scaling_texts(data: Mapping[str, Any]) -> dict[str, str]:
    replicas, spread, budget = data.get("replicas") or {}, data.get("spread") or {}, data.get("budget") or {}
    found = {"replicas.memory_percent": _text(replicas.get("memory_percent"))}
    for name in ("scale_up", "scale_down"):
        pace = replicas.get(name) or {}
        found |= {f"replicas.{name}.{key}": _text(pace.get(key)) for key in _PACES}
    found["spread.over"] = _text(spread.get("over"))
    found["spread.max_skew"] = _text(spread.get("max_skew", 1))
    found["spread.is_required"] = "yes" if spread.get("is_required") else "no"
    kind = next((name for name in ("min_available", "max_unavailable") if budget.get(name) is not None), "")
    return found | {"budget.kind": kind, "budget.value": _text(budget.get(kind, 1))}


def put(data: dict[str, Any], texts: Mapping[str, str]) -> Errors:
    """Write the parts into the JSON form of a spec; answers a message for each text that cannot be read."""
    reader = _Reading(texts, {})
    for name in (*_PLAIN_TEXTS, *_OPTIONAL_TEXTS):
        _set(data, name, texts[name] or None)
    for name in _OPTIONAL_NUMBERS:
        _set(data, name, reader.number(name))
    for name, usual in _SECONDS.items():
        value = reader.number(name)
        _set(data, name, usual if value is None else value)
    data["ingress_path"] = texts["ingress_path"] or "/"
    for name in _PAIRS:
        _set(data, name, reader.pairs(name))
    _set(data, "env_refs", reader.references("env_refs"))
    _set(data, "tolerations", reader.tolerations("tolerations"))
    for name in PROBES:
        _set(data, name, _read_probe(reader, name))
    if data.get("resources"):
        _set(data["resources"], "gpu_type", texts["resources.gpu_type"] or None)
    if data["replicas"].get("mode") == "autoscale":
        _set(data["replicas"], "memory_percent", reader.number("replicas.memory_percent"))
        for name in ("scale_up", "scale_down"):
            _set(data["replicas"], name, _read_pace(reader, f"replicas.{name}"))
    over, kind = texts["spread.over"], texts["budget.kind"]
    _set(data, "spread", _read_spread(reader, over) if over else None)
    _set(data, "budget", {kind: reader.count("budget.value")} if kind else None)
    return reader.errors


@dataclass(frozen=True, slots=True)
class _Reading:
    texts: Mapping[str, str]
    errors: Errors

    def number(self, path: str) -> int | None:
        text = self.texts[path]
        if not text or _DIGITS.match(text):
            return int(text) if text else None
        self.errors[path] = "Must be a whole number, such as 30."
        return None

    def count(self, path: str) -> int | str:
        text = self.texts[path]
        return int(text) if _DIGITS.match(text) else text

    def lines(self, path: str) -> list[str]:
        return [line.strip() for line in self.texts[path].splitlines() if line.strip()]

    def pairs(self, path: str) -> dict[str, str] | None:
        found: dict[str, str] = {}
        for line in self.lines(path):
            key, equals, value = line.partition("=")
            if not equals or not key.strip():
                self.errors[path] = f'"{line[:60]}" is not key=value. Write one a line.'
            elif key.strip() in found:
                self.errors[path] = f"{key.strip()[:60]} is set twice."
            found[key.strip()] = value.strip()
        return found or None

    def references(self, path: str) -> list[dict[str, str]] | None:
        found = []
        for line in self.lines(path):
            name, _, place = line.partition("=")
            kind, _, rest = place.strip().partition("/")
            source, slash, key = rest.partition("/")
            if kind.lower() not in ("secret", "configmap") or not slash:
                self.errors[path] = f'"{line[:60]}" is not NAME=secret/name/key or NAME=configmap/name/key.'
                continue
            wanted = "secret" if kind.lower() == "secret" else "config_map"
            found.append({"name": name.strip(), "kind": wanted, "source": source, "key": key})
        return found or None

    def tolerations(self, path: str) -> list[dict[str, str]] | None:
        found = []
        for line in self.lines(path):
            head, _, effect = line.partition(":")
            key, equals, value = head.partition("=")
            item = {"key": key.strip(), "operator": "Equal" if equals else "Exists"}
            item |= {"value": value.strip()} if value.strip() else {}
            found.append(item | ({"effect": effect.strip()} if effect.strip() else {}))
        return found or None


def _read_probe(reader: _Reading, name: str) -> dict[str, Any] | None:
    kind = reader.texts[f"{name}.kind"]
    if kind in ("", "off"):
        return {"kind": kind} if kind else None
    numbers = {key: reader.number(f"{name}.{key}") for key in _PROBE_NUMBERS}
    probe: dict[str, Any] = {"kind": kind} | {key: value for key, value in numbers.items() if value is not None}
    probe["port_name"] = "grpc" if kind == "grpc" else reader.texts[f"{name}.port_name"]
    if kind == "http":
        probe["path"] = reader.texts[f"{name}.path"] or "/"
    return probe


def _read_spread(reader: _Reading, over: str) -> dict[str, Any]:
    spread: dict[str, Any] = {"over": over, "is_required": reader.texts["spread.is_required"] == "yes"}
    skew = reader.number("spread.max_skew")
    return spread | ({"max_skew": skew} if skew is not None else {})


def _read_pace(reader: _Reading, path: str) -> dict[str, int] | None:
    pace = {key: reader.number(f"{path}.{key}") for key in _PACES}
    return {key: value for key, value in pace.items() if value is not None} or None


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        data.pop(key, None)
    else:
        data[key] = value


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _reference(item: Mapping[str, str]) -> str:
    kind = "secret" if item["kind"] == "secret" else "configmap"
    return f"{item['name']}={kind}/{item['source']}/{item['key']}"


def _toleration(item: Mapping[str, str]) -> str:
    text = item["key"] + (f"={item.get('value', '')}" if item.get("operator", "Equal") == "Equal" else "")
    return f"{text}:{item['effect']}" if item.get("effect") else text


def place_of(path: str) -> str:
    """The text at which an error or a change of the spec's path is shown."""
    owner = path
    while owner not in BY_PATH and owner not in FIRST and "." in owner:
        owner = owner.rpartition(".")[0]
    return owner if owner in BY_PATH else FIRST.get(owner, path)
