"""Forms about people: membership, profile, password."""

from __future__ import annotations

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from baristaweb.lib.refusals import SaysWhatFits
from deployments.domain.roles import Role
from deployments.domain.text.naming import InvalidText, clean_text
from deployments.models import User

ROLES = [(role.value, f"{role.label}: {role.description}") for role in Role]


class MemberForm(SaysWhatFits, forms.Form):
    """Who gets which role."""

    username = forms.CharField(label="User name", max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label="Role", choices=ROLES, initial=Role.VIEWER.value)

    def clean_username(self) -> User:
        """The active user of that name."""
        name = self.cleaned_data["username"].strip()
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise ValidationError(f"There is no user {name}. The platform team creates accounts.")
        return user


class RoleForm(SaysWhatFits, forms.Form):
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in Role])


class ProfileForm(SaysWhatFits, forms.ModelForm):
    """What a user says of itself."""

    class Meta:
        model = User
        fields = ("display_name", "email")
        labels = {"display_name": "Name shown to others", "email": "Email"}
        help_texts = {
            "display_name": "Others see your user name beside it. Audit entries keep both as they were at the time."
        }

    def clean_display_name(self) -> str:
        try:
            return clean_text(self.cleaned_data["display_name"], limit=120)
        except InvalidText as problem:
            raise ValidationError(str(problem)) from problem


class PasswordForm(SaysWhatFits, forms.Form):
    """A new password, twice, with the present one."""

    present = forms.CharField(
        label="Present password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new = forms.CharField(
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters; a sentence is easy to remember.",
    )
    again = forms.CharField(
        label="New password again", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user

    def clean_present(self) -> str:
        present: str = self.cleaned_data["present"]
        if not self.user.check_password(present):
            raise ValidationError("This is not your present password.")
        return present

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        password_validation.validate_password(new, self.user)
        return new

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        if data.get("new") and data.get("again") and data["new"] != data["again"]:
            self.add_error("again", "This differs from the new password above.")
        return data
