"""What is permitted where, and what running deployments keep for a while."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from deployments.actions import permits
from deployments.admin.base import AuditedAdmin
from deployments.domain.permits import KEPT_DAYS
from deployments.forms.admin.permit import PermitForm
from deployments.models import Permit


class PermitAdmin(AuditedAdmin):
    """Nothing here is changed but its end and note: another value is another permit."""

    form = PermitForm
    list_display = ("kind", "value", "where", "expires_at", "note")
    list_filter = ("kind", "namespace", ("deployment", admin.EmptyFieldListFilter))
    list_select_related = ("namespace__cluster", "deployment")
    search_fields = ("value", "note", "deployment__slug")
    fixed_after_creation = ("kind", "value", "namespace", "deployment")
    ordering = ("kind", "value")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        kept = ("deployment",) if obj is not None and obj.deployment_id else ()
        return ("kind", "value", "namespace", *kept, "expires_at", "note", "reason")

    @admin.display(description="where")
    def where(self, permit: Permit) -> str:
        if permit.deployment is not None:
            return f"{permit.deployment.slug} alone, which used it before"
        return str(permit.namespace) if permit.namespace is not None else "all namespaces"

    def remove(self, request: HttpRequest, obj: Any, *, reason: str) -> None:
        kept = permits.delete(row=obj, by=self.actor(request), note=reason)
        if kept:
            uses = "1 use" if kept == 1 else f"{kept} uses"
            messages.warning(
                request, f"{uses} by running deployments may stay for {KEPT_DAYS} days. They are listed here."
            )
