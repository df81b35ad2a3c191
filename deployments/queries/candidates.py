"""The objects that a candidate spec would become, before anything is saved."""

from __future__ import annotations

from deployments.domain.catalogue import Environment, HardwareProfile, ModelType, Placement, Runtime
from deployments.domain.manifests import Rendered, render
from deployments.domain.spec import Spec
from deployments.models import Deployment, Installation, Namespace, Proposal, ServedModel

UNBORN = "0"  # the id label before the deployment has a row


def placement(*, namespace: Namespace, model: ServedModel, name: str, deployment: Deployment | None) -> Placement:
    return Placement(
        cluster=namespace.cluster.slug,
        namespace=namespace.name,
        environment=Environment(namespace.environment),
        name=name,
        team=namespace.team.slug,
        model_name=model.slug,
        model_type=ModelType(model.type),
        install_id=str(Installation.objects.values_list("uuid", flat=True).get()),
        deployment_id=str(deployment.pk) if deployment else UNBORN,
    )


def rendered(
    spec: Spec,
    *,
    runtime: Runtime,
    profile: HardwareProfile | None,
    place: Placement,
    revision: int,
    deployment: Deployment | None,
) -> Rendered:
    """What Barista would apply; the same pure function renders what it does apply."""
    restarted_at = deployment.restarted_at if deployment else None
    return render(
        spec=spec,
        runtime=runtime,
        profile=profile,
        placement=place,
        revision=revision,
        restarted_at=restarted_at.isoformat() if restarted_at else None,
    )


def of_proposal(proposal: Proposal) -> Rendered:
    """The objects of a proposal."""
    return rendered(
        Spec.from_json(proposal.spec),
        runtime=Runtime.from_json(proposal.runtime),
        profile=HardwareProfile.from_json(proposal.profile) if proposal.profile else None,
        place=placement(
            namespace=proposal.namespace, model=proposal.model, name=proposal.name, deployment=proposal.deployment
        ),
        revision=proposal.based_on + 1,
        deployment=proposal.deployment,
    )


def before_proposal(proposal: Proposal) -> Rendered | None:
    """The objects of the current revision; None for a new deployment."""
    deployment = proposal.deployment
    if deployment is None or deployment.current is None:
        return None
    current = deployment.current
    return rendered(
        current.to_spec(),
        runtime=current.to_runtime(),
        profile=current.to_profile(),
        place=placement(namespace=proposal.namespace, model=proposal.model, name=proposal.name, deployment=deployment),
        revision=current.number,
        deployment=deployment,
    )
