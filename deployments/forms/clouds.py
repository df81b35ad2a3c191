"""Looking for clusters of a Google project, and registering one that was found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from baristaweb.lib.refusals import SaysWhatFits
from deployments.domain.gke.cluster import EndpointKind
from deployments.domain.gke.place import InvalidPlace, check_account, check_cluster_name, check_location, check_project
from deployments.models import Cluster
from deployments.models.people import slug_validator


def _checked(check: Callable[[str], None], text: str) -> str:
    try:
        check(text)
    except InvalidPlace as problem:
        raise ValidationError(str(problem)) from problem
    return text


class LookForm(SaysWhatFits, forms.Form):
    project = forms.CharField(max_length=100, help_text="Its id, like acme-models.")
    location = forms.CharField(max_length=60, required=False, help_text="A region or zone. Empty: all of them.")
    service_account = forms.CharField(
        max_length=130,
        required=False,
        help_text="E-mail of a service account that workers act as. Empty: their own identity.",
    )

    def clean_project(self) -> str:
        return _checked(check_project, self.cleaned_data["project"])

    def clean_location(self) -> str:
        text: str = self.cleaned_data["location"]
        return _checked(check_location, text) if text else ""

    def clean_service_account(self) -> str:
        return _checked(check_account, self.cleaned_data["service_account"])


class RegisterForm(SaysWhatFits, forms.Form):
    """`found`: [location/name] of what a worker found; nothing else can be registered here."""

    cluster = forms.ChoiceField()
    slug = forms.CharField(
        max_length=40, validators=[slug_validator], help_text="Short, for addresses and commands. It cannot be changed."
    )
    name = forms.CharField(max_length=80, help_text="What people read.")
    endpoint = forms.ChoiceField(choices=[(item.value, item.label) for item in EndpointKind], initial="auto")
    reason = forms.CharField(max_length=500, help_text="Why. It is kept in the audit log.")

    def __init__(self, *args: Any, found: list[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["cluster"].choices = [(key, key) for key in found]  # type: ignore[attr-defined]

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Cluster.objects.filter(slug=slug).exists():
            raise ValidationError("A cluster of this slug is registered already.")
        return slug


def place_problems(data: dict[str, Any]) -> dict[str, str]:
    """By field, what keeps a cluster's row from being reached by name; empty when nothing does."""
    checks: tuple[tuple[str, Callable[[str], None], str], ...] = (
        ("project", check_project, data.get("project", "")),
        ("location", check_location, data.get("location", "")),
        ("cloud_name", check_cluster_name, data.get("cloud_name") or data.get("slug", "")),
        ("service_account", check_account, data.get("service_account", "")),
    )
    found = {}
    for field, check, text in checks:
        try:
            check(text)
        except InvalidPlace as problem:
            found[field] = str(problem)
    return found
