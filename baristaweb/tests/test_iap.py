"""Logging in by Google's Identity-Aware Proxy: only what it signed for this site, and one account for one person."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from baristaweb.lib import iap
from baristaweb.lib.iap import Keys
from baristaweb.shell.iap import HEADER
from deployments.models import AuditEvent, User
from deployments.tests import factories

pytestmark = pytest.mark.django_db

AUDIENCE = "/projects/7/global/backendServices/42"
CLAIMS = {"iss": iap.ISSUER, "aud": AUDIENCE, "sub": "accounts.google.com:1001", "email": "Pat@example.com"}


def new_key() -> tuple[str, str]:
    """Private and public, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


PRIVATE, PUBLIC = new_key()


@dataclass
class Google:
    """The server of the proxy's keys."""

    url: str = ""
    keys: dict[str, str] = field(default_factory=lambda: {"first": PUBLIC})
    status: int = 200
    asked: int = 0


@pytest.fixture
def google(settings: Settings) -> Iterator[Google]:
    google = Google()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            google.asked += 1
            self.send_response(google.status)
            self.end_headers()
            self.wfile.write(json.dumps(google.keys).encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        google.url = f"http://127.0.0.1:{server.server_port}/keys"
        settings.BARISTA = replace(settings.BARISTA, iap_audience=AUDIENCE, iap_keys=google.url)
        yield google
        server.shutdown()
        thread.join()


def signed(*, private: str = PRIVATE, key_id: str = "first", **claims: Any) -> str:
    at = int(time.time())
    return jwt.encode(
        {"iat": at, "exp": at + 600, **CLAIMS, **claims}, private, algorithm="ES256", headers={"kid": key_id}
    )


def ask(token: str, client: Client | None = None, url: str = "/") -> Any:
    return (client or Client()).get(url, headers={HEADER: token})


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def forged() -> dict[str, str]:
    at = int(time.time())
    body = encoded({"iat": at, "exp": at + 600, **CLAIMS})
    renamed = encoded({"iat": at, "exp": at + 600, **CLAIMS, "email": "sam@example.com"})
    good = signed()
    return {
        "another key": signed(private=new_key()[0]),
        "a key that is not Google's": signed(private=new_key()[0], key_id="mine"),
        "for another site": signed(aud="/projects/7/global/backendServices/43"),
        "for no site": signed(aud=""),
        "by somebody else": signed(iss="https://accounts.google.com"),
        "over": signed(iat=at - 4000, exp=at - 3600),
        "of the future": signed(iat=at + 3600, exp=at + 7200),
        "without signature": f"{encoded({'alg': 'none', 'kid': 'first'})}.{body}.",
        "a changed name": ".".join([good.split(".")[0], renamed, good.split(".")[2]]),
        "names nobody": signed(sub=""),
        "no token": "²" * 9,
        "two parts": "a.b",
        "long": "a" * 8000,
    }


@pytest.mark.parametrize("what", list(forged()))
def test_what_the_proxy_did_not_sign_for_this_site_lets_nobody_in(what: str, google: Google) -> None:
    factories.make_user("pat", email="pat@example.com")
    client = Client()
    token = forged()[what]
    answer = ask(token.encode().decode("latin-1"), client)
    assert answer.status_code == 403
    assert b"could not be checked" in answer.content
    assert "_auth_user_id" not in client.session


def test_the_first_login_links_the_account_and_later_ones_go_by_it(google: Google) -> None:
    user = factories.make_user("pat", email="pat@example.com")
    assert ask(signed()).status_code == 200
    user.refresh_from_db()
    event = AuditEvent.objects.get(kind="user.linked")
    assert (user.google_subject, event.actor_username, event.facts) == ("1001", "pat", {"account": "pat@example.com"})

    client = Client()
    assert ask(signed(email="pat.new@example.com"), client).status_code == 200
    assert client.session["_auth_user_id"] == str(user.pk)
    assert AuditEvent.objects.filter(kind="user.linked").count() == 1


def test_an_address_that_moved_to_another_person_takes_no_rights_along(google: Google) -> None:
    factories.make_user("pat", email="pat@example.com")
    assert ask(signed()).status_code == 200
    answer = ask(signed(sub="accounts.google.com:2002"))
    assert answer.status_code == 403
    assert b"There is no account for pat@example.com" in answer.content


@pytest.mark.parametrize("who", ["nobody", "two", "inactive"])
def test_who_has_no_account_is_told(who: str, google: Google) -> None:
    if who == "two":
        factories.make_user("pat", email="pat@example.com")
        factories.make_user("pat2", email="PAT@example.com")
    if who == "inactive":
        factories.make_user("pat", email="pat@example.com", is_active=False)
    answer = ask(signed())
    assert answer.status_code == 403
    assert b"There is no account for pat@example.com" in answer.content
    assert not User.objects.exclude(google_subject=None).exists()


def test_a_session_is_of_whom_the_proxy_names_now(google: Google) -> None:
    factories.make_user("pat", email="pat@example.com")
    sam = factories.make_user("sam", email="sam@example.com")
    client = Client()
    ask(signed(), client)
    ask(signed(sub="accounts.google.com:3003", email="sam@example.com"), client)
    assert client.session["_auth_user_id"] == str(sam.pk)


def test_who_is_switched_off_is_out_at_once(google: Google) -> None:
    user = factories.make_user("pat", email="pat@example.com")
    client = Client()
    assert ask(signed(), client).status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert ask(signed(), client).status_code == 403


def test_a_session_is_not_looked_up_twice(google: Google, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    factories.make_user("pat", email="pat@example.com")
    client = Client()
    ask(signed(), client, "/theme/")
    with django_assert_num_queries(2):
        ask(signed(), client, "/theme/")


def test_logging_out_ends_the_session_at_the_proxy_too(google: Google) -> None:
    factories.make_user("pat", email="pat@example.com")
    client = Client()
    ask(signed(), client)
    assert client.post("/logout/")["Location"] == "/_gcp_iap/clear_login_cookie"


def test_without_the_header_there_is_the_password(google: Google) -> None:
    assert Client().get("/")["Location"].startswith("/login/")
    assert google.asked == 0


def test_where_no_audience_is_set_the_header_is_nothing() -> None:
    factories.make_user("pat", email="pat@example.com")
    assert ask(signed())["Location"].startswith("/login/")


def test_keys_are_kept_and_asked_for_again_when_one_is_unknown(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(iap.time, "monotonic", lambda: clock[0])
    keys = Keys(google.url)
    for _ in range(3):
        assert "first" in keys.holding("first")
    assert google.asked == 1

    google.keys = {"second": PUBLIC}
    assert "second" not in keys.holding("second"), "asked less than a minute ago"
    clock[0] += 61
    assert "second" in keys.holding("second")
    assert google.asked == 2

    google.status = 503
    clock[0] += 3601
    assert "second" in keys.holding("second"), "what is known stays in use while Google is away"
    assert google.asked == 3
