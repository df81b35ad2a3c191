"""The kubectl line that does the same, for the curious. Text only: Barista never runs it."""

import shlex

from deployments.domain.manifests.managers import FIELD_MANAGER_CONFIG
from deployments.domain.manifests.metadata import LABEL_ID
from deployments.domain.spec.parts import Autoscale
from deployments.domain.spec.spec import Spec


def apply(name: str, namespace: str, *, context: str = "") -> str:
    """The file is the manifest that the review shows."""
    parts = ["apply", "--server-side", f"--field-manager={FIELD_MANAGER_CONFIG}", "-f", f"{name}.json"]
    return _line(parts, namespace, context)


def dry_run(name: str, namespace: str, *, context: str = "") -> str:
    parts = ["diff", "--server-side", f"--field-manager={FIELD_MANAGER_CONFIG}", "-f", f"{name}.json"]
    return _line(parts, namespace, context)


def scale(name: str, namespace: str, spec: Spec, *, context: str = "") -> str:
    if isinstance(spec.replicas, Autoscale):
        parts = ["autoscale", f"deployment/{name}", f"--min={spec.replicas.min}", f"--max={spec.replicas.max}"]
        if spec.replicas.cpu_percent is not None:
            parts.append(f"--cpu={spec.replicas.cpu_percent}%")
        return _line(parts, namespace, context)
    return _line(["scale", f"deployment/{name}", f"--replicas={spec.replicas.count}"], namespace, context)


def restart(name: str, namespace: str, *, context: str = "") -> str:
    return _line(["rollout", "restart", f"deployment/{name}"], namespace, context)


def roll_back(name: str, namespace: str, *, context: str = "") -> str:
    """Barista makes a new revision instead, so that the cluster and its own record stay the same."""
    return _line(["rollout", "undo", f"deployment/{name}"], namespace, context)


def retire(name: str, namespace: str, *, context: str = "") -> str:
    kinds = "deployment,service,hpa,ingress,pdb"
    return _line(["delete", kinds, name, "--ignore-not-found"], namespace, context)


def show(name: str, namespace: str, *, context: str = "") -> str:
    parts = ["get", f"deployment/{name}", "-o", "yaml", "--show-managed-fields"]
    return _line(parts, namespace, context)


def pods(deployment_id: str, namespace: str, *, context: str = "") -> str:
    return _line(["get", "pods", "-l", f"{LABEL_ID}={deployment_id}", "-o", "wide"], namespace, context)


def explain_pod(pod: str, namespace: str, *, context: str = "") -> str:
    return _line(["describe", f"pod/{pod}"], namespace, context)


def logs(
    deployment_id: str, namespace: str, *, pod: str = "", is_previous: bool = False, since_s: int = 0, context: str = ""
) -> str:
    """All pods of a deployment, or one."""
    parts = ["logs", f"pod/{pod}"] if pod else ["logs", "-l", f"{LABEL_ID}={deployment_id}", "--prefix", "--tail=500"]
    if is_previous:
        parts.append("--previous")
    if since_s:
        parts.append(f"--since={since_s}s")
    return _line(parts, namespace, context)


def events(namespace: str, *, context: str = "") -> str:
    return _line(["get", "events", "--sort-by=.lastTimestamp"], namespace, context)


def _line(parts: list[str], namespace: str, context: str) -> str:
    where = ["--context", context] if context else []
    return shlex.join(["kubectl", *where, "-n", namespace, *parts])
