"""From an unsuccessful answer to the exception that says what to do about it."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from typing import Any, Final

import orjson

from deployments.kube.api import (
    ClusterError,
    Conflict,
    FieldClaim,
    FieldConflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Throttled,
    Unauthorized,
    Unreachable,
)

RETRY_DEFAULT_S: Final = 5.0
RETRY_LIMIT_S: Final = 60.0

_MANAGER: Final = re.compile(r'conflict with "((?:[^"\\]|\\.)+)"')
# Answered with 500, and yet about one object: an unknown field under server-side apply, and a webhook that is away.
_OF_THE_OBJECT: Final = ("failed to create typed patch object", "failed calling webhook")
_BY_STATUS: Final[Mapping[int, type[ClusterError]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
}


def refusal(status: int, body: bytes, headers: Mapping[str, str]) -> ClusterError:
    """The exception for an answer with this status; never raises."""
    said = _status_object(body)
    message = str(said.get("message") or "") or _bare(status, body)
    reason = str(said.get("reason") or "")
    if status == 409 and (held := _held(said)):
        return FieldConflict(message, fields=held)
    if status == 429 or (status == 503 and headers.get("Retry-After")):
        return Throttled(message, status=status, retry_after_s=retry_after_s(headers.get("Retry-After")))
    if status >= 500 and any(text in message for text in _OF_THE_OBJECT):
        return Invalid(message, status=status, reason=reason)
    if status in _BY_STATUS:
        return _BY_STATUS[status](message, status=status, reason=reason)
    if 400 <= status < 500:
        return Invalid(message, status=status, reason=reason)
    return Unreachable(message, status=status, reason=reason)


def retry_after_s(value: str | None) -> float:
    """Seconds to wait, from a number or a date; 5 when unreadable, never more than 60."""
    text = (value or "").strip()
    seconds = RETRY_DEFAULT_S
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    elif text:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            seconds = RETRY_DEFAULT_S
    return min(max(seconds, 0.5), RETRY_LIMIT_S)


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _bare(status: int, body: bytes) -> str:
    """For an answer that is no Status object: a proxy's page, or nothing."""
    if body.lstrip()[:1] == b"<":
        return f"Something between Barista and the cluster answered with a web page (HTTP {status})."
    text = body[:400].decode("utf-8", "replace").strip()
    return f"The cluster answered with HTTP {status}{': ' + text if text else ''}."


def _held(said: Mapping[str, Any]) -> tuple[FieldClaim, ...]:
    causes = (said.get("details") or {}).get("causes") or []
    found = []
    for cause in causes:
        if cause.get("reason") == "FieldManagerConflict":
            manager = _MANAGER.search(str(cause.get("message") or ""))
            found.append(FieldClaim(str(cause.get("field") or ""), manager.group(1) if manager else "someone"))
    return tuple(found)
