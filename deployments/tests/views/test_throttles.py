"""Guessing passwords: per user over all addresses, by an open session, from behind a proxy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.urls import reverse

from baristaweb.lib.client_address import client_address
from deployments.tests.factories import PASSWORD
from deployments.tests.fixtures import People

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
LOGIN = "/login/"


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def put(number: int) -> None:
        monkeypatch.setattr(settings, "BARISTA", dataclasses.replace(settings.BARISTA, trusted_hops=number))

    return put


def attempt(client: Client, username: str, password: str, **headers: str) -> int:
    return client.post(LOGIN, {"username": username, "password": password}, **headers).status_code  # type: ignore[arg-type]


def test_one_user_is_guessed_from_many_addresses_no_more_than_from_one(client: Client, people: People) -> None:
    most = settings.BARISTA.login_failures_user
    answers = [attempt(client, "editor", "wrong", REMOTE_ADDR=f"10.0.{number}.1") for number in range(most + 5)]
    assert answers == [422] * most + [429] * 5
    assert attempt(client, "editor", PASSWORD, REMOTE_ADDR="10.9.9.9") == 429
    assert attempt(client, "viewer", PASSWORD, REMOTE_ADDR="10.9.9.9") == 302


def test_a_success_does_not_start_the_users_count_again(client: Client, people: People) -> None:
    most = settings.BARISTA.login_failures_user
    for number in range(most - 1):
        attempt(client, "editor", "wrong", REMOTE_ADDR=f"10.0.{number}.1")
    assert attempt(client, "editor", PASSWORD, REMOTE_ADDR="10.9.9.9") == 302
    assert attempt(Client(), "editor", "wrong", REMOTE_ADDR="10.8.8.8") == 422
    assert attempt(Client(), "editor", "wrong", REMOTE_ADDR="10.8.8.9") == 429


def test_addresses_of_one_ipv6_network_are_one(client: Client, people: People) -> None:
    answers = [attempt(client, f"g{n}", "x", REMOTE_ADDR=f"2001:db8:1:1::{n:x}") for n in range(21)]
    assert answers == [422] * 20 + [429]


def change(client: Client, present: str) -> Any:
    new = "a much longer sentence"
    return client.post(reverse("password"), {"present": present, "new": new, "again": new})


def test_the_present_password_cannot_be_guessed_by_an_open_session(client_as: ClientAs, people: People) -> None:
    client = client_as("editor")
    assert [change(client, f"guess {number}").status_code for number in range(5)] == [422] * 5
    assert change(client, PASSWORD).status_code == 429
    people.editor.refresh_from_db()
    assert people.editor.check_password(PASSWORD)


def test_a_new_password_that_does_not_fit_is_no_failure(client_as: ClientAs, people: People) -> None:
    client = client_as("editor")
    for _ in range(8):
        answer = client.post(reverse("password"), {"present": PASSWORD, "new": "short", "again": "short"})
        assert answer.status_code == 422
    assert change(client, PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("number", "forwarded", "expected"),
    [
        (0, "203.0.113.7", "10.1.1.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (2, "203.0.113.7", "10.1.1.1"),
        (1, "", "10.1.1.1"),
        (1, "x" * 5000, "10.1.1.1"),
        (1, "unknown", "10.1.1.1"),
        (1, "203.0.113.7:4711", "203.0.113.7"),
        (1, "[2001:db8::1]:4711", "2001:db8::/64"),
        (1, "2001:db8::1", "2001:db8::/64"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_the_client_is_who_our_own_proxies_saw(
    hops: Callable[[int], None], number: int, forwarded: str, expected: str
) -> None:
    hops(number)
    request = RequestFactory().get("/", REMOTE_ADDR="10.1.1.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


def test_behind_a_proxy_one_guesser_does_not_lock_the_others_out(
    hops: Callable[[int], None], client: Client, people: People
) -> None:
    hops(1)
    proxy = "10.1.1.1"
    for number in range(25):
        forged = {"REMOTE_ADDR": proxy, "HTTP_X_FORWARDED_FOR": f"192.0.2.{number}, 203.0.113.7"}
        answer = attempt(client, f"guess-{number}", "wrong", **forged)
        assert answer == (422 if number < 20 else 429)
    assert attempt(client, "editor", PASSWORD, REMOTE_ADDR=proxy, HTTP_X_FORWARDED_FOR="203.0.113.8") == 302
