"""Every set field of a spec as text for people, by dotted path. Units are words, absent fields are left out."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from deployments.domain.catalogue import Probe, Toleration
from deployments.domain.spec.fields.field import Field, InputKind
from deployments.domain.spec.fields.table import FIELDS
from deployments.domain.spec.parts import Budget, EnvRef, ScalePolicy, Spread
from deployments.domain.spec.spec import Spec
from deployments.domain.text import unseen
from deployments.domain.text.quantities import human_cpu, human_memory

ABSENT: Final = ""
EMPTY_TEXT: Final = "(empty text)"


def values(spec: Spec) -> dict[str, str]:
    """In the order of the form. What is folded there is not told while it is at its default."""
    shown: dict[str, str] = {}
    for row in FIELDS:
        value = row.value_in(spec)
        is_quiet = (row.is_folded or row.hides_default) and value == row.default
        if value is None or is_quiet:
            continue
        if row.kind in _MEMBERS:
            shown |= {f"{row.path}.{key}": text for key, text in _MEMBERS[row.kind](value)}
        else:
            shown[row.path] = in_words(row, value)
    return {path: text for path, text in shown.items() if text != ABSENT}


def in_words(row: Field, value: Any) -> str:
    if row.variants:
        return next(variant.words for variant in row.variants if variant.value == value)
    return _WORDS.get(row.kind, _seen)(value)


def _seen(value: object) -> str:
    return unseen.prose_shown(str(value))


def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return [(key, unseen.shown(value) or EMPTY_TEXT) for key, value in pairs]


def _sources(refs: tuple[EnvRef, ...]) -> list[tuple[str, str]]:
    what = {"secret": "Secret", "config_map": "ConfigMap"}
    return [(ref.name, f"{ref.key} of {what[ref.kind]} {ref.source}") for ref in refs]


def _probe(probe: Probe) -> str:
    if probe.kind == "off":
        return "None"
    asks = {"http": f"GET {probe.path or '/'}", "tcp": "a connection", "grpc": "gRPC health"}[probe.kind]
    text = f"{asks} on {probe.port_name} every {probe.period_s} s within {probe.timeout_s} s"
    text += f", {probe.failure_threshold} failures"
    return text + (f", first after {probe.initial_delay_s} s" if probe.initial_delay_s else "")


def _pace(policy: ScalePolicy) -> str:
    steps = [f"{policy.pods} pods"] if policy.pods is not None else []
    steps += [f"{policy.percent} %"] if policy.percent is not None else []
    parts = [f"at most {' or '.join(steps)} in {policy.period_s} s"] if steps else []
    if policy.stabilization_s is not None:
        parts.append(f"after {policy.stabilization_s} s")
    return ", ".join(parts) or "Kubernetes' own pace"


def _spread(spread: Spread) -> str:
    return f"Over {spread.over}, {'at most' if spread.is_required else 'if possible at most'} {spread.max_skew} apart"


def _budget(budget: Budget) -> str:
    if budget.min_available is not None:
        return f"At least {budget.min_available} available"
    return f"At most {budget.max_unavailable} unavailable"


def _tolerations(found: tuple[Toleration, ...]) -> str:
    return ", ".join(_toleration(item) for item in found)


def _toleration(item: Toleration) -> str:
    text = item.key + (f"={item.value}" if item.value else "")
    return f"{text}:{item.effect}" if item.effect else text


_WORDS: Final[Mapping[InputKind, Callable[[Any], str]]] = {
    InputKind.SECONDS: lambda value: f"{value} s",
    InputKind.PERCENT: lambda value: f"{value} %",
    InputKind.CPU: human_cpu,
    InputKind.MEMORY: human_memory,
    InputKind.TOLERATIONS: _tolerations,
    InputKind.PROBE: _probe,
    InputKind.PACE: _pace,
    InputKind.SPREAD: _spread,
    InputKind.BUDGET: _budget,
}
_MEMBERS: Final[Mapping[InputKind, Callable[[Any], list[tuple[str, str]]]]] = {
    InputKind.VARIABLES: _pairs,
    InputKind.PAIRS: _pairs,
    InputKind.REFERENCES: _sources,
}
