"""What a pod uses, as the metrics server said and as the stored view keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from deployments.domain.apiserver.objects import number, obj, text


@dataclass(frozen=True, slots=True, kw_only=True)
class PodUse:
    """Millicores and bytes, all containers together; `at` as the metrics server wrote it."""

    cpu_m: int = 0
    memory_b: int = 0
    at: str = ""

    @property
    def is_measured(self) -> bool:
        """No process runs in no memory: a metrics server says 0 before it has looked."""
        return self.memory_b > 0

    def has_moved(self, before: Self | None) -> bool:
        """Whether it is worth a write: more than a twentieth away."""
        if before is None:
            return True
        pairs = ((before.cpu_m, self.cpu_m), (before.memory_b, self.memory_b))
        return any(abs(new - old) * 20 > max(old, 1) for old, new in pairs)

    def to_json(self) -> dict[str, Any]:
        return {"cpu_m": self.cpu_m, "memory_b": self.memory_b, "at": self.at}

    @classmethod
    def from_json(cls, data: object) -> Self:
        return cls(cpu_m=number(data, "cpu_m"), memory_b=number(data, "memory_b"), at=text(data, "at"))


def uses_from_json(data: object) -> dict[str, PodUse]:
    """By pod; empty when nothing readable is there."""
    return {name: PodUse.from_json(item) for name, item in obj(data).items() if isinstance(item, Mapping)}
