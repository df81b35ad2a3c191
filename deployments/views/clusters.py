"""Clusters: are they reachable, when were they last heard, and how much waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from baristaweb.lib import passing
from baristaweb.lib.clock import now
from baristaweb.lib.looks import Look, Tone
from deployments.access import current_user
from deployments.actions import clusters as actions
from deployments.models import ClusterHealth
from deployments.queries.clusters import ClusterView, clusters, find, unpermitted
from deployments.queries.kept import kept

QUIET_AFTER = timedelta(minutes=2)
LATE_AFTER = timedelta(minutes=1)


LOOKS = {
    ClusterHealth.State.OK: Look("Reachable", Tone.OK, "circle-check", True),
    ClusterHealth.State.STARTING: Look("Starting", Tone.BUSY, "refresh", False),
    ClusterHealth.State.AWAY: Look("Does not answer", Tone.BAD, "plug-connected-x", False),
    ClusterHealth.State.REFUSED: Look("Refuses our credentials", Tone.BAD, "lock", False),
    ClusterHealth.State.UNKNOWN: Look("Not seen yet", Tone.QUIET, "help", False),
}
OFF = Look("Switched off", Tone.DRAFT, "player-pause", True)


@dataclass(frozen=True)
class Card:
    """One cluster with what a person should know of it."""

    view: ClusterView
    look: Look
    sentence: str
    is_late: bool

    @property
    def next_try_at(self) -> datetime | None:
        """When the breaker lets the next request through, while that is still to come."""
        until = self.view.health.open_until if self.view.health else None
        return until if until is not None and until > now() else None

    @property
    def needs_a_look(self) -> bool:
        return self.look.tone is Tone.BAD or self.is_late


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    cards = sorted((_card(view) for view in clusters(current_user(request))), key=lambda card: not card.needs_a_look)
    context = {
        "cards": cards,
        "in_trouble": [card for card in cards if card.needs_a_look],
        "kept": kept(),
        "unpermitted": unpermitted() if current_user(request).is_platform_admin else None,
        "is_settled": all(card.look.settled and not card.view.pending for card in cards),
    }
    is_part = request.htmx and request.htmx.target == "clusters"  # type: ignore[attr-defined]
    page = "clusters/list.html#clusters" if is_part else "clusters/list.html"
    answer = render(request, page, context | {"is_part": is_part})
    patch_vary_headers(answer, ["HX-Request", "HX-Target"])
    return answer


@require_POST
def check(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask a worker to try the connection now, also while the breaker is open."""
    found = find(current_user(request), slug)
    if found is None:
        raise Http404
    if found.is_active:
        actions.check(row=found)
        passing.say(request, f"A worker tries the connection to {found} now. Its answer appears below.")
    else:
        messages.warning(request, f"{found} is switched off, so it is not tried.")
    return redirect("clusters")


def _card(view: ClusterView) -> Card:
    health = view.health
    is_late = view.oldest_pending_at is not None and now() - view.oldest_pending_at > LATE_AFTER
    if not view.cluster.is_active:
        return Card(view, OFF, "Nothing is applied here and nothing is watched.", is_late=False)
    state = ClusterHealth.State(health.state) if health else ClusterHealth.State.UNKNOWN
    return Card(view, LOOKS[state], _sentence(view, state), is_late=is_late)


def _sentence(view: ClusterView, state: ClusterHealth.State) -> str:
    health = view.health
    if state is ClusterHealth.State.STARTING:
        return f"{(health.last_error if health else '') or 'It is starting.'} Saved changes are applied when it is up."
    if state is ClusterHealth.State.AWAY:
        return "Models keep serving as they are; saved changes wait and are applied when it answers again."
    if state is ClusterHealth.State.REFUSED:
        return "The platform team has to renew Barista's credentials; saved changes wait."
    if state is ClusterHealth.State.UNKNOWN:
        return "No worker has reached it yet."
    if health and health.watched_at and now() - health.watched_at > QUIET_AFTER:
        return "It answers, but the watch is silent: states on the pages may be old. Is the watch process running?"
    if view.oldest_pending_at and now() - view.oldest_pending_at > LATE_AFTER:
        return "A saved change waits for longer than usual. Are the workers running?"
    if view.pending:
        return "Changes are on their way."
    if view.stopped:
        return "Everything else that was saved is applied; some changes wait for a person's decision."
    return "Everything that was saved is applied."
