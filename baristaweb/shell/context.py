"""What every page's shell shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from deployments import queries
from deployments.models import User
from deployments.views.session import THEME_COOKIE, THEMES


def shell(request: HttpRequest) -> dict[str, Any]:
    """The theme, and a banner for each cluster that is away and matters to the user (lazy: fragments do not ask)."""
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    user = getattr(request, "user", None)
    banners = SimpleLazyObject(lambda: queries.cluster_banners(user)) if isinstance(user, User) else ()
    return {"theme": theme if theme in THEMES else "auto", "cluster_banners": banners}
