"""Checks against what the platform team permits in the namespace, and which values of a spec need a permit."""

from __future__ import annotations

from collections.abc import Iterator

from deployments.domain.catalogue import HardwareProfile
from deployments.domain.permits import PermitKind, Permits, Value, host_and_path, label_text, toleration_text
from deployments.domain.spec.checks.values import Errors
from deployments.domain.spec.spec import Spec


def check(spec: Spec, profile: HardwareProfile | None, permits: Permits, errors: Errors) -> None:
    """What was found wrong before is not judged again: its text would be about something else."""
    allowed = with_profile(permits, profile if spec.profile is not None else None)
    for path, kind, value in _restricted(spec):
        problem = allowed.refusal(kind, value)
        if problem:
            errors.setdefault(path, problem)
    if spec.ingress_host is not None and not errors.keys() & {"ingress_host", "ingress_path"}:
        problem = allowed.host_refusal(spec.ingress_host, spec.ingress_path)
        if problem:
            errors["ingress_host"] = problem


def with_profile(permits: Permits, profile: HardwareProfile | None) -> Permits:
    """Also what the hardware profile brings: the platform team chose it."""
    if profile is None:
        return permits
    labels = [label_text(key, value) for key, value in profile.node_selector.items()]
    taints = [toleration_text(item.key, item.operator, item.value, item.effect) for item in profile.tolerations]
    return permits.also(PermitKind.NODE_LABEL, labels).also(PermitKind.TOLERATION, taints)


def restricted_values(spec: Spec) -> frozenset[Value]:
    """All that needs a permit, as a deployment keeps it: the host with its path."""
    found = {(kind, value) for _, kind, value in _restricted(spec)}
    if spec.ingress_host is not None:
        found.add((PermitKind.HOST, host_and_path(spec.ingress_host, spec.ingress_path)))
    return frozenset(found)


def _restricted(spec: Spec) -> Iterator[tuple[str, PermitKind, str]]:
    for key, value in spec.node_selector:
        yield f"node_selector.{key}", PermitKind.NODE_LABEL, label_text(key, value)
    for item in spec.tolerations:
        text = toleration_text(item.key, item.operator, item.value, item.effect)
        yield f"tolerations.{item.key}", PermitKind.TOLERATION, text
    if spec.priority_class is not None:
        yield "priority_class", PermitKind.PRIORITY_CLASS, spec.priority_class
    for ref in spec.env_refs:
        kind = PermitKind.SECRET if ref.kind == "secret" else PermitKind.CONFIG_MAP
        yield f"env_refs.{ref.name}", kind, ref.source
    if spec.ingress_tls_secret is not None:
        yield "ingress_tls_secret", PermitKind.TLS_SECRET, spec.ingress_tls_secret
