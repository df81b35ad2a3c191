"""What a spec, its place and its name have to fit: the rules that pages, actions, the admin and workers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from baristaweb.lib.clock import now
from deployments.domain import catalogue
from deployments.domain.catalogue import Environment
from deployments.domain.permits import PermitKind, Permits, Rival
from deployments.domain.spec.checks.permits import check as check_permits
from deployments.domain.spec.checks.permits import with_profile
from deployments.domain.spec.checks.validate import validate
from deployments.domain.spec.spec import Spec
from deployments.domain.text.naming import InvalidName, check_name, check_namespace
from deployments.models import (
    Deployment,
    HardwareProfile,
    MetadataPrefix,
    Namespace,
    Permit,
    Proposal,
    RegistryRule,
    Runtime,
    ServedModel,
)


def allowlist(namespace: Namespace) -> Sequence[str]:
    """Registry prefixes from which the namespace's team may run images."""
    rules = RegistryRule.objects.filter(Q(team=None) | Q(team_id=namespace.team_id))
    return list(rules.values_list("prefix", flat=True))


def metadata_prefixes() -> Sequence[str]:
    """What keys of labels and annotations may begin with, besides our own."""
    return list(MetadataPrefix.objects.values_list("prefix", flat=True))


def permits(
    namespace: Namespace | None, *, deployment_id: int | None = None, at: datetime, spec: Spec | None = None
) -> Permits:
    """What the platform team permits there at that time, with what the deployment may keep.

    With a spec also who else uses its host. `namespace` None: it is not chosen yet, so every namespace's permits count.
    """
    own = Q(deployment_id=deployment_id) if deployment_id else Q(pk=None)
    anywhere = Q(deployment=None) if namespace is None else Q(deployment=None, namespace=namespace)
    found = Permit.objects.filter(own | anywhere | Q(deployment=None, namespace=None))
    listed: dict[PermitKind, list[str]] = {}
    kept = set()
    for kind, value, owner in found.valid_at(at).values_list("kind", "value", "deployment_id"):
        if owner is None:
            listed.setdefault(PermitKind(kind), []).append(value)
        else:
            kept.add((PermitKind(kind), value))
    return Permits(
        namespace=namespace.name if namespace else "",
        is_prod=namespace is not None and namespace.environment == Environment.PROD,
        listed={kind: tuple(values) for kind, values in listed.items()},
        kept=frozenset(kept),
        rivals=rivals(namespace, spec, deployment_id=deployment_id) if namespace and spec else (),
    )


def rivals(namespace: Namespace, spec: Spec, *, deployment_id: int | None) -> tuple[Rival, ...]:
    """Other deployments that answer at the host of `spec`."""
    if spec.ingress_host is None:
        return ()
    others = (
        Deployment.objects.live()
        .filter(current__spec__ingress_host=spec.ingress_host)
        .exclude(pk=deployment_id)
        .select_related("namespace__team", "current")
    )
    return tuple(
        Rival(
            host=spec.ingress_host,
            path=row.current.to_spec().ingress_path,
            name=row.name,
            namespace=row.namespace.name,
            team=row.namespace.team.name if row.namespace.team_id != namespace.team_id else "",
            is_prod=row.namespace.environment == Environment.PROD,
            is_same_cluster=row.namespace.cluster_id == namespace.cluster_id,
        )
        for row in others
        if row.current is not None
    )


def sealing_permits(
    namespace: Namespace,
    spec: Spec,
    *,
    profile: Mapping[str, Any] | None,
    deployment_id: int | None,
    at: datetime,
) -> Permits:
    """For the checker: with what the stored hardware profile brings. `at` is when the spec was saved, or now."""
    size = catalogue.HardwareProfile.from_json(profile) if profile and spec.profile is not None else None
    return with_profile(permits(namespace, deployment_id=deployment_id, at=at, spec=spec), size)


def not_permitted(deployment: Deployment) -> str:
    """Why its current revision may not be applied anew after a rest; empty when it may."""
    if deployment.current is None:
        return ""
    spec, errors = deployment.current.to_spec(), dict[str, str]()
    allowed = permits(deployment.namespace, deployment_id=deployment.pk, at=now(), spec=spec)
    check_permits(spec, deployment.current.to_profile(), allowed, errors)
    return next(iter(errors.values()), "")


def problems(proposal: Proposal, spec: Spec) -> dict[str, str]:
    """What does not fit, by field path; checked when proposed and again when applied."""
    from_catalogue = Runtime(definition=proposal.runtime, slug=proposal.runtime["slug"], name=proposal.runtime["name"])
    profile = proposal.profile
    errors = validate(
        spec,
        environment=Environment(proposal.namespace.environment),
        runtime=from_catalogue.to_domain(),
        profile=HardwareProfile(definition=profile, slug=profile["slug"], name=profile["name"]).to_domain()
        if profile
        else None,
        allowlist=allowlist(proposal.namespace),
        max_replicas=settings.BARISTA.max_replicas,
        metadata_prefixes=metadata_prefixes(),
        permitted=permits(proposal.namespace, deployment_id=proposal.deployment_id, at=now(), spec=spec),
    )
    if proposal.deployment_id is None:
        taken = name_problem(proposal.namespace, proposal.name)
        errors |= {"name": taken} if taken else {}
    if proposal.model.team_id != proposal.namespace.team_id:
        errors["model"] = (
            "Choose a model of the team that owns the namespace."
            if proposal.deployment_id is None
            else other_owner(proposal.namespace, proposal.model)
        )
    return errors


def other_owner(namespace: Namespace, model: ServedModel) -> str:
    """Why nothing is applied for a model of one team in a namespace of another; empty when one team owns both."""
    if namespace.team_id == model.team_id:
        return ""
    return (
        f"Namespace {namespace.name} belongs to {namespace.team.name}, and {model.name} is a model of "
        f"{model.team.name}. The platform team has to put that right before anything is applied."
    )


def name_problem(namespace: Namespace, name: str) -> str:
    """Why a new deployment cannot have this name there; empty when it can."""
    try:
        # One that was registered before it was reserved takes nothing new.
        check_namespace(namespace.name)
        check_name(name)
    except InvalidName as problem:
        return str(problem)
    taken = Deployment.objects.filter(namespace=namespace, name=name).first()
    if taken is None:
        return ""
    if taken.is_retired:
        return f"{name} is retired in {namespace.name}. Restore it, or choose another name."
    return f"{name} already exists in {namespace.name}. Choose another name."
