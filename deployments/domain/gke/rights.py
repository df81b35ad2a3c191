"""The rights that Barista needs in a cluster, one by one, and the YAML that gives them: roles and who has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

Rules = tuple[tuple[str, str, tuple[str, ...]], ...]

_LIST: Final = ("list",)
_WATCH: Final = ("list", "watch")
_READ: Final = ("get", "list", "watch")
_WRITE: Final = ("create", "patch", "delete")

# Group, resource, verbs. The same as the ClusterRoles that the installation brings; a test holds them together.
READER: Final[Rules] = (
    ("apps", "deployments", _READ),
    ("apps", "replicasets", _WATCH),
    ("", "services", _READ),
    ("", "pods", _WATCH),
    ("", "events", _WATCH),
    ("", "namespaces", ("get",)),
    ("", "nodes", _LIST),
    ("", "resourcequotas", _LIST),
    ("networking.k8s.io", "ingresses", _READ),
    ("autoscaling", "horizontalpodautoscalers", _READ),
    ("policy", "poddisruptionbudgets", _READ),
    ("metrics.k8s.io", "pods", _LIST),
    ("kube-green.com", "sleepinfos", _LIST),
)
WRITER: Final[Rules] = (
    ("apps", "deployments", _WRITE),
    ("apps", "deployments/scale", ("update",)),
    ("", "pods", ("create",)),
    ("", "pods/log", ("get",)),
    ("", "services", _WRITE),
    ("networking.k8s.io", "ingresses", _WRITE),
    ("autoscaling", "horizontalpodautoscalers", _WRITE),
    ("policy", "poddisruptionbudgets", _WRITE),
)
_NAMES: Final = {READER: "barista-reader", WRITER: "barista-writer"}


@dataclass(frozen=True, slots=True)
class Right:
    group: str
    resource: str
    subresource: str
    verb: str

    def __str__(self) -> str:
        what = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{self.verb} {what}{f'.{self.group}' if self.group else ''}"


def each(rules: Rules) -> Iterator[Right]:
    for group, resource, verbs in rules:
        name, _, subresource = resource.partition("/")
        for verb in verbs:
            yield Right(group, name, subresource, verb)


def summed_up(lacking: Sequence[Right], *, most: int = 6) -> str:
    """The first of them in words."""
    shown = ", ".join(str(right) for right in lacking[:most])
    return shown if len(lacking) <= most else f"{shown} and {len(lacking) - most} more"


def reader_yaml(user: str) -> str:
    """Lets `user` read, in the whole cluster, what Barista watches."""
    return _role(READER) + "---\n" + _binding(READER, user)


def writer_yaml(user: str, namespaces: Collection[str]) -> str:
    """Lets `user` write Barista's objects in these namespaces and nowhere else."""
    return "---\n".join([_role(WRITER), *(_binding(WRITER, user, name) for name in namespaces)])


def _role(rules: Rules) -> str:
    head = ("apiVersion: rbac.authorization.k8s.io/v1", "kind: ClusterRole")
    lines = [*head, "metadata:", f"  name: {_NAMES[rules]}", "rules:"]
    for group, resource, verbs in rules:
        lines += [f'- apiGroups: ["{group}"]', f"  resources: [{resource}]", f"  verbs: [{', '.join(verbs)}]"]
    return "\n".join(lines) + "\n"


def _binding(rules: Rules, user: str, namespace: str = "") -> str:
    # Not the name of the binding that the installation brings: its subject is a ServiceAccount.
    lines = [
        "apiVersion: rbac.authorization.k8s.io/v1",
        f"kind: {'RoleBinding' if namespace else 'ClusterRoleBinding'}",
        "metadata:",
        f"  name: {_NAMES[rules]}-by-name",
        *([f"  namespace: {namespace}"] if namespace else []),
        "roleRef:",
        "  apiGroup: rbac.authorization.k8s.io",
        "  kind: ClusterRole",
        f"  name: {_NAMES[rules]}",
        "subjects:",
        "- apiGroup: rbac.authorization.k8s.io",
        "  kind: User",
        f'  name: "{user}"',
    ]
    return "\n".join(lines) + "\n"
