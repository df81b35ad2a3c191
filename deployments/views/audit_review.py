"""The audit log as CSV, and the queue of entries to look at."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from baristaweb.lib.clock import now
from baristaweb.lib.csv_export import download
from deployments.access import current_user, may, require
from deployments.actions import audit_reviews
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.models import AuditEvent, AuditReview, Team, User
from deployments.queries import audit as queries
from deployments.queries import audit_reviews as review_queries
from deployments.views.audit import filters_of
from deployments.views.audit_words import line_of

PAGE_SIZE = 50
MOST_ROWS = 100_000
COLUMNS = (
    "entry", "at", "kind", "allowed", "who", "username", "user id", "through",
    "what", "team", "environment", "cluster", "why", "changes",
    "request", "hash",
)  # fmt: skip


@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """What the filters of the audit page show, oldest rows cut beyond 100,000."""
    found = queries.events(current_user(request), filters_of(request))[:MOST_ROWS]
    return download(f"barista-audit-{now():%Y%m%d-%H%M}.csv", COLUMNS, _rows(found))


def _rows(found: QuerySet[AuditEvent]) -> Iterator[tuple[object, ...]]:
    for event in found.iterator(chunk_size=2000):
        changes = "; ".join(f"{item['label']}: {item['before']} → {item['after']}" for item in event.changes)
        yield (
            event.seq, event.at.isoformat() if event.at else "", event.kind, "yes" if event.was_allowed else "no",
            event.actor_name, event.actor_username, event.actor_id, event.via,
            event.object_name, event.team_name, event.environment, event.cluster_name,
            event.note, changes, event.request_id, event.row_hash,
        )  # fmt: skip


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Risky entries that nobody has signed off, riskiest first."""
    user = current_user(request)
    page = Paginator(review_queries.waiting(user), PAGE_SIZE).get_page(request.GET.get("page"))
    slugs = queries.slugs(user, list(page))
    context = {
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "lines": [(line_of(event, slugs.get(event.deployment_id or 0, "")), _may_sign(user, event)) for event in page],
        "recent": AuditReview.objects.filter(seq__in=AuditEvent.objects.visible_to(user).values("seq"))[:10],
    }
    return render(request, "audit/queue.html", context)


@require_POST
def sign_off(request: HttpRequest, seq: int) -> HttpResponse:
    """Say that an entry was looked at."""
    user = current_user(request)
    event = AuditEvent.objects.visible_to(user).filter(seq=seq).first()
    if event is None:
        raise Http404
    verdict = request.POST.get("verdict", "")
    if not _may_sign(user, event):
        team = Team.objects.filter(pk=event.team_id or 0).first()
        if team is None:
            raise PermissionDenied
        require(request, Permission.AUDIT_REVIEW, target=team)
    if verdict not in AuditReview.Finding:
        messages.error(request, "Choose whether it is fine or needs a closer look.")
    else:
        try:
            audit_reviews.sign_off(
                event=event,
                by=Actor.of(request),
                verdict=AuditReview.Finding(verdict),
                note=request.POST.get("note", "").replace("\0", ""),
            )
            messages.success(request, f"Entry {seq} is signed off.")
        except Refused as refusal:
            messages.error(request, str(refusal))
    return redirect("audit-queue")


def _may_sign(user: User, event: AuditEvent) -> bool:
    return may(user, Permission.AUDIT_REVIEW, team_id=event.team_id or 0, environment=None)
