"""Roots of object stores as the rules of places read them."""

from __future__ import annotations

from deployments.models import Team
from observability.domain.sources.places import Root, refusal, root_of
from observability.domain.sources.template import Template
from observability.models import StoreRoot


def roots() -> list[Root]:
    """All that are read, other teams' among them: the rules need those to keep teams apart."""
    return [_root(row) for row in StoreRoot.objects.filter(is_active=True).select_related("team")]


def refused(template: Template, team: Team) -> str | None:
    """Why the team may not read this address, as a sentence; None when it may."""
    return refusal(template, team.slug, roots())


def row_of(template: Template, team: Team) -> StoreRoot | None:
    """The root by which the team may read this address."""
    rows = list(StoreRoot.objects.filter(is_active=True).select_related("team", "credential"))
    known = [_root(row) for row in rows]
    if refusal(template, team.slug, known) is not None:
        return None
    found = root_of(template, team.slug, known)
    return next((row for row, root in zip(rows, known, strict=True) if root is found), None)


def offered(team: Team) -> list[StoreRoot]:
    """Roots below which the team may read, for the form to name."""
    rows = StoreRoot.objects.filter(is_active=True).select_related("team", "credential").order_by("uri")
    return [row for row in rows if row.team_id in (None, team.pk)]


def _root(row: StoreRoot) -> Root:
    return Root(row.uri, row.name, frozenset({row.team.slug}) if row.team else frozenset())
