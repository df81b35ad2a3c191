"""What the platform team permits in a namespace beyond the ordinary. Whatever it does not list is refused.

Values are written as texts: a host or the suffix of hosts, `key=value` of a node's label, a toleration as kubectl
writes taints, and names of objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Self

from deployments.domain.text.naming import InvalidName, check_host, check_object_name

KEPT_DAYS: Final = 90  # how long a running deployment may keep what no permit covers

_SYSTEM_TAINTS: Final = (
    *("criticaladdonsonly", "tobedeleted", "deletioncandidate", "components.gke.io/"),
    *("node.kubernetes.io/", "node-role.kubernetes.io", "node.cloudprovider.kubernetes.io/"),
)
_PINS: Final = ("kubernetes.io/hostname", "metadata.name")
_CONTROL_PLANE: Final = "node-role.kubernetes.io"


class PermitKind(StrEnum):
    HOST = "host"
    NODE_LABEL = "node-label"
    TOLERATION = "toleration"
    PRIORITY_CLASS = "priority-class"
    SECRET = "secret"  # noqa: S105 - the name of a kind of object
    CONFIG_MAP = "config-map"
    TLS_SECRET = "tls-secret"  # noqa: S105 - the same

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    PermitKind.HOST: "Host",
    PermitKind.NODE_LABEL: "Node label",
    PermitKind.TOLERATION: "Toleration",
    PermitKind.PRIORITY_CLASS: "Priority class",
    PermitKind.SECRET: "Secret for variables",
    PermitKind.CONFIG_MAP: "ConfigMap for variables",
    PermitKind.TLS_SECRET: "Secret for TLS",
}

Value = tuple[PermitKind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another deployment at the same host. `team` is set when it is another team's."""

    host: str
    path: str
    name: str
    namespace: str
    team: str = ""
    is_prod: bool = False
    is_same_cluster: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """`listed` are the permits of the namespace, `kept` values that this deployment may keep for a while."""

    namespace: str = ""
    is_prod: bool = False
    listed: Mapping[PermitKind, tuple[str, ...]] = field(default_factory=dict)
    kept: frozenset[Value] = frozenset()
    rivals: tuple[Rival, ...] = ()

    def also(self, kind: PermitKind, values: Iterable[str]) -> Self:
        """With more of a kind, such as what a hardware profile of the platform team brings."""
        more = (*self.listed.get(kind, ()), *values)
        return replace(self, listed={**self.listed, kind: more})

    def allows(self, kind: PermitKind, value: str) -> bool:
        if (kind, value) in self.kept:
            return True
        return any(covers(kind, rule, value) for rule in self.listed.get(kind, ()))

    def refusal(self, kind: PermitKind, value: str) -> str:
        """Why the value may not be used, what may, and whom to ask; empty when it may."""
        if self.allows(kind, value):
            return ""
        where = f" in {self.namespace}" if self.namespace else ""
        listed = ", ".join(dict.fromkeys(self.listed.get(kind, ()))) or "none yet"
        beginning = f"{kind.label} {value[:120]} is not allowed{where}."
        return f"{beginning} Allowed: {listed[:400]}. Ask the platform team to allow it."

    def host_refusal(self, host: str, path: str) -> str:
        """Why the Ingress may not answer at this host and path; empty when it may."""
        if (PermitKind.HOST, host_and_path(host, path)) in self.kept:
            return ""
        return self._rival_refusal(host, path) or self.refusal(PermitKind.HOST, host)

    def _rival_refusal(self, host: str, path: str) -> str:
        for rival in self.rivals:
            if rival.host != host:
                continue
            if rival.team:
                return f"{host} and its paths belong to the team {rival.team}. Choose another host, or ask that team."
            if rival.is_prod != self.is_prod:
                side = "production" if rival.is_prod else "development or staging"
                return f"{rival.name} in {rival.namespace} uses {host} in {side}. Choose another host here."
            if rival.is_same_cluster and _path(rival.path) == _path(path):
                return (
                    f"{rival.name} in {rival.namespace} answers at {host}{path} already. Choose another path or host."
                )
        return ""


def host_and_path(host: str, path: str) -> str:
    return f"{host}{path}"


def toleration_text(key: str, operator: str, value: str, effect: str) -> str:
    """As kubectl writes taints: key=value:Effect, key:Effect for any value, key for any value and effect."""
    return key + (f"={value}" if operator != "Exists" else "") + (f":{effect}" if effect else "")


def label_text(key: str, value: str) -> str:
    return f"{key}={value}"


def covers(kind: PermitKind, rule: str, value: str) -> bool:
    """Whether a permit of the kind reaches the value."""
    if kind is PermitKind.HOST:
        return value == rule or value.endswith(f".{rule}")
    if kind is PermitKind.NODE_LABEL:
        return value == rule or ("=" not in rule and value.partition("=")[0] == rule)
    if kind is PermitKind.TOLERATION:
        return _tolerates(rule, value)
    return value == rule


def permit_problem(kind: PermitKind, rule: str) -> str:
    """Why the platform team cannot permit this; empty when it can."""
    if kind is PermitKind.HOST:
        return _name_problem(check_host, rule)
    key = rule.partition(":")[0].partition("=")[0]
    if kind in (PermitKind.NODE_LABEL, PermitKind.TOLERATION) and (not key or key != key.strip() or " " in rule):
        return "Write key=value, or key alone for any value."
    if kind is PermitKind.NODE_LABEL and (_CONTROL_PLANE in key or key in _PINS):
        return "This would tie pods to one node, or to the control plane. Permit the label of a node pool."
    if kind is PermitKind.TOLERATION and any(part in key.lower() for part in _SYSTEM_TAINTS):
        return "This taint keeps pods away from system or broken nodes. Permit the taint of a node pool of models."
    if kind in (PermitKind.NODE_LABEL, PermitKind.TOLERATION):
        return ""
    if kind is PermitKind.PRIORITY_CLASS and rule.startswith("system-"):
        return "The classes of the cluster itself are not for models."
    return _name_problem(check_object_name, rule)


def _name_problem(check: object, text: str) -> str:
    try:
        check(text)  # type: ignore[operator]
    except InvalidName as problem:
        return str(problem)
    return ""


def _tolerates(rule: str, value: str) -> bool:
    (rule_head, _, rule_effect), (head, _, effect) = rule.partition(":"), value.partition(":")
    (rule_key, rule_equals, _), (key, _, _) = rule_head.partition("="), head.partition("=")
    same = head == rule_head if rule_equals else key == rule_key
    return same and rule_effect in ("", effect)


def _path(path: str) -> str:
    return path.rstrip("/") or "/"
