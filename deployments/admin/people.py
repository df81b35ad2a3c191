"""Users, teams and their members."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from deployments.actions import people, records
from deployments.admin.base import AuditedAdmin, plain_choice
from deployments.domain.roles import Role
from deployments.forms.admin.people import MembersFormSet, TeamForm, UserForm
from deployments.models import Membership, Team, User


class UserAdmin(AuditedAdmin):
    """Users are switched off, never deleted: history names them."""

    form = UserForm
    list_display = ("username", "display_name", "email", "is_active", "is_platform_admin", "is_auditor", "last_login")
    list_filter = ("is_active", "is_platform_admin", "is_auditor")
    search_fields = ("username", "display_name", "email")
    fixed_after_creation = ("username",)
    fieldsets = (
        (None, {"fields": ("username", "display_name", "email", "new_password")}),
        ("What the user may do", {"fields": ("is_active", "is_platform_admin", "is_auditor")}),
        (None, {"fields": ("reason",)}),
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        # The form refuses to let an admin lock themselves out, so it has to know who is asking.
        return type("UserForm", (form,), {"asked_by": request.user})

    def write(self, request: HttpRequest, obj: User, form: Any, *, reason: str) -> None:
        by, password = self.actor(request), form.cleaned_data["new_password"]
        if obj.pk is None:
            values = {name: form.cleaned_data[name] for name in form.created_with}
            made = people.create_user(by=by, password=password or None, note=reason, **values)
            obj.pk = made.pk
            obj._state.adding = False
            return
        if "email" in form.changed_data:
            # The next Google account with the address is linked; the one before is let in no more.
            obj.google_subject = None
        records.save(row=obj, by=by, note=reason)
        if password:
            people.set_password(user=obj, password=password, by=by, note=reason)
        lost = {"email", "is_active", "is_platform_admin", "is_auditor"} & set(form.changed_data)
        if lost or password:
            ended = people.end_sessions(user=obj)
            if ended:
                messages.info(request, f"{ended} open session{'s' if ended > 1 else ''} of {obj} ended.")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembersInline(admin.TabularInline):
    model = Membership
    formset = MembersFormSet
    extra = 1
    fields = ("user", "role")
    verbose_name_plural = "members"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(Q(is_active=True) | Q(memberships__isnull=False)).distinct()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return plain_choice(super().formfield_for_dbfield(db_field, request, **kwargs))


class TeamAdmin(AuditedAdmin):
    form = TeamForm
    list_display = ("name", "slug", "contact", "members_count")
    search_fields = ("name", "slug")
    fixed_after_creation = ("slug",)
    fields = ("slug", "name", "contact", "reason")
    inlines = (MembersInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        found: QuerySet[Team] = super().get_queryset(request)
        return found.annotate(number=Count("memberships"))

    @admin.display(description="members", ordering="number")
    def members_count(self, team: Any) -> int:
        return int(team.number)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Roles first and removals last, so that a team may swap its only maintainer."""
        by, reason = self.actor(request), form.cleaned_data["reason"]
        formset.save(commit=False)
        for member in [*formset.new_objects, *(row for row, _ in formset.changed_objects)]:
            people.set_role(team=form.instance, user=member.user, role=Role(member.role), by=by, note=reason)
        for member in formset.deleted_objects:
            people.remove(member=member, by=by, note=reason)
