"""The audit log as CSV, and the queue of entries to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from baristaweb.lib.clock import now
from baristaweb.lib.csv_export import download
from baristaweb.lib.numbers import FITS_BIGINT, whole
from deployments.access import TooSmallARole, current_user, may, require
from deployments.actions import audit_reviews
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.models import AuditEvent, AuditReview, Team, User
from deployments.queries import audit as queries
from deployments.queries import audit_reviews as review_queries
from deployments.views.audit import filters_of
from deployments.views.audit_words import Line, line_of

PAGE_SIZE = 50
FOLDED_FROM = 3
MOST_AT_ONCE = 500
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


@dataclass
class Group:
    """Entries of one page that say the same but for what it was done to."""

    lines: list[Line]
    may_sign: bool

    @property
    def seqs(self) -> str:
        return ",".join(str(line.event.seq) for line in self.lines)

    @property
    def is_folded(self) -> bool:
        return len(self.lines) >= FOLDED_FROM


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Risky entries that nobody has signed off, riskiest first; those of one kind by one person as one."""
    user = current_user(request)
    page = Paginator(review_queries.waiting(user), PAGE_SIZE).get_page(request.GET.get("page"))
    slugs = queries.slugs(user, list(page))
    lines = [line_of(event, slugs.get(event.deployment_id or 0, "")) for event in page]
    context = {
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "groups": (groups := _grouped(user, lines)),
        "may_sign_any": any(group.may_sign for group in groups),
        "recent": AuditReview.objects.filter(seq__in=AuditEvent.objects.visible_to(user).values("seq"))[:10],
    }
    return render(request, "audit/queue.html", context)


def _grouped(user: User, lines: list[Line]) -> list[Group]:
    """In the order of the first of each."""
    found: dict[tuple[object, ...], Group] = {}
    for line in lines:
        event, may_sign = line.event, _may_sign(user, line.event)
        key = (event.kind, event.actor_id, event.via, event.was_allowed, event.environment, event.note, may_sign)
        found.setdefault(key, Group([], may_sign)).lines.append(line)
    folded, apart = [], []
    for group in found.values():
        if group.is_folded:
            folded.append(group)
        else:
            apart += [Group([line], group.may_sign) for line in group.lines]
    order = {line.event.seq: place for place, line in enumerate(lines)}
    return sorted(folded + apart, key=lambda group: order[group.lines[0].event.seq])


@require_POST
def sign_off_all(request: HttpRequest) -> HttpResponse:
    """Sign off what was selected, with one note: `seq`, each one number or several with commas between."""
    given = (part for text in request.POST.getlist("seq") for part in text.split(","))
    return _sign_off(request, {seq for part in given if (seq := whole(part, digits=FITS_BIGINT)) is not None})


@require_POST
def sign_off(request: HttpRequest, seq: int) -> HttpResponse:
    """Say that an entry was looked at."""
    return _sign_off(request, {seq})


def _sign_off(request: HttpRequest, wanted: set[int]) -> HttpResponse:
    user = current_user(request)
    events = list(AuditEvent.objects.visible_to(user).filter(seq__in=list(wanted)[:MOST_AT_ONCE]).order_by("seq"))
    if wanted and not events:
        raise Http404
    for event in events:
        if not _may_sign(user, event):
            team = Team.objects.filter(pk=event.team_id or 0).first()
            if team is None:
                raise TooSmallARole.platforms()
            require(request, Permission.AUDIT_REVIEW, target=team)
    verdict = request.POST.get("verdict", "")
    if not events:
        messages.error(request, "Select at least one entry.")
    elif verdict not in AuditReview.Finding:
        messages.error(request, "Choose whether it is fine or needs follow-up.")
    else:
        try:
            made = audit_reviews.sign_off(
                events=events,
                by=Actor.of(request),
                verdict=AuditReview.Finding(verdict),
                note=request.POST.get("note", "").replace("\0", ""),
            )
            one = f"Entry {made[0].seq} is signed off."
            messages.success(request, one if len(made) == 1 else f"{len(made)} entries are signed off.")
        except Refused as refusal:
            messages.error(request, str(refusal))
    return redirect("audit-queue")


def _may_sign(user: User, event: AuditEvent) -> bool:
    return may(user, Permission.AUDIT_REVIEW, team_id=event.team_id or 0, environment=None)
