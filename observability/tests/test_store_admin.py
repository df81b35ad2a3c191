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
from deployments.tests.fixtures import People, Places
from observability.actions import change_tokens
from observability.models import ChangeToken, StoreCredential
from observability.tests.sources import make_credential, make_root, make_source

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


@pytest.mark.parametrize("name", ["root", "credential"])
def test_what_a_log_is_read_by_says_whose_and_stays(
    client_as: Callable[[str], Client], places: Places, people: People, name: str
) -> None:
    credential = make_credential()
    root = make_root("s3://logs/", credential=credential)
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    make_source(deployment, "s3://logs/ranker", root=root)
    platform, row = client_as("platform"), root if name == "root" else credential
    base = f"admin:observability_{row._meta.model_name}"
    said = platform.get(reverse(f"{base}_change", args=[row.pk])).content.decode()
    assert "1 deployment has its log in it, in prod" in said
    assert "Differs from what it runs" not in said
    platform.post(reverse(f"{base}_delete", args=[row.pk]), {"post": "yes", "reason": "old"}, follow=True)
    assert type(row).objects.filter(pk=row.pk).exists()
