"""Reading an answer within limits of time and size, and telling whether it is of what was asked for."""

from __future__ import annotations

import time
from typing import Any, Final

import urllib3

from deployments.kube.api import Invalid, Object, Unreachable
from deployments.kube.stream import plain_problem

ANSWER_LIMIT: Final = 128 * 1024 * 1024


def named(found: Object, name: str) -> Object:
    """The object, if it is the one that was asked for: a proxy's page must not pass for it."""
    if (found.get("metadata") or {}).get("name") != name:
        raise Unreachable("The cluster answered with another object.")
    return found


def read(response: Any, ends: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.stream(65536):
            parts.append(part)
            size += len(part)
            if size > ANSWER_LIMIT:
                response.close()
                raise Invalid(f"The cluster's answer is longer than {ANSWER_LIMIT // 1024 // 1024} MiB.")
            if time.monotonic() > ends:
                response.close()
                raise Unreachable("The cluster took too long to answer.")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        response.close()
        raise Unreachable(plain_problem(error)) from error
    return b"".join(parts)


def warnings_of(headers: Any) -> tuple[str, ...]:
    """Texts of the Warning headers, which look like: 299 - "text"."""
    found = []
    for value in headers.getlist("Warning"):
        start, end = value.find('"'), value.rfind('"')
        found.append(value[start + 1 : end].replace('\\"', '"') if 0 <= start < end else value)
    return tuple(dict.fromkeys(found))
