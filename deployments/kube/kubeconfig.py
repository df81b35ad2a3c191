"""From the path in a cluster's row to a kubeconfig that leads nowhere else: every file it names is read and put in."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from baristaweb.lib.files import FileProblem, outside, read_below
from deployments.domain.apiserver.kubeconfig import LIMIT, InvalidKubeconfig, chosen, parse
from deployments.kube.api import NotConfigured

_FILES: Final = (
    ("clusters", "cluster", "certificate-authority", "certificate-authority-data"),
    ("users", "user", "client-certificate", "client-certificate-data"),
    ("users", "user", "client-key", "client-key-data"),
    ("users", "user", "tokenFile", "token"),
)


def load(path: str, context: str) -> dict[str, Any]:
    """One context of the file, without references to other files. Raises NotConfigured, in words fit for a page."""
    root = settings.BARISTA.kubeconfig_root
    try:
        content = read_below(path, root, limit=LIMIT)
        config = chosen(parse(content), context, plugins=settings.BARISTA.exec_plugins)
    except (FileProblem, InvalidKubeconfig) as problem:
        raise NotConfigured(f"The kubeconfig file {path or '(none)'} cannot be used. {problem}") from None
    for many, one, key, data_key in _FILES:
        section = config[many][0][one]
        named = section.pop(key, None)
        if named is None or section.get(data_key):
            continue
        try:
            found = read_below(Path(path).parent / str(named), root, limit=LIMIT)
        except FileProblem as problem:
            raise NotConfigured(f"The kubeconfig file {path} cannot be used. Its {key}: {problem}") from None
        section[data_key] = (
            found.decode("utf-8", "replace").strip() if data_key == "token" else base64.b64encode(found).decode()
        )
    return config


def changed_ns(path: str) -> int:
    """When the file was last changed; opens nothing. Raises NotConfigured."""
    problem = outside(path, settings.BARISTA.kubeconfig_root)
    if not problem:
        try:
            return Path(path).stat().st_mtime_ns
        except OSError:
            problem = "It is not there yet or cannot be read."
    raise NotConfigured(f"The kubeconfig file {path or '(none)'} cannot be used. {problem}")
