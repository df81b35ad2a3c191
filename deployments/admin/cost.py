"""Price lists of clusters: made, never changed. A new price is a new version."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.actions import prices
from deployments.admin.base import AuditedAdmin
from deployments.domain.cost.own_list import OwnLine, to_csv
from deployments.forms.admin.cost import PriceVersionForm
from deployments.models import PriceVersion


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
        return format_html("<pre>{}</pre>", to_csv(OwnLine.from_json(line) for line in version.lines))

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        prices.publish(version=obj, by=self.actor(request), note=reason)
