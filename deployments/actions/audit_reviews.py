"""Signing off audit events, in a table of their own: the events are never touched."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from deployments import audit
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.models import AuditEvent, AuditReview


@transaction.atomic
def sign_off(
    *, events: Sequence[AuditEvent], by: Actor, verdict: AuditReview.Finding, note: str = ""
) -> list[AuditReview]:
    """Add a sign-off to each, with one note. Raises Refused for one's own changes, and for several without words."""
    own = next((event for event in events if event.actor_id == by.id), None)
    if by.id is None or own is not None:
        which = f"Entry {own.seq} is your own change" if own is not None and len(events) > 1 else "You made this change"
        raise Refused(f"{which}: somebody else has to sign it off.")
    if not note.strip():
        if verdict is AuditReview.Finding.CONCERN:
            raise Refused("Say what needs follow-up, such as: asked the author why.")
        if len(events) > 1:
            raise Refused("Say what you saw, such as: set-up of the new cluster, as agreed.")
    made = [
        AuditReview(seq=event.seq, reviewer_id=by.id, reviewer_name=by.label, verdict=verdict, note=note.strip()[:500])
        for event in events
    ]
    AuditReview.objects.bulk_create(made)
    seqs = sorted(event.seq for event in events)
    count = f"{len(made)} audit entries" if len(made) > 1 else "an audit entry"
    facts = {"count": count, "verdict": verdict.label, "entries": ", ".join(map(str, seqs))}
    audit.record("auditreview.created", made[-1], by=by, note=note, facts=facts)
    return made
