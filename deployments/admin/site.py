"""The admin site: the site's own login, audited pages only."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator

from deployments.access import TooSmallARole
from deployments.admin.audit import AuditEventAdmin
from deployments.admin.base import AuditedAdmin
from deployments.admin.budgets import BudgetAdmin
from deployments.admin.catalogue import (
    HardwareProfileAdmin,
    MetadataPrefixAdmin,
    RegistryRuleAdmin,
    RuntimeAdmin,
    ServedModelAdmin,
)
from deployments.admin.cluster import ClusterAdmin, NamespaceAdmin
from deployments.admin.cost import PriceTermAdmin, PriceVersionAdmin
from deployments.admin.people import TeamAdmin, UserAdmin
from deployments.admin.permit import PermitAdmin
from deployments.admin.sleep import (
    HolidayCalendarAdmin,
    SleepFreezeAdmin,
    SleepGrantAdmin,
    SleepHolidaysAdmin,
    SleepScheduleAdmin,
)
from deployments.models import (
    AuditEvent,
    Budget,
    Cluster,
    HardwareProfile,
    HolidayCalendar,
    MetadataPrefix,
    Namespace,
    Permit,
    PriceTerm,
    PriceVersion,
    RegistryRule,
    Runtime,
    ServedModel,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepSchedule,
    Team,
    User,
)

PAGES: tuple[tuple[type[Any], type[AuditedAdmin]], ...] = (
    (User, UserAdmin),
    (Team, TeamAdmin),
    (Cluster, ClusterAdmin),
    (Namespace, NamespaceAdmin),
    (Runtime, RuntimeAdmin),
    (HardwareProfile, HardwareProfileAdmin),
    (RegistryRule, RegistryRuleAdmin),
    (MetadataPrefix, MetadataPrefixAdmin),
    (Permit, PermitAdmin),
    (PriceVersion, PriceVersionAdmin),
    (PriceTerm, PriceTermAdmin),
    (Budget, BudgetAdmin),
    (ServedModel, ServedModelAdmin),
    (SleepSchedule, SleepScheduleAdmin),
    (HolidayCalendar, HolidayCalendarAdmin),
    (SleepHolidays, SleepHolidaysAdmin),
    (SleepGrant, SleepGrantAdmin),
    (SleepFreeze, SleepFreezeAdmin),
    (AuditEvent, AuditEventAdmin),
)


# The pages by subject; what another app brings and is not named here stands last.
SUBJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("People", ("User", "Team")),
    ("Clusters", ("Cluster", "Namespace")),
    ("What is offered", ("Runtime", "HardwareProfile", "RegistryRule", "MetadataPrefix", "Permit")),
    ("Models", ("ServedModel",)),
    ("Prediction logs", ("StoreRoot", "StoreCredential", "ChangeToken")),
    ("Cost", ("PriceVersion", "PriceTerm", "Budget")),
    ("Sleep", ("SleepSchedule", "HolidayCalendar", "SleepHolidays", "SleepGrant", "SleepFreeze")),
    ("Audit", ("AuditEvent",)),
)
OTHERS = "Others"


class BaristaAdminSite(AdminSite):
    site_header = site_title = "Barista platform"
    index_title = "Platform"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        for model, page in PAGES:
            self.register(model, page)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Audited pages only: what a library registers on its own (Django's groups) is left out."""
        if admin_class is not None and issubclass(admin_class, AuditedAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The pages by subject, for the index and the list beside every page. Apps are how the code is cut."""
        pages = {
            page["object_name"]: page for app in super().get_app_list(request, app_label) for page in app["models"]
        }
        named = {name for _, names in SUBJECTS for name in names}
        subjects = (*SUBJECTS, (OTHERS, tuple(sorted(pages.keys() - named))))
        return [
            {
                "name": subject,
                "app_label": subject.lower().replace(" ", "-"),
                "app_url": reverse("admin:index"),
                "has_module_perms": True,
                "models": found,
            }
            for subject, names in subjects
            if (found := [pages[name] for name in names if name in pages])
        ]

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The site's own login; somebody who is logged in and still gets here may not enter."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise TooSmallARole.platforms()
        target = request.GET.get(REDIRECT_FIELD_NAME, reverse("admin:index"))
        if request.user.is_authenticated:
            return HttpResponseRedirect(reverse("admin:index"))
        return redirect_to_login(target)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Passwords are set on the user's page, where the change is recorded."""
        return HttpResponseRedirect(reverse("admin:deployments_user_change", args=[request.user.pk]))

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        return HttpResponseRedirect(reverse("admin:index"))
