"""Forms of clusters and namespaces."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from deployments.domain.text.naming import InvalidName, check_namespace
from deployments.forms.admin.fields import ReasonForm
from deployments.models import Cluster, Namespace


class ClusterForm(ReasonForm):
    class Meta:
        model = Cluster
        fields = (
            "slug",
            "name",
            "is_active",
            "access",
            "kubeconfig",
            "context",
            "provider",
            "project",
            "location",
            "cloud_name",
        )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("access") == Cluster.Access.KUBECONFIG:
            path = data.get("kubeconfig", "")
            if not path.startswith("/"):
                self.add_error("kubeconfig", "Give the absolute path of the file on the workers' machine.")
        elif data.get("kubeconfig"):
            self.add_error("kubeconfig", "Leave this empty: the workers use the ServiceAccount of their own pod.")
        return data


class NamespaceForm(ReasonForm):
    class Meta:
        model = Namespace
        fields = ("cluster", "name", "environment", "team")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        try:
            check_namespace(name)
        except InvalidName as problem:
            raise ValidationError(str(problem)) from problem
        return name
