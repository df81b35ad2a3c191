"""Between a spec and the texts of its form: every field is one text under its dotted path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from deployments.domain.catalogue import HardwareProfile
from deployments.domain.spec.fields import FIELDS
from deployments.domain.spec.parts import Autoscale, Fixed, RollingUpdate
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import SCHEMA, Spec, effective_resources
from deployments.domain.text.quantities import format_cpu, format_memory
from deployments.forms.spec import inputs

Texts = dict[str, str]
Errors = dict[str, str]

# What the size is chosen by; a slug cannot begin with a dash.
OWN_SIZE: Final = "-own"
FIXED: Final = "fixed"
AUTOSCALE: Final = "autoscale"
ROLLING: Final = "RollingUpdate"
RECREATE: Final = "Recreate"

PATHS: Final = (*(field.path for field in FIELDS if field.path != "env"), *inputs.BY_PATH)
DEFAULTS: Final[Texts] = {
    "artifact_uri": "",
    "model_version": "1",
    "runtime": "",
    "image_override": "",
    "profile": "",
    "resources.cpu_request": "500m",
    "resources.cpu_limit": "",
    "resources.memory_request": "1Gi",
    "resources.memory_limit": "1Gi",
    "resources.gpu_count": "0",
    "replicas.mode": FIXED,
    "replicas.count": "1",
    "replicas.min": "1",
    "replicas.max": "3",
    "replicas.cpu_percent": "70",
    "strategy.type": ROLLING,
    "strategy.max_surge": "1",
    "strategy.max_unavailable": "0",
    "service": "80",
    "ingress_host": "",
} | inputs.of_json({})
_DIGITS: Final = re.compile(r"[0-9]{1,9}\Z", re.ASCII)
_WHOLE: Final = "Must be a whole number, such as 3."


def of_spec(spec: Spec, profile: HardwareProfile | None) -> Texts:
    """The texts of every field, those that are not shown now included, so that showing them starts from sense."""
    texts = dict(DEFAULTS)
    texts |= {
        "artifact_uri": spec.artifact_uri,
        "model_version": spec.model_version,
        "runtime": spec.runtime,
        "image_override": spec.image_override or "",
        "profile": spec.profile or OWN_SIZE,
        "service": "" if spec.service is None else str(spec.service),
        "ingress_host": spec.ingress_host or "",
    }
    texts |= inputs.of_json(spec.to_json())
    return texts | _size(spec, profile) | _replicas(spec.replicas) | _strategy(spec)


def _size(spec: Spec, profile: HardwareProfile | None) -> Texts:
    try:
        size = effective_resources(spec, profile)
    except SpecInvalid:
        return {}
    return {
        "resources.cpu_request": format_cpu(size.cpu_request),
        "resources.cpu_limit": "" if size.cpu_limit is None else format_cpu(size.cpu_limit),
        "resources.memory_request": format_memory(size.memory_request),
        "resources.memory_limit": format_memory(size.memory_limit),
        "resources.gpu_count": str(size.gpu_count),
    }


def _replicas(replicas: Fixed | Autoscale) -> Texts:
    if isinstance(replicas, Fixed):
        count = str(replicas.count)
        return {"replicas.mode": FIXED, "replicas.count": count, "replicas.min": count, "replicas.max": count}
    return {
        "replicas.mode": AUTOSCALE,
        "replicas.count": str(replicas.min),
        "replicas.min": str(replicas.min),
        "replicas.max": str(replicas.max),
        "replicas.cpu_percent": "" if replicas.cpu_percent is None else str(replicas.cpu_percent),
    }


def _strategy(spec: Spec) -> Texts:
    if not isinstance(spec.strategy, RollingUpdate):
        return {"strategy.type": RECREATE}
    return {
        "strategy.type": ROLLING,
        "strategy.max_surge": str(spec.strategy.max_surge),
        "strategy.max_unavailable": str(spec.strategy.max_unavailable),
    }


def is_relevant(path: str, texts: Mapping[str, str]) -> bool:
    """Whether the field counts with the choices made: what does not count is neither shown nor checked."""
    needs = condition(path)
    return needs is None or texts.get(needs[0]) in needs[1]


def condition(path: str) -> tuple[str, tuple[str, ...]] | None:
    """The choice under which the field counts, and its values."""
    if path in inputs.BY_PATH:
        return inputs.BY_PATH[path].when
    if path.startswith("resources."):
        return "profile", (OWN_SIZE,)
    if path == "replicas.count":
        return "replicas.mode", (FIXED,)
    if path.startswith("replicas.") and path != "replicas.mode":
        return "replicas.mode", (AUTOSCALE,)
    if path.startswith("strategy.max_"):
        return "strategy.type", (ROLLING,)
    return None


def path_name(path: str) -> str:
    """A field's name in HTML: no dots, so that it can be part of an id."""
    return path.replace(".", "__")


