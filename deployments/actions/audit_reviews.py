"""Signing off audit events, in a table of their own: the events are never touched."""

from __future__ import annotations

from django.db import transaction

from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.models import AuditEvent, AuditReview


@transaction.atomic
def sign_off(*, event: AuditEvent, by: Actor, verdict: AuditReview.Finding, note: str = "") -> AuditReview:
    """Add a sign-off. Raises Refused for one's own change, and for a concern without words."""
    if by.id is None or event.actor_id == by.id:
        raise Refused("You made this change: somebody else has to look at it.")
    if verdict is AuditReview.Finding.CONCERN and not note.strip():
        raise Refused("Say what needs a closer look.")
    return AuditReview.objects.create(
        seq=event.seq, reviewer_id=by.id, reviewer_name=by.label, verdict=verdict, note=note.strip()[:500]
    )
