"""From rows to the objects that should exist: the one place that turns models into what the pure renderer takes."""

from __future__ import annotations

from datetime import datetime

from deployments.domain.catalogue import Environment, HardwareProfile, ModelType, Placement, Runtime
from deployments.domain.manifests.render import Rendered, render
from deployments.domain.replicas import spec_while
from deployments.domain.sleep.plan.cases import Record
from deployments.domain.spec.spec import Spec
from deployments.models import Deployment, Installation, Namespace, Proposal, Revision, ServedModel

UNBORN = "0"  # the deployment-id label of a deployment that has no row yet


def install_id() -> str:
    """This installation's mark; its row is made by the first migration."""
    return str(Installation.objects.values_list("uuid", flat=True).get())


def placement(
    *, namespace: Namespace, model: ServedModel, name: str, deployment: Deployment | None, mark: str | None = None
) -> Placement:
    """Where and whose. `mark` is `install_id()`, for callers that have asked already."""
    return Placement(
        cluster=namespace.cluster.slug,
        namespace=namespace.name,
        environment=Environment(namespace.environment),
        name=name,
        team=namespace.team.slug,
        model_name=model.slug,
        model_type=ModelType(model.type),
        install_id=mark or install_id(),
        deployment_id=str(deployment.pk) if deployment else UNBORN,
    )


def of_spec(
    spec: Spec,
    *,
    runtime: Runtime,
    profile: HardwareProfile | None,
    place: Placement,
    revision: int,
    deployment: Deployment | None,
    generation: int | None = None,
) -> Rendered:
    """What Barista would apply; the same pure function renders what it does apply."""
    return render(
        spec=spec,
        runtime=runtime,
        profile=profile,
        placement=place,
        revision=revision,
        restarted_at=_written(deployment.restarted_at) if deployment else None,
        generation=generation,
        mirrored=deployment.mirrored if deployment else None,
    )


def of_revision(
    deployment: Deployment,
    revision: Revision,
    *,
    mark: str | None = None,
    generation: int | None = None,
    paused: bool = False,
    sleep: Record | None = None,
) -> Rendered:
    """The objects of `deployment` at `revision`: with the intent's generation and sleep, those that workers apply."""
    return render(
        spec=spec_while(revision.to_spec(), sleep),
        runtime=revision.to_runtime(),
        profile=revision.to_profile(),
        placement=placement(
            namespace=deployment.namespace,
            model=deployment.model,
            name=deployment.name,
            deployment=deployment,
            mark=mark,
        ),
        revision=revision.number,
        restarted_at=_written(deployment.restarted_at),
        paused=paused,
        generation=generation,
        mirrored=deployment.mirrored,
    )


def of_proposal(proposal: Proposal, *, mark: str | None = None, generation: int | None = None) -> Rendered:
    """The objects as they would be after applying `proposal`; `generation` as `next_generation` says for a dry run."""
    return of_spec(
        Spec.from_json(proposal.spec),
        runtime=Runtime.from_json(proposal.runtime),
        profile=HardwareProfile.from_json(proposal.profile) if proposal.profile else None,
        place=placement(
            namespace=proposal.namespace,
            model=proposal.model,
            name=proposal.name,
            deployment=proposal.deployment,
            mark=mark,
        ),
        revision=proposal.based_on + 1,
        deployment=proposal.deployment,
        generation=generation,
    )


def before_proposal(proposal: Proposal) -> Rendered | None:
    """The objects of the current revision; None for a new deployment."""
    deployment = proposal.deployment
    if deployment is None or deployment.current is None:
        return None
    return of_revision(deployment, deployment.current)


def next_generation(proposal: Proposal) -> int:
    """The intent's number once `proposal` is applied."""
    return (proposal.deployment.generation if proposal.deployment else 0) + 1


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
