"""The audit log, newest first, in pages that stay fast at any length: a page begins below a sequence number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from deployments.models import AuditEvent, Deployment, User


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the page's address asks for; empty means any. `kinds` are beginnings of kinds."""

    words: str = ""
    actor: str = ""
    environment: str = ""
    team: str = ""
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    outcome: str = ""
    request_id: str = ""
    before: int | None = None


def events(user: User, filters: Filters) -> QuerySet[AuditEvent]:
    """Those the user may read."""
    found = AuditEvent.objects.visible_to(user)
    for word in filters.words.split()[:5]:
        found = found.filter(
            Q(note__icontains=word)
            | Q(object_name__icontains=word)
            | Q(actor_name__icontains=word)
            | Q(actor_username__icontains=word)
            | Q(team_name__icontains=word)
            | Q(changes__icontains=word)
        )
    if filters.actor:
        found = found.filter(Q(actor_name__icontains=filters.actor) | Q(actor_username__icontains=filters.actor))
    if filters.environment:
        found = found.filter(environment=filters.environment)
    if filters.team:
        found = found.filter(team_name=filters.team)
    if filters.kinds:
        wanted = Q()
        for beginning in filters.kinds:
            wanted |= Q(kind__startswith=beginning)
        found = found.filter(wanted)
    if filters.since:
        found = found.filter(at__gte=filters.since)
    if filters.until:
        found = found.filter(at__lt=filters.until)
    if filters.outcome:
        found = found.filter(was_allowed=filters.outcome == "done")
    if filters.request_id:
        found = found.filter(request_id=filters.request_id)
    if filters.before is not None:
        found = found.filter(seq__lt=filters.before)
    return found.order_by("-seq")


def slugs(user: User, shown: Iterable[AuditEvent]) -> dict[int, str]:
    """Addresses of the events' deployments that the user may open."""
    ids = {event.deployment_id for event in shown if event.deployment_id is not None}
    return dict(Deployment.objects.visible_to(user).filter(pk__in=ids).values_list("pk", "slug")) if ids else {}
