"""A kubeconfig, and what of it we take. No message repeats anything that the file holds: pages show them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import yaml

LIMIT: Final = 1024 * 1024

# What a credential plugin may be told by the file. Names that choose code (CLOUDSDK_PYTHON, LD_PRELOAD) are not here.
PLUGIN_VARIABLES: Final = frozenset(
    {"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS"}
    | {"CLOUDSDK_CORE_ACCOUNT", "CLOUDSDK_CORE_PROJECT", "USE_GKE_GCLOUD_AUTH_PLUGIN"}
)
_CLUSTER_KEYS: Final = frozenset(
    {"server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"}
    | {"tls-server-name", "proxy-url", "extensions"}
)
_USER_KEYS: Final = frozenset(
    {"token", "tokenFile", "client-certificate", "client-certificate-data", "client-key", "client-key-data"}
    | {"username", "password", "exec"}
)


class InvalidKubeconfig(ValueError):
    """Why the file is not used, in a sentence."""


def parse(content: bytes) -> dict[str, Any]:
    """The document. Raises InvalidKubeconfig when it is not YAML, or not shaped like a kubeconfig."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Aliases let a small file grow without end, and no kubeconfig has them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, Loader=loader)):
            raise InvalidKubeconfig("It holds YAML aliases; write the values out.")
        found = yaml.load(content, Loader=loader)  # noqa: S506 - the safe loader, compiled
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidKubeconfig):
            raise
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise InvalidKubeconfig(f"It is not YAML{where}.") from None
    if not isinstance(found, dict) or not isinstance(found.get("clusters"), list):
        raise InvalidKubeconfig("It is YAML, but no kubeconfig: it has no list of clusters.")
    return found


def chosen(config: Mapping[str, Any], context: str, *, plugins: Collection[str]) -> dict[str, Any]:
    """A kubeconfig of one context, empty for the current one, and only of keys that we take.

    `plugins` are the commands that may run for credentials, as the file has to write them. Raises InvalidKubeconfig.
    """
    name = context or config.get("current-context")
    if not name:
        raise InvalidKubeconfig("It names no current context: fill in the context.")
    found = _named(config, "contexts", name).get("context")
    if not isinstance(found, dict):
        raise InvalidKubeconfig(
            "It has no context of the name that is filled in." if context else "It has no context of its current name."
        )
    cluster = _named(config, "clusters", found.get("cluster")).get("cluster")
    if not isinstance(cluster, dict) or not isinstance(cluster.get("server"), str):
        raise InvalidKubeconfig("The context's cluster has no server.")
    user = _named(config, "users", found.get("user")).get("user") or {}
    if not isinstance(user, dict):
        raise InvalidKubeconfig("The context's user cannot be read.")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "chosen",
        "contexts": [{"name": "chosen", "context": {"cluster": "chosen", "user": "chosen"}}],
        "clusters": [{"name": "chosen", "cluster": _kept(cluster, _CLUSTER_KEYS)}],
        "users": [{"name": "chosen", "user": _user(user, plugins)}],
    }


def _named(config: Mapping[str, Any], key: str, name: object) -> dict[str, Any]:
    rows = config.get(key)
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("name") == name:
            return row
    return {}


def _kept(section: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key in keys and value is not None}


def _user(user: Mapping[str, Any], plugins: Collection[str]) -> dict[str, Any]:
    if "auth-provider" in user:
        # The old form runs any command, and was removed from Kubernetes in 1.26.
        raise InvalidKubeconfig("Its user has an auth-provider, which is not used. Use a token or a credential plugin.")
    kept = _kept(user, _USER_KEYS)
    if "exec" in kept:
        kept["exec"] = _plugin(kept["exec"], plugins)
    return kept


def _plugin(section: Any, plugins: Collection[str]) -> dict[str, Any]:
    command = section.get("command") if isinstance(section, dict) else None
    if not isinstance(command, str) or command not in plugins:
        listed = ", ".join(sorted(plugins)) or "none"
        raise InvalidKubeconfig(
            f"Its user runs a credential plugin that is not allowed. Allowed: {listed} (BARISTA_EXEC_PLUGINS)."
        )
    arguments, variables = section.get("args") or [], section.get("env") or []
    if not isinstance(arguments, list) or not isinstance(variables, list):
        raise InvalidKubeconfig("The arguments of its credential plugin cannot be read.")
    pairs = [
        {"name": str(item["name"]), "value": str(item.get("value", ""))}
        for item in variables
        if isinstance(item, dict) and item.get("name") in PLUGIN_VARIABLES
    ]
    return {
        "apiVersion": str(section.get("apiVersion", "")),
        "command": command,
        "args": [str(argument) for argument in arguments],
        "env": pairs or None,
        "provideClusterInfo": bool(section.get("provideClusterInfo")),
    }
