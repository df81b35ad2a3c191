"""The audit log in the admin, to read."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from deployments.admin.base import AuditedAdmin
from deployments.models import AuditEvent


class AuditEventAdmin(AuditedAdmin):
    """Nothing here writes; the database would refuse it."""

    list_display = ("seq", "at", "who", "kind", "object_name", "team_name", "environment", "was_allowed", "note")
    list_display_links = ("seq", "kind")
    list_filter = ("was_allowed", "via", "environment", "object_type")
    search_fields = ("actor_name", "actor_username", "kind", "object_name", "object_type", "team_name", "note")
    show_full_result_count = False
    fields = (
        ("seq", "at"),
        ("actor_name", "actor_username", "actor_id", "via", "request_id"),
        ("kind", "was_allowed"),
        ("object_type", "object_id", "object_name"),
        ("team_name", "environment", "cluster_name"),
        "note",
        "what_changed",
        "more",
        ("prev_hash", "row_hash", "txid"),
    )

    @admin.display(description="Changes")
    def what_changed(self, event: AuditEvent) -> SafeString:
        rows = ((item.get("label", ""), item.get("before", ""), item.get("after", "")) for item in event.changes)
        listed = format_html_join("", "<li>{}: <del>{}</del> → <ins>{}</ins></li>", rows)
        return format_html("<ul>{}</ul>", listed) if event.changes else format_html("{}", "none")

    @admin.display(description="Facts")
    def more(self, event: AuditEvent) -> str:
        return json.dumps(event.facts, sort_keys=True, ensure_ascii=False) if event.facts else "none"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*(field.name for field in AuditEvent._meta.concrete_fields), "what_changed", "more")
