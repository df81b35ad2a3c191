"""Who did what, to what, why, and what it was before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from baristaweb.lib.numbers import FITS_BIGINT, whole
from deployments.access import current_user, get_deployment, may
from deployments.domain.catalogue import Environment
from deployments.domain.roles import Permission
from deployments.models import AuditEvent, AuditReview, User
from deployments.queries import audit as queries
from deployments.queries.fleet import teams_of
from deployments.views.audit_words import GROUPS, Line, budgets_of, figures_of, kinds_said, line_of
from deployments.views.detail import shell_of

PAGE_SIZE = 50
PERIODS = (("24h", "Last 24 hours", 1), ("7d", "Last 7 days", 7), ("30d", "Last 30 days", 30))


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The filtered log."""
    user = current_user(request)
    filters = filters_of(request)
    shown, has_more = page_of(user, filters)
    context: dict[str, Any] = {
        "days": [(None, lines_of(user, shown))] if filters.by_cost and shown else days_of(user, shown),
        "given": request.GET,
        "is_filtered": filters != queries.Filters(before=filters.before),
        "next_before": shown[-1].seq if has_more and not filters.by_cost else None,
        "next_after": queries.place_of(shown[-1]) if has_more and filters.by_cost else None,
        "is_first": filters.before is None and filters.after is None,
        "costs": queries.COSTS.items(),
        "sorts": queries.BY_COST.items(),
        "by_cost": filters.by_cost,
        "environments": list(Environment),
        "teams": teams_of(user),
        "groups": GROUPS,
        "periods": PERIODS,
        "query": request.GET.urlencode(),
        "has_more": any(
            request.GET.get(name) for name in ("outcome", "request", "from", "to", "cost", "least", "sort")
        ),
    }
    return render(request, "audit/list.html", context)


@require_safe
def event(request: HttpRequest, seq: int) -> HttpResponse:
    """One entry in full."""
    user = current_user(request)
    found = AuditEvent.objects.visible_to(user).filter(seq=seq).first()
    if found is None:
        raise Http404
    slug = queries.slugs(user, [found]).get(found.deployment_id or 0, "")
    facts = {name: value for name, value in found.facts.items() if value not in (None, "", False)}
    context = {
        "line": line_of(found, slug),
        "event": found,
        "figures": figures_of(facts.pop("cost_figures", None)),
        "budgets": budgets_of(facts.pop("budgets", ())),
        "facts": facts,
        "reviews": AuditReview.objects.filter(seq=seq),
        "may_sign": found.actor_id not in (None, user.pk)
        and may(user, Permission.AUDIT_REVIEW, team_id=found.team_id or 0, environment=None),
    }
    return render(request, "audit/event.html", context)


@require_safe
def activity(request: HttpRequest, slug: str) -> HttpResponse:
    """What was done to one deployment."""
    deployment = get_deployment(request, slug, Permission.AUDIT_VIEW)
    before = request.GET.get("before", "")
    rows = AuditEvent.objects.filter(deployment_id=deployment.pk).order_by("-seq")
    if (seq := whole(before, digits=FITS_BIGINT)) is not None:
        rows = rows.filter(seq__lt=seq)
    shown = list(rows[: PAGE_SIZE + 1])
    context: dict[str, Any] = shell_of(request, deployment, "activity") | {
        "days": days_of(current_user(request), shown[:PAGE_SIZE]),
        "next_before": shown[PAGE_SIZE - 1].seq if len(shown) > PAGE_SIZE else None,
        "is_first": not before,
    }
    return render(request, "deployments/activity.html", context)


def page_of(user: User, filters: queries.Filters) -> tuple[list[AuditEvent], bool]:
    """One page, and whether there are older ones."""
    found = list(queries.events(user, filters)[: PAGE_SIZE + 1])
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE


def days_of(user: User, events: Sequence[AuditEvent]) -> list[tuple[Any, list[Line]]]:
    """Lines by day, in the site's time zone."""
    return [(day, list(items)) for day, items in groupby(lines_of(user, events), key=_day)]


def lines_of(user: User, events: Sequence[AuditEvent]) -> list[Line]:
    slugs = queries.slugs(user, events)
    return [line_of(item, slugs.get(item.deployment_id or 0, "")) for item in events]


def _day(line: Line) -> Any:
    return timezone.localtime(line.event.at).date() if line.event.at else None


def filters_of(request: HttpRequest) -> queries.Filters:
    """What the address asks for; what does not fit is as if it were not there."""
    given = {name: request.GET.get(name, "").replace("\0", "")[:100] for name in request.GET}
    days = next((days for key, _, days in PERIODS if key == given.get("when")), None)
    kinds = next((kinds for key, _, kinds in GROUPS if key == given.get("kind")), ())
    return queries.Filters(
        words=given.get("q", "").strip(),
        said=tuple(kinds_said(word) for word in given.get("q", "").split()[: queries.MOST_WORDS]),
        actor=given.get("actor", "").strip(),
        environment=given.get("environment", ""),
        team=given.get("team", ""),
        kinds=kinds,
        since=now() - timedelta(days=days) if days else _day_begins(given.get("from", "")),
        until=_day_begins(given.get("to", ""), after=1),
        outcome=given.get("outcome", "") if given.get("outcome") in ("done", "refused") else "",
        request_id=given.get("request", "").strip(),
        before=whole(given.get("before"), digits=FITS_BIGINT),
        cost=given.get("cost", "") if given.get("cost") in queries.COSTS else "",
        least=_amount(given.get("least", "")),
        sort=given.get("sort", "") if given.get("sort") in queries.BY_COST else "",
        after=_after(given.get("after", "")),
    )


def _amount(raw: str) -> Decimal | None:
    """A sum of money as it is typed; anything else is as if it were not there."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,4})?", raw.strip()):
        return None
    return Decimal(raw.strip()) or None


def _after(raw: str) -> tuple[str, Decimal, int] | None:
    """As `queries.place_of` writes it."""
    found = re.fullmatch(r"([A-Z]{0,3}):(-?[0-9]{1,20}(?:\.[0-9]{1,4})?):([0-9]{1,18})", raw)
    return (found[1], Decimal(found[2]), int(found[3])) if found else None


def _day_begins(raw: str, *, after: int = 0) -> datetime | None:
    """The first instant of a day like 2026-11-25, or of the day `after` it, in the site's time zone."""
    try:
        day = date.fromisoformat(raw) + timedelta(days=after)
        return timezone.make_aware(datetime.combine(day, time.min))
    except (ValueError, OverflowError):
        return None
