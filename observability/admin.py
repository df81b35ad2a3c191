"""The platform team's pages of stores: where logs may lie, and the names of keys that read them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from deployments.actions import records
from deployments.admin.base import AuditedAdmin
from deployments.forms.admin.fields import ReasonForm
from deployments.queries.uses import Uses
from observability.actions import change_tokens
from observability.forms.stores import StoreCredentialForm, StoreRootForm
from observability.models import ChangeToken, StoreCredential, StoreRoot
from observability.queries.uses import uses_of


class OfSourcesAdmin(AuditedAdmin):
    """What log sources read by: as long as a source needs it, it stays."""

    def uses(self, row: Any) -> Uses | None:
        return uses_of(row)

    def remove(self, request: HttpRequest, obj: Any, *, reason: str) -> None:
        records.refuse_in_use(obj, self.uses(obj))
        super().remove(request, obj, reason=reason)


class StoreRootAdmin(OfSourcesAdmin):
    form = StoreRootForm
    list_display = ("name", "uri", "team", "credential", "is_active")
    list_select_related = ("team", "credential")
    search_fields = ("name", "uri")
    fixed_after_creation = ("slug",)
    fields = ("slug", "name", "uri", "team", "credential", "is_active", "reason")


class StoreCredentialAdmin(OfSourcesAdmin):
    form = StoreCredentialForm
    list_display = ("name", "kind", "file", "endpoint")
    fixed_after_creation = ("slug", "kind")
    fields = ("slug", "name", "kind", "file", "endpoint", "region", "reason")


class ChangeTokenAdmin(AuditedAdmin):
    """A token is shown once, on the page that answers its making, and stored nowhere."""

    form = ReasonForm
    list_display = ("name", "team", "created_at", "expires_at")
    list_select_related = ("team",)
    search_fields = ("name", "team__name")
    fixed_after_creation = ("name", "team")
    fields = ("name", "team", "expires_at", "reason")

    def write(self, request: HttpRequest, obj: ChangeToken, form: Any, *, reason: str) -> None:
        if obj.pk is not None:
            super().write(request, obj, form, reason=reason)
            return
        change_tokens.create(row=obj, by=self.actor(request), note=reason)

    def response_add(self, request: HttpRequest, obj: ChangeToken, post_url_continue: Any = None) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": f"Token {obj}", "row": obj, "opts": self.opts}
        context |= {"address": request.build_absolute_uri("/").rstrip("/")}
        return TemplateResponse(request, "admin/token_made.html", context)


admin.site.register(StoreRoot, StoreRootAdmin)
admin.site.register(StoreCredential, StoreCredentialAdmin)
admin.site.register(ChangeToken, ChangeTokenAdmin)
