"""What every page's shell shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from baristaweb.lib import registry
from deployments import queries
from deployments.models import User
from deployments.views.session import THEME_COOKIE, THEMES


def shell(request: HttpRequest) -> dict[str, Any]:
    """The theme; lazily, since fragments do not ask: the navigation, and a banner for each cluster that is away and
    matters to the user."""
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    user = getattr(request, "user", None)
    banners = SimpleLazyObject(lambda: queries.cluster_banners(user)) if isinstance(user, User) else ()
    return {
        "theme": theme if theme in THEMES else "auto",
        "cluster_banners": banners,
        "navigation": SimpleLazyObject(lambda: _navigation(request)),
    }


def _navigation(request: HttpRequest) -> list[tuple[registry.NavEntry, str]]:
    here = request.resolver_match.view_name if request.resolver_match else None
    shown = [entry for entry in registry.navigation() if entry.is_shown(request.user)]
    return [(entry, entry.current(here or "")) for entry in shown]
