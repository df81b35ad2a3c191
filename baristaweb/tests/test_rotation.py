"""Secrets change while people work: the old one is read until its last user is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from deployments.tests import factories

pytestmark = pytest.mark.django_db

NEW = "another-0123456789abcdefghijklmnopqrstuvwxyz0123456789abc"


@pytest.mark.parametrize("is_kept", [True, False], ids=["with fallback", "without"])
def test_people_stay_logged_in_while_the_old_key_is_a_fallback(is_kept: bool, settings: Settings) -> None:
    user = factories.make_user("pat")
    client = Client()
    assert client.login(username=user.username, password=factories.PASSWORD)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if is_kept else []
    settings.SECRET_KEY = NEW
    assert client.get("/").status_code == (200 if is_kept else 302)
    if is_kept:
        # A session that was used is signed with the new key: the fallback can go.
        settings.SECRET_KEY_FALLBACKS = []
        assert client.get("/").status_code == 200


def test_two_metrics_tokens_are_good_at_once(settings: Settings, client: Client) -> None:
    settings.BARISTA = replace(settings.BARISTA, metrics_tokens=("new-token", "old-token"))
    for token, status in (("new-token", 200), ("old-token", 200), ("new-token,old-token", 403), ("", 403)):
        assert client.get("/metrics", headers={"authorization": f"Bearer {token}"}).status_code == status


def test_without_metrics_tokens_nobody_is_told(settings: Settings, client: Client) -> None:
    settings.BARISTA = replace(settings.BARISTA, metrics_tokens=())
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 403
