"""Who counts which object: claimed by a conditional update, held by a lease, given up or finished."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from baristaweb.lib.clock import now
from observability.models import SourceObject, SourceState
from observability.queries.waiting import due_objects

COUNTABLE: Final = (SourceObject.State.QUEUED, SourceObject.State.RETRYING)
STARTS: Final = 10  # workers or readers that died with it, one after the other


class Lost(Exception):
    """Somebody else has the object by now."""


def claim_next(*, at: datetime, sources: Sequence[int] = ()) -> SourceObject | None:
    """The next object, claimed: fresh windows before others, sources in turn. None: nothing to do."""
    found = _claim(due_objects(at).filter(is_fresh=True), sources, ("source__state__served_at", "due_at", "pk"), at)
    if found is None and _has_room(at):
        rest = due_objects(at).filter(is_fresh=False)
        found = _claim(rest, sources, ("source__state__served_at", "-placed_at", "pk"), at)
    return found


def _has_room(at: datetime) -> bool:
    """Backfills take some of the workers only: one is always left to fresh windows."""
    busy = SourceObject.objects.filter(is_fresh=False, claimed_until__gte=at).count()
    return bool(busy < settings.BARISTA.import_backfills)


def _claim(
    rows: QuerySet[SourceObject], sources: Sequence[int], order: Sequence[str], at: datetime
) -> SourceObject | None:
    if sources:
        rows = rows.filter(source__in=sources)
    if is_sabotaged("noclaim"):
        return (
            SourceObject.objects.select_related("source__root__credential", "source__spec")
            .filter(pk__in=rows.order_by(*order).values("pk")[:1])
            .first()
        )
    with transaction.atomic():
        locked = rows.order_by(*order).select_for_update(skip_locked=True, of=("self",))
        pk = locked.values_list("pk", flat=True).first()
        if pk is None:
            return None
        until = at + timedelta(seconds=settings.BARISTA.import_lease_s)
        mine = uuid.uuid4()
        is_free = Q(claimed_until=None) | Q(claimed_until__lt=at)
        rows = SourceObject.objects.filter(is_free, pk=pk, due_at__lte=at)
        if rows.update(claim=mine, claimed_until=until, begun_at=at, starts=F("starts") + 1) != 1:
            return None
        found = SourceObject.objects.select_related("source__root__credential", "source__spec").get(pk=pk)
        SourceState.objects.filter(source=found.source_id).update(served_at=at)
    return found


def claim_beside(row: SourceObject, *, at: datetime, most: int) -> list[SourceObject]:
    """Other objects of the backfill that the claimed one is of, claimed together: they take its one place."""
    with transaction.atomic():
        rows = due_objects(at).filter(source=row.source_id, is_fresh=False, spec=row.spec_id, state__in=COUNTABLE)
        free = rows.filter(starts__lt=STARTS).order_by("-placed_at", "pk")
        locked = free.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
        until, mine = at + timedelta(seconds=settings.BARISTA.import_lease_s), uuid.uuid4()
        chosen = SourceObject.objects.filter(pk__in=list(locked[:most]))
        chosen.update(claim=mine, claimed_until=until, begun_at=at, starts=F("starts") + 1)
    related = ("source__root__credential", "source__spec")
    return list(SourceObject.objects.select_related(*related).filter(source=row.source_id, claim=mine).order_by("pk"))


def renew(row: SourceObject) -> bool:
    """Hold it for another lease; False when somebody else has it by now."""
    until = now() + timedelta(seconds=settings.BARISTA.import_lease_s)
    return SourceObject.objects.filter(pk=row.pk, claim=row.claim).update(claimed_until=until) == 1


def give_back(row: SourceObject, *, after_s: float = 0.0) -> None:
    """Let others have it; nothing was done."""
    due = now() + timedelta(seconds=after_s)
    SourceObject.objects.filter(pk=row.pk, claim=row.claim).update(claim=None, claimed_until=None, due_at=due, starts=0)


def mine(row: SourceObject) -> SourceObject | None:
    """The locked row while the claim is still this one's, in a transaction; else None."""
    rows = SourceObject.objects.select_for_update(of=("self",)).filter(pk=row.pk)
    if not is_sabotaged("noclaim"):
        rows = rows.filter(claim=row.claim)
    return rows.first()


def is_sabotaged(how: str) -> bool:
    """Whether a trial asked for this rule to be broken, to show that it notices: never outside of tests and demos."""
    return settings.BARISTA.env != "production" and settings.BARISTA.import_sabotage == how
