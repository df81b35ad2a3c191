"""Setting and removing the schedule of one layer: the next look of the relay goes by it."""

from __future__ import annotations

from django.db import transaction

from baristaweb.lib.clock import now
from deployments.actions import budgets, records
from deployments.actions.deployments import need_reason
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.catalogue import Environment
from deployments.domain.sleep.dialects import mirror
from deployments.domain.sleep.schedule.windows import BadSchedule
from deployments.domain.sleep.schedule.zones import UnknownZone
from deployments.models import SleepSchedule
from deployments.models.sleep import LONGEST_GRACE_MINUTES


@transaction.atomic
def save(*, row: SleepSchedule, by: Actor, note: str = "") -> SleepSchedule:
    """Store the next version of the schedule; one that is not changed stays. Raises Wrong, Refused, OverBudget.

    Sleeping less costs more: it is held to the budgets as an edit is, and the note is the reason to go over.
    """
    try:
        row.to_schedule()
    except (BadSchedule, UnknownZone) as problem:
        raise Wrong({"windows": str(problem)}) from problem
    if row.is_mirrored:
        try:
            mirror.render(row.to_schedule())
        except mirror.NotMirrored as problem:
            raise Wrong({"is_mirrored": str(problem)}) from problem
    if row.grace_minutes > LONGEST_GRACE_MINUTES:
        raise Wrong({"grace_minutes": f"The grace after a deploy is at most {LONGEST_GRACE_MINUTES} minutes."})
    before = SleepSchedule.objects.select_for_update().filter(pk=row.pk).first() if row.pk else None
    is_prod = row.deployment is not None and row.deployment.environment is Environment.PROD
    if is_prod:
        need_reason(Environment.PROD, note)
    if before is not None and _says(before) == _says(row):
        return row
    if is_prod:
        row.allowed_by, row.allowed_reason = by.name[:120], note.strip()[:300]
    row.version = before.version + 1 if before else 1
    row.changed_at, row.changed_by = now(), by.name[:120]
    of = budgets.SleepLayer.of(row)
    with budgets.held(of, by=by, reason=note, at=now()) as effects:
        saved = records.save(row=row, by=by, note=note)
    budgets.tell_of(of, effects, by=by)
    return saved


@transaction.atomic
def remove(*, row: SleepSchedule, by: Actor, note: str = "") -> None:
    """The layer says nothing any more; what sleeps by it alone wakes. Raises Refused, OverBudget."""
    found = SleepSchedule.objects.select_for_update(of=("self",)).filter(pk=row.pk).first()
    if found is None:
        raise Refused("It has no schedule of its own any more.")
    if found.deployment is not None:
        need_reason(found.deployment.environment, note)
    of = budgets.SleepLayer.of(found)
    with budgets.held(of, by=by, reason=note, at=now()) as effects:
        records.delete(row=found, by=by, note=note)
    budgets.tell_of(of, effects, by=by)


def _says(row: SleepSchedule) -> tuple[object, ...]:
    rules = (row.wake_to, row.lead_minutes, row.grace_minutes, row.is_mirrored)
    return (row.zone, row.windows, row.target, row.priority, *rules)
