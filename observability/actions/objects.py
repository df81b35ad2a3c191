"""What a person asks of the importer: an object again, or left out; a range of time read anew, or not after all."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions.errors import Refused
from deployments.audit import Actor
from observability.actions.sources import lock
from observability.models import Backfill, LogSource, SourceObject, SourceState

State = SourceObject.State


@transaction.atomic
def again(*, row: SourceObject, by: Actor, note: str = "") -> SourceObject:
    """Read one object again, with its tries counted from none. Raises Refused."""
    source = lock(row.source)
    found = SourceObject.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if found.vanished_at is not None:
        raise Refused("The object is not in the store any more, so it cannot be read again.")
    found.due_at, found.tries, found.state, found.is_fresh = now(), 0, State.QUEUED, True
    found.save(update_fields=["due_at", "tries", "state", "is_fresh"])
    audit.record("logsource.object_again", source, by=by, note=note, facts={"object": found.uri})
    return found


@transaction.atomic
def leave_out(*, row: SourceObject, by: Actor, note: str = "") -> SourceObject:
    """Count nothing of the object, until somebody asks for it again: a worker takes out what is counted of it."""
    source = lock(row.source)
    found = SourceObject.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if found.state == State.LEFT_OUT:
        raise Refused("It is left out already.")
    found.state, found.due_at, found.tries, found.reason = State.LEFT_OUT, now(), 0, note[:500]
    found.save(update_fields=["state", "due_at", "tries", "reason"])
    audit.record("logsource.object_left_out", source, by=by, note=note, facts={"object": found.uri})
    return found


@transaction.atomic
def backfill(*, source: LogSource, since: datetime, until: datetime, by: Actor, note: str = "") -> Backfill:
    """Read [since, until) of the source again, by its current spec; fresh windows go first. Raises Refused."""
    row = lock(source)
    if row.spec is None:
        raise Refused("The source has no spec yet.")
    if until <= since:
        raise Refused("The range ends before it begins.")
    if Backfill.objects.filter(source=row, finished_at=None, cancelled_at=None).exists():
        raise Refused("A backfill of this source runs already. Wait for it, or cancel it.")
    made = Backfill.objects.create(source=row, since=since, until=until, spec=row.spec, by=by.label, reason=note[:300])
    SourceState.objects.filter(source=row).update(next_poll_at=now())
    facts = {"since": _told(since), "until": _told(until), "spec": str(row.spec)}
    audit.record("logsource.backfill_started", row, by=by, note=note, facts=facts)
    return made


@transaction.atomic
def cancel(*, backfill: Backfill, by: Actor, note: str = "") -> Backfill:
    """Stop a backfill; what it has counted stays. Raises Refused."""
    source = lock(backfill.source)
    row = Backfill.objects.select_for_update(of=("self",)).get(pk=backfill.pk)
    if not row.is_running:
        raise Refused("The backfill has ended already.")
    row.cancelled_at, row.cancelled_by = now(), by.label
    row.save(update_fields=["cancelled_at", "cancelled_by"])
    waiting = SourceObject.objects.filter(source=source, is_fresh=False, due_at__isnull=False)
    waiting.filter(folded_at__isnull=False).exclude(state=State.REMOVED).update(due_at=None, state=State.FOLDED)
    waiting.filter(folded_at=None).delete()
    audit.record("logsource.backfill_cancelled", source, by=by, note=note)
    return row


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
