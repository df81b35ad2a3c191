"""Forms of clusters and namespaces."""

from __future__ import annotations

import os
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from baristaweb.lib.files import FileProblem, outside, read_below
from deployments.domain.apiserver.kubeconfig import LIMIT, InvalidKubeconfig, chosen, parse
from deployments.domain.text.naming import InvalidName, check_namespace
from deployments.forms.admin.fields import ReasonForm
from deployments.forms.clouds import place_problems
from deployments.models import Cluster, Namespace
from deployments.queries.uses import uses_of


class ClusterForm(ReasonForm):
    typed_name = forms.CharField(
        label="Its name, to switch it off",
        required=False,
        max_length=120,
        help_text="Only where deployments run there: while it is off, nothing is applied and nothing is seen of them.",
    )

    class Meta:
        model = Cluster
        fields = (
            "slug",
            "name",
            "is_active",
            "access",
            "kubeconfig",
            "context",
            "endpoint",
            "service_account",
            "provider",
            "project",
            "location",
            "cloud_name",
        )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("access") == Cluster.Access.KUBECONFIG:
            if problem := kubeconfig_problem(data.get("kubeconfig", ""), data.get("context", "")):
                self.add_error("kubeconfig", problem)
        elif data.get("kubeconfig"):
            self.add_error("kubeconfig", "Leave this empty: a file is read only where access is by kubeconfig.")
        if data.get("access") == Cluster.Access.GKE:
            for field, words in place_problems(data | {"slug": data.get("slug") or self.instance.slug}).items():
                self.add_error(field, words)
            if data.get("provider") != Cluster.Provider.GKE:
                self.add_error("provider", "Choose Google Kubernetes Engine: the cluster is reached by its name there.")
        elif data.get("service_account"):
            self.add_error("service_account", "Leave this empty: workers act as another only in clusters by name.")
        if self.instance.pk and "is_active" in self.changed_data and not data.get("is_active"):
            uses = uses_of(self.instance)
            if uses is not None and uses.count and data.get("typed_name", "").strip() != self.initial["name"]:
                self.add_error(
                    "typed_name", f"{uses.words}. Type {self.initial['name']} to switch it off all the same."
                )
        return data


def kubeconfig_problem(path: str, context: str) -> str:
    """Why workers would not use this file; empty when they would, or when only they can tell.

    Where the web process may not look into the folder, which is as it should be, the path alone is judged: the clusters
    page then tells what the workers found.
    """
    root = settings.BARISTA.kubeconfig_root
    if problem := outside(path, root):
        return problem
    if not os.access(root, os.R_OK | os.X_OK):
        return ""
    try:
        chosen(parse(read_below(path, root, limit=LIMIT)), context, plugins=settings.BARISTA.exec_plugins)
    except (FileProblem, InvalidKubeconfig) as problem_of_file:
        return str(problem_of_file)
    return ""


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
