"""What a spec, its place and its name have to fit: the rules that pages, actions, the admin and workers share."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q

from deployments.domain.catalogue import Environment
from deployments.domain.spec.checks.validate import validate
from deployments.domain.spec.spec import Spec
from deployments.domain.text.naming import InvalidName, check_name
from deployments.models import (
    Deployment,
    HardwareProfile,
    MetadataPrefix,
    Namespace,
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
        check_name(name)
    except InvalidName as problem:
        return str(problem)
    taken = Deployment.objects.filter(namespace=namespace, name=name).first()
    if taken is None:
        return ""
    if taken.is_retired:
        return f"{name} is retired in {namespace.name}. Restore it, or choose another name."
    return f"{name} already exists in {namespace.name}. Choose another name."
