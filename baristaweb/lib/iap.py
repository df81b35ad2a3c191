"""Whom Google's Identity-Aware Proxy names: its signed header, checked as Google asks for.

The plain e-mail header is never read: whoever reaches the site past the proxy could write it. Keys are kept for an
hour, and asked for again when a token names one that is unknown, at most once a minute.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
import orjson
import structlog
import urllib3

log = structlog.get_logger(__name__)

# What a session of somebody whom the proxy named holds.
SUBJECT: Final = "google_subject"
ISSUER: Final = "https://cloud.google.com/iap"
CLOCKS_DIFFER_S: Final = 30
KEEP_S: Final = 3600.0
AGAIN_S: Final = 60.0
ASK_S: Final = 3.0
LARGEST: Final = 256 * 1024


class Untrusted(Exception):
    """The header is not one that the proxy signed for this site, or that could not be checked."""


@dataclass(frozen=True, slots=True)
class Identity:
    """`subject` is the account's for good; the e-mail address may move to another."""

    subject: str
    email: str


@dataclass(slots=True)
class Keys:
    """Google's public keys by id. Threads share one."""

    url: str
    _certificates: Mapping[str, str] = field(default_factory=dict)
    _asked_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def holding(self, key_id: str) -> Mapping[str, str]:
        """The keys; what is known stays in use when Google does not answer."""
        with self._lock:
            age = time.monotonic() - self._asked_at
            if age > KEEP_S or (key_id not in self._certificates and age > AGAIN_S):
                self._asked_at = time.monotonic()
                self._certificates = self._ask() or self._certificates
            return self._certificates

    def _ask(self) -> dict[str, str]:
        try:
            answer = urllib3.request("GET", self.url, timeout=ASK_S, retries=False, preload_content=False)
            with answer:
                found = orjson.loads(answer.read(LARGEST)) if answer.status == 200 else None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            log.warning("iap_keys_away", problem=type(problem).__name__)
            return {}
        if not isinstance(found, dict):
            log.warning("iap_keys_away", problem="not a JSON object of keys")
            return {}
        return {str(name): str(pem) for name, pem in found.items()}


def identity(token: str, *, audience: str, keys: Keys) -> Identity:
    """Who the proxy says it is. Raises Untrusted with a reason for the log."""
    try:
        key_id = str(jwt.get_unverified_header(token).get("kid", ""))
        claims: Mapping[str, Any] = jwt.decode(
            token,
            keys.holding(key_id).get(key_id, ""),
            # Never what the token itself asks for.
            algorithms=["ES256"],
            audience=audience,
            issuer=ISSUER,
            leeway=CLOCKS_DIFFER_S,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as problem:
        raise Untrusted(str(problem)[:200]) from problem
    subject, email = _plain(claims.get("sub")), _plain(claims.get("email"))
    if not subject or not email:
        raise Untrusted("names nobody")
    return Identity(subject=subject, email=email.lower())


def _plain(value: object) -> str:
    """Without the namespace that some tokens carry: accounts.google.com:pat@example.com."""
    return str(value or "").rpartition(":")[2][:254]
