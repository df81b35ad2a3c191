"""Tokens come from google-auth; its troubles come as the gateway's."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import LazySettings
from google.auth import exceptions

from deployments.kube.api import ClusterError, NotConfigured, Unauthorized, Unreachable
from deployments.kube.gke.tokens import IMPERSONATION, Tokens
from deployments.tests.kube.gke.google import Google, google, refusal

__all__ = ["google"]
EMAIL = "barista@acme-models.iam.gserviceaccount.com"
OTHER = "deployer@acme-models.iam.gserviceaccount.com"


class Credentials:
    """Stands in for google-auth's: `does` is a token or what refresh raises."""

    service_account_email = EMAIL

    def __init__(self, does: Any) -> None:
        self.does = does
        self.token: str | None = None
        self.expiry: datetime | None = None

    def refresh(self, request: object) -> None:
        if isinstance(self.does, Exception):
            raise self.does
        self.token = self.does
        self.expiry = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None)


def tokens(does: Any, account: str = "") -> Tokens:
    return Tokens(account, lambda _: Credentials(does))


def silence() -> Exception:
    error = exceptions.RefreshError("no answer")
    error.__cause__ = exceptions.TransportError("no answer")
    return error


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (exceptions.DefaultCredentialsError("none"), NotConfigured),
        (exceptions.TransportError("s3cr3t"), Unreachable),
        (exceptions.RefreshError("s3cr3t", retryable=True), Unreachable),
        (silence(), Unreachable),
        (ConnectionRefusedError("s3cr3t"), Unreachable),
        (exceptions.RefreshError("invalid_grant: s3cr3t", {"error": "invalid_grant"}), Unauthorized),
        (exceptions.MalformedError("s3cr3t"), Unauthorized),
        (ValueError("s3cr3t"), Unauthorized),
        (KeyError("s3cr3t"), Unauthorized),
    ],
)
def test_every_trouble_is_the_gateways_and_repeats_nothing(raised: Exception, kind: type[ClusterError]) -> None:
    with pytest.raises(ClusterError) as error:
        tokens(raised).token(30)
    assert type(error.value) is kind
    assert "s3cr3t" not in str(error.value)


@pytest.mark.parametrize("token", ["", "two words", "ends\n", "línea", None])
def test_a_token_that_fits_no_header_is_refused(token: str | None) -> None:
    with pytest.raises(Unauthorized, match="no token"):
        tokens(token).token(30)


def test_who_may_not_be_impersonated_is_said_with_the_reason() -> None:
    said = json.dumps({"error": {"status": "PERMISSION_DENIED", "message": "s3cr3t"}})
    with pytest.raises(Unauthorized) as error:
        tokens(exceptions.RefreshError("Unable to acquire impersonated credentials", said), OTHER).token(30)
    assert error.value.reason == IMPERSONATION
    assert str(error.value) == f"Google does not let Barista act as {OTHER} (PERMISSION_DENIED)."


def test_a_token_is_kept() -> None:
    found = tokens("one")
    assert found.token(30) == found.token(0) == "one"
    assert found.identity == EMAIL


def test_who_it_is_is_unknown_before_the_first_token() -> None:
    found = tokens("one")
    assert found.identity == ""


@pytest.fixture
def key_file(tmp_path: Path, google: Google, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Path:
    """A service account's JSON whose tokens come from the loopback server."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    file = tmp_path / "key.json"
    content = {"type": "service_account", "client_email": EMAIL, "private_key": pem, "token_uri": f"{google.url}/token"}
    file.write_text(json.dumps(content | {"project_id": "acme-models", "private_key_id": "1"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    settings.BARISTA = dataclasses.replace(settings.BARISTA, iam_endpoint=google.url)
    return file


def test_application_default_credentials_are_used(key_file: Path, google: Google) -> None:
    found = Tokens("")
    assert found.token(30) == "token-1"
    assert found.identity == EMAIL


def test_another_account_is_impersonated_where_the_setting_says(key_file: Path, google: Google) -> None:
    found = Tokens(OTHER)
    assert found.token(30) == "as-another"
    assert found.identity == OTHER
    assert google.asked[-1] == (f"/v1/projects/-/serviceAccounts/{OTHER}:generateAccessToken", "token-1")


def test_an_impersonation_that_is_refused_is_told_apart(key_file: Path, google: Google) -> None:
    google.answers[f"{OTHER}:generateAccessToken"] = refusal(403, "no", "IAM_PERMISSION_DENIED")
    with pytest.raises(Unauthorized) as error:
        Tokens(OTHER).token(30)
    assert error.value.reason == IMPERSONATION


def test_a_key_that_was_deleted_is_refused(key_file: Path, google: Google) -> None:
    google.token_status = 400
    with pytest.raises(Unauthorized, match="refuses Barista's credentials"):
        Tokens("").token(30)


@pytest.mark.parametrize("content", ["", "[1]", "{}", '{"type": "service_account"}', "not json s3cr3t"])
def test_a_file_of_something_else_is_said(key_file: Path, content: str) -> None:
    key_file.write_text(content)
    with pytest.raises((NotConfigured, Unauthorized)) as error:
        Tokens("").token(30)
    assert "s3cr3t" not in str(error.value)
