"""The last look before a write: the bytes pass the checker, and the object in the cluster is ours to touch."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.domain.checker import check
from deployments.domain.manifests.metadata import (
    ANNOTATION_INSTALL,
    LABEL_ID,
    LABEL_INSTALL,
    LABEL_MANAGED_BY,
    MANAGED_BY,
)
from deployments.domain.manifests.render import canonical_json
from deployments.domain.permits import Permits
from deployments.kube.api import Gateway, Invalid, Object, ObjectKind


class Unsafe(Invalid):
    """The rendered object breaks a rule of ours: a mistake in Barista or in the catalogue, never sent."""


def sealed(
    obj: Object,
    *,
    namespace: str,
    mark: str,
    allowlist: Sequence[str],
    prefixes: Sequence[str] = (),
    service_account: str = "",
    pull_secret: str = "",
    runtime_env: Sequence[str] = (),
    permits: Permits | None = None,
) -> bytes:
    """The bytes to send, after the checker has looked at exactly them. Raises Unsafe."""
    body = canonical_json(obj)
    violations = check.check(
        body,
        namespace=namespace,
        install_id=mark,
        allowlist=allowlist,
        service_accounts=[service_account] if service_account else [],
        label_prefixes=prefixes,
        permits=permits,
        pull_secrets=[pull_secret] if pull_secret else [],
        runtime_env=runtime_env,
    )
    if violations:
        listed = "; ".join(f"{item.path}: {item.message}" for item in violations[:5])
        raise Unsafe(f"Barista's own rules refuse this object: {listed}")
    return body


def is_ours(obj: Object, *, mark: str, deployment_id: int) -> bool:
    """Whether the object was made for this deployment by this installation, as its two marks say.

    The label app.kubernetes.io/managed-by does not count: other tools write theirs over it, and that is settled like
    every other field that somebody holds.
    """
    return not lost_marks(obj, mark=mark, deployment_id=deployment_id)


def lost_marks(obj: Object, *, mark: str, deployment_id: int) -> list[str]:
    """In words, the marks that are not as this installation writes them; none when the object is ours."""
    metadata = obj.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    wanted = (
        (f"label {LABEL_ID}", labels.get(LABEL_ID), str(deployment_id)),
        (f"annotation {ANNOTATION_INSTALL}", annotations.get(ANNOTATION_INSTALL), mark),
    )
    return [
        f"its {what} is {str(found)[:63]!r} and not {right!r}" if found else f"it has no {what}"
        for what, found, right in wanted
        if found != right
    ]


def other_installation(gateway: Gateway, namespace: str, *, mark: str) -> str:
    """Why nothing new may be created in a namespace that another Barista uses; empty when none does.

    Deployments are numbered by each installation on its own, and Services select pods by that number: two in one
    namespace would send requests to each other's models.
    """
    strangers = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_INSTALL}!={mark}"
    for item in gateway.list_objects(ObjectKind.DEPLOYMENT, namespace=namespace, labels=strangers).items:
        # Without the annotation somebody took our marks away, and an older Barista wrote no label.
        if (item["metadata"].get("annotations") or {}).get(ANNOTATION_INSTALL, mark) != mark:
            return (
                f"Another installation of Barista keeps {item['metadata']['name']} in namespace {namespace}. "
                "Two in one namespace would mix up their pods: ask the platform team for a namespace of its own."
            )
    return ""
