"""Price lists of clusters: made, never changed. A new price is a new version."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.actions import prices
from deployments.admin.base import AuditedAdmin
from deployments.domain.cost.matching import plain
from deployments.domain.cost.own_list import OwnLine, to_csv
from deployments.forms.admin.cost import TERM_FIELDS, PriceTermForm, PriceVersionForm
from deployments.models import PriceTerm, PriceVersion


class PriceVersionAdmin(AuditedAdmin):
    """The list in force is the one with the latest time from which its prices count."""

    form = PriceVersionForm
    list_display = ("name", "id", "cluster", "currency", "source", "effective_at", "made_at", "count")
    list_filter = ("cluster", "source")
    list_select_related = ("cluster",)
    search_fields = ("name",)
    fields = ("cluster", "name", "currency", "effective_at", "prices", "file", "reason")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("cluster", "name", "source", "currency", "effective_at", "made_at", "as_csv") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="prices")
    def count(self, version: PriceVersion) -> int:
        return len(version.lines)

    @admin.display(description="Prices")
    def as_csv(self, version: PriceVersion) -> SafeString:
        lines = [OwnLine.from_json(line) for line in version.lines]
        agreed = "\n".join(f"{line.source}: {plain(line.per_hour)}" for line in lines if line.terms)
        text = f"{to_csv(lines)}\nNegotiated:\n{agreed}" if agreed else to_csv(lines)
        return format_html("<pre>{}</pre>", text)

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        prices.publish(version=obj, by=self.actor(request), note=reason)


class PriceTermAdmin(AuditedAdmin):
    """Made and ended, never changed: each makes a new version of the cluster's price list."""

    form = PriceTermForm
    list_display = ("__str__", "kind", "effective_at", "ends_at")
    list_filter = ("cluster", "kind")
    list_select_related = ("cluster",)
    fields = (*TERM_FIELDS, "reason")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def write(self, request: HttpRequest, obj: PriceTerm, form: Any, *, reason: str) -> None:
        prices.agree(row=obj, by=self.actor(request), note=reason)

    def remove(self, request: HttpRequest, obj: PriceTerm, *, reason: str) -> None:
        """Ends it: versions were made by it."""
        prices.end(row=obj, by=self.actor(request), note=reason)
