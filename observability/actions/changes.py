"""Telling of something that happened outside of Barista, and taking it back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.models import Deployment
from observability.models import ChangeEvent

AHEAD = timedelta(days=1)  # a release may be told shortly before it happens


@transaction.atomic
def post(*, deployment: Deployment, kind: str, title: str, occurred_at: datetime, link: str, by: Actor) -> ChangeEvent:
    """The same title at the same time is the one that is there: CI may post twice. Raises Wrong."""
    at = now()
    if occurred_at > at + AHEAD:
        raise Wrong({"occurred_at": "It may lie at most a day ahead."})
    Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
    known = ChangeEvent.objects.filter(
        deployment=deployment, title=title, occurred_at=occurred_at, withdrawn_at=None
    ).first()
    if known is not None:
        return known
    made = ChangeEvent(
        deployment=deployment,
        kind=kind,
        title=title,
        occurred_at=occurred_at,
        link=link,
        posted_at=at,
        posted_by=by.label,
    )
    made.save()
    audit.record("changeevent.posted", made, by=by, facts=made.facts())
    return made


@transaction.atomic
def withdraw(*, event: ChangeEvent, by: Actor, note: str) -> None:
    """It is no longer marked on charts; the audit log keeps it. Raises Refused."""
    found = ChangeEvent.objects.select_for_update(of=("self",)).get(pk=event.pk)
    if found.withdrawn_at is not None:
        raise Refused("It was withdrawn already.")
    found.withdrawn_at = now()
    found.save(update_fields=["withdrawn_at"])
    found.deployment = event.deployment
    audit.record("changeevent.withdrawn", found, by=by, note=note, facts=found.facts())
