"""The platform team's pages of stores open, are audited, and take no key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from deployments.admin.base import AuditedAdmin
from deployments.models import AuditEvent
from deployments.tests import factories
from observability.actions import change_tokens
from observability.models import ChangeToken, StoreCredential
from observability.tests.sources import make_credential, make_root

pytestmark = pytest.mark.django_db
PAGES = {model: page for model, page in admin.site._registry.items() if model._meta.app_label == "observability"}


def test_every_list_add_change_and_history_opens_and_is_audited(client_as: Callable[[str], Client]) -> None:
    platform = client_as("platform")
    root = make_root("s3://logs/", credential=make_credential(), team=factories.make_team())
    change_tokens.create(row=ChangeToken(name="CI", team=root.team), by=factories.BY, note="a test")
    assert PAGES
    for model, page in PAGES.items():
        assert isinstance(page, AuditedAdmin)
        name, row = f"admin:observability_{model._meta.model_name}", model._default_manager.get()
        pages = [reverse(f"{name}_{kind}", args=[row.pk]) for kind in ("change", "history")]
        for address in (reverse(f"{name}_changelist"), reverse(f"{name}_add"), *pages):
            assert platform.get(address).status_code == 200, address


def test_a_key_typed_in_place_of_its_file_is_refused_and_kept_nowhere(client_as: Callable[[str], Client]) -> None:
    typed = {"slug": "logs", "name": "Logs", "kind": "s3", "file": "AKIACANARY0123456789", "reason": "new"}
    answer = client_as("platform").post(reverse("admin:observability_storecredential_add"), typed)
    assert answer.status_code == 200
    assert "This looks like a key" in answer.content.decode()
    assert not StoreCredential.objects.exists()
    assert not AuditEvent.objects.filter(note__contains="AKIACANARY").exists()


@pytest.mark.parametrize("name", ["maintainer", "auditor", "stranger"])
def test_only_the_platform_team_sees_stores(client_as: Callable[[str], Client], name: str) -> None:
    assert client_as(name).get(reverse("admin:observability_storeroot_changelist")).status_code == 302
