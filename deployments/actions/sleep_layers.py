"""What layers say beside weekly windows: holidays, their calendars, exemptions, forced sleeps, freezes of a cluster."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db import transaction

from baristaweb.lib.clock import now
from deployments.actions import budgets, records
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.calendars import BadCalendar
from deployments.domain.sleep.schedule.layers import Ask
from deployments.models import Deployment, HolidayCalendar, SleepFreeze, SleepGrant, SleepHolidays

Row = TypeVar("Row", HolidayCalendar, SleepHolidays)
LONGEST: Final = {Ask.EXEMPTION: timedelta(days=92), Ask.FORCED_SLEEP: timedelta(days=92)}


@transaction.atomic
def save_calendar(*, row: HolidayCalendar, by: Actor, note: str = "") -> HolidayCalendar:
    """Store the next version of a calendar. Raises Wrong with the line that cannot be read."""
    try:
        row.to_calendar()
    except BadCalendar as problem:
        raise Wrong({"days": str(problem)}) from problem
    before = HolidayCalendar.objects.select_for_update().filter(pk=row.pk).first() if row.pk else None
    if before is not None and _of_calendar(before) == _of_calendar(row):
        return row
    return records.save(row=_next(row, before, by), by=by, note=note)


@transaction.atomic
def save_holidays(*, row: SleepHolidays, by: Actor, note: str = "") -> SleepHolidays:
    """Store which calendars a layer keeps. Raises Wrong."""
    known = set(HolidayCalendar.objects.filter(key__in=row.keys).values_list("key", flat=True))
    if missing := [key for key in row.keys if key not in known]:
        raise Wrong({"calendars": f"There is no calendar {missing[0]}. Add it first, or choose one of the list."})
    try:
        row.zone = zones.check(row.zone) if row.zone else ""
    except zones.UnknownZone as problem:
        raise Wrong({"zone": str(problem)}) from problem
    before = SleepHolidays.objects.select_for_update(of=("self",)).filter(pk=row.pk).first() if row.pk else None
    if before is not None and _of_holidays(before) == _of_holidays(row):
        return row
    return records.save(row=_next(row, before, by), by=by, note=note)


@transaction.atomic
def remove_holidays(*, deployment: Deployment, by: Actor, note: str = "") -> None:
    """The deployment keeps the holidays that it inherits."""
    for row in SleepHolidays.objects.select_for_update(of=("self",)).filter(deployment=deployment):
        records.delete(row=row, by=by, note=note)


def _next(row: Row, before: Row | None, by: Actor) -> Row:
    row.version = before.version + 1 if before else 1
    row.changed_at, row.changed_by = now(), by.name[:120]
    return row


def _of_calendar(row: HolidayCalendar) -> tuple[str, ...]:
    return (row.key, row.name, row.country, row.subdivision, row.days, row.ranges)


def _of_holidays(row: SleepHolidays) -> tuple[object, ...]:
    return (row.keys, row.zone, row.target)


@transaction.atomic
def grant(*, row: SleepGrant, by: Actor, note: str = "") -> SleepGrant:
    """An exemption or a forced sleep that begins now or later and always ends. Raises Refused, Wrong, OverBudget."""
    at = now()
    row.by = row.by or by.name[:120]
    row.reason = (row.reason or note).strip()[:300]
    if not row.reason:
        raise Refused("Say why, for the others of the team.")
    longest = LONGEST[Ask(row.ask)]
    if not row.since < row.until or not at < row.until <= at + longest:
        raise Wrong({"until": f"Choose an end within the next {longest.days} days, after it begins."})
    of = budgets.SleepLayer.of(row)
    with budgets.held(of, by=by, reason=row.reason, at=at) as effects:
        saved = records.save(row=row, by=by, note=note or row.reason)
    budgets.tell_of(of, effects, by=by)
    return saved


@transaction.atomic
def end_grant(*, row: SleepGrant, by: Actor, note: str = "") -> SleepGrant:
    """End it before its time. Raises Refused."""
    found, at = SleepGrant.objects.select_for_update(of=("self",)).get(pk=row.pk), now()
    if found.ends_at <= at:
        raise Refused("It has ended already.")
    found.ended_at = at
    return records.save(row=found, by=by, note=note)


@transaction.atomic
def freeze(*, row: SleepFreeze, by: Actor, note: str = "") -> SleepFreeze:
    """Nothing new sleeps on the cluster; waking goes on. Raises Refused, Wrong."""
    row.by = row.by or by.name[:120]
    row.reason = (row.reason or note).strip()[:300]
    if not row.reason:
        raise Refused("Say why: teams see it where their models stay awake.")
    if row.until is not None and row.until <= max(row.since, now()):
        raise Wrong({"until": "Choose an end that comes after its beginning, and after now."})
    return records.save(row=row, by=by, note=note or row.reason)


@transaction.atomic
def thaw(*, row: SleepFreeze, by: Actor, note: str = "") -> SleepFreeze:
    """End a freeze: what the schedules want asleep falls asleep within seconds. Raises Refused."""
    found, at = SleepFreeze.objects.select_for_update(of=("self",)).get(pk=row.pk), now()
    if _is_over(found, at):
        raise Refused("It has ended already.")
    found.ended_at = at
    return records.save(row=found, by=by, note=note)


def _is_over(row: SleepFreeze, at: datetime) -> bool:
    return row.ends_at is not None and row.ends_at <= at
