"""What of an object the platform team must have permitted, read from the object itself and not from any spec."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from deployments.domain.permits import PermitKind, Permits, label_text, toleration_text

_GPU_LABEL: Final = "cloud.google.com/gke-accelerator"
_GPU: Final = "nvidia.com/gpu"

Found = tuple[str, str]  # path, message


def of_pod(pod: Mapping[str, Any], permits: Permits, pull_secrets: Collection[str]) -> Iterator[Found]:
    """`pull_secrets` are those that the runtime names."""
    for key, value in _mapping(pod.get("nodeSelector")).items():
        if key == _GPU_LABEL and _asks_for_gpus(pod):
            continue  # which GPU it is: the numbers of the pod say it as well
        yield from _refused(permits, PermitKind.NODE_LABEL, label_text(str(key), str(value)), "nodeSelector")
    for index, item in enumerate(_list(pod.get("tolerations"))):
        parts = _mapping(item)
        text = toleration_text(
            str(parts.get("key", "")),
            str(parts.get("operator", "Equal")),
            str(parts.get("value", "")),
            str(parts.get("effect", "")),
        )
        yield from _refused(permits, PermitKind.TOLERATION, text, f"tolerations[{index}]")
    if "priorityClassName" in pod:
        yield from _refused(permits, PermitKind.PRIORITY_CLASS, str(pod["priorityClassName"]), "priorityClassName")
    for index, item in enumerate(_list(pod.get("imagePullSecrets"))):
        if _mapping(item).get("name") not in pull_secrets:
            yield f"imagePullSecrets[{index}]", "Not the pull Secret of the runtime."
    for container in _list(pod.get("containers")):
        for index, entry in enumerate(_list(_mapping(container).get("env"))):
            source = _mapping(_mapping(entry).get("valueFrom"))
            for key, kind in (("secretKeyRef", PermitKind.SECRET), ("configMapKeyRef", PermitKind.CONFIG_MAP)):
                if key in source:
                    name = str(_mapping(source[key]).get("name", ""))
                    yield from _refused(permits, kind, name, f"containers[0].env[{index}].valueFrom.{key}")


def of_ingress(spec: Mapping[str, Any], permits: Permits) -> Iterator[Found]:
    hosts = set()
    for index, item in enumerate(_list(spec.get("rules"))):
        rule = _mapping(item)
        host = str(rule.get("host", ""))
        hosts.add(host)
        for path in _list(_mapping(rule.get("http")).get("paths")):
            problem = permits.host_refusal(host, str(_mapping(path).get("path", "/")))
            if problem:
                yield f"rules[{index}].host", problem
    for index, item in enumerate(_list(spec.get("tls"))):
        entry = _mapping(item)
        yield from _refused(permits, PermitKind.TLS_SECRET, str(entry.get("secretName", "")), f"tls[{index}]")
        if not set(map(str, _list(entry.get("hosts")))) <= hosts:
            yield f"tls[{index}].hosts", "Only hosts of the rules may be served."


def _refused(permits: Permits, kind: PermitKind, value: str, path: str) -> Iterator[Found]:
    problem = permits.refusal(kind, value)
    if problem:
        yield path, problem


def _asks_for_gpus(pod: Mapping[str, Any]) -> bool:
    containers = [_mapping(item) for item in _list(pod.get("containers"))]
    return any(_GPU in _mapping(_mapping(item.get("resources")).get("limits")) for item in containers)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
