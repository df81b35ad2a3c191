"""Saving a revision is the deploy request."""

from __future__ import annotations

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions import budgets, places, promotions
from deployments.actions.deployments import change_intent, lock, need_reason, refuse_retired
from deployments.actions.errors import NotYet, Refused, Stale, Wrong
from deployments.audit import Actor
from deployments.domain.changes.diff import FieldChange, spec_diff
from deployments.domain.cost.budgets import Effect
from deployments.domain.cost.change import CostChange
from deployments.domain.spec.spec import Spec
from deployments.models import Deployment, DeploymentState, Observation, Proposal, Revision, Rollout
from deployments.models.requests import Answer
from deployments.queries import costs, rules
from deployments.queries.replicas import scaled_back
from deployments.queries.verdict import ClusterVerdict

KINDS = {"create": "deployment.created", "rollback": "revision.rolled_back"}


@transaction.atomic
def apply(
    *,
    proposal: Proposal,
    by: Actor,
    note: str,
    reviewed: str,
    without_verdict: bool | None = None,
    over_budget: str = "",
    priced_by: str | None = None,
) -> Revision:
    """Turn a reviewed proposal into the current revision; doing it twice gives the same revision.

    `reviewed` is the digest of the spec that the reviewer saw. Raises Stale when another revision was saved since the
    proposal was begun, Wrong when it no longer fits the catalogue, OverBudget when it takes `over_budget`, a
    maintainer's reason, Refused otherwise. An unchanged spec gives back the current one. `without_verdict`: whether the
    reviewer goes on before the cluster answers; None asks no cluster. `priced_by`: `costs.price_key` of what was seen.
    """
    candidate = _locked(proposal)
    done = Revision.objects.filter(proposal=candidate).first()
    if done is not None:
        return done
    _check_open(candidate, reviewed)
    told = promotions.check(candidate) | _goes_without(candidate, is_said=without_verdict)
    spec = Spec.from_json(candidate.spec)
    if candidate.deployment is None:
        candidate.namespace, candidate.model = places.hold(candidate.namespace, candidate.model)
    _check(candidate, spec)
    deployment = lock(candidate.deployment) if candidate.deployment else _create(candidate)
    refuse_retired(deployment)
    need_reason(deployment.environment, note)
    current = deployment.current
    if current is not None and current.number != candidate.based_on:
        raise Stale(current=current)
    changes = spec_diff(current.to_spec() if current else None, spec)
    chosen = (candidate.runtime, candidate.profile)
    same_catalogue = current is not None and (current.runtime, current.profile) == chosen
    if current is not None and not changes and same_catalogue:
        _close(candidate, deployment)
        return current
    by_hand = scaled_back(deployment, at=now(), after=spec)
    cost, effects = _priced(candidate, deployment, by=by, over_budget=over_budget, priced_by=priced_by)
    revision = _insert(candidate, deployment, cost, effects, by=by, note=note, changes=changes)
    _close(candidate, deployment)
    deployment.current = revision
    change_intent(deployment, by=by, what=revision.summary, fields=("current",))
    budgets.tell(effects, deployment=deployment, by=by, revision=revision.number)
    audit.record(
        KINDS.get(candidate.kind, "revision.saved"),
        deployment,
        by=by,
        note=note,
        changes=(*changes, *by_hand) if current else (),
        facts={
            **_facts(candidate, revision, effects, by=by),
            "catalogue_changed": current is not None and not same_catalogue,
            **told,
            **cost.to_facts(),
        },
    )
    return revision


def _facts(candidate: Proposal, revision: Revision, effects: tuple[Effect, ...], *, by: Actor) -> dict[str, object]:
    return {
        **({"budgets": [effect.to_facts() for effect in effects]} if effects else {}),
        "revision": revision.number,
        "returns_to": revision.returns_to,
        "proposed_by": str(candidate.author) if by.id != candidate.author_id else None,
    }


def _locked(proposal: Proposal) -> Proposal:
    return (
        Proposal.objects.select_for_update(of=("self",))
        .select_related("namespace__team", "namespace__cluster", "model")
        .get(pk=proposal.pk)
    )


def _check_open(candidate: Proposal, reviewed: str) -> None:
    """Raises Refused."""
    if candidate.dropped_at is not None:
        raise Refused("This proposal was discarded. Begin a new edit.")
    if reviewed != candidate.spec_hash:
        raise Refused("What you reviewed is not what would be applied. Review it again.")


