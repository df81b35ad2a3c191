"""Every set field of a spec as text for people, by dotted path. Units are words, absent fields are left out."""

from typing import Any, Final

from deployments.domain.catalogue import Probe
from deployments.domain.spec.parts import Budget, EnvRef, Fixed, RollingUpdate, ScalePolicy, Spread
from deployments.domain.spec.spec import DEFAULT_DEADLINE_S, PROBES, Spec
from deployments.domain.text.quantities import human_cpu, human_memory

ABSENT: Final = ""
EMPTY_TEXT: Final = "(empty text)"


def values(spec: Spec) -> dict[str, str]:
    shown: dict[str, str] = {
        "artifact_uri": spec.artifact_uri,
        "model_version": spec.model_version,
        "runtime": spec.runtime,
        "image_override": spec.image_override or ABSENT,
        "profile": spec.profile or ABSENT,
        "service": _number(spec.service),
        "ingress_host": spec.ingress_host or ABSENT,
    }
    shown |= {f"env.{name}": value or EMPTY_TEXT for name, value in spec.env}
    shown |= _resource_values(spec) | _replica_values(spec) | _strategy_values(spec) | _more_values(spec)
    return {path: text for path, text in shown.items() if text != ABSENT}


def _more_values(spec: Spec) -> dict[str, str]:
    shown = {
        "description": spec.description,
        "contact": spec.contact,
        "runbook": spec.runbook,
        "grpc_port": _number(spec.grpc_port),
        "priority_class": spec.priority_class or ABSENT,
        "spread": _spread(spec.spread),
        "budget": _budget(spec.budget),
        "termination_grace_s": _seconds(spec.termination_grace_s),
        "pre_stop_sleep_s": _seconds(spec.pre_stop_sleep_s),
        "min_ready_s": _seconds(spec.min_ready_s or None),
        "ingress_tls_secret": spec.ingress_tls_secret or ABSENT,
        "ingress_class": spec.ingress_class or ABSENT,
        "ingress_path": spec.ingress_path if spec.ingress_path != "/" else ABSENT,
    }
    if spec.progress_deadline_s != DEFAULT_DEADLINE_S:
        shown["progress_deadline_s"] = _seconds(spec.progress_deadline_s)
    shown |= {name: _probe(getattr(spec, name)) for name in PROBES}
    shown |= {f"env_refs.{ref.name}": _source(ref) for ref in spec.env_refs}
    for name in ("node_selector", "labels", "annotations"):
        shown |= {f"{name}.{key}": value or EMPTY_TEXT for key, value in getattr(spec, name)}
    if spec.tolerations:
        shown["tolerations"] = ", ".join(_toleration(item.to_json()) for item in spec.tolerations)
    return shown


def _resource_values(spec: Spec) -> dict[str, str]:
    if spec.resources is None:
        return {}
    own = spec.resources
    return {
        "resources.cpu_request": human_cpu(own.cpu_request),
        "resources.cpu_limit": ABSENT if own.cpu_limit is None else human_cpu(own.cpu_limit),
        "resources.memory_request": human_memory(own.memory_request),
        "resources.memory_limit": human_memory(own.memory_limit),
        "resources.gpu_count": str(own.gpu_count) if own.gpu_count else ABSENT,
        "resources.gpu_type": own.gpu_type or ABSENT,
    }


def _replica_values(spec: Spec) -> dict[str, str]:
    replicas = spec.replicas
    if isinstance(replicas, Fixed):
        return {"replicas.mode": "Fixed number", "replicas.count": str(replicas.count)}
    return {
        "replicas.mode": "Follows the load",
        "replicas.min": str(replicas.min),
        "replicas.max": str(replicas.max),
        "replicas.cpu_percent": _percent(replicas.cpu_percent),
        "replicas.memory_percent": _percent(replicas.memory_percent),
        "replicas.scale_up": _policy(replicas.scale_up),
        "replicas.scale_down": _policy(replicas.scale_down),
    }


def _strategy_values(spec: Spec) -> dict[str, str]:
    if not isinstance(spec.strategy, RollingUpdate):
        return {"strategy.type": "Recreate"}
    return {
        "strategy.type": "RollingUpdate",
        "strategy.max_surge": str(spec.strategy.max_surge),
        "strategy.max_unavailable": str(spec.strategy.max_unavailable),
    }


def _number(value: int | None) -> str:
    return ABSENT if value is None else str(value)


def _seconds(value: int | None) -> str:
    return ABSENT if value is None else f"{value} s"


def _percent(value: int | None) -> str:
    return ABSENT if value is None else f"{value} %"


def _source(ref: EnvRef) -> str:
    return f"{ref.key} of {'Secret' if ref.kind == 'secret' else 'ConfigMap'} {ref.source}"


def _probe(probe: Probe | None) -> str:
    if probe is None:
        return ABSENT
    if probe.kind == "off":
        return "None"
    asks = {"http": f"GET {probe.path or '/'}", "tcp": "a connection", "grpc": "gRPC health"}[probe.kind]
    text = f"{asks} on {probe.port_name} every {probe.period_s} s within {probe.timeout_s} s"
    text += f", {probe.failure_threshold} failures"
    return text + (f", first after {probe.initial_delay_s} s" if probe.initial_delay_s else "")


def _policy(policy: ScalePolicy | None) -> str:
    if policy is None:
        return ABSENT
    steps = [f"{policy.pods} pods"] if policy.pods is not None else []
    steps += [f"{policy.percent} %"] if policy.percent is not None else []
    parts = [f"at most {' or '.join(steps)} in {policy.period_s} s"] if steps else []
    if policy.stabilization_s is not None:
        parts.append(f"after {policy.stabilization_s} s")
    return ", ".join(parts) or "Kubernetes' own pace"


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ABSENT
    return f"Over {spread.over}, {'at most' if spread.is_required else 'if possible at most'} {spread.max_skew} apart"


def _budget(budget: Budget | None) -> str:
    if budget is None:
        return ABSENT
    if budget.min_available is not None:
        return f"At least {budget.min_available} available"
    return f"At most {budget.max_unavailable} missing"


def _toleration(item: dict[str, Any]) -> str:
    text = str(item["key"]) + (f"={item['value']}" if item.get("value") else "")
    return f"{text}:{item['effect']}" if item.get("effect") else text
