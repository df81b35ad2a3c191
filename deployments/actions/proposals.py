"""Candidate specs: made from a form, checked by a worker, then applied, sent to a maintainer, or dropped."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from baristaweb.lib.clock import now
from deployments import audit, dispatch
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.catalogue import Environment
from deployments.domain.naming import InvalidName, check_name, check_namespace
from deployments.domain.spec import Spec, validate
from deployments.models import (
    Deployment,
    HardwareProfile,
    MetadataPrefix,
    Namespace,
    Proposal,
    RegistryRule,
    Runtime,
    ServedModel,
    User,
)
from deployments.queries.verdict import Verdict

MOST_OPEN = 50  # of one author; older ones are dropped, so that an abandoned form leaves nothing behind for ever


def allowlist(namespace: Namespace) -> Sequence[str]:
    """Registry prefixes from which the namespace's team may run images."""
    rules = RegistryRule.objects.filter(Q(team=None) | Q(team_id=namespace.team_id))
    return list(rules.values_list("prefix", flat=True))


def metadata_prefixes() -> Sequence[str]:
    """What keys of labels and annotations may begin with, besides our own."""
    return list(MetadataPrefix.objects.values_list("prefix", flat=True))


def _catalogue(spec: Spec, *, deployment: Deployment | None) -> tuple[dict[str, object], dict[str, object] | None]:
    """The runtime and profile that `spec` names, as JSON; a deployment may keep those that are no longer offered.

    Taken out of the catalogue altogether, they are kept as the deployment's own copy has them.
    """
    kept = deployment.current if deployment else None
    runtime = Runtime.objects.filter(slug=spec.runtime).first()
    copy = kept.runtime if kept and kept.runtime.get("slug") == spec.runtime else None
    chosen = runtime.to_domain().to_json() if runtime and (runtime.is_active or copy) else copy
    if chosen is None:
        raise Wrong({"runtime": "Choose a runtime from the list."})
    if spec.profile is None:
        return chosen, None
    profile = HardwareProfile.objects.filter(slug=spec.profile).first()
    copy = kept.profile if kept and (kept.profile or {}).get("slug") == spec.profile else None
    size = profile.to_domain().to_json() if profile and (profile.is_active or copy) else copy
    if size is None:
        raise Wrong({"profile": "Choose a hardware profile from the list."})
    return chosen, size


@transaction.atomic
def make(
    *,
    by: User,
    kind: Proposal.Kind,
    spec: Spec,
    deployment: Deployment | None,
    model: ServedModel,
    namespace: Namespace,
    name: str,
    based_on: int,
    returns_to: int | None = None,
    note: str = "",
) -> Proposal:
    """A checked candidate, waiting for the cluster's verdict. Raises Wrong with a message per field."""
    returned = deployment.revisions.filter(number=returns_to).first() if deployment and returns_to else None
    # Rolling back runs what that revision ran, even when the catalogue has changed or no longer offers it.
    runtime, profile = (returned.runtime, returned.profile) if returned else _catalogue(spec, deployment=deployment)
    proposal = Proposal(
        kind=kind,
        deployment=deployment,
        model=model,
        namespace=namespace,
        name=name,
        spec=spec.to_json(),
        spec_hash=spec.digest(),
        runtime=runtime,
        profile=profile,
        based_on=based_on,
        returns_to=returns_to,
        author=by,
        note=note[:500],
    )
    errors = problems(proposal, spec)
    if errors:
        raise Wrong(errors)
    proposal.save(force_insert=True)
    stale = Proposal.objects.filter(author=by, applied_at=None, dropped_at=None, sent_at=None)
    Proposal.objects.filter(pk__in=list(stale.order_by("-created_at").values_list("pk", flat=True)[MOST_OPEN:])).update(
        dropped_at=now()
    )
    dispatch.check_proposal_soon(proposal.pk)
    return proposal


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
        errors |= _name_problems(proposal.namespace, proposal.name)
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


def _name_problems(namespace: Namespace, name: str) -> dict[str, str]:
    try:
        # One that was registered before it was reserved takes nothing new.
        check_namespace(namespace.name)
        check_name(name)
    except InvalidName as problem:
        return {"name": str(problem)}
    taken = Deployment.objects.filter(namespace=namespace, name=name).first()
    if taken is None:
        return {}
    if taken.is_retired:
        return {"name": f"{name} is retired in {namespace.name}. Restore it, or choose another name."}
    return {"name": f"{name} already exists in {namespace.name}. Choose another name."}


@transaction.atomic
def send(*, proposal: Proposal, by: Actor, note: str) -> Proposal:
    """Send it to the maintainers, who review and apply it. Raises Refused."""
    row = (
        Proposal.objects.select_for_update(of=("self",))
        .select_related("deployment", "namespace__team")
        .get(pk=proposal.pk)
    )
    if not row.is_open:
        raise Refused("This proposal is closed. Begin a new edit.")
    if row.sent_at is not None:
        raise Refused("This proposal was sent already.")
    if not note.strip():
        raise Refused("Say why, so that the maintainer can decide.")
    row.sent_at, row.note = now(), note.strip()[:500]
    row.save(update_fields=["sent_at", "note"])
    audit.record("proposal.sent", row.deployment or row.namespace, by=by, note=note, facts={"proposal": str(row.pk)})
    return row


@transaction.atomic
def drop(*, proposal: Proposal, by: Actor, note: str = "") -> None:
    """Close it without applying."""
    row = (
        Proposal.objects.select_for_update(of=("self",))
        .select_related("deployment", "namespace__team")
        .get(pk=proposal.pk)
    )
    if not row.is_open:
        raise Refused("This proposal is closed already.")
    row.dropped_at = now()
    row.save(update_fields=["dropped_at"])
    if row.sent_at is not None:
        audit.record(
            "proposal.dropped", row.deployment or row.namespace, by=by, note=note, facts={"proposal": str(row.pk)}
        )


@transaction.atomic
def check_again(*, proposal: Proposal) -> None:
    """Ask the cluster once more, for instance after it was unreachable."""
    row = Proposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
    # What it refused stays refused until it has answered anew.
    was_refused = Verdict.of(row).is_refused or bool(row.verdict.get("was_refused"))
    Proposal.objects.filter(pk=proposal.pk, applied_at=None).update(
        answer="waiting", verdict={"was_refused": True} if was_refused else {}, answered_at=None
    )
    dispatch.check_proposal_soon(proposal.pk)
