"""What an answer of Google's APIs that is no success means, told apart by its own reason rather than by its words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from deployments.domain.apiserver.objects import message, obj, objects, text


class Problem(StrEnum):
    """What is missing; the remedy of each is in `remedies`."""

    IDENTITY = "identity"
    IMPERSONATION = "impersonation"
    API_OFF = "api-off"
    RIGHT = "right"
    PROJECT = "project"
    CLUSTER = "cluster"
    ADDRESS = "address"
    BUSY = "busy"
    AWAY = "away"
    MALFORMED = "malformed"


_OFF = frozenset({"SERVICE_DISABLED", "API_DISABLED"})
_NO_PROJECT = frozenset({"CONSUMER_INVALID", "USER_PROJECT_DENIED", "RESOURCE_PROJECT_INVALID", "PROJECT_NOT_FOUND"})


def problem_of(status: int, answer: Mapping[str, Any]) -> tuple[Problem, str]:
    """The problem, and what Google said of it (one line, at most 600 characters, may be empty)."""
    error = obj(answer, "error")
    reasons = {text(item, "reason") for item in objects(error, "details")}
    said = message(text(error, "message"))
    if status == 401:
        return Problem.IDENTITY, said
    if status == 403:
        if reasons & _OFF:
            return Problem.API_OFF, said
        return (Problem.PROJECT if reasons & _NO_PROJECT else Problem.RIGHT), said
    if status == 404:
        # Of a project that there is, the API says which cluster it does not find.
        return (
            Problem.PROJECT if "/clusters/" not in said and "cluster" not in said.lower() else Problem.CLUSTER
        ), said
    if status == 429:
        return Problem.BUSY, said
    if status >= 500:
        return Problem.AWAY, said
    return Problem.MALFORMED, said