def _priced(
    candidate: Proposal, deployment: Deployment, *, by: Actor, over_budget: str, priced_by: str | None
) -> tuple[CostChange, tuple[Effect, ...]]:
    """What it does to the price and to the budgets over it, which stay locked. Raises OverBudget, Refused."""
    cost = costs.change_of(candidate, before=deployment.current, at=now())
    _same_prices(cost, priced_by)
    effects = budgets.check(
        deployment,
        spec=candidate.spec,
        profile=candidate.profile,
        moves=cost.is_moving,
        by=by,
        reason=over_budget,
        is_return=candidate.kind == Proposal.Kind.ROLLBACK,
    )
    return cost, effects


def _same_prices(cost: CostChange, seen: str | None) -> None:
    """Raises Refused when the review showed figures by another price list than the one in force now."""
    if seen is not None and seen != costs.price_key(cost):
        raise Refused(
            "The price list has changed since you looked, so it was not applied. These are the figures by the prices "
            "of now: review them, then apply."
        )


def _check(candidate: Proposal, spec: Spec) -> None:
    """Raises Wrong. Holds the host of `spec`: two that are saved at once would not see each other."""
    places.hold_host(spec.ingress_host)
    errors = rules.problems(candidate, spec)
    if errors:
        raise Wrong(errors)


def _goes_without(candidate: Proposal, *, is_said: bool | None) -> dict[str, bool]:
    """The fact that it is applied before the cluster has answered, if so. Raises Refused when it or nobody said yes.

    Read under the lock: asking again must not wipe out a refusal for the moment in which somebody applies.
    """
    if is_said is None:
        return {}
    if ClusterVerdict.of(candidate).is_refused:
        raise Refused("The cluster refuses this, so it was not applied. Change what it names and review again.")
    if candidate.answer != Answer.WAITING:
        return {}
    if candidate.verdict.get("was_refused"):
        raise NotYet("The cluster refused this and is asked anew. Wait for its answer.")
    if not is_said:
        raise NotYet("The cluster is being asked and has not answered. Wait for its verdict, or apply without it.")
    return {"without_verdict": True}


def _create(candidate: Proposal) -> Deployment:
    namespace = candidate.namespace
    deployment = Deployment(
        slug=f"{namespace.cluster.slug}.{namespace.name}.{candidate.name}",
        name=candidate.name,
        model=candidate.model,
        namespace=namespace,
    )
    deployment.save(force_insert=True)
    DeploymentState.objects.create(deployment=deployment)
    Observation.objects.create(deployment=deployment)
    return deployment


def _insert(
    candidate: Proposal,
    deployment: Deployment,
    cost: CostChange,
    effects: tuple[Effect, ...],
    *,
    by: Actor,
    note: str,
    changes: tuple[FieldChange, ...],
) -> Revision:
    last = Revision.objects.filter(deployment=deployment).order_by("-number").first()
    revision = Revision(
        deployment=deployment,
        number=(last.number if last else 0) + 1,
        spec=candidate.spec,
        spec_hash=candidate.spec_hash,
        runtime=candidate.runtime,
        profile=candidate.profile,
        author_id=by.id,
        author_name=by.label,
        reason=note.strip()[:500],
        summary=_summary(candidate, changes, is_first=last is None),
        returns_to=candidate.returns_to,
        proposal=candidate,
        estimate=cost.to_json(),
        budgets=[effect.to_json() for effect in effects],
    )
    revision.save(force_insert=True)
    Rollout.objects.create(deployment=deployment, revision=revision.number, saved_at=now())
    return revision


def _summary(candidate: Proposal, changes: tuple[FieldChange, ...], *, is_first: bool) -> str:
    if candidate.returns_to:
        return f"roll back to {candidate.returns_to}"
    if is_first:
        return "created"
    if not changes:
        return "runtime or profile as the platform now defines it"
    first = changes[0]
    text = (
        f"{first.label} {first.before} → {first.after}" if len(first.after) + len(first.before) <= 60 else first.label
    )
    return (text + (f", +{len(changes) - 1}" if len(changes) > 1 else ""))[:200]


def _close(candidate: Proposal, deployment: Deployment) -> None:
    candidate.applied_at = now()
    candidate.deployment = deployment
    candidate.save(update_fields=["applied_at", "deployment"])
