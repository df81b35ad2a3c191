"""Clusters and the namespaces that teams may deploy to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from deployments.actions import clusters, places
from deployments.admin.base import AuditedAdmin
from deployments.forms.admin.cluster import ClusterForm, NamespaceForm
from deployments.models import Cluster


class ClusterAdmin(AuditedAdmin):
    form = ClusterForm
    list_display = ("name", "slug", "access", "provider", "is_active", "seen")
    list_filter = ("is_active", "provider")
    list_select_related = ("health",)
    search_fields = ("name", "slug")
    fixed_after_creation = ("slug",)
    fieldsets = (
        (None, {"fields": ("slug", "name", "is_active", "typed_name")}),
        ("How workers reach it", {"fields": ("access", "kubeconfig", "context", "endpoint", "service_account")}),
        ("Where it runs", {"fields": ("provider", "project", "location", "cloud_name")}),
        (None, {"fields": ("reason",)}),
    )

    @admin.display(description="health")
    def seen(self, cluster: Cluster) -> str:
        return cluster.health.get_state_display() if hasattr(cluster, "health") else "not seen yet"

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        clusters.save(row=obj, by=self.actor(request), note=reason)


class NamespaceAdmin(AuditedAdmin):
    """A namespace with deployments keeps its team and environment: permissions and checks hang on both."""

    form = NamespaceForm
    list_display = ("name", "cluster", "environment", "team")
    list_filter = ("environment", "cluster", "team")
    list_select_related = ("cluster", "team")
    search_fields = ("name",)
    fixed_after_creation = ("cluster", "name")
    fields = ("cluster", "name", "environment", "team", "reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = tuple(super().get_readonly_fields(request, obj))
        return (*fixed, "environment", "team") if obj and obj.deployments.exists() else fixed

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        places.save(row=obj, by=self.actor(request), note=reason)
