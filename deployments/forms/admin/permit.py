"""The form of a permit."""

from __future__ import annotations

from typing import Any

from django import forms

from deployments.domain.permits import PermitKind, permit_problem
from deployments.forms.admin.fields import ReasonForm
from deployments.models import Permit

VALUE_HELP = (
    "Host: the suffix of hosts, like search.models.acme.com. Node label: key=value, or key for any value. Toleration: "
    "key=value:Effect, or key:Effect. Priority class, Secret, ConfigMap: its name."
)


class PermitForm(ReasonForm):
    value = forms.CharField(max_length=600, widget=forms.TextInput(attrs={"size": 60}), help_text=VALUE_HELP)

    class Meta:
        model = Permit
        fields = ("kind", "value", "namespace", "expires_at", "note")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        kind, value = data.get("kind"), data.get("value", "").strip()
        if kind and value:
            data["value"] = value
            if problem := permit_problem(PermitKind(kind), value):
                self.add_error("value", problem)
        if self.instance.deployment_id and not data.get("expires_at"):
            self.add_error("expires_at", "What a deployment keeps has to end. Permit it for the namespace instead.")
        return data
