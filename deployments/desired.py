"""From rows to the objects that should exist, and the last check of their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from deployments.domain import checker
from deployments.domain.catalogue import Environment, HardwareProfile, ModelType, Placement, Runtime
from deployments.domain.manifests import Rendered, canonical_json, render
from deployments.domain.marks import ANNOTATION_INSTALL, LABEL_ID, LABEL_INSTALL, LABEL_MANAGED_BY, MANAGED_BY
from deployments.domain.spec import Spec
from deployments.kube.api import Gateway, Invalid, Kind, Object
from deployments.models import Deployment, Installation, Namespace, Proposal, Revision, ServedModel

UNBORN = "0"  # the deployment-id label of a deployment that has no row yet, in a dry run


class Unsafe(Invalid):
    """The rendered object breaks a rule of ours: a mistake in Barista or in the catalogue, never sent."""


def install_id() -> str:
    """This installation's mark; its row is made by the first migration."""
    return str(Installation.objects.values_list("uuid", flat=True).get())


def of_deployment(
    deployment: Deployment, revision: Revision, *, mark: str, generation: int, paused: bool = False
) -> Rendered:
    """The objects of `deployment` at `revision`."""
    return render(
        spec=revision.to_spec(),
        runtime=revision.to_runtime(),
        profile=revision.to_profile(),
        placement=_placement(deployment.namespace, deployment.model, deployment.name, str(deployment.pk), mark),
        revision=revision.number,
        restarted_at=instant(deployment.restarted_at),
        paused=paused,
        generation=generation,
    )


def of_proposal(proposal: Proposal, *, mark: str) -> Rendered:
    """The objects as they would be after applying `proposal`."""
    deployment = proposal.deployment
    generation = (deployment.generation if deployment else 0) + 1
    return render(
        spec=Spec.from_json(proposal.spec),
        runtime=Runtime.from_json(proposal.runtime),
        profile=HardwareProfile.from_json(proposal.profile) if proposal.profile else None,
        placement=_placement(
            proposal.namespace, proposal.model, proposal.name, str(deployment.pk) if deployment else UNBORN, mark
        ),
        revision=proposal.based_on + 1,
        restarted_at=instant(deployment.restarted_at) if deployment else None,
        generation=generation,
    )


def instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _placement(namespace: Namespace, model: ServedModel, name: str, deployment_id: str, mark: str) -> Placement:
    return Placement(
        cluster=namespace.cluster.slug,
        namespace=namespace.name,
        environment=Environment(namespace.environment),
        name=name,
        team=namespace.team.slug,
        model_name=model.slug,
        model_type=ModelType(model.type),
        install_id=mark,
        deployment_id=deployment_id,
    )


def sealed(
    obj: Object,
    *,
    namespace: str,
    mark: str,
    allowlist: Sequence[str],
    prefixes: Sequence[str] = (),
    service_account: str = "",
) -> bytes:
    """The bytes to send, after the checker has looked at exactly them. Raises Unsafe."""
    body = canonical_json(obj)
    violations = checker.check(
        body,
        namespace=namespace,
        install_id=mark,
        allowlist=allowlist,
        service_accounts=[service_account] if service_account else [],
        label_prefixes=prefixes,
    )
    if violations:
        listed = "; ".join(f"{item.path}: {item.message}" for item in violations[:5])
        raise Unsafe(f"Barista's own rules refuse this object: {listed}")
    return body


def is_ours(obj: Object, *, mark: str, deployment_id: int) -> bool:
    """Whether the object carries our marks: Barista's label, this installation's id, this deployment's id."""
    metadata = obj.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return (
        labels.get(LABEL_MANAGED_BY) == MANAGED_BY
        and labels.get(LABEL_ID) == str(deployment_id)
        and annotations.get(ANNOTATION_INSTALL) == mark
    )


def other_installation(gateway: Gateway, namespace: str, *, mark: str) -> str:
    """Why nothing new may be created in a namespace that another Barista uses; empty when none does.

    Deployments are numbered by each installation on its own, and Services select pods by that number: two in one
    namespace would send requests to each other's models.
    """
    strangers = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_INSTALL}!={mark}"
    for item in gateway.list_objects(Kind.DEPLOYMENT, namespace=namespace, labels=strangers).items:
        # Without the annotation somebody took our marks away, and an older Barista wrote no label.
        if (item["metadata"].get("annotations") or {}).get(ANNOTATION_INSTALL, mark) != mark:
            return (
                f"Another installation of Barista keeps {item['metadata']['name']} in namespace {namespace}. "
                "Two in one namespace would mix up their pods: ask the platform team for a namespace of its own."
            )
    return ""
