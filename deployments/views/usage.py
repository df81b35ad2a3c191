"""What pods use of what they reserve. Unknown stays unknown: without a measurement there is no bar and no 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deployments.domain.apiserver.objects import text
from deployments.domain.cost.asked import asked_of
from deployments.domain.status.states import ClusterView
from deployments.domain.status.usage import PodUse, uses_from_json
from deployments.domain.text.quantities import QuantityError, human_cpu, human_memory, parse_cpu, parse_memory
from deployments.models import Revision


@dataclass(frozen=True)
class Use:
    """`used` of `reserved`, both in millicores or bytes; `label` says it in words."""

    used: int
    reserved: int
    label: str

    @property
    def percent(self) -> int:
        return round(100 * self.used / self.reserved)


def of_pods(usage: Mapping[str, PodUse] | None, revision: Revision | None) -> tuple[Use | None, Use | None]:
    """CPU and memory of all measured pods together against what the revision reserves for as many."""
    return (None, None) if revision is None else of_sizes(usage, revision.spec.get("resources"), revision.profile)


def of_view(view: ClusterView, revision: Revision | None) -> tuple[Use | None, Use | None]:
    """The same against what the pods themselves reserve: admission may have raised what the revision asks for."""
    pods = [pod for pod in view.pods if _is_measured(view, pod)]
    if not pods:
        return of_pods(view.usage, revision)
    asked = [asked_of(pod, "") for pod in pods]
    used = [view.usage[text(pod, "metadata", "name")] for pod in pods]
    return (
        _cpu(sum(item.cpu_m for item in used), sum(item.millicores for item in asked), 1),
        _memory(sum(item.memory_b for item in used), sum(item.memory_bytes for item in asked), 1),
    )


def _is_measured(view: ClusterView, pod: Mapping[str, Any]) -> bool:
    use = view.usage.get(text(pod, "metadata", "name"))
    return use is not None and use.is_measured


def of_sizes(
    usage: Mapping[str, PodUse] | None,
    resources: Mapping[str, Any] | None,
    profile: Mapping[str, Any] | None,
) -> tuple[Use | None, Use | None]:
    """The same with what a revision stores of one pod's size: its own numbers, else those of its profile."""
    measured = [item for item in (usage or {}).values() if item.is_measured]
    if not measured:
        return None, None
    size = resources or profile or {}
    count = len(measured)
    return (
        _cpu(sum(item.cpu_m for item in measured), _read(parse_cpu, size, "cpu_request"), count),
        _memory(
            sum(item.memory_b for item in measured),
            _read(parse_memory, size, "memory_request"),
            count,
        ),
    )


def order(rows: Iterable[tuple[int, Any, Any, Any]], *, which: int, least_first: bool) -> list[int]:
    """Keys by their share of CPU (0) or memory (1); those without a measurement last, either way."""
    shares = []
    for pk, usage, resources, profile in rows:
        use = of_sizes(uses_from_json(usage), resources, profile)[which]
        share = use.used / use.reserved if use else None
        shares.append((share is None, (share or 0) if least_first else -(share or 0), pk))
    return [pk for _, _, pk in sorted(shares)]


def of_pod(usage: PodUse | None, cpu_request: str, memory_request: str) -> tuple[Use | None, Use | None]:
    """CPU and memory of one pod against its own requests."""
    if usage is None or not usage.is_measured:
        return None, None
    asked = {"cpu": cpu_request, "memory": memory_request}
    return (
        _cpu(usage.cpu_m, _read(parse_cpu, asked, "cpu"), 1),
        _memory(usage.memory_b, _read(parse_memory, asked, "memory"), 1),
    )


def _cpu(used: int, each: int, count: int) -> Use | None:
    reserved = each * count
    return Use(used, reserved, f"CPU: {human_cpu(used)} of {human_cpu(reserved)} reserved") if reserved else None


def _memory(used: int, each: int, count: int) -> Use | None:
    reserved = each * count
    label = f"Memory: {human_memory(used)} of {human_memory(reserved)} reserved"
    return Use(used, reserved, label) if reserved else None


def _read(parse: Any, size: Mapping[str, Any], key: str) -> int:
    """0 for what is missing or written by somebody else in a way that we do not read."""
    value = size.get(key)
    if isinstance(value, int):
        return value
    try:
        return int(parse(value)) if isinstance(value, str) and value else 0
    except QuantityError:
        return 0
