"""The platform team's pages of stores: where logs may lie, and the names of keys that read them."""

from __future__ import annotations

from django.contrib import admin

from deployments.admin.base import AuditedAdmin
from observability.forms.stores import StoreCredentialForm, StoreRootForm
from observability.models import StoreCredential, StoreRoot


class StoreRootAdmin(AuditedAdmin):
    form = StoreRootForm
    list_display = ("name", "uri", "team", "credential", "is_active")
    list_select_related = ("team", "credential")
    search_fields = ("name", "uri")
    fixed_after_creation = ("slug",)
    fields = ("slug", "name", "uri", "team", "credential", "is_active", "reason")


class StoreCredentialAdmin(AuditedAdmin):
    form = StoreCredentialForm
    list_display = ("name", "kind", "file", "endpoint")
    fixed_after_creation = ("slug", "kind")
    fields = ("slug", "name", "kind", "file", "endpoint", "region", "reason")


admin.site.register(StoreRoot, StoreRootAdmin)
admin.site.register(StoreCredential, StoreCredentialAdmin)
