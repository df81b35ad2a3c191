"""What needs me: deployments in trouble, decisions that others wait for, drafts that I left."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from deployments.access import current_user
from deployments.domain.catalogue import Environment
from deployments.domain.changes.diff import spec_diff
from deployments.domain.spec.spec import Spec
from deployments.models import Proposal
from deployments.queries import audit as audit_queries
from deployments.queries import fleet as fleet_queries
from deployments.queries import home as queries
from deployments.queries.shown import ATTENTION_FROM
from deployments.views.audit_words import line_of
from deployments.views.fleet import make_rows, may_create

TROUBLED_SHOWN = 8
TEAM_SHOWN = 10
NEWS_SHOWN = 8


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The page; to a poll, the same page again, of which htmx takes the live part."""
    user = current_user(request)
    counts = fleet_queries.counts(user)
    asked = queries.asked_to_settle(user)
    waited_for = {row.pk for row in asked}
    found = queries.troubled(user, TROUBLED_SHOWN) if counts.attention else []
    troubled = make_rows(
        [*asked, *(row for row in found if row.pk not in waited_for)][: max(TROUBLED_SHOWN, len(asked))]
    )
    own = make_rows(queries.own_teams(user, TEAM_SHOWN))
    to_decide = queries.to_decide(user)
    waiting, drafts = queries.own_open(user)
    unfinished = queries.unfinished(user)
    news = queries.news(user, NEWS_SHOWN)
    slugs = audit_queries.slugs(user, news)
    # What somebody asks for counts once, whether or not its state asks for somebody too.
    quiet = [row for row in troubled if row.deployment.pk in waited_for and row.state.severity < ATTENTION_FROM]
    in_trouble = counts.attention + len(quiet) if troubled else 0
    context: dict[str, Any] = {
        "counts": counts,
        "troubled": troubled,
        "asked": waited_for,
        "troubled_hidden": in_trouble - len(troubled),
        "own": own,
        "to_decide": to_decide,
        "drafts": [(draft, _changed(draft)) for draft in drafts],
        "unfinished": unfinished,
        "waiting": waiting,
        "news": [line_of(item, slugs.get(item.deployment_id or 0, "")) for item in news],
        "needs": in_trouble + len(to_decide),
        "in_prod": counts.attention_prod * bool(troubled)
        + sum(item.namespace.environment == Environment.PROD.value for item in to_decide),
        "is_settled": all(row.state.settled for row in [*troubled, *own]),
        "roles": user.roles,
        "may_create": may_create(user),
    }
    is_part = request.htmx and request.htmx.target == "needs"  # type: ignore[attr-defined]
    answer = render(request, "home.html#needs" if is_part else "home.html", context)
    patch_vary_headers(answer, ["HX-Request", "HX-Target"])
    return answer


def _changed(draft: Proposal) -> str:
    """The labels of the fields that a draft changes."""
    current = draft.deployment.current if draft.deployment else None
    if current is None:
        return "a new deployment"
    changes = spec_diff(current.to_spec(), Spec.from_json(draft.spec))
    labels = [change.label.lower() for change in changes]
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
