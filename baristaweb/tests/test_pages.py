"""What holds for every page: looking changes nothing, forms carry their token, no secret is shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.db import connection
from django.test import Client

from baristaweb.tests.scene import Scene, admin_urls, scene
from baristaweb.tests.test_access_matrix import ROWS, filled
from deployments.actions import records
from deployments.models import ClusterHealth
from deployments.tests import factories

__all__ = ["scene"]
pytestmark = pytest.mark.django_db

# Sessions know when they were last used, whatever is looked at.
ALLOWED_TO_CHANGE = {"django_session"}
CANARY = "canary-c4f3b4b3"


def writes() -> dict[str, int]:
    """How many rows of each table this transaction wrote so far; also those that were written back as they were."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return {table: number for table, number in cursor.fetchall() if table not in ALLOWED_TO_CHANGE}


def readable(scene: Scene) -> list[str]:
    """Every address that a platform admin can GET."""
    pages = {scene.url(name, filled(target)) for name, target, method, *_ in ROWS if method == "GET"}
    return sorted(pages | set(admin_urls()))


def test_looking_changes_nothing(scene: Scene, client_as: Callable[[str], Client]) -> None:
    client = client_as("platform")
    before = writes()
    assert sum(before.values()) > 20  # the scene itself, so the numbers are real
    for url in readable(scene):
        for headers in ({}, {"HX-Request": "true"}):
            assert client.get(url, headers=headers).status_code < 500, url
            after = writes()
            assert after == before, f"GET {url} wrote to {sorted(t for t in after if after[t] != before.get(t))}"


def test_every_form_carries_its_token_and_every_page_its_policy(
    scene: Scene, client_as: Callable[[str], Client]
) -> None:
    client = client_as("platform")
    forms = 0
    for url in readable(scene):
        answer = client.get(url)
        if "text/html" not in answer.headers["Content-Type"] or answer.status_code != 200:
            continue
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, url
        assert "unsafe" not in policy, url
        assert "no-store" in answer.headers["Cache-Control"], url
        page = BeautifulSoup(answer.content, "html.parser")
        for form in page.select("form"):
            if str(form.get("method", "get")).lower() == "post":
                assert form.select_one("input[name=csrfmiddlewaretoken]"), f"{url}: {str(form)[:200]}"
                forms += 1
        assert not page.select("script:not([src]):not([type='application/json'])"), f"{url} has a script in the page"
        assert not page.select("[style]"), f"{url} has a style in the page: {page.select('[style]')[0]}"
        assert not page.find_all(lambda tag: any(name.startswith(("on", "hx-on")) for name in tag.attrs)), url
    assert forms > 20


def test_posts_without_a_token_are_refused(scene: Scene) -> None:
    client = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    client.force_login(scene.people.platform)
    for name, target, method, *_ in ROWS:
        if method == "POST":
            # Who posts with a token of its own is known by that alone: a session opens nothing there.
            refused = 401 if name == "deployment-change-post" else 403
            assert client.post(scene.url(name, filled(target))).status_code == refused, name


def test_no_page_shows_a_secret(
    scene: Scene, client_as: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords, keys and addresses with credentials are nowhere, whatever the page."""
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", f"{CANARY}-database")
    monkeypatch.setattr(settings, "SECRET_KEY", f"{CANARY}-key-0123456789abcdefghijklmnopqrstuvwxyz0123456789")
    cluster = scene.dev.namespace.cluster
    ClusterHealth.objects.filter(cluster=cluster).update(state="away", last_error="connection refused")
    cluster.context = "context-a"
    records.save(row=cluster, by=factories.BY)
    client = client_as("platform")
    for url in readable(scene):
        answer = client.get(url)
        text = (b"".join(answer) if answer.streaming else answer.content).decode()  # type: ignore[arg-type]
        assert CANARY not in text, url
        assert not any(token in text for token in settings.BARISTA.metrics_tokens), url
        assert not re.search(r"(md5|argon2|pbkdf2_sha256)\$", text), f"{url} shows a hash of a password"
        assert not re.search(r"\b(postgres|redis)://[^\s<]*:[^\s<]*@", text), f"{url} shows an address with a password"
