"""Login, its throttle, the limits of a session."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.db import connections
from django.test import Client
from django.urls import reverse

from deployments.actions import people as people_actions
from deployments.tests.cluster.conftest import wait_until
from deployments.tests.factories import BY, PASSWORD
from deployments.tests.fixtures import People

ClientAs = Callable[[str], Client]
LOGIN = "/login/"


def attempt(client: Client, username: str, password: str) -> int:
    return client.post(LOGIN, {"username": username, "password": password}).status_code


def test_login_cycles_the_session(client: Client, people: People) -> None:
    client.get(LOGIN)
    client.session["x"] = 1
    client.session.save()
    before = client.session.session_key
    assert attempt(client, "editor", PASSWORD) == 302
    assert client.session.session_key != before


def test_five_failures_block_the_right_password_too(client: Client, people: People) -> None:
    assert [attempt(client, "editor", "wrong") for _ in range(5)] == [422] * 5
    assert attempt(client, "editor", PASSWORD) == 429
    assert attempt(client, "viewer", PASSWORD) == 302
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        assert attempt(client, "editor", PASSWORD) == 302


def test_another_spelling_of_a_name_has_no_tries_of_its_own(client: Client, people: People) -> None:
    for name in ("editor", " editor", "editor ", "EDITOR", "\N{FULLWIDTH LATIN SMALL LETTER E}ditor"):
        assert attempt(client, name, "wrong") == 422
    assert attempt(client, "editor", PASSWORD) == 429


def test_twenty_failures_block_the_address(client: Client, people: People) -> None:
    for number in range(20):
        attempt(client, f"guess-{number}", "wrong")
    assert attempt(client, "editor", PASSWORD) == 429


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_moment_do_not_outrun_the_limit(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, turned_away = [], []
    released = threading.Event()

    def slow_check(request: object = None, **credentials: str) -> None:
        looked_at.append(credentials["username"])
        released.wait(30)

    def try_once() -> None:
        if attempt(Client(headers={"host": "localhost"}), "editor", "wrong") == 429:
            turned_away.append(1)
        connections.close_all()

    monkeypatch.setattr("django.contrib.auth.forms.authenticate", slow_check)
    threads = [threading.Thread(target=try_once) for _ in range(9)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(looked_at) + len(turned_away) == 9, seconds=30, what="an answer to every try")
    released.set()
    for thread in threads:
        thread.join(30)
    assert (len(looked_at), len(turned_away)) == (5, 4)


def test_a_success_is_no_failure_of_the_address(client: Client, people: People) -> None:
    for _ in range(21):
        assert attempt(client, "viewer", PASSWORD) == 302
        client.logout()
    assert attempt(client, "editor", PASSWORD) == 302


def test_unknown_and_known_users_get_the_same_answer(client: Client, people: People) -> None:
    pages = [
        client.post(LOGIN, {"username": name, "password": "wrong"}).content.decode().replace(name, "")
        for name in ("editor", "nobody")
    ]
    token = 'name="csrfmiddlewaretoken"'
    assert [line for line in pages[0].splitlines() if token not in line and "hx-headers" not in line] == [
        line for line in pages[1].splitlines() if token not in line and "hx-headers" not in line
    ]


@pytest.mark.parametrize(("idle", "expected"), [(timedelta(minutes=50), 200), (timedelta(minutes=70), 302)])
def test_an_idle_session_ends(idle: timedelta, expected: int, client: Client, people: People) -> None:
    attempt(client, "editor", PASSWORD)
    with time_machine.travel(datetime.now(UTC) + idle):
        assert client.get(reverse("profile")).status_code == expected


def test_no_session_outlives_twelve_hours(client: Client, people: People) -> None:
    attempt(client, "editor", PASSWORD)
    start = datetime.now(UTC)
    codes = []
    for minutes in range(50, 13 * 60, 50):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            codes.append(client.get(reverse("profile")).status_code)
    assert codes[:14] == [200] * 14
    assert codes[-1] == 302


def test_disabling_a_user_ends_its_sessions(client: Client, people: People) -> None:
    attempt(client, "editor", PASSWORD)
    people.editor.is_active = False
    people_actions.set_password(user=people.editor, password="x" * 20, by=BY)
    assert client.get(reverse("profile")).status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "http:evil.example",
        "https://evil.example",
        "https://localhost@evil.example",
        "https://localhost.evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
    ],
)
def test_no_open_redirect(target: str, client: Client, people: People) -> None:
    form = {"username": "editor", "password": PASSWORD, "next": target}
    answer = client.post(LOGIN + "?" + urlencode({"next": target}), form)
    assert answer["Location"] == "/"
    assert client.post(reverse("theme"), {"theme": "dark", "next": target})["Location"] == "/"


def test_pages_are_not_stored(client_as: ClientAs) -> None:
    assert client_as("editor").get(reverse("profile"))["Cache-Control"] == "no-store"
