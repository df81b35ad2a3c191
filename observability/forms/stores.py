"""The admin's forms of roots and credentials. A key itself is a file on the import workers: it is never typed here."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from deployments.forms.admin.fields import ReasonForm
from observability.domain.sources.places import root_problem
from observability.models import StoreCredential, StoreRoot


class StoreRootForm(ReasonForm):
    class Meta:
        model = StoreRoot
        fields = ("slug", "name", "uri", "team", "credential", "is_active")

    def clean_uri(self) -> str:
        uri: str = self.cleaned_data["uri"].strip()
        if problem := root_problem(uri):
            raise ValidationError(problem)
        return uri

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        credential, scheme = data.get("credential"), str(data.get("uri", "")).partition("://")[0]
        if credential is not None and scheme and credential.kind != scheme:
            self.add_error(
                "credential", f"This key is for {credential.get_kind_display()}, the root begins with {scheme}://."
            )
        return data


class StoreCredentialForm(ReasonForm):
    class Meta:
        model = StoreCredential
        fields = ("slug", "name", "kind", "file", "endpoint", "region")

    def clean_file(self) -> str:
        name: str = self.cleaned_data["file"].strip()
        if name.startswith(("/", "~")) or ".." in name.split("/") or not name.isprintable() or "\\" in name:
            raise ValidationError(
                "Name a file below BARISTA_STORE_KEYS, like s3/logs.json, without .. and a leading slash."
            )
        if len(name) > 100 or name.lstrip().startswith(("{", "-----BEGIN", "AKIA")):
            raise ValidationError(
                "This looks like a key. Put the key into a file on the import workers, and name the file here."
            )
        return name

    def clean_endpoint(self) -> str:
        endpoint: str = self.cleaned_data["endpoint"].strip()
        if endpoint and (not endpoint.startswith(("https://", "http://")) or "@" in endpoint):
            raise ValidationError("An address like https://storage.example, without a name and password.")
        return endpoint
