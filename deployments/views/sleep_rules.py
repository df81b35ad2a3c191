"""What is said of sleep by all layers, and who keeps what awake until when."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from deployments.access import current_user
from deployments.models import Team
from deployments.queries import sleep_keys, sleep_rules
from deployments.views.sleep_night import frame


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """The widest layer first; the nearest that says anything of a kind decides."""
    user = current_user(request)
    context = frame(request, user, "sleep-rules")
    context |= {
        "rules": sleep_rules.rules_for(user, at=now()),
        "feeds": [(team, _feed(request, team)) for team in context["teams"][:20]],
        "at": now(),
    }
    return render(request, "sleep/rules.html", context)


def _feed(request: HttpRequest, team: Team) -> str:
    key = sleep_keys.make(current_user(request), sleep_keys.FEED, team)
    return request.build_absolute_uri(f"{reverse('team-sleep-feed', args=[team.slug])}?key={key}")
