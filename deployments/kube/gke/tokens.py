"""Access tokens of Google by google-auth: the only module that knows it here. One source per process and account.

A token is in memory and in the header of a request, nowhere else.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any, Final

import google.auth
from django.conf import settings
from google.auth import exceptions, impersonated_credentials
from google.auth.transport.requests import Request
from requests import RequestException

from deployments.kube.api import ClusterError, NotConfigured, Unauthorized, Unreachable
from deployments.kube.gke.endpoints import checked
from deployments.kube.gke.kept import FOR_EVER, Kept, Made

# Without the second, RBAC may know a service account by a number instead of its e-mail.
SCOPES: Final = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
)
LASTS_S: Final = 3600
RENEW_BEFORE_S: Final = 300.0
CALL_S: Final = 5.0
PAUSE_S: Final = 2.0
IMPERSONATION: Final = "IMPERSONATION"


class Tokens:
    """Access tokens of one account, for all threads of a process."""

    def __init__(self, account: str, make: Callable[[str], Any] | None = None) -> None:
        self.account = account
        self._open = make or _credentials
        self._credentials: Any = None
        self._kept: Kept[str] = Kept("An access token of Google", self._made, pause_s=PAUSE_S)

    def token(self, within_s: float) -> str:
        """A token that is good now. Raises NotConfigured, Unauthorized or Unreachable."""
        return self._kept.get(within_s)

    def refused(self, used: str, within_s: float) -> str:
        """After a 401: a token other than `used`; of many that ask at once one fetches it."""
        return self._kept.instead_of(used, within_s)

    @property
    def identity(self) -> str:
        """The e-mail that RBAC and IAM know it by; empty until there was a token, and for a person's credentials."""
        return self.account or str(getattr(self._credentials, "service_account_email", "") or "")

    def _made(self) -> Made[str]:
        try:
            if self._credentials is None:
                self._credentials = self._open(self.account)
            self._credentials.refresh(partial(Request(), timeout=CALL_S))
            token = str(self._credentials.token or "")
            expiry = self._credentials.expiry
        except Exception as error:  # google-auth lets errors of files, JSON and HTTP through
            raise _ours(error, self.account) from None
        if not token.isascii() or not token.isprintable() or not token or " " in token:
            raise Unauthorized("Google's credentials give no token that fits into a header.")
        if expiry is None:
            return Made(token, FOR_EVER)
        ends_at = expiry.replace(tzinfo=UTC).timestamp()
        return Made(token, ends_at - RENEW_BEFORE_S, ends_at)


_sources: dict[tuple[int, str], Tokens] = {}
_guard = threading.Lock()


def tokens_of(account: str = "") -> Tokens:
    """The source of tokens for a service account that workers act as; empty: their own identity."""
    key = os.getpid(), account  # a forked worker has no threads of its parent's
    with _guard:
        if key not in _sources:
            _sources[key] = Tokens(account)
        return _sources[key]


def _credentials(account: str) -> Any:
    own, _ = google.auth.default(scopes=SCOPES)
    if not account:
        return own
    base = settings.BARISTA.iam_endpoint
    address = f"{checked(base)}/v1/projects/-/serviceAccounts/{account}:generateAccessToken" if base else None
    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=own,
        target_principal=account,
        target_scopes=list(SCOPES),
        lifetime=LASTS_S,
        iam_endpoint_override=address,
    )


def _ours(error: Exception, account: str) -> ClusterError:
    """In words of our own: what the library says may repeat files and answers."""
    if isinstance(error, ClusterError):
        return error
    if isinstance(error, exceptions.DefaultCredentialsError) and not isinstance(error, exceptions.MalformedError):
        return NotConfigured(
            "Workers have no identity at Google: no Workload Identity, and no credentials file that can be used."
        )
    if isinstance(error, RequestException | OSError | exceptions.TransportError) or _is_passing(error):
        return Unreachable("Google's token service does not answer.")
    if isinstance(error, exceptions.GoogleAuthError) and not isinstance(error, exceptions.MalformedError):
        if account and _says_impersonation(error):
            words = f"Google does not let Barista act as {account}{_status(error)}."
            return Unauthorized(words, reason=IMPERSONATION)
        return Unauthorized(f"Google refuses Barista's credentials{_status(error)}.")
    return Unauthorized("Google's credentials file cannot be used.")


def _is_passing(error: Exception) -> bool:
    # The metadata server's silence comes as a RefreshError made of a TransportError.
    is_retryable = isinstance(error, exceptions.GoogleAuthError) and bool(error.retryable)
    return is_retryable or isinstance(error.__cause__, exceptions.TransportError)


def _says_impersonation(error: Exception) -> bool:
    return any("impersonated" in str(part) for part in error.args)


def _status(error: Exception) -> str:
    """The answer's own code in brackets, if it has one: a word like PERMISSION_DENIED or invalid_grant."""
    for part in error.args:
        try:
            said = part if isinstance(part, dict) else json.loads(str(part))
        except ValueError:
            continue
        inner = said.get("error") if isinstance(said, dict) else None
        word = inner.get("status") if isinstance(inner, dict) else inner
        if isinstance(word, str) and word.replace("_", "").isalnum() and word.isascii():
            return f" ({word[:40]})"
    return ""
