"""What can be done to a deployment besides changing its spec: each is an intent stored in its row."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Value, When

from baristaweb.lib.clock import now
from deployments import audit, dispatch
from deployments.actions import budgets, places
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.catalogue import Environment
from deployments.domain.changes.drift import digest_of
from deployments.domain.changes.held import HeldField
from deployments.domain.cost.budgets import Effect
from deployments.models import Deployment, DeploymentState
from deployments.queries import rules
from deployments.queries.replicas import scaled_back

LONGEST_PAUSE = timedelta(days=30)
LEFT_DAYS = 30


def lock(deployment: Deployment) -> Deployment:
    """The row, locked until the end of the transaction, fresh."""
    # The lock alone first. In one query with the joins, PostgreSQL would not look up the rows that a locked row points
    # to after waiting: `current` came back empty, and a revision that was saved meanwhile would be overwritten unseen.
    Deployment.objects.select_for_update().get(pk=deployment.pk)
    return Deployment.objects.select_related(
        "namespace__team", "namespace__cluster", "model", "current", "state", "observation", "sleep"
    ).get(pk=deployment.pk)


def change_intent(row: Deployment, *, by: Actor, what: str, fields: tuple[str, ...]) -> None:
    """Store the changed intent: a new generation, due now. The caller records the audit event after it."""
    row.generation += 1
    row.changed_at = now()
    row.changed_by = by.name[:120]
    row.changed_what = what[:200]
    row.save(update_fields=[*fields, "generation", "changed_at", "changed_by", "changed_what"])
    # What waited already goes on waiting since its first change, however often it is saved again.
    was_settled = When(observed_generation__gte=row.generation - 1, then=Value(row.changed_at))
    DeploymentState.objects.filter(deployment=row).update(
        next_reconcile_at=now(), failures=0, waiting_since=Case(was_settled, default=F("waiting_since"))
    )
    dispatch.reconcile_soon(row.pk)


RETIRED = "This deployment is retired. Restore it first."


def refuse_retired(row: Deployment) -> None:
    """Raises Refused."""
    _refuse(RETIRED if row.is_retired else "")


def _refuse(why: str) -> None:
    if why:
        raise Refused(why)


def why_no_restart(row: Deployment) -> str:
    """Empty when its pods can be replaced now."""
    if row.is_retired:
        return RETIRED
    return "This deployment is paused. Resume it before restarting it." if row.is_paused else ""


def why_no_pause(row: Deployment) -> str:
    """Empty when it can be paused now."""
    if row.is_retired:
        return RETIRED
    sleep = row.open_sleep
    if sleep is not None and (not sleep.is_waking or row.state.observed_generation < sleep.generation):
        # A pause stops what is applied, and with it the wake.
        return "It is asleep, and a pause would keep it so. Wake it first."
    return f"Already paused by {row.paused_by}." if row.is_paused else ""


def why_no_resume(row: Deployment) -> str:
    """Empty when it can be resumed now."""
    return "" if row.is_paused else "This deployment is not paused."


def need_reason(row_environment: Environment, note: str) -> None:
    """Changes in prod say why."""
    if row_environment is Environment.PROD and not note.strip():
        raise Refused("Say why: every change in prod keeps its reason.")


@transaction.atomic
def restart(*, deployment: Deployment, by: Actor, note: str = "") -> Deployment:
    """Replace all pods, as the rollout strategy says. Raises Refused."""
    row = lock(deployment)
    _refuse(why_no_restart(row))
    need_reason(row.environment, note)
    row.restarted_at = now()
    change_intent(row, by=by, what="restart", fields=("restarted_at",))
    audit.record("deployment.restarted", row, by=by, note=note, changes=scaled_back(row, at=now()))
    return row


@transaction.atomic
def pause(*, deployment: Deployment, by: Actor, note: str, until: datetime | None) -> Deployment:
    """Stop applying changes until somebody resumes, or until then. Raises Refused."""
    row = lock(deployment)
    _refuse(why_no_pause(row))
    if not note.strip():
        raise Refused("Say why it is paused, so that others know when to resume it.")
    if until is not None and not now() < until <= now() + LONGEST_PAUSE:
        raise Refused("The pause must end in the next 30 days.")
    row.paused_at, row.paused_until = now(), until
    row.paused_reason, row.paused_by = note.strip()[:300], by.name[:120]
    change_intent(row, by=by, what="pause", fields=("paused_at", "paused_until", "paused_reason", "paused_by"))
    audit.record("deployment.paused", row, by=by, note=note, facts={"until": until.isoformat() if until else None})
    return row


@transaction.atomic
def resume(*, deployment: Deployment, by: Actor, note: str = "") -> Deployment:
    """Apply again what is saved. Raises Refused."""
    row = lock(deployment)
    _refuse(why_no_resume(row))
    by_hand = scaled_back(row, at=now())
    row.paused_at = row.paused_until = None
    row.paused_reason = row.paused_by = ""
    change_intent(row, by=by, what="resume", fields=("paused_at", "paused_until", "paused_reason", "paused_by"))
    audit.record("deployment.resumed", row, by=by, note=note, changes=by_hand)
    return row


@transaction.atomic
def retire(*, deployment: Deployment, by: Actor, note: str, typed_name: str = "") -> Deployment:
    """Delete its objects from the cluster and keep its history. In prod the name must be typed. Raises Refused."""
    row = lock(deployment)
    refuse_retired(row)
    need_reason(row.environment, note)
    if row.environment is Environment.PROD and typed_name != row.name:
        raise Refused(f"Type {row.name} to confirm.")
    row.retired_at = now()
    row.paused_at = row.paused_until = None
    change_intent(row, by=by, what="retire", fields=("retired_at", "paused_at", "paused_until"))
    audit.record("deployment.retired", row, by=by, note=note)
    return row


@transaction.atomic
def restore(*, deployment: Deployment, by: Actor, note: str = "") -> Deployment:
    """Bring a retired deployment back with its last revision. Raises Refused."""
    last = Deployment.objects.select_related("current").get(pk=deployment.pk).current
    # The host before the row, as whoever saves a revision does.
    places.hold_host(last.to_spec().ingress_host if last else None)
    row = lock(deployment)
    if not row.is_retired:
        raise Refused("This deployment is not retired.")
    if problem := rules.not_permitted(row):
        raise Refused(f"It cannot come back as it was. {problem}")
    need_reason(row.environment, note)
    effects: tuple[Effect, ...] = ()
    if row.current is not None:
        effects = budgets.check(row, spec=row.current.spec, profile=row.current.profile, moves=True, by=by, reason=note)
    row.retired_at = None
    change_intent(row, by=by, what="restore", fields=("retired_at",))
    budgets.tell(effects, deployment=row, by=by, revision=row.current.number if row.current else None)
    facts = {"budgets": [effect.to_facts() for effect in effects]} if effects else {}
    audit.record("deployment.restored", row, by=by, note=note, facts=facts)
    return row


@transaction.atomic
def ask_to_settle(*, deployment: Deployment, by: Actor) -> Deployment:
    """Ask those who may to settle what others hold or changed: it stands on their home page. Raises Refused."""
    row = lock(deployment)
    refuse_retired(row)
    held = DeploymentState.objects.get(deployment=row).held
    if not held:
        raise Refused("There is no conflict any more.")
    if row.is_asked:
        raise Refused(f"{row.settle_asked_by} has asked already: it stands on the home page of those who may.")
    row.settle_asked_at, row.settle_asked_by = now(), by.name[:120]
    row.save(update_fields=["settle_asked_at", "settle_asked_by"])
    audit.record("conflict.asked", row, by=by, changes=_held_changes(held))
    return row


@transaction.atomic
def leave(*, deployment: Deployment, by: Actor, days: int, note: str) -> Deployment:
    """Leave what others changed as it is for some days: it counts as trouble again when it changes. Raises Refused."""
    row = lock(deployment)
    refuse_retired(row)
    state = DeploymentState.objects.get(deployment=row)
    if state.conflict or not state.drift:
        raise Refused("There is nothing to leave: the revision is not applied, or nothing differs any more.")
    if any(item.is_missing_object for item in state.drifted):
        raise Refused("Something of it is gone from the cluster. That cannot be left: take it over.")
    if not 1 <= days <= LEFT_DAYS:
        raise Refused(f"Leave it for 1 to {LEFT_DAYS} days.")
    if not note.strip():
        raise Refused("Say why it may stay: the others read it on the page.")
    row.left_drift, row.left_until = digest_of(state.drifted), now() + timedelta(days=days)
    row.left_by, row.left_why = by.label, note.strip()[:500]
    row.save(update_fields=["left_drift", "left_until", "left_by", "left_why"])
    DeploymentState.objects.filter(deployment=row).update(next_reconcile_at=now())
    dispatch.reconcile_soon(row.pk)
    audit.record("drift.left", row, by=by, note=note, changes=_held_changes(state.held), facts={"days": days})
    return row


def _held_changes(held: list[HeldField]) -> list[dict[str, str]]:
    return [
        {
            "path": item.path,
            "label": item.path or item.kind,
            "before": f"{item.live_words} (held by {item.manager or 'somebody unknown'})",
            "after": item.desired_words,
        }
        for item in held
    ]


@transaction.atomic
def take_over(*, deployment: Deployment, by: Actor, note: str) -> Deployment:
    """Apply the current revision by force, once: what others hold or changed becomes ours again. Raises Refused."""
    row = lock(deployment)
    refuse_retired(row)
    if row.is_paused:
        raise Refused("This deployment is paused. Resume it before taking anything over.")
    held = DeploymentState.objects.get(deployment=row).held
    if not held:
        raise Refused("There is no conflict any more.")
    need_reason(row.environment, note)
    row.force_generation = row.generation + 1
    row.settle_asked_at, row.settle_asked_by = None, ""
    fields = ("force_generation", "settle_asked_at", "settle_asked_by")
    change_intent(row, by=by, what="take over fields", fields=fields)
    audit.record("conflict.taken_over", row, by=by, note=note, changes=_held_changes(held))
    return row


@transaction.atomic
def try_now(*, deployment: Deployment, by: Actor) -> Deployment:
    """Ask for an attempt now instead of at the next scheduled one; also unparks."""
    row = lock(deployment)
    DeploymentState.objects.filter(deployment=row).update(next_reconcile_at=now(), failures=0, starts=0)
    dispatch.reconcile_soon(row.pk)
    audit.record("deployment.tried_now", row, by=by)
    return row
