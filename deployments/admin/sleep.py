"""What layers say of sleep: schedules, holidays, exemptions, freezes. A deployment's own is on its page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from baristaweb.lib.clock import now
from deployments.actions import sleep_layers, sleep_schedules
from deployments.admin.base import AuditedAdmin
from deployments.forms.admin.sleep import (
    HolidayCalendarForm,
    SleepFreezeForm,
    SleepGrantForm,
    SleepHolidaysForm,
    SleepScheduleForm,
)
from deployments.models import SleepFreeze, SleepGrant, SleepHolidays, SleepSchedule
from deployments.models.layers import OfLayer


class OfLayerAdmin(AuditedAdmin):
    """Rows of teams, environments and clusters; whose they are is fixed."""

    list_select_related = ("team", "cluster")
    fixed_after_creation = ("team", "environment", "cluster")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).filter(deployment=None)

    @admin.display(description="of")
    def layer(self, row: OfLayer) -> str:
        return f"{row.level.value} {row.layer_name}"


class SleepScheduleAdmin(OfLayerAdmin):
    form = SleepScheduleForm
    list_display = ("layer", "zone", "target", "version", "changed_at", "changed_by")
    fields = (
        *("team", "environment", "cluster", "zone", "windows", "target"),
        *("wake_to", "lead_minutes", "grace_minutes", "priority", "is_mirrored", "reason"),
    )

    def write(self, request: HttpRequest, obj: SleepSchedule, form: Any, *, reason: str) -> None:
        sleep_schedules.save(row=obj, by=self.actor(request), note=reason)


class SleepHolidaysAdmin(OfLayerAdmin):
    form = SleepHolidaysForm
    list_display = ("layer", "calendars", "zone", "version", "changed_at", "changed_by")
    fields = ("team", "environment", "cluster", "calendars", "zone", "target", "reason")

    def write(self, request: HttpRequest, obj: SleepHolidays, form: Any, *, reason: str) -> None:
        sleep_layers.save_holidays(row=obj, by=self.actor(request), note=reason)


class HolidayCalendarAdmin(AuditedAdmin):
    form = HolidayCalendarForm
    list_display = ("key", "name", "country", "subdivision", "version", "changed_at", "changed_by")
    fixed_after_creation = ("key",)
    fields = ("key", "name", "country", "subdivision", "days", "ranges", "file", "reason")

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        sleep_layers.save_calendar(row=obj, by=self.actor(request), note=reason)


class SleepGrantAdmin(OfLayerAdmin):
    """Made and ended, never changed: another end is another exemption."""

    form = SleepGrantForm
    list_display = ("ask", "layer", "since", "until", "by", "reason", "ended_at")
    list_filter = ("ask",)
    fields = ("ask", "team", "environment", "cluster", "since", "until", "target", "reason")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields[:-1], "by", "ended_at", "reason") if obj else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def write(self, request: HttpRequest, obj: SleepGrant, form: Any, *, reason: str) -> None:
        sleep_layers.grant(row=obj, by=self.actor(request), note=reason)

    def remove(self, request: HttpRequest, obj: SleepGrant, *, reason: str) -> None:
        """Ends it: what was decided by it refers to it."""
        if obj.ends_at > now():
            sleep_layers.end_grant(row=obj, by=self.actor(request), note=reason)


class SleepFreezeAdmin(AuditedAdmin):
    """Made and ended, never changed."""

    form = SleepFreezeForm
    list_display = ("cluster", "since", "until", "by", "reason", "ended_at")
    list_select_related = ("cluster",)
    fields = ("cluster", "since", "until", "reason")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields[:-1], "by", "ended_at", "reason") if obj else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def write(self, request: HttpRequest, obj: SleepFreeze, form: Any, *, reason: str) -> None:
        sleep_layers.freeze(row=obj, by=self.actor(request), note=reason)

    def remove(self, request: HttpRequest, obj: SleepFreeze, *, reason: str) -> None:
        if obj.ends_at is None or obj.ends_at > now():
            sleep_layers.thaw(row=obj, by=self.actor(request), note=reason)