def to_json(
    texts: Mapping[str, str], env: Sequence[tuple[str, str]], *, kept: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], Errors]:
    """The spec's JSON form of `texts`, with a message for each text that is not a number where one is needed.

    `kept` is the JSON form of the spec that is edited: what it says beyond this form stays as it is.
    """
    errors: Errors = {}

    def number(path: str, *, empty: str = "Fill in a number, such as 3.") -> int:
        text = texts[path]
        if _DIGITS.match(text):
            return int(text)
        errors[path] = _WHOLE if text else empty
        return 1

    def count_or_percent(path: str) -> int | str:
        text = texts[path]
        return int(text) if _DIGITS.match(text) else text

    before = dict(kept or {})
    data: dict[str, Any] = before | {
        "schema": SCHEMA,
        "artifact_uri": texts["artifact_uri"],
        "model_version": texts["model_version"],
        "runtime": texts["runtime"],
        "image_override": texts["image_override"] or None,
        "env": [{"name": name, "value": value} for name, value in env],
        "profile": None if texts["profile"] == OWN_SIZE else texts["profile"],
        "resources": None,
        "service": number("service") if texts["service"] else None,
        "ingress_host": texts["ingress_host"] or None,
    }
    if texts["profile"] == OWN_SIZE:
        data["resources"] = dict(before.get("resources") or {}) | {
            "cpu_request": texts["resources.cpu_request"],
            "cpu_limit": texts["resources.cpu_limit"] or None,
            "memory_request": texts["resources.memory_request"],
            "memory_limit": texts["resources.memory_limit"],
            "gpu_count": number("resources.gpu_count") if texts["resources.gpu_count"] else 0,
        }
    if texts["replicas.mode"] == AUTOSCALE:
        scaling: dict[str, int | None] = {name: number(f"replicas.{name}") for name in ("min", "max")}
        # Scaling on memory alone is possible; scaling on nothing is not.
        is_off = not texts["replicas.cpu_percent"] and texts["replicas.memory_percent"]
        scaling["cpu_percent"] = None if is_off else number("replicas.cpu_percent")
        data["replicas"] = _same_kind(before.get("replicas"), "mode", AUTOSCALE) | scaling
    else:
        data["replicas"] = {"mode": FIXED, "count": number("replicas.count")}
    if texts["strategy.type"] == RECREATE:
        data["strategy"] = {"type": RECREATE}
    else:
        rolling = {name: count_or_percent(f"strategy.{name}") for name in ("max_surge", "max_unavailable")}
        data["strategy"] = _same_kind(before.get("strategy"), "type", ROLLING) | rolling
    return data, errors | inputs.put(data, texts)


def _same_kind(before: Mapping[str, Any] | None, key: str, kind: str) -> dict[str, Any]:
    """What stays of a part that has kinds: all of it, unless another kind was chosen."""
    return dict(before) if before and before.get(key) == kind else {key: kind}
