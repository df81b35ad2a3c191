"""Forms of users, teams and members."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet

from deployments.domain.roles import Role
from deployments.domain.text.naming import InvalidText, clean_text
from deployments.forms.admin.fields import ReasonForm
from deployments.models import Team, User


class UserForm(ReasonForm):
    created_with = ("username", "display_name", "email", "is_active", "is_platform_admin", "is_auditor")
    asked_by: User | None = None

    new_password = forms.CharField(
        required=False,
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. Empty keeps the one there is; a new user without one cannot log in.",
    )

    class Meta:
        model = User
        fields = ("username", "display_name", "email", "is_active", "is_platform_admin", "is_auditor")

    def clean_display_name(self) -> str:
        try:
            return clean_text(self.cleaned_data["display_name"], limit=120)
        except InvalidText as problem:
            raise ValidationError(str(problem)) from problem

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.asked_by is not None and self.instance.pk == self.asked_by.pk:
            for name in ("is_active", "is_platform_admin"):
                if name in self.fields and not data.get(name):
                    self.add_error(name, "You would lock yourself out. Ask another platform admin to do this.")
        return data


class TeamForm(ReasonForm):
    class Meta:
        model = Team
        fields = ("slug", "name", "contact")

    def clean_name(self) -> str:
        try:
            return clean_text(self.cleaned_data["name"], limit=80)
        except InvalidText as problem:
            raise ValidationError(str(problem)) from problem


class MembersFormSet(BaseInlineFormSet):
    """A team that has a maintainer keeps one; a row keeps its person."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        for form in self.forms:
            if form.instance.pk and "user" in form.changed_data:
                form.add_error("user", "A membership stays with its person. Remove this row and add another.")
        had = any(form.initial.get("role") == Role.MAINTAINER for form in self.initial_forms)
        kept = [form for form in self.forms if form not in self.deleted_forms]
        has = any(
            form.cleaned_data.get("role") == Role.MAINTAINER for form in kept if form.has_changed() or form.instance.pk
        )
        if had and not has:
            raise ValidationError("The team would have no maintainer. Make somebody else maintainer first.")
