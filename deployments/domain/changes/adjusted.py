"""What a cluster makes of the resources that we ask for, before anything is applied: Autopilot raises and adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deployments.domain.apiserver.objects import amount, obj, objects, text

ADJUSTMENT: Final = "autopilot.gke.io/resource-adjustment"
_WORDS: Final = {
    ("requests", "cpu"): "CPU request",
    ("limits", "cpu"): "CPU limit",
    ("requests", "memory"): "memory request",
    ("limits", "memory"): "memory limit",
    ("requests", "ephemeral-storage"): "request of ephemeral storage",
    ("limits", "ephemeral-storage"): "limit of ephemeral storage",
}


def adjustments(wanted: Mapping[str, Any], dry: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for each quantity of our containers that the dry run made another one, or added."""
    who = "Autopilot" if ADJUSTMENT in obj(dry, "metadata", "annotations") else "The cluster"
    said = {text(item, "name"): item for item in _containers(dry)}
    found = []
    for container in _containers(wanted):
        ours, theirs = obj(container, "resources"), obj(said.get(text(container, "name")), "resources")
        for (section, resource), words in _WORDS.items():
            before, after = text(obj(ours, section), resource), text(obj(theirs, section), resource)
            if not after or (before and amount(before) == amount(after)):
                continue
            if before:
                found.append(f"{who} makes the {words} {after} instead of {before}.")
            elif resource == "ephemeral-storage" and section == "limits":
                found.append(f"{who} sets a {words} of {after}: a model that downloads more than that is stopped.")
            elif section == "limits" or resource == "ephemeral-storage":
                found.append(f"{who} sets a {words} of {after}.")
    return tuple(found)


def _containers(deployment: Mapping[str, Any]) -> list[dict[str, Any]]:
    return objects(deployment, "spec", "template", "spec", "containers")
