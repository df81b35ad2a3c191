"""Candidate specs: made from a form, checked by a worker, then applied, sent to a maintainer, or dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit, dispatch
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.spec.spec import Spec
from deployments.models import (
    Deployment,
    HardwareProfile,
    Namespace,
    Proposal,
    Runtime,
    ServedModel,
    User,
)
from deployments.queries import rules
from deployments.queries.verdict import ClusterVerdict

MOST_OPEN = 50  # of one author; older ones are dropped, so that an abandoned form leaves nothing behind for ever


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
    promotes: Mapping[str, Any] | None = None,
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
        promotes=dict(promotes) if promotes else None,
    )
    errors = rules.problems(proposal, spec)
    if errors:
        raise Wrong(errors)
    proposal.save(force_insert=True)
    stale = Proposal.objects.filter(author=by, applied_at=None, dropped_at=None, sent_at=None)
    Proposal.objects.filter(pk__in=list(stale.order_by("-created_at").values_list("pk", flat=True)[MOST_OPEN:])).update(
        dropped_at=now()
    )
    dispatch.check_proposal_soon(proposal.pk)
    return proposal


def _locked(proposal: Proposal) -> Proposal:
    """The row, locked until the end of the transaction, with what its audit event names."""
    rows = Proposal.objects.select_for_update(of=("self",)).select_related("deployment", "namespace__team")
    return rows.get(pk=proposal.pk)


@transaction.atomic
def send(*, proposal: Proposal, by: Actor, note: str) -> Proposal:
    """Send it to the maintainers, who review and apply it. Raises Refused."""
    row = _locked(proposal)
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
def send_back(*, proposal: Proposal, by: Actor, note: str) -> Proposal:
    """Give it back to its author, with what should change. Raises Refused."""
    row = _locked(proposal)
    if not row.is_open or row.sent_at is None:
        raise Refused("This proposal does not wait for a decision any more.")
    if not note.strip():
        raise Refused("Say what should change, so that the author can do it.")
    row.sent_at, row.returned_at, row.returned_by, row.returned_note = None, now(), by.label, note.strip()[:500]
    row.save(update_fields=["sent_at", "returned_at", "returned_by", "returned_note"])
    audit.record(
        "proposal.returned", row.deployment or row.namespace, by=by, note=note, facts={"proposal": str(row.pk)}
    )
    return row


@transaction.atomic
def drop(*, proposal: Proposal, by: Actor, note: str = "") -> None:
    """Close it without applying."""
    row = _locked(proposal)
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
    was_refused = ClusterVerdict.of(row).is_refused or bool(row.verdict.get("was_refused"))
    Proposal.objects.filter(pk=proposal.pk, applied_at=None).update(
        answer="waiting", verdict={"was_refused": True} if was_refused else {}, answered_at=None
    )
    dispatch.check_proposal_soon(proposal.pk)
