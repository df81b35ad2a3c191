"""Proposing what runs in one environment for the next: not what fails there, unless somebody says why."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from baristaweb.lib.clock import now
from deployments.actions import proposals
from deployments.actions.errors import Refused
from deployments.models import Proposal, User
from deployments.queries.promotion import Promotion, SourceState, promoted_in, state_of


class NotServing(Refused):
    """What is promoted does not serve where it comes from, and no reason was given."""


@transaction.atomic
def propose(
    *, promotion: Promotion, keys: Collection[str], by: User, name: str, based_on: int, override: str = ""
) -> Proposal:
    """A proposal for the target with these settings of the source. Raises NotServing, and Wrong as every proposal."""
    source, target = promotion.source, promotion.target
    state = state_of(source, promotion.revision.number, at=now())
    _must_serve(state, override)
    return proposals.make(
        by=by,
        kind=Proposal.Kind.EDIT if target.deployment else Proposal.Kind.CREATE,
        spec=promotion.carried(set(keys)),
        deployment=target.deployment,
        model=source.model,
        namespace=target.namespace,
        name=target.deployment.name if target.deployment else name,
        based_on=based_on,
        note=f"Promotes revision {promotion.revision.number} of {source.name} in {source.namespace.name}",
        promotes={
            "deployment": source.pk,
            "slug": source.slug,
            "revision": promotion.revision.number,
            "state": state.summary.state.value,
            "override": override.strip()[:500] if state.is_broken else "",
        },
    )


def check(proposal: Proposal) -> dict[str, Any]:
    """Facts for the audit of what a proposal promotes; empty when it promotes nothing. Raises NotServing.

    What served when it was proposed may fail by now.
    """
    promotes = proposal.promotes
    if not promotes:
        return {}
    state = promoted_in(promotes, at=now())
    if state is not None:
        _must_serve(state, promotes["override"])
    said = {"promotes": promotes["slug"], "promotes_revision": promotes["revision"]}
    if state is not None:
        said["promotes_state"] = state.summary.state.value
    return said | ({"promoted_although": promotes["override"]} if promotes["override"] else {})


def _must_serve(state: SourceState, override: str) -> None:
    if state.is_broken and not override.strip():
        raise NotServing(f"{state.headline} Promote one that serves, or say why this one is promoted all the same.")
