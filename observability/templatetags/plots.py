"""Filters of charts and of their tables."""

from __future__ import annotations

from django import template

from observability.domain.charts.scales import points, share

register = template.Library()


@register.filter
def unlocalized(value: float) -> str:
    """A number as SVG takes it, whatever the language of the page."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@register.filter
def add_to(value: float, more: float) -> str:
    return unlocalized(value + more)


@register.filter
def halved(value: float) -> str:
    return unlocalized(value / 2)


@register.filter
def shares(value: float) -> str:
    """A share as percent."""
    return share(value)


@register.filter
def moves(value: float) -> str:
    """A move of a share, in points."""
    return points(value)


@register.filter
def minus(value: float, other: float) -> str:
    return f"{value - other:.4f}"
