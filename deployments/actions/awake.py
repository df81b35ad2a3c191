"""Keeping a deployment awake by hand, waking it now, and settling what somebody else scaled while it slept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions import budgets, sleep_records
from deployments.actions.deployments import RETIRED, change_intent, lock
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.sleep.plan.cases import Answer
from deployments.models import Deployment, KeepAwake, SleepRecord
from deployments.queries import awake_price
from deployments.queries.sleep_layers import said

LONGEST_KEEP_AWAKE: Final = timedelta(days=31)


@transaction.atomic
def keep_awake(
    *, deployment: Deployment, by: Actor, until: datetime, note: str, over_budget: str | None = None
) -> KeepAwake:
    """Keep it awake until then, waking it at once if it sleeps. Raises Refused, and OverBudget like an edit does.

    `over_budget`: a maintainer's reason to go over a hard limit; None: the note is it.
    """
    row, at = lock(deployment), now()
    if row.is_retired:
        raise Refused(RETIRED)
    if not note.strip():
        raise Refused("Say why, for the others of the team.")
    if not at < until <= at + LONGEST_KEEP_AWAKE:
        raise Refused("Choose an end within the next 31 days.")
    record = row.open_sleep
    is_woken = record is not None and not record.is_waking
    cost = awake_price.price(row, said(at=at), awake_price.hour_of(row, at=at), at=at, until=until)
    is_unknown = bool(cost.hours) and cost.amount.value is None
    of = budgets.SleepLayer(name=row.name, deployment=row)
    reason = note if over_budget is None else over_budget
    with budgets.held(of, by=by, reason=reason, at=at, is_unknown=is_unknown) as effects:
        kept = KeepAwake.objects.create(
            deployment=row, since=at, until=until, by=by.name[:120], reason=note.strip()[:300]
        )
    if record is not None and is_woken:
        sleep_records.start_wake(row, record, at=at, due_at=at, words=f"kept awake by {by.name}: {note.strip()}")
        change_intent(row, by=by, what="wake", fields=())
    budgets.tell_of(of, effects, by=by)
    facts: dict[str, Any] = {"until": until.isoformat(timespec="minutes"), "woken": is_woken, "cost": cost.words}
    if effects:
        facts["budgets"] = [effect.to_facts() for effect in effects]
    audit.record("deployment.kept_awake", row, by=by, note=note, facts=facts)
    return kept


@transaction.atomic
def end_keep_awake(*, deployment: Deployment, by: Actor, note: str = "") -> int:
    """End what keeps it awake: its schedule decides again. How many; raises Refused when there is nothing."""
    row, at = lock(deployment), now()
    count = KeepAwake.objects.filter(deployment=row, until__gt=at, ended_at=None).update(ended_at=at)
    if not count:
        raise Refused("Nobody keeps it awake.")
    audit.record("deployment.keep_awake_ended", row, by=by, note=note)
    return count


def why_no_wake(row: Deployment) -> str:
    """Empty when it can be woken now."""
    if row.is_retired:
        return RETIRED
    if row.open_sleep is None:
        return "It is not asleep."
    return "It is waking already." if row.open_sleep.is_waking else ""


def awake_until(row: Deployment, *, at: datetime) -> datetime:
    """How long waking it now keeps it awake: to the wake that is due, an hour at least."""
    record = row.open_sleep
    due = record.due_at if record is not None and record.due_at is not None else at + LONGEST_KEEP_AWAKE
    return min(max(due, at + timedelta(hours=1)), at + LONGEST_KEEP_AWAKE)


def wake_now(*, deployment: Deployment, by: Actor, note: str, over_budget: str = "") -> KeepAwake:
    """Awake until the wake that was due anyway. Raises Refused, and OverBudget without a maintainer's reason."""
    row = Deployment.objects.select_related("sleep").get(pk=deployment.pk)
    if why := why_no_wake(row):
        raise Refused(why)
    until = awake_until(row, at=now())
    said_why = note.strip() or "woken manually"
    return keep_awake(deployment=deployment, by=by, until=until, note=said_why, over_budget=over_budget)


def why_no_answer(row: Deployment) -> str:
    """Empty when there is a manual change to settle."""
    if row.is_retired:
        return RETIRED
    record = row.sleep
    if record is None or record.hold_since is None or (record.closed_at and record.conflict_at is None):
        return "Nobody scaled it while it slept."
    return ""


@transaction.atomic
def settle(*, deployment: Deployment, by: Actor, answer: Answer, note: str = "") -> SleepRecord:
    """Say whose number counts after a manual change: RESTORE puts it back to sleep, ADOPT keeps what runs, also after
    the night. Ends a conflict. Raises Refused."""
    row = lock(deployment)
    record = row.sleep
    if (why := why_no_answer(row)) or record is None:
        raise Refused(why)
    record.hold_answer, record.conflict_at = answer.value, None
    record.save(update_fields=["hold_answer", "conflict_at"])
    facts = {"answer": answer.value, "replicas": record.hold_replicas, "writer": record.hold_writer}
    audit.record("deployment.sleep_settled", row, by=by, note=note, facts=facts)
    return record
