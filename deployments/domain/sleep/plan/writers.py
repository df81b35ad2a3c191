"""Who changed the replicas of what sleeps: a person, whose change is held, or a machine, which is answered."""

from __future__ import annotations

from typing import Final

# Field managers of what people work with by hand, by how they begin. A browser's console writes under "Mozilla".
_BY_HAND: Final = (
    "kubectl",
    "k9s",
    "lens",
    "openlens",
    "node-fetch",
    "headlamp",
    "dashboard",
    "mozilla",
    "oc",
    "octant",
    "rancher",
    "gcp-cloud-console",
)


def is_automation(manager: str) -> bool:
    """Whether the field manager writes by itself, again and again. Of an unknown writer ("") that is not assumed."""
    name = manager.strip().lower()
    return bool(name) and not any(
        name == tool or name.startswith((f"{tool}-", f"{tool}_", f"{tool}/")) for tool in _BY_HAND
    )
