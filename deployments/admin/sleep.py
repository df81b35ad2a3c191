"""Sleep schedules of teams, environments and clusters; a deployment's own is on its page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from deployments.actions import sleep_schedules
from deployments.admin.base import AuditedAdmin
from deployments.forms.admin.sleep import SleepScheduleForm
from deployments.models import SleepSchedule


class SleepScheduleAdmin(AuditedAdmin):
    form = SleepScheduleForm
    list_display = ("layer", "zone", "target", "version", "changed_at", "changed_by")
    list_select_related = ("team", "cluster")
    fixed_after_creation = ("team", "environment", "cluster")
    fields = ("team", "environment", "cluster", "zone", "windows", "target", "priority", "reason")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[SleepSchedule]:
        return super().get_queryset(request).filter(deployment=None)

    @admin.display(description="of")
    def layer(self, row: SleepSchedule) -> str:
        return f"{row.level.value} {row.layer_name}"

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        sleep_schedules.save(row=obj, by=self.actor(request), note=reason)
