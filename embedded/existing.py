"""Use a cluster that is there already: one context of a kubeconfig becomes the product's kubeconfig."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from embedded.paths import write_private

# Keys whose values are files, relative to the kubeconfig they stand in.
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def use_existing(kubeconfig: Path, context: str | None, target: Path) -> None:
    """Write `target` with only what the context needs. Raises with the contexts to choose from when it is unknown."""
    if not kubeconfig.is_file():
        raise RuntimeError(f"BARISTA_KUBECONFIG names {kubeconfig}, which is no file.")
    write_private(target, json.dumps(one_context(kubeconfig, context), indent=1))


def one_context(kubeconfig: Path, context: str | None) -> dict[str, Any]:
    source = yaml.safe_load(kubeconfig.read_text()) or {}
    contexts = {entry["name"]: entry["context"] for entry in source.get("contexts") or []}
    name = context or source.get("current-context")
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        raise RuntimeError(f"{kubeconfig} has no context {name!r}. BARISTA_KUBE_CONTEXT may name one of: {known}.")
    chosen = contexts[name]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [_entry(source, "clusters", "cluster", chosen["cluster"], kubeconfig.parent)],
        "users": [_entry(source, "users", "user", chosen["user"], kubeconfig.parent)],
        "contexts": [{"name": name, "context": chosen}],
        "current-context": name,
    }


def _entry(source: dict[str, Any], many: str, one: str, name: str, folder: Path) -> dict[str, Any]:
    for entry in source.get(many) or []:
        if entry["name"] == name:
            values = dict(entry[one] or {})
            for key in _FILES:
                if key in values:
                    values[key] = str((folder / values[key]).resolve())
            return {"name": name, one: values}
    raise RuntimeError(f"The kubeconfig has no {one} {name!r}, which its context needs.")
