"""What waits for one person."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q

from baristaweb.lib.clock import now
from deployments.domain.catalogue import Environment
from deployments.domain.roles import Permission, is_allowed
from deployments.models import AuditEvent, Deployment, Draft, Namespace, Proposal, User
from deployments.queries.fleet import load, load_ids, needing_attention, shown_to

DRAFT_DAYS = 7


def troubled(user: User, limit: int) -> list[Deployment]:
    """Deployments of the user's teams that need somebody, worst first; an auditor has none to mend."""
    if user.is_auditor and not user.is_platform_admin:
        return []
    return needing_attention(user, limit)


def asked_to_settle(user: User) -> list[Deployment]:
    """Deployments in which others hold fields and somebody asks this user, who may settle it; longest waiting first."""
    found = Deployment.objects.visible_to(user).live().filter(settle_asked_at__isnull=False)
    ids = list(found.order_by("settle_asked_at").values_list("pk", flat=True)[:50])
    waiting = [row for row in (load_ids(ids) if ids else []) if row.is_asked]
    return [row for row in waiting if _may(user, Permission.CONFLICT_RESOLVE, row.namespace)]


def own_teams(user: User, limit: int) -> list[Deployment]:
    """The user's newest-changed deployments; for people without a team, the newest of all that they see."""
    return load(shown_to(user).only("pk").filter(retired_at=None).order_by("-severity", "-changed_at")[:limit])


def to_decide(user: User) -> list[Proposal]:
    """Proposals that others sent and this user may apply, oldest first."""
    sent = (
        Proposal.objects.filter(applied_at=None, dropped_at=None, sent_at__isnull=False)
        .select_related("namespace__team", "author", "deployment")
        .exclude(author=user)
        .order_by("sent_at")
    )
    if not user.is_platform_admin:
        sent = sent.filter(namespace__team_id__in=list(user.roles))
    return [proposal for proposal in sent[:50] if _may(user, Permission.REVISION_APPLY, proposal.namespace)]


def own_open(user: User) -> tuple[list[Proposal], list[Proposal]]:
    """The user's proposals that wait for others, and the newest unfinished draft of each deployment."""
    recent = now() - timedelta(days=DRAFT_DAYS)
    rows = (
        Proposal.objects.filter(author=user, applied_at=None, dropped_at=None, created_at__gte=recent)
        .select_related("namespace__team", "deployment__current")
        .order_by("-created_at")[:50]
    )
    sent = [row for row in rows if row.sent_at is not None]
    drafts: dict[tuple[int, str], Proposal] = {}
    for row in rows:
        current = row.deployment.current.number if row.deployment and row.deployment.current else 0
        if row.sent_at is None and row.based_on == current:
            drafts.setdefault((row.namespace_id, row.name), row)
    return sent, list(drafts.values())


def unfinished(user: User) -> list[tuple[Draft, Deployment | None]]:
    """What the user typed lately and did not propose, newest first; without a deployment: a new one."""
    recent = now() - timedelta(days=DRAFT_DAYS)
    rows = list(Draft.objects.filter(user=user, saved_at__gte=recent).order_by("-saved_at"))
    names = [row.of.split(".", 2) for row in rows if row.of != Draft.NEW]
    wanted = Q()
    for cluster, namespace, name in (parts for parts in names if len(parts) == 3):
        wanted |= Q(namespace__cluster__slug=cluster, namespace__name=namespace, name=name)
    found = load(shown_to(user).only("pk").filter(wanted, retired_at=None)) if wanted else []
    by_slug = {item.slug: item for item in found if _may(user, Permission.REVISION_PROPOSE, item.namespace)}
    return [(row, by_slug.get(row.of)) for row in rows if row.of == Draft.NEW or row.of in by_slug]


def news(user: User, limit: int) -> list[AuditEvent]:
    """What others did to the user's deployments."""
    theirs = AuditEvent.objects.visible_to(user).exclude(actor_id=user.pk)
    found = theirs.filter(Q(deployment_id__isnull=False) | Q(kind="budget.crossed"))
    return list(found.order_by("-seq")[:limit])


def _may(user: User, permission: Permission, namespace: Namespace) -> bool:
    role, environment = user.roles.get(namespace.team_id), Environment(namespace.environment)
    return is_allowed(role, permission, environment, is_platform=user.is_platform_admin)
