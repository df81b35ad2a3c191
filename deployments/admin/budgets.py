"""Budgets, for the platform team: those of every team, and of whole environments."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from deployments.actions import budgets
from deployments.admin.base import AuditedAdmin
from deployments.forms.admin.budgets import BudgetAdminForm
from deployments.models import Budget


class BudgetAdmin(AuditedAdmin):
    form = BudgetAdminForm
    list_display = ("covers", "month", "currency", "soft", "hard", "changed_at", "changed_by")
    list_filter = ("environment", "currency")
    list_select_related = ("team", "model", "deployment__namespace")
    fixed_after_creation = ("team", "environment", "model", "deployment", "month")
    # A list to choose from would be the whole fleet.
    raw_id_fields = ("deployment",)
    fields = ("team", "environment", "model", "deployment", "month", "currency", "soft", "hard", "told", "reason")

    @admin.display(description="of")
    def covers(self, row: Budget) -> str:
        return row.covers

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        budgets.save(row=obj, by=self.actor(request), note=reason)

    def remove(self, request: HttpRequest, obj: Any, *, reason: str) -> None:
        budgets.delete(row=obj, by=self.actor(request), note=reason)
