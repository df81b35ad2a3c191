"""kubectl lines for the curious. Text only: Barista never runs them.

Only what does the same as the page beside it, or only looks. Rolling back, retiring, restoring and applying have no
such line: they also change what Barista holds, and it would put the cluster back.
"""

import shlex


def restart(name: str, namespace: str, *, context: str = "") -> str:
    return _line(["rollout", "restart", f"deployment/{name}"], namespace, context)


def show(name: str, namespace: str, *, context: str = "") -> str:
    parts = ["get", f"deployment/{name}", "-o", "yaml", "--show-managed-fields"]
    return _line(parts, namespace, context)


def describe(name: str, namespace: str, *, context: str = "") -> str:
    return _line(["describe", f"deployment/{name}"], namespace, context)


def _line(parts: list[str], namespace: str, context: str) -> str:
    where = ["--context", context] if context else []
    return shlex.join(["kubectl", *where, "-n", namespace, *parts])
